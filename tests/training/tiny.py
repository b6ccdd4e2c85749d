"""A training that takes milliseconds: ten images, three batches an epoch, a network with every kind of state."""

import hashlib
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from ConfigSpace import ConfigurationSpace
from torch import nn

from nas.data.images import Images, resident
from nas.spaces.space import Space
from nas.training import state
from nas.training.pieces import Piece
from nas.training.training import Training

EPOCHS = 4  # of three steps


def build(config: dict[str, Any], shape: tuple[int, int, int], classes: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(shape[0], 3, 3, padding=1), nn.BatchNorm2d(3), nn.ReLU(), nn.Dropout(0.2), nn.Flatten(),
        nn.Linear(3 * shape[1] * shape[2], classes),
    )  # fmt: skip


def images(count: int = 10) -> Images:
    drawn = torch.Generator().manual_seed(0)
    pixels = torch.randint(256, (count, 2, 4, 4), dtype=torch.uint8, generator=drawn)
    return resident("tiny", "train", ("a", "b"), pixels, torch.arange(count) % 2)


def tiny(
    recipe: Mapping[str, Any], build: Callable[..., nn.Module] = build, pieces: Mapping[str, Piece] | None = None
) -> Training:
    """Return the training by the settings of `recipe`, at its beginning."""
    space = Space("tiny", ConfigurationSpace(), build, {}, recipe={"batch_size": 4, **recipe})
    parts = {"training": Piece(images(), torch.arange(10)), "validation": Piece(images(), torch.arange(5))}
    return Training.begin(space, {}, pieces or parts, (7, "fold", 0), EPOCHS)


def run(training: Training, until: int) -> Training:
    for batch in training.batches(until):
        training.step(batch)
    return training


def digest(training: Training) -> str:
    """Return a digest of weights, optimizer, policy, losses: all that there is."""
    content, tensors = state.encoded(training.state_dict(), "state")
    found = hashlib.sha256(json.dumps(content).encode())
    for name in sorted(tensors):
        found.update(name.encode() + tensors[name].contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return found.hexdigest()


def main(folder: Path, until: int) -> None:
    """Continue every training that is kept in `folder`, in files NAME.STEP beside a NAME.json; print their digests."""
    torch.set_num_threads(1)
    found = dict[str, dict[str, str]]()
    with patch("nas.training.training.check"):  # which has been done in the process that began them
        for recipe in sorted(folder.glob("*.json")):
            found[recipe.stem] = {}
            for file in sorted(folder.glob(f"{recipe.stem}.[0-9]*")):
                training, saved = tiny(json.loads(recipe.read_text())), state.load(file, "owner")
                assert saved is not None
                training.load_state_dict(saved)
                found[recipe.stem][file.suffix[1:]] = digest(run(training, until))
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
