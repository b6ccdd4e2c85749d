"""A strategy of your own: climb from the best so far. See docs/parts.md.

python -m nas.main --strategy examples/own_strategy.py:climb --max-trials 20
"""

from itertools import count
from typing import Any

from ConfigSpace import ConfigurationSpace

import nas
from nas.core.seeds import generator
from nas.strategies.breeding.variation import Draws, mutate, sample
from nas.strategies.lab import Lab
from nas.testing import check_strategy


async def climb(lab: Lab) -> None:
    """Train a neighbour of the best until the limits end it; every fourth trial is a sample."""
    draws = Draws(lab.space, generator(lab.spec.seed, "climb"))
    best: nas.Result | None = None
    for number in count():
        config = mutate(draws, best.job.trial.config) if best and number % 4 else sample(draws)
        if lab.taken(config) or lab.cheap.broken(config):
            continue
        result = await lab.train(lab.trial(f"climb {number}", config), lab.spec.max_epochs)
        if best is None or result.score > best.score:
            best = result


def train(config: dict[str, Any], **job: Any) -> dict[str, float]:
    """Return what a real trainer would: here, how near two numbers are to 0.3."""
    return {"accuracy": 1 - abs(config["x"] - 0.3) - abs(config["y"] - 0.3)}


if __name__ == "__main__":
    check_strategy(climb)
    run = nas.search(
        ConfigurationSpace({"x": (0.0, 1.0), "y": (0.0, 1.0)}), train, strategy=climb, max_epochs=1, max_trials=60
    )
    assert run.best
    print(f"{run.best.job.trial.id}: accuracy {run.best.metrics['accuracy']:.3f}")
