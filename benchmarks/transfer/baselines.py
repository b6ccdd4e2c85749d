"""What is known without a model? Orders of the configurations, and schedules that spend epochs in that order.

A schedule is a generator of jobs (configuration, epochs in all); it is sent the best accuracy that the configuration
has had by then. What is recommended is the best that was seen, after whatever epoch: before any the first of the order.
"""

from collections.abc import Callable, Generator, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.transfer.database import Floats

Observe = Callable[[int, int], float]  # the accuracy of a configuration after an epoch, from 1 on
Recommended = NDArray[np.int64]  # configurations by epochs spent, from 0 on
Jobs = Generator[tuple[int, int], float, None]
Schedule = Callable[[Sequence[int], int], Jobs]  # of an order and the epochs of a full training
ETA = 3


def by_rank(old: Floats) -> list[int]:
    """Return the configurations by their mean rank over old tasks [T, N, E], the best first; of equals the first."""
    ranked = np.argsort(np.argsort(-old.max(axis=2), axis=1, kind="stable"), axis=1, kind="stable")
    return [int(each) for each in np.argsort(ranked.mean(axis=0), kind="stable")]


def by_accuracy(old: Floats) -> list[int]:
    """Return the configurations by their mean over old tasks [T, N, E] of accuracy, from 0 the worst to 1 the best."""
    best = old.max(axis=2)
    low, high = best.min(axis=1, keepdims=True), best.max(axis=1, keepdims=True)
    return [int(each) for each in np.argsort(-((best - low) / (high - low)).mean(axis=0), kind="stable")]


def full(order: Sequence[int], epochs: int) -> Jobs:
    """Train one configuration after the other to its end."""
    for each in order:
        yield each, epochs


def rounds(order: Sequence[int], epochs: int) -> Jobs:
    """Train all for one epoch, then all for another, and so on."""
    for until in range(1, epochs + 1):
        for each in order:
            yield each, until


def halving(order: Sequence[int], epochs: int) -> Jobs:
    """Run one bracket of successive halving, of so many that one is trained to its end (Jamieson, Talwalkar 2016)."""
    yield from _bracket(order[: ETA ** (len(rungs(epochs)) - 1)], rungs(epochs))


def hyperband(order: Sequence[int], epochs: int) -> Jobs:
    """Run the brackets of Hyperband in turn, each on the next of the order (Li et al. 2018)."""
    all_rungs, drawn = rungs(epochs), iter(_endless(order))
    while True:
        for first in range(len(all_rungs)):
            left = len(all_rungs) - first
            count = -(-len(all_rungs) * ETA ** (left - 1) // left)
            yield from _bracket([next(drawn) for _ in range(count)], all_rungs[first:])


def asha(order: Sequence[int], epochs: int) -> Jobs:
    """Promote who is in the best third of its rung, else start the next of the order (Li et al. 2020)."""
    all_rungs, fresh = rungs(epochs), iter(order)
    reached: list[dict[int, float]] = [{} for _ in all_rungs]
    while True:
        rung, config = _promoted(reached) or (0, next(fresh, None))
        if config is None:
            return
        reached[rung][config] = yield config, all_rungs[rung]


def rungs(epochs: int) -> list[int]:
    """Return the epochs of the rungs, R / eta^k from the top and rounded: of 75 epochs 1, 3, 8, 25, 75."""
    found = [epochs]
    while (lower := round(epochs / ETA ** len(found))) >= 1:
        found.insert(0, lower)
    return found


def best_seen(jobs: Jobs, first: int, observe: Observe, budget: int) -> Recommended:
    """Return what is recommended after each epoch of these jobs, up to `budget`; before the first it is `first`."""
    found, trained, best = [first], dict[int, int](), dict[int, float]()
    job = next(jobs, None)
    while job is not None and len(found) <= budget:
        config, until = job
        for epoch in range(trained.get(config, 0) + 1, until + 1):
            seen = observe(config, epoch)
            found.append(config if seen > max(best.values(), default=-np.inf) else found[-1])
            best[config] = max(seen, best.get(config, seen))
        trained[config] = max(until, trained.get(config, 0))
        job = _next(jobs, best[config])
    return np.array([*found, *[found[-1]] * (budget + 1 - len(found))][: budget + 1])


def _next(jobs: Jobs, value: float) -> tuple[int, int] | None:
    try:
        return jobs.send(value)
    except StopIteration:
        return None


def _bracket(configs: Sequence[int], of_rungs: Sequence[int]) -> Jobs:
    staying = list(configs)
    for until in of_rungs:
        values = dict[int, float]()
        for each in staying:
            values[each] = yield each, until
        staying = sorted(staying, key=lambda each: -values[each])[: max(1, len(staying) // ETA)]


def _promoted(reached: Sequence[dict[int, float]]) -> tuple[int, int] | None:
    """Return the rung and the configuration that goes on to it, from as high as there is one."""
    for rung in range(len(reached) - 2, -1, -1):
        values = reached[rung]
        for config in sorted(values, key=lambda each: -values[each])[: len(values) // ETA]:
            if config not in reached[rung + 1]:
                return rung + 1, config
    return None


def _endless(order: Sequence[int]) -> Iterator[int]:
    while True:
        yield from order
