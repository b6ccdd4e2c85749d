"""Which optimizer brought the network furthest? Curves of all, a table of all, and who survived each rung."""

import math
from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from itertools import product

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from nas.core.types import Result, Status, Value
from nas.report.facts import Table, number
from nas.report.figures import Drawing
from nas.report.style import INCUMBENT, MUTED, SERIES, canvas, label
from nas.reproduction.race import order
from nas.runs.stored import StoredRun
from nas.training.race import LOSSES, STEPS

_LABELLED = 8
_NAMED = 12  # survivors that are named
_SHOWN = 10  # rows that stand on the page at once
_LOSS = "loss"


@dataclass(frozen=True)
class Runner:
    """An optimizer at a rate: what came of it rung by rung, `fate` in words. Its `rank` is None where it failed."""

    name: str
    rank: int | None
    results: Sequence[Result]
    fate: str

    @property
    def last(self) -> Result:
        return self.results[-1]

    @property
    def loss(self) -> float | None:
        """What it is ranked by, after the last rung that it came through."""
        losses = [result.metrics[_LOSS] for result in self.results if result.status is Status.OK]
        return losses[-1] if losses else None

    @property
    def steps(self) -> int:
        """The steps that it is known to have taken."""
        return max(map(_steps, self.results), default=0)

    @property
    def seconds(self) -> float:
        return sum(result.seconds for result in self.results)

    @cached_property
    def curve(self) -> tuple[list[float], list[float]]:
        """Steps, and the training loss at each: finite ones."""
        points = dict[float, float]()
        for result in self.results:
            points |= {float(step): float(loss) for step, loss in result.details.get(LOSSES, ())}
        known = sorted((step, loss) for step, loss in points.items() if math.isfinite(loss))
        return [step for step, _ in known], [loss for _, loss in known]


def _steps(result: Result) -> int:
    return int(result.metrics.get(STEPS, result.details.get(STEPS, 0)))  # a number that `train` returns is a metric


def runners(run: StoredRun) -> list[Runner]:
    """Return those that ran, the best first, failed ones last."""
    results = dict[str, list[Result]]()
    for result in sorted(run.results, key=lambda each: each.job.stop):
        results.setdefault(result.job.trial.id, []).append(result)
    rates = {(result.config["optimizer"], result.config["learning_rate"]) for result in run.results}
    several = {optimizer for optimizer, count in Counter(optimizer for optimizer, _ in rates).items() if count > 1}
    ranked, furthest = order(run.results), max(result.epochs for result in run.results)
    return [
        Runner(
            _name(last, several), place if last.status is Status.OK else None, results[last.job.trial.id],
            _fate(last, furthest),
        )
        for place, last in enumerate(ranked, 1)
    ]  # fmt: skip


def _fate(last: Result, furthest: int) -> str:
    """Return what became of a runner, in words."""
    if last.status is Status.OK:
        return "OK" if last.epochs == furthest else "OK, stopped"
    return f"{last.status}: {last.error}"[:160] if last.error else str(last.status)


def _name(result: Result, several: Set[Value]) -> str:
    """Return how a runner is called: with its rate where its optimizer has several."""
    optimizer, policy = str(result.config["optimizer"]), str(result.config["policy"])
    if policy != "constant":
        return f"{optimizer} by {policy}"
    rate = result.config["learning_rate"]
    return f"{optimizer} at {rate:g}" if optimizer in several else optimizer


def standings(ranked: Sequence[Runner]) -> tuple[Table, Table]:
    """Return the best, and all others."""
    headings = ("optimizer", "rank", "loss", "status", "learning rate", "steps", "seconds")
    rows = tuple(
        (
            each.name, str(each.rank or ""), number(_LOSS, each.loss), each.fate,
            f"{each.last.config['learning_rate']:g}", f"{each.steps:,}" if each.steps else "", f"{each.seconds:.1f}",
        )
        for each in ranked
    )  # fmt: skip
    return Table(headings, rows[:_SHOWN]), Table(headings, rows[_SHOWN:])


def rungs(run: StoredRun, ranked: Sequence[Runner]) -> Table:
    """Return a row a rung: how many ran and failed, and who went on; no rows where there was one rung only."""
    stops = sorted({result.epochs for result in run.results})
    rows = list[tuple[str, ...]]()
    for stop, following in zip(stops, [*stops[1:], None], strict=True):
        here = {each.name: result for each, result in product(ranked, run.results) if _at(each, result, stop)}
        came = [name for name, result in here.items() if result.status is Status.OK]
        came.sort(key=lambda name: here[name].metrics[_LOSS])
        on = [each.name for each in ranked if following and any(r.epochs == following for r in each.results)]
        steps = max(map(_steps, here.values()), default=0)
        best = f"{came[0]}, {number(_LOSS, here[came[0]].metrics[_LOSS])}" if came else "none"
        rows.append(
            (
                f"{steps:,}",
                str(len(here)),
                str(len(here) - len(came)),
                best,
                str(len(on)) if following else "",
                _listed(on),
            )
        )
    headings = ("steps", "ran", "failed", "best", "went on", "who")
    return Table(headings, tuple(rows) if len(stops) > 1 else ())


def _at(runner: Runner, result: Result, stop: int) -> bool:
    return result.epochs == stop and result.job.trial.id == runner.last.job.trial.id


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def curves(ranked: Sequence[Runner]) -> Drawing | None:
    """Training loss over steps: the best in colours, the winner strongest, the others grey."""
    drawn = [each for each in ranked if each.curve[0]]
    if not drawn:
        return None
    figure = canvas(4.6)
    axes = figure.add_subplot()
    named = [each for each in drawn if each.rank and each.rank <= _LABELLED]
    for each in drawn:
        if each not in named:
            axes.plot(*each.curve, color=MUTED, linewidth=0.7, alpha=0.3, zorder=1)
    styles = product(("-", "--"), SERIES)
    for each in named:
        style, colour = ("-", INCUMBENT) if each.rank == 1 else next(styles)
        width, order = (2.6, 3) if each.rank == 1 else (1.3, 2)
        axes.plot(*each.curve, color=colour, linestyle=style, linewidth=width, zorder=order, label=label(each.name))
    if len(drawn) > len(named):
        axes.plot([], [], color=MUTED, linewidth=0.7, alpha=0.5, label="others")
    _limits(axes, named or drawn)
    axes.set(xlabel="steps", ylabel="training loss")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda step, _: f"{step:,.0f}"))
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    figure.legend(loc="outside upper center", ncols=3, fontsize=9)
    return Drawing("race", "Training loss over steps", words(ranked), figure)


def _limits(axes: Axes, shown: Sequence[Runner]) -> None:
    """Show the range of those that are named; what flies off does not press them flat."""
    losses = [loss for each in shown for loss in each.curve[1]]
    low, high = min(losses), max(losses)
    if low > 0 and high / low > 30:
        axes.set_yscale("log")
        axes.set_ylim(low / 1.2, high * 1.2)
    else:
        room = 0.05 * (high - low or 1)
        axes.set_ylim(low - room, high + room)


def words(ranked: Sequence[Runner]) -> str:
    """Return in words who is ahead and how many failed."""
    ended = [each for each in ranked if each.rank]
    failed = Counter(str(each.last.status) for each in ranked if not each.rank)
    told = ", ".join(f"{each.name} {number(_LOSS, each.loss)}" for each in ended[:3])
    best = f"The least loss at the end: {told}." if ended else "None came to its end."
    lost = ", ".join(f"{count} {status}" for status, count in failed.most_common())
    return f"{best} {failed.total()} of {len(ranked)} failed: {lost}." if failed else best
