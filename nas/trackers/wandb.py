"""How does a run get to Weights & Biases? A process of its own reads the journal and sends what it says.

`python -m nas.trackers.wandb RUN MODE PROJECT` follows a search until its standard input ends, which it does when the
search ends or dies; then it sends the rest. Nothing waits for it. The journal is the queue.
"""

import fcntl
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, cast

from nas.core.errors import InUse, UserError
from nas.core.ranking import scored
from nas.core.types import Result
from nas.engine.signals import STOPPING
from nas.runs import journal, stored
from nas.runs.disk import opened, own_folder
from nas.runs.folder import read_json, read_spec
from nas.runs.stored import StoredRun
from nas.trackers import tables
from nas.trackers.rows import Progress
from nas.trackers.tracking import Tracking, begun

PATIENCE = 600.0  # seconds that sending may take after the search has ended
_LOOK = 1.0  # seconds between looks at the journal
_SAVE = 15.0  # seconds between updates of tracking.json, and until W&B has surely written what it was given
_ROWS = 200_000  # of a table; W&B cuts it at 10,000 otherwise
_SETTINGS: dict[str, Any] = {
    "silent": True, "console": "off", "use_dot_wandb": False,
    # What is sent is what the run's folder says, not how this process and machine are.
    "disable_git": True, "disable_code": True, "save_code": False, "x_disable_stats": True, "x_disable_meta": True,
    "x_disable_machine_info": True, "x_save_requirements": False,
}  # fmt: skip


def track(directory: Path, tracking: Tracking, mode: str, over: threading.Event, patience: float) -> Tracking:
    """Send every result that `tracking` lacks, those to come until `over`, and then what the run amounts to.

    To connect may take `patience` seconds. Raises UserError, and whatever W&B raises.
    """
    spec, saved = read_spec(directory), time.monotonic()
    progress, sent, lag = Progress(spec), tracking, tracking
    try:
        with _connected(directory, tracking, mode, patience) as run:
            sent = lag = replace(tracking, where=_where(run, mode))
            sent.write(directory)
            for number, checksum, record in journal.follow(directory / "journal.jsonl", over, _LOOK):
                row = progress.after(scored(Result.from_json(record), spec))
                if number <= tracking.sent:
                    continue
                run.log(row, step=number)
                sent = replace(sent, sent=number, checksum=checksum)
                if time.monotonic() > saved + _SAVE:  # what W&B got before that is on disk by now
                    lag.write(directory)
                    lag, saved = sent, time.monotonic()
            _conclude(run, stored.open_run(directory), sent)
    finally:
        if sent is not tracking:
            sent.write(directory)
    return sent


@contextmanager
def alone(directory: Path, wait: bool) -> Iterator[None]:
    """Let no other process send this run in the block. Raises InUse where one does and `wait` is not wanted."""
    folder = own_folder(directory / "wandb")
    with os.fdopen(opened(folder / "lock", os.O_WRONLY | os.O_CREAT), "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise InUse(f"{directory} is being sent to W&B by another process: wait for it") from None
        yield


@contextmanager
def _connected(directory: Path, tracking: Tracking, mode: str, patience: float) -> Iterator[Any]:
    """Yield the W&B run, begun or gone on with; finish it after the block."""
    own = directory.resolve() / "wandb"
    os.environ.setdefault("WANDB_DATA_DIR", str(own))  # or copies of tables and files land in the home folder
    os.environ.setdefault("WANDB_CACHE_DIR", str(own / "cache"))
    os.environ["WANDB_SILENT"] = "true"  # it speaks before it knows the settings
    import wandb

    wandb.Table.MAX_ROWS = _ROWS
    known = {name: value for name, value in _SETTINGS.items() if name in wandb.Settings.model_fields}
    run = wandb.init(
        dir=str(directory), mode=cast(Literal["online", "offline"], mode), project=tracking.project,
        name=directory.resolve().name, id=tracking.id, resume="allow", config=read_json(directory / "spec.json"),
        settings=wandb.Settings(**known, init_timeout=patience),
    )  # fmt: skip
    failed = 1
    try:
        yield run
        failed = 0
    finally:
        run.finish(exit_code=failed)  # as a context manager it prints tracebacks


def _where(run: Any, mode: str) -> str:
    return str(run.url) if mode == "online" else str(Path(run.dir).parent)


def _conclude(run: Any, whole: StoredRun, sent: Tracking) -> None:
    """Send tables, plots, figures, the summary and the files."""
    import wandb

    def table(each: tables.Table) -> Any:
        return wandb.Table(columns=list(each.columns), data=each.rows, allow_mixed_types=True)

    media = {"trials": table(tables.trials(whole)), "rungs": table(tables.rungs(whole))}
    for title, points in tables.plots(whole).items():
        x, y, _ = points.columns
        media[title.replace(" ", "_")] = wandb.plot.scatter(table(points), x, y, title)
    media |= {f"figures/{path.stem}": wandb.Image(str(path)) for path in tables.figures(whole.directory)}
    report = whole.directory / "report.html"
    if report.is_file():
        media["report"] = wandb.Html(report.read_text(encoding="utf-8"))
    run.log(media, step=sent.sent)  # beside the last result: a later step belongs to the next one
    run.summary.update(tables.conclusion(whole))
    artifact = wandb.Artifact(f"search-{sent.id}", type="search")
    for path in tables.files(whole.directory):
        artifact.add_file(str(path))
    run.log_artifact(artifact)


def _follow(directory: Path, mode: str, project: str) -> int:
    """Follow a search as its child; return the exit status, its reason on standard error."""
    for number in (signal.SIGINT, signal.SIGHUP, *STOPPING):  # for the engine alone, whose end ends us
        signal.signal(number, signal.SIG_IGN)
    with suppress(OSError):
        os.nice(10)  # no core is taken from training
    over = threading.Event()

    def watch() -> None:
        while os.read(0, 1024):  # not sys.stdin, whose lock a thread must not hold when Python ends
            pass
        over.set()
        time.sleep(PATIENCE)
        os._exit(1)  # W&B hangs

    threading.Thread(target=watch, daemon=True).start()
    try:
        with alone(directory, wait=True):  # the former search's tracker may be at work still
            track(directory, begun(directory, project), mode, over, patience=86400)
    except Exception as error:
        print(told(error), file=sys.stderr, flush=True)
        os._exit(1)  # or what W&B does at the end of a process speaks last
    return 0


def told(error: Exception) -> str:
    """Return in one line what went wrong."""
    first = next(iter(str(error).strip().splitlines()), "")
    return first if isinstance(error, UserError) and first else f"{type(error).__name__}: {first}"


if __name__ == "__main__":
    sys.exit(_follow(Path(sys.argv[1]), sys.argv[2], sys.argv[3]))
