"""How is a network trained by the loop that everybody writes? Files decoded every epoch, validation after each."""

from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader, Subset

from nas.data.folds import splits
from nas.data.torchvision_compat import import_torchvision
from search_spaces import cnn


def train(folder: Path, config: dict[str, Any], epochs: int, device: str = "cpu") -> float:
    """Return the validation accuracy of the network of `config`, trained on 80 % of an image folder."""
    torchvision = import_torchvision()
    transforms = torchvision.transforms
    convert = transforms.Compose([transforms.ToTensor(), transforms.Normalize(0.5, 0.5)])
    images = torchvision.datasets.ImageFolder(folder, convert)
    ((training, validation),) = splits(torch.tensor(images.targets), 1, 0)
    batch_size = config["batch_size"]
    single = len(training) % batch_size == 1  # batch normalisation cannot take a batch of one image
    loader = DataLoader(Subset(images, training.tolist()), batch_size, shuffle=True, drop_last=single)
    judge = DataLoader(Subset(images, validation.tolist()), batch_size)
    shape = tuple(images[0][0].shape)
    model = cnn.build(config, shape, len(images.classes)).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=config["learning_rate_init"])
    loss_function, accuracy = nn.CrossEntropyLoss(), 0.0
    for _ in range(epochs):
        model.train()
        for pixels, labels in loader:
            optimizer.zero_grad()
            loss = loss_function(model(pixels.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
        accuracy = evaluate(model, judge, device)
    return accuracy


def evaluate(model: nn.Module, judge: DataLoader[Any], device: str) -> float:
    """Return the accuracy on the validation set."""
    model.eval()
    right = count = 0
    with torch.no_grad():
        for pixels, labels in judge:
            right += (model(pixels.to(device)).argmax(1).cpu() == labels).sum().item()
            count += len(labels)
    return right / count
