"""Is a run's folder what the engine wrote? Every checksum, digest and id is checked; nothing is changed unasked."""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from nas.core.described import rebuilt
from nas.core.errors import UserError
from nas.core.phases import history_of
from nas.core.ranking import scored
from nas.core.seeds import seed
from nas.core.types import Result
from nas.core.words import quoted
from nas.history.experience import FILE as EXPERIENCE
from nas.history.experience import experience
from nas.report.comparison import judged
from nas.runs import redraws, saved
from nas.runs.checkpoints import folder_of, kept, measured
from nas.runs.command import FILE as COMMAND
from nas.runs.command import remembered
from nas.runs.disk import reading
from nas.runs.folder import SPEC, check_run, history_lines, read_end, read_json, read_spec
from nas.runs.journal import Journal, read


def faults_of(directory: Path) -> Iterator[str]:
    """Yield what is wrong with the run in `directory`, each with its place. Raises UserError where no run is."""
    journal = _journal(directory)
    try:
        run_seed = read_json(directory / "spec.json").get("seed")
    except UserError as error:
        yield str(error)
        run_seed = None
    results = dict[tuple[str, int], Result]()
    for number, start, record in read(journal):
        if isinstance(record, str):
            yield record
            continue
        wrong, result = _judged(record, results, run_seed)
        if wrong:
            yield f"{journal}, line {number}, byte {start}: {wrong}"
        if result:
            results.setdefault(result.job.key, result)
    yield from _checkpoint_faults(directory / "checkpoints", results)
    yield from _history_faults(directory / "history.jsonl", results)
    for check in (_told_faults, redraws.faults_of, _experience_faults, _outcome_faults):
        yield from _checked(check(directory))
    yield from _checked(_best_faults(directory / "best.json", results))
    yield from _checked(_network_faults(directory))


def repair(directory: Path, lines: int) -> Path:
    """Cut the journal after so many lines; return the file beside it that keeps the rest. Raises InUse, UserError."""
    path = _journal(directory)
    starts = [start for _, start, _ in read(path)]
    if not 0 <= lines < len(starts):
        raise UserError(f"--repair-to {lines}: {path} has {len(starts)} lines, and those after LINE are cut off")
    with Journal(path) as journal:
        return journal.cut(starts[lines])


def _journal(directory: Path) -> Path:
    check_run(directory)
    path = directory / "journal.jsonl"
    if not os.path.lexists(path):
        raise UserError(f"{directory} is not the folder of a run: it has no journal.jsonl")
    return path


def _judged(
    record: dict[str, object], known: dict[tuple[str, int], Result], run_seed: object
) -> tuple[str, Result | None]:
    """Return what is wrong with a record, if anything, and the result it holds."""
    try:
        result = Result.from_json(record)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        return f"this is no result of a trial: {error!r}", None
    trial, (trial_id, epochs) = result.job.trial, result.job.key
    if result.job.key in known:
        return f"trial {trial_id} at {epochs} epochs is there for the second time", result
    if result.job.start and (trial_id, result.job.start) not in known:
        return f"trial {trial_id} goes on from epoch {result.job.start}, which it never reached", result
    if isinstance(run_seed, int) and trial.seed != seed(run_seed, trial_id):
        return f"trial {trial_id} has the seed {trial.seed}, not its own of this run", result
    return "", result


def _checkpoint_faults(root: Path, results: dict[tuple[str, int], Result]) -> Iterator[str]:
    """Yield the checkpoints that are not what their trial left: it would start from epoch 0, to the same outcome."""
    expected = {(folder_of(trial_id), epochs): result for (trial_id, epochs), result in results.items()}
    for folder, epochs, path in kept(root):
        result = expected.get((folder, epochs))
        if result and measured(path).digest != result.checkpoint:
            yield f"{path}: the digest is not that of trial {result.job.trial.id} at {epochs} epochs"


def _history_faults(path: Path, results: dict[tuple[str, int], Result]) -> Iterator[str]:
    """Yield what history.jsonl has that the journal has not; it may lack what came after the last orderly end."""
    known, found = {line.encode() for line in history_lines(results.values())}, 0
    if os.path.lexists(path):
        try:
            with reading(path) as file:
                for found, line in enumerate(file, 1):
                    if line not in known:
                        yield f"{path}, line {found}: the journal has no such result"
        except (OSError, UserError) as error:
            yield _told(error, path)
            return
    with suppress(UserError):  # told already
        spec, ended = read_spec(path.parent), read_end(path.parent)[1]
        if ended and ended >= max((result.elapsed for result in results.values()), default=0.0):
            due = len(history_of([scored(result, spec) for result in results.values()], spec))
            if found != due:
                again = f"nas resume {quoted(path.parent)} writes it again"
                yield f"{path}: {found} of {due} results of the journal; {again}"


def _experience_faults(directory: Path) -> Iterator[str]:
    """Yield that the learning curves of earlier tasks are not those that the run began from, if so."""
    file = directory / EXPERIENCE
    if os.path.lexists(file):
        spec = read_spec(directory)
        if experience(file, rebuilt(spec.space)).described() != spec.details.get("history"):
            yield f"{file}: these are not the learning curves that the run began from"


def _checked(faults: Iterator[str]) -> Iterator[str]:
    """Yield them, and what stands in the way of finding more."""
    try:
        yield from faults
    except (OSError, UserError) as error:
        yield _told(error)


def _told(error: Exception, path: Path | None = None) -> str:
    return f"{path} cannot be read: {error.strerror}" if path and isinstance(error, OSError) else str(error)


def _told_faults(directory: Path) -> Iterator[str]:
    """Yield what is wrong with spec.json, command.json and end.json, of which a run may lack the latter two."""
    readers = {SPEC: read_spec, COMMAND: remembered, "end.json": lambda folder: read_json(folder / "end.json")}
    for name, read_it in readers.items():
        if os.path.lexists(directory / name):
            yield from _checked(_failing(read_it, directory))


def _failing(read_it: Callable[[Path], object], directory: Path) -> Iterator[str]:
    read_it(directory)
    yield from ()


def _outcome_faults(directory: Path) -> Iterator[str]:
    """Yield what is wrong with default.json and with the tests of a comparison."""
    if os.path.lexists(directory / "default.json"):
        saved.read(directory / "default.json")
    yield from judged.faults_of(directory)


def _best_faults(path: Path, results: dict[tuple[str, int], Result]) -> Iterator[str]:
    """Yield where best.json tells of its trial what the journal does not."""
    if not os.path.lexists(path):
        return
    best = saved.read(path)
    told, trial = best.evidence, best.evidence.get("trial")
    if trial is None:  # a configuration that somebody put there, of which nothing is told
        return
    result = results.get((str(trial), told.get("epochs_trained", 0)))
    if not result or dict(best.config) != result.config or told.get("validation") != result.metrics:
        yield f"{path}: trial {trial} is another in the journal; nas resume {quoted(path.parent)} writes it again"
    spec = read_spec(path.parent)
    asked = {"seed": spec.seed, "epochs": spec.max_epochs, "image_size": spec.details.get("image_size")}
    for name, value in asked.items():
        if getattr(best, name) != value:
            again = f"nas resume {quoted(path.parent)} corrects it"
            yield f"{path}: {name} {getattr(best, name)}, but {value} in {SPEC}; {again}"


def _network_faults(directory: Path) -> Iterator[str]:
    """Yield what is wrong with the trained networks, if there are any."""
    others = [directory / "default.safetensors", *sorted(directory.glob("*.evaluated-*.safetensors"))]
    for path in filter(os.path.lexists, others):
        from nas.deploy.trained import read as read_network  # torch, for those runs only that trained with it

        yield from _checked(_failing(read_network, path))
    if (directory / "best.safetensors").exists():
        from nas.deploy.trained import find

        network, best = find(directory), saved.read(directory / "best.json")
        if best.evidence.get("test") not in (None, dict(network.description.test)):
            yield f"{directory / 'best.json'}: its test metrics are not those of best.safetensors"
