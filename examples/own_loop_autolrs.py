"""A training loop of your own, whose learning rate is found while it trains. See docs/learning-rates.md."""

import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset, random_split

from nas.training.policies.autolrs import AutoLRS

STEPS = 600


def main() -> None:
    """Train a small network on the digits of scikit-learn."""
    torch.manual_seed(0)
    pixels, labels = load_digits(return_X_y=True)
    data = TensorDataset(torch.tensor(pixels / 16, dtype=torch.float32), torch.tensor(labels))
    training, held_out, test = random_split(data, [1237, 200, 360])
    model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

    rates = AutoLRS(model, optimizer, lambda: loss(model, *held_out[:]), steps=STEPS)
    for batch in rates.batches(DataLoader(training, batch_size=64, shuffle=True)):
        optimizer.zero_grad()
        before = loss(model, *batch)
        before.backward()
        optimizer.step()
        rates.step(before)

    images, truth = test[:]
    share = (model(images).argmax(1) == truth).float().mean()
    chosen = next(each["rate"] for each in rates.tried if each["chosen"])
    print(f"{len(rates.tried)} rates tried, {chosen:.2g} chosen, {share:.1%} of the test images told right")


def loss(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """Return the mean loss of a batch."""
    return cross_entropy(model(images), labels)


if __name__ == "__main__":
    main()
