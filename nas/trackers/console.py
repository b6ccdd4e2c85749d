"""How does a search look while it runs? A line on the terminal; without one, a line at each better incumbent."""

from importlib.util import find_spec
from types import TracebackType

from rich.console import Console as Terminal
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from nas.core.types import Result, Score, Status
from nas.core.words import one_line
from nas.engine.watchers import View
from nas.trackers.tally import Tally


class Console:
    """Shows elapsed time, trials, share feasible and the incumbent on standard error. Use as a context manager."""

    def __init__(self, seconds: float | None, quiet: bool = False) -> None:
        self._terminal = Terminal(stderr=True, quiet=quiet, emoji=False)
        self._live = not quiet and (self._terminal.is_terminal or (self._terminal.is_jupyter and _has_widgets()))
        self._progress = Progress(
            TimeElapsedColumn(), BarColumn(20), TextColumn("{task.description}", markup=False), console=self._terminal
        )
        self._task = self._progress.add_task("starting", total=seconds)
        self._tally = Tally()
        self._best: tuple[int, Score] = (0, Score())
        self._incumbent = "no trial fully trained yet"

    def __call__(self, lab: View, result: Result) -> None:
        for each in [result] if self._tally.results else lab.history:  # at first also what a resumed run had before
            self._count(lab, each)
        self._progress.update(self._task, description=self._line(), completed=result.elapsed)

    def _count(self, lab: View, result: Result) -> None:
        reached = (result.epochs, result.score)
        if self._tally.add(result) and result.status is Status.OK and reached > self._best:
            self._best = reached
            self._incumbent = _describe(lab, result)
            if not self._live and result.epochs == lab.spec.max_epochs:
                self._terminal.print(
                    f"{result.elapsed:6.0f} s  {self._line()}",
                    highlight=False,
                    soft_wrap=True,
                    markup=False,
                )

    def _line(self) -> str:
        tally = self._tally
        failed = f", {tally.failed} failed" if tally.failed else ""
        again = f"; {tally.again} trained again" if tally.again else ""
        line = (
            f"{tally.trials} trials, {tally.share_feasible:.0%} of results feasible{failed}; {self._incumbent}{again}"
        )
        return one_line(line)

    def __enter__(self) -> "Console":
        if self._live:
            self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._live:
            self._progress.stop()


def watched() -> bool:
    """Return whether somebody may look on: at a terminal or in a notebook."""
    terminal = Terminal(stderr=True)
    return terminal.is_terminal or terminal.is_jupyter


def _has_widgets() -> bool:
    """Return whether a notebook can show a line that changes; without, rich only warns that it cannot."""
    return find_spec("ipywidgets") is not None


def _describe(lab: View, result: Result) -> str:
    """Return the incumbent in a few words: the objective, the constrained metrics, and how far it is trained."""
    names = dict.fromkeys([lab.spec.objective, *(c.metric for c in lab.spec.constraints)])
    values = ", ".join(f"{name} {result.metrics[name]:.4g}" for name in names if name in result.metrics)
    missed = "" if result.feasible else " (infeasible)"
    partly = "" if result.epochs == lab.spec.max_epochs else f" after {result.epochs} epochs"
    return f"incumbent {result.job.trial.id}: {values}{partly}{missed}"
