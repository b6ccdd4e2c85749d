"""DEHB: differential evolution under Hyperband. It has no constraints, so they are a penalty."""

from contextlib import suppress
from tempfile import TemporaryDirectory
from typing import Any

from dehb import DE, DEHB

from benchmarks.meter import Meter, Spent


def dehb(meter: Meter, seed: int) -> None:
    """Ask and tell, with eta 3; where there are no shorter trainings its documentation names plain DE."""
    with suppress(Spent):
        if meter.problem.min_epochs < meter.problem.lookup.max_epochs:
            _hyperband(meter, seed)
        else:
            _plain(meter, seed)


def _hyperband(meter: Meter, seed: int) -> None:
    lookup = meter.problem.lookup
    with TemporaryDirectory() as folder:
        optimizer = DEHB(
            cs=lookup.space, min_fidelity=meter.problem.min_epochs, max_fidelity=lookup.max_epochs, eta=3, n_workers=1,
            seed=seed, output_path=folder, log_level="ERROR", save_freq="end",
        )  # fmt: skip
        while True:
            job = optimizer.ask()
            epochs = round(job["fidelity"])
            loss = meter.penalised(dict(job["config"]), epochs)
            optimizer.tell(job, {"fitness": loss, "cost": epochs})


def _plain(meter: Meter, seed: int) -> None:
    """Run DE with the settings that DEHB gives it."""

    def train(config: Any) -> dict[str, float]:
        return {"fitness": meter.penalised(dict(config)), "cost": 1.0}

    de = DE(
        cs=meter.problem.lookup.space, f=train, mutation_factor=0.5, crossover_prob=0.5, strategy="rand1_bin", seed=seed
    )
    de.run(generations=10**6)
