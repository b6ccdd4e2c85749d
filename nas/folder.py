"""What lies in a run's folder? spec.json, journal.jsonl, checkpoints, history.jsonl: made, checked, read."""

import contextlib
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from nas.disk import full_disk_told, write_atomically
from nas.errors import UserError
from nas.spec import RunSpec
from nas.types import Result, canonical, readable

COMPARISON = "comparison.json"  # what makes a folder that of a comparison of runs


def open_folder(run_dir: str | Path | None, spec: RunSpec) -> Path | None:
    """Return the run's folder with its spec.json written. Raises UserError where another run lies there."""
    if run_dir is None:
        return None
    directory = Path(run_dir)
    if (directory / COMPARISON).exists():
        raise UserError(f"{directory} is a comparison: choose another name")
    _write_first(directory / "spec.json", readable(spec.to_json()))
    before, now = (json.loads(canonical(each.to_json())) for each in (read_spec(directory), spec))
    if before != now:
        raise UserError(f"{directory} holds another run, with {_difference(before, now)}: choose another name")
    return directory


def read_spec(directory: Path) -> RunSpec:
    """Return what was asked of the run in `directory`. Raises UserError where no run is."""
    file = directory / "spec.json"
    check_run(directory)
    try:
        return RunSpec.from_json(read_json(file))
    except UserError as error:
        raise UserError(str(error) if str(file) in str(error) else f"{file}: {error}") from None


def write_end(directory: Path, stopped: str, elapsed: float) -> None:
    """Write end.json: what ended the search, and how long it had taken by then, in all its parts."""
    write_atomically(directory / "end.json", readable({"stopped": stopped, "elapsed": round(elapsed, 3)}))


def read_end(directory: Path | None) -> tuple[str, float]:
    """Return what ended the search and how long it had taken; nothing and 0 where it has not ended, or was killed."""
    try:
        content = read_json(directory / "end.json") if directory and (directory / "end.json").exists() else {}
        return str(content.get("stopped", "")), float(content.get("elapsed", 0.0))
    except (UserError, TypeError, ValueError):
        return "", 0.0


def check_run(directory: Path) -> None:
    """Raise UserError where a comparison lies in `directory` and not a run, naming one of its runs."""
    if (directory / COMPARISON).exists():
        first = next(iter(sorted(path.parent for path in directory.glob("*/spec.json"))), "not one yet")
        raise UserError(f"{directory} is a comparison: give one of its runs, such as {first}")


def remember(directory: Path, command: Sequence[str]) -> None:
    """Write command.json: the words, every default filled in, by which nas resume goes on."""
    _write_first(directory / "command.json", readable({"search": list(command)}))


def remembered(directory: Path) -> list[str]:
    """Return the words that the run was begun with. Raises UserError where they are not there."""
    file = directory / "command.json"
    words = read_json(file).get("search")
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise UserError(f'{file} is not what a run writes: it lacks the words of "search"')
    return words


def _write_first(file: Path, text: str) -> None:
    """Write a file of the run unless it is there. Raises UserError where the folder cannot be made or written."""
    try:
        with full_disk_told(file):
            file.parent.mkdir(parents=True, exist_ok=True)
            if not file.exists():
                write_atomically(file, text)
    except OSError as error:
        raise UserError(f"the run folder {file.parent} cannot be written: {error.strerror}") from None


def read_json(file: Path) -> dict[str, Any]:
    """Return what a file of the run holds. Raises UserError where that is not a whole JSON object."""
    try:
        content = json.loads(file.read_text())
    except (OSError, ValueError) as error:
        raise UserError(f"{file} cannot be read ({error}): is this the folder of a run?") from None
    if not isinstance(content, dict):
        raise UserError(f"{file} is not what a run writes: it holds no JSON object")
    return content


def discard(directory: Path) -> None:
    """Remove the folder of a run that could not begin."""
    for name in ("spec.json", "command.json", "journal.jsonl", "redraws.jsonl", "end.json", "engine"):
        (directory / name).unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # it held something of the user's before
        directory.rmdir()


def history_lines(results: Iterable[Result]) -> Iterator[str]:
    """Yield what history.jsonl holds of `results` in logical order: no clocks, so equal runs give equal bytes."""
    for result in results:
        yield canonical(result.to_history()) + "\n"


def write_history(file: Path, results: Sequence[Result], news: bool) -> None:
    """Write history.jsonl, unless there is no news and it has all lines: a finished run is read back in no time."""
    if not news and file.exists():
        with file.open("rb") as lines:
            if sum(1 for _ in lines) == len(results):
                return
    write_atomically(file, history_lines(results))


def _difference(before: dict[str, Any], now: dict[str, Any]) -> str:
    """Return what differs, one level into dictionaries: "eta 2, now 3; data digits, now digits-m"."""
    changes = list[str]()
    for key in dict.fromkeys([*before, *now]):
        old, new = before.get(key), now.get(key)
        if isinstance(old, dict) and isinstance(new, dict) and key != "space":
            changes += [_difference(old, new)] if old != new else []
        elif old != new:
            changes.append(f"another {key}" if key == "space" else f"{key} {old}, now {new}")
    return "; ".join(changes)
