"""What suits the time limit and the device? Sizes where the user names none, by constants alone.

No speed is measured here, so that the same command asks for the same search on every machine.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Speed:
    """A nominal device: what training small networks reaches per CPU thread, or per GPU."""

    macs: float  # multiply-accumulates a second
    step: float  # seconds of a step besides them
    parameter: float  # seconds that a step spends updating one parameter


NOMINAL = {"cpu": Speed(2e10, 2e-3, 5e-9), "cuda": Speed(2e12, 1e-3, 5e-11)}
SHARE = 0.05  # of the time limit that the full training of one candidate may take
_FORWARD_AND_BACKWARD = 3  # a training step costs about three forward passes
FINAL_SHARE, FINAL_AT_MOST = 0.1, 600.0  # of the time limit, in seconds: kept for retraining and testing


@dataclass(frozen=True)
class Sizes:
    """How long and how many: the sizes of a search."""

    max_epochs: int
    min_epochs: int
    eta: int
    population: int
    offspring: int
    folds: int


SHORT = Sizes(max_epochs=9, min_epochs=1, eta=3, population=20, offspring=2, folds=3)
MEDIUM = Sizes(max_epochs=27, min_epochs=3, eta=3, population=30, offspring=2, folds=3)
LONG = Sizes(max_epochs=50, min_epochs=5, eta=3, population=50, offspring=2, folds=3)


def sizes(device: str, time_limit: float) -> Sizes:
    """Return what suits `time_limit` seconds; a GPU gets through in minutes what takes a CPU hours."""
    minutes = time_limit / 60 * (1 if device == "cpu" else 10)
    return SHORT if minutes <= 30 else MEDIUM if minutes <= 240 else LONG


def images_seen(images: int, epochs: int, folds: int) -> float:
    """Return how many images a training sees in all; each of several folds leaves out its share."""
    return images * epochs * (folds - 1 if folds > 1 else 1)


def training_seconds(macs: float, parameters: float, batch_size: int, seen: float, device: str, threads: int) -> float:
    """Return what training on `seen` images takes nominally: by small batches it is the steps that cost."""
    speed = NOMINAL[device]
    steps = seen / batch_size * (speed.step + parameters * speed.parameter)
    return steps + seen * macs * _FORWARD_AND_BACKWARD / (speed.macs * (threads if device == "cpu" else 1))


def max_macs(time_limit: float, seen: float, device: str, threads: int) -> int:
    """Return the most multiply-accumulates that training can do within SHARE of `time_limit` seconds, steps aside.

    Rounded down to two digits.
    """
    speed = NOMINAL[device].macs * (threads if device == "cpu" else 1)
    exact = int(SHARE * time_limit * speed / (_FORWARD_AND_BACKWARD * seen))
    unit = int("1" + "0" * max(0, len(str(exact)) - 2))
    return max(1, exact // unit * unit)


def search_seconds(time_limit: float) -> float:
    """Return how much of the limit is for searching; the rest is kept for retraining the incumbent and testing it."""
    return time_limit - min(FINAL_SHARE * time_limit, FINAL_AT_MOST)
