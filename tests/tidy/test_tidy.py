"""Every house rule holds in the whole tree, and each has been seen to fail."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

from tests.tidy.exceptions import EXCEPTIONS
from tests.tidy.rules import FILE_LINES, FUNCTION_LINES, RULES, Rule

ROOT = Path(__file__).parents[2]
FOLDERS = ("schemas", "eventlog", "services", "tests", "deploy", "docs", ".ci", ".")
TEXT = {
    ".py",
    ".md",
    ".yaml",
    ".yml",
    ".toml",
    ".txt",
    ".in",
    ".html",
    ".css",
    ".js",
    ".json",
    ".xml",
    ".properties",
    "",
}

# For each rule a file that breaks it.
BAD = {
    "a file fits a head": ("services/long.py", '"""A long file."""\n' + "x = 1\n" * FILE_LINES),
    "a function fits a screen": ("eventlog/long.py", "async def long():\n" + "    x = 1\n" * FUNCTION_LINES),
    "a name says what lives there": ("services/case_utils.py", ""),
    "a module says in one sentence what it is": ("tests/silent.py", "x = 1\n"),
    "no path of one machine": ("docs/how.md", "Look in /home/anna/spoorboek\n"),
    "no host of a package registry": ("requirements.txt", "--index-url https://mirror.example/simple\n"),
    "no error is swallowed": ("services/quiet.py", "try:\n    run()\nexcept Exception:\n    pass\n"),
    "rules read no clock": ("services/casework/case.py", "today = date.today()\n"),
    "the text is about the work": ("docs/origin.md", "This page was written as an AI would.\n"),
}


def findings(rule: Rule) -> Iterator[tuple[str, str]]:
    for path, text in tree():
        if rule.applies(path):
            yield from ((str(path), finding) for finding in rule.broken(path, text))


def tree() -> Iterator[tuple[PurePosixPath, str]]:
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).glob("*" if folder == "." else "**/*")):
            if path.is_file() and path.suffix in TEXT and "__pycache__" not in path.parts:
                yield PurePosixPath(path.relative_to(ROOT).as_posix()), path.read_text()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_the_rule_holds_everywhere(rule: Rule) -> None:
    broken = [f"{path}: {finding}" for path, finding in findings(rule) if (rule.name, path) not in EXCEPTIONS]
    assert not broken, f"{rule.name} ({rule.reason}):\n" + "\n".join(broken)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_the_rule_is_seen_to_fail(rule: Rule) -> None:
    path, text = BAD[rule.name]
    assert rule.applies(PurePosixPath(path))
    assert list(rule.broken(PurePosixPath(path), text))


def test_an_exception_is_still_needed() -> None:
    needed = {(rule.name, path) for rule in RULES for path, _ in findings(rule)}
    assert set(EXCEPTIONS) <= needed, "these exceptions are no longer needed: take them out"


def test_a_docstring_of_two_sentences_breaks_the_rule() -> None:
    rule = next(rule for rule in RULES if rule.name == "a module says in one sentence what it is")
    assert list(rule.broken(PurePosixPath("services/a.py"), '"""One thing. Another thing."""\n'))
    assert not list(rule.broken(PurePosixPath("services/a.py"), '"""One thing, e.g. this.\n\nAnd why. In full."""\n'))


def test_a_bare_except_breaks_the_rule() -> None:
    rule = next(rule for rule in RULES if rule.name == "no error is swallowed")
    assert list(rule.broken(PurePosixPath("services/a.py"), "try:\n    run()\nexcept:\n    raise\n"))
