"""What must one know of a trained network to use it? Text that goes with its weights, in whatever format."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nas.core.errors import UserError
from nas.core.plain import canonical
from nas.core.words import one_line

FORMAT = "nas-network-1"
Shape = tuple[int, int, int]


@dataclass(frozen=True)
class Description:
    """`classes` are what the outputs mean, `shape` and `centred` what images go in; the rest is where it comes from.

    `centred` pixels lie in -1 .. 1, others in 0 .. 1. `test` holds the metrics of the test part.
    """

    classes: tuple[str, ...]
    shape: Shape
    centred: bool
    config: Mapping[str, Any]
    space: str
    space_digest: str
    space_source: str
    data: str
    data_digest: str
    epochs: int
    seed: int
    test: Mapping[str, float]
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)  # of pixel values without one of their own

    def metadata(self) -> dict[str, str]:
        """Return all of it as text, partly in words: for whoever has nothing but the file."""
        channels, height, width = self.shape
        return {
            "format": FORMAT,
            "classes": canonical(self.classes),
            "input": canonical({"channels": channels, "height": height, "width": width}),
            "pixel_range": canonical([-1 if self.centred else 0, 1]),
            "preprocessing": self._preprocessing(),
            "output": "logits in the order of the classes; their softmax gives probabilities",
            "config": canonical(self.config),
            **{name: one_line(getattr(self, name)) for name in _TEXTS},  # safetensors takes but UTF-8
            "epochs": str(self.epochs),
            "seed": str(self.seed),
            "test": canonical(self.test),
            **({"ranges": canonical(self.ranges)} if self.ranges else {}),
        }

    def _preprocessing(self) -> str:
        channels, height, width = self.shape
        scale = "byte * 2 / 255 - 1" if self.centred else "byte / 255"
        ranges = "".join(f"{kind} values from {low} .. {high} to bytes; " for kind, (low, high) in self.ranges.items())
        return (
            f"{ranges}{'grey' if channels == 1 else 'RGB'}, upright by EXIF, on white where transparent; "
            f"resized and centre-cropped to {width} x {height}, "
            f"Pillow's ImageOps.fit(image, ({width}, {height}), BILINEAR); {scale}; "
            f"float32 [batch, {channels}, {height}, {width}]"
        )

    @classmethod
    def of(cls, metadata: Mapping[str, str], source: Path) -> "Description":
        """Return what `metadata` described. Raises UserError where the file `source` has another kind of it."""
        if metadata.get("format") != FORMAT:
            raise UserError(
                f"{source} is no network that nas wrote: its metadata lack the format {FORMAT}; "
                "give a run's folder, its best.safetensors, or the .onnx made of it"
            )
        try:
            classes, size, low = (json.loads(metadata[name]) for name in ("classes", "input", "pixel_range"))
            shape = (int(size["channels"]), int(size["height"]), int(size["width"]))
            if min(shape) < 1 or shape[0] not in (1, 3) or not classes or low not in ([-1, 1], [0, 1]):
                raise ValueError(f"no network takes {shape} for {classes} in {low}")
            kinds = json.loads(metadata.get("ranges", "{}")).items()
            ranges = {kind: (float(least), float(most)) for kind, (least, most) in kinds}
            if not all(least < most for least, most in ranges.values()):
                raise ValueError(f"no range of pixel values: {ranges}")
            config, test = (dict(json.loads(metadata[name])) for name in ("config", "test"))
            return cls(
                tuple(map(str, classes)), shape, low == [-1, 1], config, epochs=int(metadata["epochs"]),
                seed=int(metadata["seed"]), test={name: float(value) for name, value in test.items()},
                ranges=ranges, **{name: metadata[name] for name in _TEXTS},
            )  # fmt: skip
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise UserError(f"{source}: the description of its network is damaged: {error!r}") from None


_TEXTS = ("space", "space_digest", "space_source", "data", "data_digest")
