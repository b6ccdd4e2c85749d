"""What is a known network? How it is made, which images it wants, and where its trained weights are."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nas.spaces.known import Shape

if TYPE_CHECKING:
    from torch import Tensor, nn

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
Normalisation = tuple[tuple[float, ...], tuple[float, ...]]  # mean and deviation of each channel, of pixels in 0..1


@dataclass(frozen=True)
class Model:
    """A network by its name; `make` builds it, weights drawn anew, for the shape of an image and so many classes."""

    name: str
    make: Callable[[Shape, int], "nn.Module"]
    digest: str  # of what it is made by
    channels: int | None = None  # of the images that it takes; None: it is made for those that there are
    size: int | None = None  # pixels a side that its weights were made for
    normalisation: Normalisation | None = None  # that they were made with
    auxiliary: tuple[str, ...] = ()  # how tensors of a file begin that are only used in training elsewhere
    download: Callable[[], Mapping[str, "Tensor"]] | None = None  # returns trained weights
