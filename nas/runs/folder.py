"""What lies in a run's folder? spec.json, journal.jsonl, checkpoints, history.jsonl: made, checked, read."""

import contextlib
import json
import logging
import os
import shutil
import stat
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any

from nas.core.errors import Corrupt, StrategyFailed, UserError
from nas.core.plain import canonical, readable
from nas.core.spec import RunSpec
from nas.core.types import Result
from nas.runs.disk import full_disk_told, read_text, reading, sweep, write_atomically
from nas.runs.journal import Journal, read
from nas.runs.lock import NOTE

SPEC, JOURNAL = "spec.json", "journal.jsonl"
COMPARISON = "comparison.json"  # what makes a folder that of a comparison of runs
REPRODUCTION = "reproduction.json"  # what makes it that of a reproduction, whose phases lie in it
_LIMITS = {"max_trials", "max_total_epochs", "earlier"}  # of which a run may be given more


@contextlib.contextmanager
def begun(directory: Path | None, spec: RunSpec) -> Iterator[tuple[Journal, RunSpec]]:
    """Yield the journal of the run in `directory`, which is locked in the block, and what its spec.json asks for.

    The folder is new, empty, or that of this run, which may have had other limits; a run that could not begin leaves
    it as it was. Raises UserError for any other folder, and what `Journal` raises.
    """
    if directory is None:
        with Journal() as journal:
            yield journal, spec
        return
    made = _made(directory)
    with _locked(directory) as journal:
        sweep(directory)
        new = not (directory / SPEC).exists() and not (directory / JOURNAL).stat().st_size
        try:
            write_first(directory / SPEC, readable(spec.to_json()))
            before = read_spec(directory)
            former = not before.initial and spec.initial == (spec.default,)  # which did not train its default first
            now = replace(spec, initial=()) if former else spec
            told = _difference(*(json.loads(canonical(each.to_json())) for each in (before, now)))
            if told:
                raise UserError(f"{directory} holds another run, with {told}: choose another name")
            if before.strategy != spec.strategy:  # by its source alone
                logging.getLogger(__name__).warning("the strategy has changed since %s was begun", directory)
            yield journal, before
        except UserError as error:
            goes_on = isinstance(error, StrategyFailed)  # once that is mended
            if new and not journal.lines and not goes_on and error.exit_status == UserError.exit_status:
                _discard(directory, made)  # it was asked for what makes no sense: there is nothing to go on with
            raise


def _made(directory: Path) -> bool:
    """Make the folder, and return whether it was not there. Raises UserError where a run may not be written there."""
    try:
        with full_disk_told(directory):
            directory.parent.mkdir(parents=True, exist_ok=True)
            directory.mkdir()
            return True
    except FileExistsError:
        if not directory.is_dir():
            raise UserError(f"the run folder {directory} cannot be made: a file of that name is there") from None
    except OSError as error:
        raise UserError(f"the run folder {directory} cannot be written: {error.strerror}") from None
    if (directory / COMPARISON).exists():
        raise UserError(f"{directory} is a comparison: choose another name")
    if os.path.lexists(directory / SPEC):
        read_spec(directory)
    elif not _has_results(directory):
        check_empty(directory, (JOURNAL, NOTE))
    return False


def check_empty(directory: Path, begun: Collection[str]) -> None:
    """Raise UserError where a folder holds more than hidden files and what a start that was killed leaves."""
    for path in sorted(directory.iterdir()):
        if not path.name.startswith(".") and not (path.name in begun and _is_short_file(path)):
            raise UserError(f"{directory} holds {path.name} and is not the folder of a run: choose a new or empty one")


def _is_short_file(path: Path) -> bool:
    found = path.lstat()
    return stat.S_ISREG(found.st_mode) and (found.st_size == 0 or path.name == NOTE)


def _has_results(directory: Path) -> bool:
    """Return whether a journal with a whole first line lies there: a run that has lost its spec.json."""
    with contextlib.suppress(OSError):
        return any(isinstance(record, dict) for _, _, record in islice(read(directory / JOURNAL), 1))
    return False


def _locked(directory: Path) -> Journal:
    """Return the journal; who gave up on beginning the run here just now may have taken the folder away."""
    try:
        return Journal(directory / JOURNAL)
    except UserError:
        if directory.exists():
            raise
        directory.mkdir(parents=True, exist_ok=True)
        return Journal(directory / JOURNAL)


def read_spec(directory: Path) -> RunSpec:
    """Return what was asked of the run in `directory`. Raises UserError where no run is."""
    file = directory / "spec.json"
    check_run(directory)
    try:
        return RunSpec.from_json(read_json(file))
    except Corrupt:
        raise
    except UserError as error:
        raise UserError(str(error) if str(file) in str(error) else f"{file}: {error}") from None


def extend(directory: Path, spec: RunSpec, elapsed: float) -> None:
    """Write that the run in `directory` goes on under the limits of `spec`, after `elapsed` seconds of searching."""
    file = directory / SPEC
    began = file.stat().st_mtime  # the age of the file is that of the run
    write_atomically(file, readable(spec.to_json()))
    os.utime(file, (began, began))
    write_end(directory, "", elapsed)


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


def is_study(directory: Path) -> bool:
    """Return whether the comparison in `directory` is of optimizers and policies, not of strategies."""
    return "policies" in read_json(directory / COMPARISON)


def write_first(file: Path, text: str) -> None:
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
        content = json.loads(read_text(file))
    except Corrupt:
        raise
    except (OSError, ValueError) as error:
        raise UserError(f"{file} cannot be read ({error}): is this the folder of a run?") from None
    if not isinstance(content, dict):
        raise UserError(f"{file} is not what a run writes: it holds no JSON object")
    return content


def _discard(directory: Path, made: bool) -> None:
    """Remove what a run that could not begin has written, and its folder where it was `made` for it."""
    for name in (SPEC, "command.json", "redraws.jsonl", "experience.sqlite", "end.json", NOTE, JOURNAL):
        with contextlib.suppress(OSError):
            (directory / name).unlink(missing_ok=True)
    shutil.rmtree(directory / "checkpoints", ignore_errors=True)  # there was none when the run took the folder
    if made:
        with contextlib.suppress(OSError):  # the user has put something there
            directory.rmdir()


def history_lines(results: Iterable[Result]) -> Iterator[str]:
    """Yield what history.jsonl holds of `results` in logical order: no clocks, so equal runs give equal bytes."""
    for result in results:
        yield canonical(result.to_history()) + "\n"


def write_history(file: Path, results: Sequence[Result]) -> None:
    """Write history.jsonl, unless it is what it must be."""
    if not _holds(file, history_lines(results)):
        write_atomically(file, history_lines(results))


def _holds(file: Path, lines: Iterable[str]) -> bool:
    if not os.path.lexists(file) or file.is_symlink():
        return False
    with reading(file) as found:
        return all(line == there for line, there in zip_longest(map(str.encode, lines), found))


def _difference(before: dict[str, Any], now: dict[str, Any]) -> str:
    """Return what differs besides limits, one level into dictionaries: "eta 2, now 3; data digits, now digits-m".

    A strategy of the user's may be mended: what it draws anew is held against what it drew before.
    """
    changes, free = list[str](), _LIMITS | ({"source"} if "where" in before else set())
    for key in (key for key in dict.fromkeys([*before, *now]) if key not in free):
        old, new = before.get(key), now.get(key)
        if isinstance(old, dict) and isinstance(new, dict) and key != "space":
            changes += [_difference(old, new)] if old != new else []
        elif old != new:
            changes.append(f"another {key}" if key == "space" else f"{key} {old}, now {new}")
    return "; ".join(changes)
