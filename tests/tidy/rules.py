"""The house rules that no linter knows, each with its reason; a rule reads one file and says what is wrong in it."""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath as Path

FILE_LINES, FUNCTION_LINES = 200, 40
CODE = ("schemas", "eventlog", "services")
PURE = ("gate.py", "case.py", "case", "indicators.py", "indicators")


@dataclass(frozen=True)
class Rule:
    """`broken(path, text)` names each place that breaks the rule; `applies` says which files it reads."""

    name: str
    reason: str
    applies: Callable[[Path], bool]
    broken: Callable[[Path, str], Iterator[str]]


def is_code(path: Path) -> bool:
    return path.suffix == ".py" and path.parts[0] in CODE


def is_python(path: Path) -> bool:
    return path.suffix == ".py"


def is_pure(path: Path) -> bool:
    return path.suffix == ".py" and path.parts[0] == "services" and any(part in PURE for part in path.parts[2:])


def is_shown(path: Path) -> bool:
    return path.parts[0] != "tests"


def is_any(path: Path) -> bool:
    return path.parts[:2] != ("tests", "tidy")  # the rules and their samples name what they forbid


def long_file(_: Path, text: str) -> Iterator[str]:
    if (lines := text.count("\n")) > FILE_LINES:
        yield f"{lines} lines"


def long_function(_: Path, text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES:
                yield f"{node.name}: {lines} lines"


def empty_name(path: Path, _: str) -> Iterator[str]:
    if found := set(re.split(r"[/_.]", str(path))) & {
        "utils",
        "util",
        "common",
        "helpers",
        "helper",
        "manager",
        "misc",
    }:
        yield f"called {', '.join(sorted(found))}"


def untold(path: Path, text: str) -> Iterator[str]:
    if path.name == "__init__.py" and not text.strip():
        return
    told = ast.get_docstring(ast.parse(text)) or ""
    first = told.split("\n\n", maxsplit=1)[0]
    if not first.endswith((".", "?")) or re.search(r"[.?!]\s+[A-Z]", first):
        yield f"{first!r} (one sentence first; what more there is to say is a paragraph of its own)"


def found(pattern: str, ignore_case: bool = True) -> Callable[[Path, str], Iterator[str]]:
    """A rule over text: each line that matches breaks it."""
    compiled = re.compile(pattern, re.IGNORECASE if ignore_case else 0)

    def broken(_: Path, text: str) -> Iterator[str]:
        for number, line in enumerate(text.splitlines(), start=1):
            if match := compiled.search(line):
                yield f"line {number}: {match.group().strip()}"

    return broken


def swallowed(_: Path, text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ExceptHandler):
            everything = isinstance(node.type, ast.Name) and node.type.id in {"Exception", "BaseException"}
            silent = all(isinstance(statement, ast.Pass | ast.Continue) for statement in node.body)
            if node.type is None or (everything and silent):
                yield f"line {node.lineno}: {ast.unparse(node).splitlines()[0]}"


RULES = (
    Rule("a file fits a head", f"at most {FILE_LINES} lines, or it holds two ideas", is_code, long_file),
    Rule("a function fits a screen", f"at most {FUNCTION_LINES} lines, or it does two things", is_code, long_function),
    Rule("a name says what lives there", "everything fits in a `utils`, so nothing is found", is_any, empty_name),
    Rule("a module says in one sentence what it is", "a reader decides by it to read on", is_python, untold),
    Rule(
        "no path of one machine",
        "it works there and nowhere else",
        is_shown,
        found(r"""(^|[\s"'=(:`])/(work|root|home|tmp|farm|Users)/""", ignore_case=False),
    ),
    Rule(
        "no host of a package registry",
        "which mirror serves the packages is the environment's business",
        is_any,
        found(
            r"--(extra-)?index-url|--find-links|py[p]i\.org|python[h]osted|npm[j]s\.|repo1?\.[m]aven|deb\.[d]ebian\."
        ),
    ),
    Rule("no error is swallowed", "what nobody sees nobody mends", is_python, swallowed),
    Rule(
        "rules read no clock",
        "what was decided must be decided the same way at the next replay",
        is_pure,
        found(r"\.(now|today|utcnow)\("),
    ),
    Rule(
        "the text is about the work",
        "how it came about is not what a reader came for",
        is_any,
        found(
            r"\bas an ai\b|\blanguage model|\bLLMs?\b|\bchatbot|\bprompt (engineer|above|below)|\b(user|system) prompt"
        ),
    ),
)
