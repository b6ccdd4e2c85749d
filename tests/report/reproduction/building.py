"""Folders of reproductions, for tests of their report: real runs of the engine, trained by formulas."""

import math
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ConfigSpace import Categorical, ConfigurationSpace, Float

import nas
from nas.core.errors import Diverged
from nas.runs.reproduced import OPTIMIZERS, TUNING, Full, Phase1, Point, Reproduction
from nas.runs.saved import Saved
from nas.strategies.race import Race

ASKED = Reproduction(
    "resnet20", "examples/resnet20.py", "digits-m", 8, 0.7, "accuracy", (0, 1, 2), 60,
    Phase1("fixed", 90, (), (0.001,)), ("reproduce", "--model", "resnet20", "--target", "70"),
)  # fmt: skip
Pace = Mapping[str, float | None]  # how quickly an optimizer brings the loss down; None: it diverges


def race(directory: Path, paces: Pace, rates: Sequence[float] = (0.001,), rungs: int = 1, steps: int = 90) -> None:
    """Run phase 1: an epoch of the engine has so many steps; with a rate other than 0.01 an optimizer is slower."""

    def train(config: dict[str, Any], *, epochs: int, start: int, seed: int, checkpoint: Path) -> dict[str, Any]:
        pace, noise = paces[config["optimizer"]], random.Random(f"{config} {start}")
        if pace is None:
            raise Diverged("the loss of step 7 is nan")
        pace /= 1 + abs(math.log10(config["learning_rate"] / 0.01))
        every = max(1, (epochs - start) * steps // 90)
        curve = [
            [step, 0.2 + 2.1 * math.exp(-pace * step / steps) + noise.gauss(0, 0.04)]
            for step in range(start * steps, epochs * steps, every)
        ]
        last = [loss for _, loss in curve[-9:]]
        return {"loss": sum(last) / len(last), "steps": epochs * steps, "losses": curve}

    space = ConfigurationSpace(seed=0)
    space.add(Categorical("optimizer", [*paces]), Categorical("policy", ["constant"]))
    space.add(Categorical("learning_rate", [*rates]))
    runs = [{"optimizer": name, "policy": "constant", "learning_rate": rate} for name in paces for rate in rates]
    nas.search(
        space, train, objective="loss", maximize=False, strategy=Race(rungs=rungs), scheduler="full", initial=runs,
        max_epochs=3 ** (rungs - 1), run_dir=directory / OPTIMIZERS, details={"steps_per_epoch": steps}, verbose=False,
    )  # fmt: skip


def tune(directory: Path, trials: int = 32, works: bool = True) -> None:
    """Run phase 2: the rate decides, and those above 0.05 diverge."""

    def train(config: dict[str, Any], *, epochs: int, start: int, seed: int, checkpoint: Path) -> dict[str, Any]:
        if config["learning_rate"] > 0.05 or not works:
            raise Diverged("the loss is nan")
        height = 0.6 - 0.15 * abs(math.log10(config["learning_rate"] / 0.005)) + 0.1 * config["momentum"]
        return {"accuracy": height * (1 - math.exp(-epochs / 4))}

    space = ConfigurationSpace(seed=0)
    space.add(Float("learning_rate", (1e-4, 0.1), log=True), Float("weight_decay", (0.001, 0.05), log=True))
    space.add(Float("momentum", (0, 1)))
    details = {"recipe": {"batch_size": 100}, "versions": {"torch": "2.0"}, "device": "cpu", "threads": 1}
    nas.search(
        space, train, strategy="random", scheduler="asha", max_epochs=9, min_epochs=1, eta=3, max_trials=trials,
        run_dir=directory / TUNING, details=details, verbose=False,
    )  # fmt: skip


def full(seed: int, done: int, ended: str, epochs: int = 60, height: float = 0.72) -> Full:
    """Return a training by a step schedule: better until three quarters of its epochs, then a little worse."""
    noise, curve = random.Random(seed), list[Point]()
    for epoch in range(1, done + 1):
        jump = 0.12 * (epoch > epochs // 3) + 0.04 * (epoch > 2 * epochs // 3)
        accuracy = (height - 0.16) * (1 - math.exp(-epoch / 6)) + jump - max(0, epoch - 0.75 * epochs) / 1500
        accuracy += noise.gauss(0, 0.008 if epoch <= epochs // 3 else 0.002)
        metrics = {"loss": 1.5 - accuracy, "accuracy": accuracy}
        curve.append(Point(epoch, 90.0 * epoch, 2.3 * math.exp(-epoch / 30), 0.1 ** (1 + epoch // 21), metrics))
    best = max(curve, key=lambda point: point.metrics["accuracy"]).epoch if curve else None
    return Full(seed, epochs, done, ended, best, 90.0 * done, 1000, tuple(curve))


def keep_best(directory: Path) -> None:
    """Write best.json."""
    recipe = {"optimizer": "adamp", "batch_size": 100, "schedule": {"name": "step", "period": 30, "gamma": 0.1}}
    config = {"learning_rate": 0.0012, "weight_decay": 0.0131, "momentum": 0.7728}
    Saved(config, ASKED.space, "0123", "digits-m", 8, 60, 0, recipe=recipe).write(directory / "best.json")
