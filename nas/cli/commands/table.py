"""How do metrics look side by side? Tables for the terminal and for summary.txt."""

from collections.abc import Mapping, Sequence
from io import StringIO
from typing import Any

from rich.console import Console as Terminal
from rich.table import Table as RichTable
from rich.text import Text

from nas.core.constraints import Constraint
from nas.core.words import one_line
from nas.report.facts import Table as Texts

_ORDER = ("accuracy", "top3_accuracy", "precision", "recall", "macro_f1", "loss", "batch_precision")
_WHOLE = ("params", "macs")


class Table(RichTable):
    """A table of texts as they are: no markup in them, and nothing that steers a terminal."""

    def add_column(self, header: object = "", **settings: Any) -> None:  # type: ignore[override]
        super().add_column(Text(one_line(header)), **settings)

    def add_row(self, *cells: object, **settings: Any) -> None:
        super().add_row(*(Text(one_line(cell)) for cell in cells), **settings)


def comparison(columns: Mapping[str, Mapping[str, float]], objective: str, constraints: Sequence[Constraint]) -> Table:
    """Return a table with a row a metric: the objective and the constrained ones first, with their bounds."""
    bounds = dict[str, str]()
    for c in constraints:
        bounds[c.metric] = f"{bounds.get(c.metric, '')} {str(c).removeprefix(c.metric)}".strip()
    present = {name for metrics in columns.values() for name in metrics}
    hidden = {"batch_precision"} - {objective, *bounds}
    names = dict.fromkeys([objective, *bounds, *_ORDER, *sorted(present)])
    table = Table("metric", "bound")
    for title in columns:
        table.add_column(title, justify="right")
    for name in names:
        if name in present and name not in hidden:
            bound = "objective" if name == objective else bounds.get(name, "")
            table.add_row(name, bound, *(_number(name, metrics.get(name)) for metrics in columns.values()))
    return table


def confusion(classes: Sequence[str], matrix: Sequence[Sequence[int]]) -> Table:
    """Return how often each true class (row) was taken for each class (column); zeros are left blank."""
    table = Table("true \\ predicted", *classes, padding=(0, 0))
    for name, row in zip(classes, matrix, strict=True):
        table.add_row(name, *(str(count) if count else "" for count in row))
    return table


def for_terminal(table: Texts) -> Table:
    """Return a table of a report for the terminal."""
    found = Table(*table.headings)
    for row in table.rows:
        found.add_row(*row)
    return found


def shown(table: Table) -> str:
    """Return the table as plain text, as wide as it needs."""
    terminal = Terminal(file=StringIO(), width=400, color_system=None)
    terminal.print(table)
    assert isinstance(terminal.file, StringIO)
    return "\n".join(line.rstrip() for line in terminal.file.getvalue().splitlines())


def _number(name: str, value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if name in _WHOLE else f"{value:.4f}"
