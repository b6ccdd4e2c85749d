"""How do a run's results become a table for pandas, R or a spreadsheet? One row a result."""

import math
import unicodedata
from collections.abc import Sequence
from contextlib import suppress
from io import BytesIO, StringIO
from typing import Any

from nas.core.extra import extra
from nas.core.spec import RunSpec
from nas.core.types import Result
from nas.runs.stored import StoredRun

_FIXED = {
    "trial": "string", "repeats": "string", "epochs": "int64", "status": "string", "operator": "string",
    "parents": "string", "feasible": "bool", "violation": "float64", "seconds": "float64", "elapsed": "float64",
    "error": "string",
}  # fmt: skip


def csv(run: StoredRun) -> bytes:
    """Return the table as CSV in UTF-8, numbers with all their digits; a text that a spreadsheet would run has a '."""
    text, table = StringIO(), frame(run)
    for name in table.select_dtypes("string"):
        table[name] = table[name].map(_harmless, na_action="ignore")
    table.to_csv(text, index=False, lineterminator="\n")
    return text.getvalue().encode(errors="backslashreplace")


def _harmless(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula: with an apostrophe before it, unless it is a number."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")  # where CSV would end a line of the table
    formula = text[:1] in ("\t", "\n") or unicodedata.normalize("NFKC", text).lstrip()[:1] in tuple("=+-@|")
    with suppress(ValueError):
        formula = formula and not math.isfinite(float(text))
    return f"'{text}" if formula else text


def parquet(run: StoredRun) -> bytes:
    """Return the table as Parquet."""
    extra("pyarrow")
    content = BytesIO()
    frame(run).to_parquet(content, index=False, engine="pyarrow")
    return content.getvalue()


def frame(run: StoredRun) -> Any:
    """Return the table of a run, in logical order."""
    return frame_of(run.history, run.spec)


def frame_of(results: Sequence[Result], spec: RunSpec) -> Any:
    """Return a pandas DataFrame, a row a result: metrics are called metric.NAME, hyperparameters config.NAME.

    Inactive hyperparameters are missing values; parents are joined by spaces. A column's type follows from the space
    alone, so tables of several runs of one space fit together. Raises UserError where pandas is not installed.
    """
    pandas = extra("pandas")
    metrics = sorted({name for result in results for name in result.metrics})
    kinds = _FIXED | {f"metric.{name}": "float64" for name in metrics}
    kinds |= {f"config.{each['name']}": _kind(each) for each in spec.space["hyperparameters"]}
    rows = [_row(result) for result in results]
    columns = {name: [_as(kind, row.get(name)) for row in rows] for name, kind in kinds.items()}
    return pandas.DataFrame({name: pandas.Series(columns[name], dtype=kind) for name, kind in kinds.items()})


def _row(result: Result) -> dict[str, Any]:
    trial = result.job.trial
    return {
        "trial": trial.id, "repeats": trial.repeats or None, "epochs": result.epochs, "status": str(result.status),
        "operator": trial.operator, "parents": " ".join(trial.parents) or None, "feasible": result.feasible,
        "violation": 0.0 - result.score.feasibility, "seconds": result.seconds, "elapsed": result.elapsed,
        "error": result.error or None,
        **{f"metric.{name}": value for name, value in result.metrics.items()},
        **{f"config.{name}": value for name, value in result.config.items()},
    }  # fmt: skip


def _kind(hyperparameter: dict[str, Any]) -> str:
    """Return the type of a hyperparameter's column, one that has missing values."""
    if "lower" in hyperparameter:
        return "Int64" if "int" in hyperparameter["type"] else "float64"
    values = hyperparameter.get("choices", hyperparameter.get("sequence", [hyperparameter.get("value")]))
    types = {type(value) for value in values}
    known = {frozenset({bool}): "boolean", frozenset({int}): "Int64", frozenset({float}): "float64"}
    return known.get(frozenset(types), "float64" if types == {int, float} else "string")


def _as(kind: str, value: Any) -> Any:
    return str(value) if kind == "string" and value is not None else value
