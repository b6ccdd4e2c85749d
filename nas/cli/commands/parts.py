"""`nas parts`: which strategies, schedulers, optimizers, ... are there, and what are their parameters?"""

from argparse import Namespace
from dataclasses import Field, fields
from typing import Any

from nas.cli.commands.table import Table, shown
from nas.core import parts as known
from nas.core.errors import UserError
from nas.core.parameters import check_of, required
from nas.core.parts import PACKAGES, Part, summary
from nas.core.words import unknown

_TITLE = """# Which parts are there, and what are their parameters?

`nas parts --markdown` writes this page. [How to use them, and how to bring your own](parts.md)."""


def parts(flags: Namespace) -> int:
    """List the parts of all kinds or of one, or the parameters of one part."""
    if flags.kind and flags.kind not in PACKAGES:
        raise UserError(unknown("kind of part", flags.kind, tuple(PACKAGES)))
    kinds = [flags.kind] if flags.kind else [*PACKAGES]
    if flags.markdown:
        print(reference(kinds), end="")
    elif flags.part:
        _show(known.get(flags.kind, flags.part))
    else:
        table = Table("kind", "name", "what it is")
        for kind in kinds:
            for name in known.names(kind):
                table.add_row(kind, name, summary(known.get(kind, name)))
        print(shown(table))
        for kind in kinds:
            more = known.late(kind)
            if more:
                print(f"{len(more)} more {kind}s come with the extra [zoo]: {', '.join(more)}")
        print("nas parts KIND NAME lists the parameters of one; it is given as NAME, or as NAME:parameter=value,...")
    return 0


def _show(cls: type[Part]) -> None:
    print(f"{cls.kind} {cls.name}: {summary(cls)}")
    table = Table("parameter", "default", "what it is")
    for each in fields(cls):
        table.add_row(each.name, _default(each), _told(each))
    print(shown(table) if fields(cls) else "It has no parameters.")


def reference(kinds: list[str]) -> str:
    """Return the parts of these kinds with their parameters, as Markdown."""
    lines = [_TITLE, ""]
    for kind in kinds:
        lines += [f"## {kind.capitalize()}", ""]
        for name in known.names(kind):
            cls = known.get(kind, name)
            lines += [f"### `{name}`", "", summary(cls), ""]
            if fields(cls):
                lines += ["| parameter | default | what it is |", "|---|---|---|"]
                lines += [f"| `{each.name}` | `{_default(each)}` | {_told(each)} |" for each in fields(cls)]
                lines.append("")
        more = known.late(kind)
        if more:
            lines += [f"With the extra `[zoo]`: {', '.join(f'`{name}`' for name in more)}.", ""]
    return "\n".join(lines)


def _default(each: "Field[Any]") -> str:
    return "" if required(each) else str(each.default)


def _told(each: "Field[Any]") -> str:
    """Return its help, with the values that it may have."""
    check = check_of(each)
    bounds = [
        f"{word} {bound:g}"
        for word, bound in (
            ("at least", check.least), ("above", check.above), ("at most", check.most), ("below", check.below),
        )
        if bound is not None
    ]  # fmt: skip
    choices = [f"one of {', '.join(check.choices)}"] if check.choices else []
    return ", ".join(filter(None, [check.help, *bounds, *choices]))
