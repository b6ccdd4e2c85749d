"""Who recommends? Every method by its name: baselines that order or schedule, and models that learn from old tasks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np

from benchmarks.transfer import baselines
from benchmarks.transfer.baselines import Observe, Recommended, Schedule, best_seen
from benchmarks.transfer.believing import believed
from benchmarks.transfer.database import Floats
from benchmarks.transfer.gaussian import one_task
from benchmarks.transfer.old import Old, permuted, reordered, without_history

Recommend = Callable[[Old, Observe, int, int], Recommended]  # ..., budget in epochs, number of the repetition


@dataclass(frozen=True)
class Method:
    """`recommend` is run `repeats` times, up to `trainings` full trainings' worth of epochs."""

    recommend: Recommend
    repeats: int = 1
    trainings: int = 10
    baseline: bool = True
    missing: str = ""  # why it cannot run here


def _prior(order: Callable[[Floats], list[int]], schedule: Schedule) -> Method:
    def recommend(old: Old, observe: Observe, budget: int, repeat: int) -> Recommended:
        ordered = order(old.curves)
        return best_seen(schedule(ordered, old.epochs), ordered[0], observe, budget)

    return Method(recommend)


def _random(schedule: Schedule) -> Method:
    def recommend(old: Old, observe: Observe, budget: int, repeat: int) -> Recommended:
        drawn = [int(each) for each in np.random.default_rng(repeat).permutation(len(old.features))]
        return best_seen(schedule(drawn, old.epochs), drawn[0], observe, budget)

    return Method(recommend, repeats=20)


def _botorch() -> Method:
    def recommend(old: Old, observe: Observe, budget: int, repeat: int) -> Recommended:
        drawn = [int(each) for each in np.random.default_rng(repeat).permutation(len(old.features))]
        return best_seen(one_task(drawn, old.epochs, old.features), drawn[0], observe, budget)

    there = find_spec("botorch")
    return Method(recommend, repeats=5, missing="" if there else "botorch is not installed: pip install .[bench]")


def _model(name: str, every_epoch: bool = False, trainings: int = 5) -> Method:
    def recommend(old: Old, observe: Observe, budget: int, repeat: int) -> Recommended:
        return believed(old, observe, budget, name, every_epoch)

    return Method(recommend, trainings=trainings, baseline=False)


def _misled(name: str, seen: Callable[[Old, int], Old]) -> Method:
    """Return a model with another history. Configurations are in any order: where all is alike, the first is taken."""

    def recommend(old: Old, observe: Observe, budget: int, repeat: int) -> Recommended:
        order = np.random.default_rng(repeat).permutation(len(old.features))
        known = reordered(seen(old, repeat), order)
        found = believed(known, lambda config, epoch: observe(int(order[config]), epoch), budget, name)
        return np.asarray(order[found])

    return Method(recommend, repeats=3, trainings=5, baseline=False)


METHODS: Mapping[str, Method] = {
    "prior by rank, full": _prior(baselines.by_rank, baselines.full),
    "prior by accuracy, full": _prior(baselines.by_accuracy, baselines.full),
    "prior by rank, ASHA": _prior(baselines.by_rank, baselines.asha),
    "prior by accuracy, ASHA": _prior(baselines.by_accuracy, baselines.asha),
    "prior by rank, one-epoch rounds": _prior(baselines.by_rank, baselines.rounds),
    "prior by accuracy, one-epoch rounds": _prior(baselines.by_accuracy, baselines.rounds),
    "prior by rank, successive halving": _prior(baselines.by_rank, baselines.halving),
    "prior by accuracy, successive halving": _prior(baselines.by_accuracy, baselines.halving),
    "random, full": _random(baselines.full),
    "random, one-epoch rounds": _random(baselines.rounds),
    "successive halving": _random(baselines.halving),
    "Hyperband": _random(baselines.hyperband),
    "ASHA": _random(baselines.asha),
    "GP by BoTorch": _botorch(),
    "AT2": _model("at2", every_epoch=True, trainings=3),
    "mixture": _model("mixture"),
    "mixture, no history": _misled("mixture", without_history),
    "mixture, permuted history": _misled("mixture", permuted),
}
OURS, MISLED = "mixture", "mixture, permuted history"
