"""Who runs in the race of optimizers, over which rungs, and who has won?"""

from collections.abc import Sequence
from typing import Any

from ConfigSpace import Categorical, ConfigurationSpace

from nas.core import ranking
from nas.core.brackets import epochs
from nas.core.errors import UserError
from nas.core.parts import late, made, names, parted
from nas.core.types import Result, Status
from nas.strategies.race import Race
from nas.training.race import SETTINGS

FIXED, HALVING = "fixed", "halving"
RULES = (FIXED, HALVING)
RATE, DECAY, MOMENTUM = 0.001, 0.0001, 0.3  # of all that run by the rule `fixed`, as it was published
RATES = (1e-4, 1e-3, 1e-2, 1e-1)  # that each runs at by the rule `halving`
_AUTO, _WITH_AUTO = "autolrs", ("sgd", "adamw")  # a policy that finds the rate, and whom it is given to
_MOST_RUNGS = 4


def registry() -> tuple[str, ...]:
    """Return every optimizer that can be named, the package's of the extra zoo among them."""
    return tuple(sorted({*names("optimizer"), *late("optimizer")}))


def runners(
    rule: str, optimizers: Sequence[str], rates: Sequence[float], rate: float | None = None
) -> list[dict[str, Any]]:
    """Return the configurations that run: each optimizer at one rate, or at each of the `rates`.

    Those that find their rate run once, and by the rule `halving` so does a policy that finds one. With a `rate` that
    is given all run at that alone.
    """
    if rule == FIXED or rate is not None:
        return [_runner(optimizer, RATE if rate is None else rate) for optimizer in optimizers]
    found = [
        _runner(optimizer, rate) for optimizer in optimizers for rate in ((RATE,) if _finds_rate(optimizer) else rates)
    ]
    return found + [_runner(each, RATE, _AUTO) for each in _WITH_AUTO if each in optimizers]


def _runner(optimizer: str, rate: float, policy: str = "constant") -> dict[str, Any]:
    return dict(zip(SETTINGS, (optimizer, policy, rate), strict=True))


def _finds_rate(optimizer: str) -> bool:
    """Return whether it learns its rate. One that is not there fails in the race, where it is told."""
    try:
        return bool(made("optimizer", parted(optimizer)).finds_rate)
    except UserError:
        return False


def race(rule: str, count: int, steps: int, each: int) -> tuple[Race, int]:
    """Return the race of `count` runners, and the steps of its epochs.

    All runs together have no more steps than `each` of the optimizers would have by the rule `fixed`: `steps`. Raises
    UserError where that is less than a step for every runner.
    """
    if rule == FIXED:
        return Race(), steps
    planned = Race(rungs=next(rungs for rungs in range(_MOST_RUNGS, 0, -1) if rungs == 1 or count > 3 ** (rungs - 1)))
    shortest = steps * each // epochs(planned.bracket(count))
    if not shortest:
        raise UserError(f"--steps {steps} are too few for {count} runners: there is less than one for each")
    return planned, shortest


def space_of(runs: Sequence[dict[str, Any]]) -> ConfigurationSpace:
    """Return a space that the runners lie in; in it lie more."""
    space = ConfigurationSpace()
    for setting in SETTINGS:
        space.add(Categorical(setting, [*dict.fromkeys(run[setting] for run in runs)]))
    return space


def order(results: Sequence[Result]) -> list[Result]:
    """Return the last result of each runner: those that came furthest first, by their loss; failed ones last."""
    last = {result.job.trial.id: result for result in sorted(results, key=lambda each: each.job.stop)}
    ended = [result for result in last.values() if result.status is Status.OK]
    furthest = sorted({result.epochs for result in ended}, reverse=True)
    ranked = [each for epoch in furthest for each in ranking.best([r for r in ended if r.epochs == epoch], len(ended))]
    return ranked + [result for result in last.values() if result.status is not Status.OK]


def winner(results: Sequence[Result]) -> Result | None:
    """Return the one with the least loss among those that came furthest; None where all have failed."""
    first = next(iter(order(results)), None)
    return first if first and first.status is Status.OK else None
