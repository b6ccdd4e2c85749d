"""How is a word told to people? The known one that it resembles, quoted for a shell, in one line."""

import shlex
from collections.abc import Sequence
from pathlib import Path


def unknown(what: str, word: str, known: Sequence[str]) -> str:
    """Return that `word` is no `what`, with the known one that was probably meant, or all of them."""
    meant = nearest(word, known)
    told = f"did you mean {meant}?" if meant else f"choose one of {', '.join(known)}"
    return f"unknown {what} {word!r}: {told}"


def nearest(word: str, known: Sequence[str]) -> str:
    """Return the known word that `word` was probably meant to be, or nothing."""
    from difflib import get_close_matches  # here, for `--help` to stay quick

    small = {each.lower(): each for each in known}
    part = word.lower()
    near = get_close_matches(part, small, 1) or [each for each in small if part.strip("-") and part in each]
    return small[near[0]] if near else ""


def quoted(path: str | Path) -> str:
    """Return a path as it can be pasted into a shell: no space, quote or leading dash is misread."""
    text = str(path)
    return shlex.quote(f"./{text}" if text.startswith("-") else text)


def one_line(text: object) -> str:
    """Return `text` with line ends, control characters and bytes that are not UTF-8 written as escapes."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in str(text))
