"""Which values may a flag have? Each is read by a function that tells what is wrong in one line."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from nas.core import parts
from nas.core.errors import UserError
from nas.core.units import count
from nas.core.words import unknown
from nas.spaces.name import canonical

Parsed = TypeVar("Parsed")


def value(parse: Callable[[str], Parsed]) -> Callable[[str], Parsed]:
    """Return `parse` with its UserError told as argparse tells them."""

    def parsed(text: str) -> Parsed:
        try:
            return parse(text)
        except UserError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return parsed


def count_or(*words: str) -> Callable[[str], int | str]:
    """Return what reads a whole number, or one of `words`."""
    return lambda text: text if text in words else value(count)(text)


def choice(what: str, known: Sequence[str]) -> Callable[[str], str]:
    """Return what reads one of the `known` words, and names the one that was meant."""

    def chosen(text: str) -> str:
        if text not in known:
            raise UserError(unknown(what, text, known))
        return text

    return value(chosen)


def choices(known: Sequence[str]) -> str:
    """Return how help shows them."""
    return f"{{{','.join(known)}}}"


def is_data(text: str) -> bool:
    """Return whether `text` is the name of a data set or a folder that is there."""
    return _is_named(text) or Path(text).is_dir()


def _is_named(text: str) -> bool:
    return text in parts.names("data")


@value
def word(text: str) -> str:
    """Return `text`, which may not be empty: it is when a variable of the shell was never set."""
    if not text:
        raise UserError("it is empty: give a value, or leave the flag out")
    return text


@value
def path(text: str) -> Path:
    """Return `text` as a path."""
    return Path(word(text))


@value
def data(text: str) -> str:
    """Return a data set by its name, or the absolute path of a folder: a run may go on from anywhere."""
    return str(Path(text).absolute()) if not _is_named(word(text)) and Path(text).is_dir() else text


@value
def space(text: str) -> str:
    """Return a space or model by its name, with paths that are absolute."""
    return canonical(word(text))


@value
def history(text: str) -> str:
    """Return the absolute path of a history: a run may go on from anywhere."""
    return str(Path(word(text)).absolute())


@value
def plain_name(text: str) -> str:
    """Return `text` as the name of a folder."""
    if not text or text == ".." or Path(text).name != text or any(ord(char) < 32 or char == "\x7f" for char in text):
        raise UserError(f"{text!r} is no plain name: the folder above it is --run-dir")
    return text


def add_choice(group: Any, flag: str, what: str, known: Sequence[str], **how: Any) -> None:
    """Add a flag whose value is one of the `known` words."""
    group.add_argument(flag, type=choice(what, known), metavar=choices(known), **how)
