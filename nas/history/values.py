"""What does a history remember? Tasks, and how configurations trained on them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from nas.core.types import Config


@dataclass(frozen=True)
class Task:
    """What is known of a task besides its curves. None, nothing and an empty text: not known."""

    name: str
    images: int | None = None  # as the source counts them; our own runs those of training
    classes: int | None = None
    channels: int | None = None
    size: tuple[int, int] | None = None  # height and width, in pixels
    per_class: tuple[int, ...] = ()  # images of each class
    family: str = ""  # tasks of one family are parts of one data set
    digest: str = ""  # of its data

    def __post_init__(self) -> None:
        """A task without a family is its own."""
        if not self.family:
            object.__setattr__(self, "family", self.name)


@dataclass(frozen=True)
class Curve:
    """How one configuration trained on one task with one seed."""

    task: str
    config: Config
    seed: int
    points: Mapping[int, Mapping[str, float]]  # metrics of validation by epoch, from 1, rising
    cheap: Mapping[str, float] = field(default_factory=dict)  # what is known before training
    seconds: Mapping[int, float] = field(default_factory=dict)  # of training in all until the end of an epoch
    full_epochs: int = 0  # of the training that it was part of; 0: not known
    setting: str = ""  # digest of what else decided the training: another optimizer gives another curve


@dataclass(frozen=True)
class Added:
    """What became of the curves that were given."""

    new: int = 0
    longer: int = 0  # known, and now at more epochs or in more metrics
    known: int = 0
