"""Is a run's folder what the engine wrote? Every checksum, digest and id is checked; nothing is changed unasked."""

from collections.abc import Iterator
from pathlib import Path

from nas.checkpoints import measured
from nas.errors import UserError
from nas.folder import check_run, history_lines, read_json
from nas.journal import Journal, read
from nas.seeds import seed
from nas.types import Result


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
    yield from _network_faults(directory)


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
    if not path.exists():
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
    for path in sorted(root.iterdir()) if root.exists() else ():
        trial_id, _, epochs = path.name.rpartition("@")
        result = results.get((trial_id, int(epochs))) if epochs.isdecimal() else None
        if result and measured(path).digest != result.checkpoint:
            yield f"{path}: the digest is not that of trial {trial_id} at {epochs} epochs"


def _history_faults(path: Path, results: dict[tuple[str, int], Result]) -> Iterator[str]:
    """Yield what history.jsonl has that the journal has not; it may lack what came after the last orderly end."""
    if not path.exists():
        return
    known = set(history_lines(results.values()))
    with path.open(errors="replace", newline="\n") as file:
        for number, line in enumerate(file, 1):
            if line not in known:
                yield f"{path}, line {number}: the journal has no such result"


def _network_faults(directory: Path) -> Iterator[str]:
    """Yield what is wrong with the trained network, if there is one."""
    if (directory / "best.safetensors").exists():
        from nas.trained import find  # torch, for those runs only that trained with it

        try:
            find(directory)
        except UserError as error:
            yield str(error)
