"""What lies in the folder of a reproduction? What was asked, and how each full training has gone so far."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from nas.core.errors import Corrupt, UserError
from nas.core.numbers import number, one_of, whole
from nas.core.plain import readable
from nas.runs.disk import write_atomically
from nas.runs.folder import REPRODUCTION, read_json

FORMAT = "nas-reproduction-1"
OPTIMIZERS, TUNING, TRAINING = "optimizers", "tuning", "training"  # the folders of its phases
RULES = ("fixed", "halving", "given")  # by which the optimizer is found
ENDS = ("epochs", "target", "diverged", "time", "interrupted", "")  # of a full training; nothing while it goes on


@dataclass(frozen=True)
class Phase1:
    """How the optimizer is found: each of the `optimizers` at each of the `rates` for `steps`, or it is given."""

    rule: str
    steps: int
    optimizers: tuple[str, ...]
    rates: tuple[float, ...]

    def __post_init__(self) -> None:
        """Raise UserError for a rule that is not known."""
        one_of("rule", self.rule, RULES)


@dataclass(frozen=True)
class Reproduction:
    """What was asked. `target` is in the unit of `metric`: a share is one, not percent.

    `asked` is the command line as values, and `words` all of it.
    """

    model: str
    space: str
    data: str
    image_size: int | None
    target: float
    metric: str
    seeds: tuple[int, ...]
    epochs: int
    phase1: Phase1
    words: tuple[str, ...] = ()
    asked: Mapping[str, Any] = field(default_factory=dict)

    def save(self, directory: Path) -> None:
        """Write it to its folder, replacing an old file whole."""
        write_atomically(directory / REPRODUCTION, readable({"format": FORMAT, **asdict(self)}))

    @classmethod
    def read(cls, directory: Path) -> "Reproduction":
        """Return what was asked in `directory`. Raises UserError where no reproduction is, or something else."""
        file = directory / REPRODUCTION
        content = read_json(file)
        if content.get("format") != FORMAT:
            raise UserError(f'{file} is not what a reproduction writes: it lacks "format": "{FORMAT}"')
        with _told(file):
            phase1, size = dict(content["phase1"]), content["image_size"]
            rates = (number("a rate", rate) for rate in phase1["rates"])
            return cls(
                **{name: _text(name, content[name]) for name in ("model", "space", "data", "metric")},
                image_size=None if size is None else whole("image_size", size, 1),
                target=number("target", content["target"]),
                seeds=tuple(whole("a seed", seed) for seed in content["seeds"]),
                epochs=whole("epochs", content["epochs"], 1),
                phase1=Phase1(
                    phase1["rule"], whole("steps", phase1["steps"], 0), _texts(phase1["optimizers"]), tuple(rates)
                ),
                words=_texts(content["words"]),
                asked=dict(content["asked"]),
            )


@dataclass(frozen=True)
class Point:
    """A full training after an epoch. `seconds` are those since it began, `rate` the learning rate in the epoch.

    `metrics` are of the images that judge it, the loss among them.
    """

    epoch: int
    seconds: float
    train_loss: float
    rate: float
    metrics: Mapping[str, float]

    def to_json(self) -> dict[str, Any]:
        """Return the flat form that the file has."""
        own = {name: getattr(self, name) for name in _OWN}
        return own | dict(self.metrics)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Point":
        """Return what `to_json` described. Raises KeyError, TypeError or ValueError for anything else."""
        seconds, train_loss, rate = (float(data[name]) for name in _OWN[1:])
        metrics = {name: float(value) for name, value in data.items() if name not in _OWN}
        return cls(whole("epoch", data["epoch"], 1), seconds, train_loss, rate, metrics)


_OWN = ("epoch", "seconds", "train_loss", "rate")


@dataclass(frozen=True)
class Full:
    """The full training by one seed, `done` of its `epochs`.

    `ended` is one of ENDS, `best` the epoch with the best metric, None before the first. `seconds` are those of all
    its parts, `images` those of an epoch. `of` is a digest of what is trained.
    """

    seed: int
    epochs: int
    done: int
    ended: str
    best: int | None
    seconds: float
    images: int
    curve: tuple[Point, ...] = ()
    of: str = ""

    def __post_init__(self) -> None:
        """Raise UserError where it contradicts itself."""
        one_of("ended", self.ended, ENDS)
        epochs = [point.epoch for point in self.curve]
        if epochs != sorted({*epochs}):
            raise UserError(f"the epochs of the curve are {epochs}, but must rise")
        if self.best is not None and self.best not in epochs:
            raise UserError(f"best is epoch {self.best}, which the curve does not have")

    @property
    def at_best(self) -> Point | None:
        """The point of the best epoch."""
        return next((point for point in self.curve if point.epoch == self.best), None)

    def write(self, directory: Path) -> None:
        """Write it to the folder of the reproduction, replacing an old file whole."""
        file = path_of(directory, self.seed)
        file.parent.mkdir(exist_ok=True)
        content = {name: getattr(self, name) for name in self.__dataclass_fields__}
        write_atomically(file, readable(content | {"curve": [point.to_json() for point in self.curve]}))

    @classmethod
    def read(cls, directory: Path, seed: int) -> "Full | None":
        """Return that of a seed; None where it has not begun. Raises UserError where the file is something else."""
        file = path_of(directory, seed)
        if not file.exists():
            return None
        content = read_json(file)
        with _told(file):
            best = content["best"]
            return cls(
                seed=whole("seed", content["seed"]),
                epochs=whole("epochs", content["epochs"], 1),
                done=whole("done", content["done"], 0),
                ended=content["ended"],
                best=None if best is None else whole("best", best, 1),
                seconds=number("seconds", content["seconds"]),
                images=whole("images", content["images"], 0),
                curve=tuple(map(Point.from_json, content["curve"])),
                of=_text("of", content.get("of", "")),
            )


def path_of(directory: Path, seed: int) -> Path:
    """Return the file of the full training by a seed."""
    return directory / TRAINING / f"seed{seed}.json"


@contextmanager
def _told(file: Path) -> Iterator[None]:
    """Raise UserError, naming the file, for what in the block is not as it must be."""
    try:
        yield
    except Corrupt:
        raise
    except KeyError as error:
        raise UserError(f"{file} is not what a reproduction writes: {error} is missing") from None
    except (TypeError, ValueError, AttributeError) as error:
        raise UserError(f"{file} is not what a reproduction writes: {error}") from None


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name} is {value!r}, but must be a text")
    return value


def _texts(values: object) -> tuple[str, ...]:
    if not isinstance(values, list):
        raise TypeError(f"{values!r} is no list of texts")
    return tuple(_text("a word", value) for value in values)
