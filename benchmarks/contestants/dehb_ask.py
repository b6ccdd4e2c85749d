"""DEHB: differential evolution under Hyperband. It has no constraints, so they are a penalty."""

from contextlib import suppress
from tempfile import TemporaryDirectory

from dehb import DEHB

from benchmarks.meter import Meter, Spent


def dehb(meter: Meter, seed: int) -> None:
    """Ask and tell, with eta 3."""
    lookup = meter.problem.lookup
    with TemporaryDirectory() as folder, suppress(Spent):
        optimizer = DEHB(
            cs=lookup.space, min_fidelity=meter.problem.min_epochs, max_fidelity=lookup.max_epochs, eta=3, n_workers=1,
            seed=seed, output_path=folder, log_level="ERROR", save_freq="end",
        )  # fmt: skip
        while True:
            job = optimizer.ask()
            epochs = round(job["fidelity"])
            loss = meter.penalised(dict(job["config"]), epochs)
            optimizer.tell(job, {"fitness": loss, "cost": epochs})
