"""A training loop of your own whose optimizer learns its rate. See docs/hyperoptimizers.md."""

import torch
from torch import nn
from torch.nn import functional

from nas.data import load
from nas.training.optimizers.hyper import Adam


def main() -> None:
    """Train a network on digits from a rate that is far too small; print what became of it."""
    torch.manual_seed(0)
    images = load("digits", "train")
    assert images.pixels is not None
    pixels, labels = images.pixels.flatten(1) / 255, images.labels
    model = nn.Sequential(nn.Linear(64, 128), nn.Tanh(), nn.Linear(128, 10))
    optimizer = Adam(model.parameters(), lr=1e-5)
    for _ in range(5):
        for batch in torch.randperm(len(labels)).split(64):
            optimizer.zero_grad()
            functional.cross_entropy(model(pixels[batch]), labels[batch]).backward()
            optimizer.step()
    (learned,) = optimizer.hyperparameters()
    right = (model(pixels).argmax(1) == labels).float().mean().item()
    print(f"rate 1e-05 became {learned['rate']:.2g}; {right:.1%} of the training images are right")


if __name__ == "__main__":
    main()
