"""Does every link of the pages lead somewhere, does every command in them exist, and is README short?"""

import ast
import re
import shlex
from collections.abc import Iterator
from contextlib import redirect_stdout
from functools import cache
from io import StringIO
from pathlib import Path
from urllib.parse import unquote

import pytest

from nas.cli.commands.parts import reference
from nas.core.parts import PACKAGES
from nas.main import main

ROOT = Path(__file__).resolve().parents[1]
LONGEST = 220  # lines of README
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "runs/README.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^()\s]+)\)")
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def links(text: str) -> Iterator[str]:
    """Yield where the links and pictures of a page lead, code aside."""
    yield from LINK.findall(re.sub(r"`[^`\n]*`", "``", FENCE.sub("", text)))


def anchors(text: str) -> set[str]:
    """Return the anchors that GitHub gives the headings of a page; of equal ones the later have a number."""
    found = dict[str, int]()
    for heading in re.findall(r"^#+ +(.+)$", FENCE.sub("", text), re.MULTILINE):
        plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
        anchor = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        found[anchor] = found.get(anchor, -1) + 1
    return {f"{anchor}-{n}" if n else anchor for anchor, count in found.items() for n in range(count + 1)}


def faults(page: Path) -> Iterator[str]:
    """Yield the links of a page that lead nowhere, or out of the repository."""
    for link in links(page.read_text("utf-8")):
        if re.match(r"[a-z]+:", link):
            continue
        place, _, anchor = unquote(link).partition("#")
        target = (page.parent / place).resolve() if place else page
        if not target.is_relative_to(ROOT) or not target.exists():
            yield f"{link}: no such file"
        elif anchor and anchor not in anchors(target.read_text("utf-8")):
            yield f"{link}: no such heading"


def commands(page: Path) -> Iterator[list[str]]:
    """Yield the words of every command in the shell blocks of a page, from the one after `nas.main` on."""
    for language, code in FENCE.findall(page.read_text("utf-8")):
        if language == "sh":
            for line in code.replace("\\\n", " ").splitlines():
                words = shlex.split(line, comments=True)
                if "nas.main" in words:
                    yield words[words.index("nas.main") + 1 :]


@cache
def flags_of(command: str) -> frozenset[str]:
    """Return the flags that the help of a command names."""
    with redirect_stdout(StringIO()) as shown, pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    return frozenset(re.findall(r"--[a-z][a-z-]*", shown.getvalue()))


@each_page
def test_every_link_leads_somewhere(page: Path) -> None:
    assert list(faults(page)) == []


def test_a_link_into_the_void_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.ROOT", tmp_path)
    (tmp_path / "other.md").write_text("# Two `words`, here\n```sh\n# no heading\n```\n# A\n## A\n")
    page = tmp_path / "page.md"
    page.write_text(
        "[a](other.md#two-words-here) ![b](gone.svg) [c](other.md#no-heading) [d](../x) [e](other.md#a-1)\n"
        "`[f](code.md)` [g](#nowhere) [h](https://example.org)"
    )
    assert list(faults(page)) == [
        "gone.svg: no such file",
        "other.md#no-heading: no such heading",
        "../x: no such file",
        "#nowhere: no such heading",
    ]


@each_page
def test_every_command_has_the_flags_that_it_is_shown_with(page: Path) -> None:
    for words in commands(page):
        command = words[0] if words and not words[0].startswith("-") else "search"
        known = flags_of(command) | (flags_of("search") if command == "compare" else frozenset())
        shown = {word.partition("=")[0] for word in words if word.startswith("--")}
        assert shown <= known, shlex.join(words)


@each_page
def test_python_in_a_page_is_python(page: Path) -> None:
    for language, code in FENCE.findall(page.read_text("utf-8")):
        if language == "python":
            ast.parse(code)


def test_the_index_has_every_page() -> None:
    index = set(links((ROOT / "docs/README.md").read_text("utf-8")))
    pages = {path.name for path in (ROOT / "docs").glob("*.md")} - {"README.md"}
    assert pages - index == set()


def test_readme_is_read_at_one_sitting() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= LONGEST


def test_the_reference_is_what_the_parts_say() -> None:
    assert (ROOT / "docs/reference.md").read_text() == reference([*PACKAGES]), "run nas parts --markdown"
