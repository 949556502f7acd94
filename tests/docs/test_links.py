"""No document points to what is not there: every relative link is followed, to its file, its heading and its name.

A name is the text of a link, or stands before it: `name` in [file](file).
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SKIPPED = {".venv", ".git", "data", "build", "node_modules", ".pytest_cache", ".hypothesis"}
LINK = re.compile(r"(?:(`\w+`)\s+in\s+)?(?<!\\)\[([^\]]*)\]\(([^)\s]+)\)")
CODE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|/|//", re.IGNORECASE)
NAME = re.compile(r"`([A-Za-z_][A-Za-z0-9_]*\.)?([A-Za-z_][A-Za-z0-9_]*)`")
NAMING = {".py", ".yaml"}


def documents() -> list[Path]:
    return sorted(path for path in ROOT.rglob("*.md") if not SKIPPED & set(path.relative_to(ROOT).parts))


def dead_links(document: Path) -> Iterator[str]:
    """Each link of `document` that leads nowhere, and why."""
    for before, said, target in LINK.findall(CODE.sub("", document.read_text(encoding="utf-8"))):
        if ELSEWHERE.match(target):
            continue
        file, _, heading = target.partition("#")
        path = document.parent / file if file else document
        if not path.exists():
            yield f"{target}: no such file"
        elif heading and heading not in headings(path):
            yield f"{target}: no such heading"
        elif path.suffix in NAMING:
            names = filter(None, map(NAME.fullmatch, (before, said)))
            yield from (f"{target}: the file has no {name[2]}" for name in names if not has_name(path, name))


def has_name(path: Path, name: re.Match[str]) -> bool:
    """Whether the name a link says stands in its file; a link may also say the file's own name."""
    return name[0] == f"`{path.name}`" or re.search(rf"\b{name[2]}\b", path.read_text(encoding="utf-8")) is not None


def headings(document: Path) -> set[str]:
    """The anchors of a document, as the usual viewers make them."""
    found = re.findall(r"^#+ (.+)$", CODE.sub("", document.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in found}


def test_the_documents_are_found() -> None:
    names = {path.relative_to(ROOT).as_posix() for path in documents()}
    assert {"README.md", "CONTRIBUTING.md", "docs/journey.md", "docs/glossary.md", "schemas/README.md"} <= names


@pytest.mark.parametrize("document", documents(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_relative_link_leads_somewhere(document: Path) -> None:
    assert not list(dead_links(document))


@pytest.mark.parametrize(
    ("link", "found"),
    [
        ("[there](there.md)", None),
        ("[there](there.md#a-heading)", None),
        ("[here](#the-sample)", None),
        ("[`rule`](rule.py)", None),
        ("[`rule.py`](rule.py)", None),
        ("[elsewhere](https://example.org/gone.md)", None),
        ("```sh\n[in code](gone.md)\n```", None),
        ("[gone](gone.md)", "gone.md: no such file"),
        ("[gone](folder/)", "folder/: no such file"),
        ("[gone](there.md#another-heading)", "there.md#another-heading: no such heading"),
        ("[`rules`](rule.py)", "rule.py: the file has no rules"),
        ("`rule` in\n[the file](rule.py)", None),
        ("`rules` in\n[the file](rule.py)", "rule.py: the file has no rules"),
    ],
)
def test_a_dead_link_is_seen_and_a_good_one_is_not(link: str, found: str | None, tmp_path: Path) -> None:
    (tmp_path / "there.md").write_text("# A heading\n")
    (tmp_path / "rule.py").write_text("def rule() -> None: ...\n")
    sample = tmp_path / "sample.md"
    sample.write_text(f"# The sample\n\n{link}\n")
    assert list(dead_links(sample)) == ([found] if found else [])
