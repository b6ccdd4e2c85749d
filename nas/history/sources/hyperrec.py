"""What does HyperRec give? 100 configurations of ResNets on 27 image classification tasks, 75 epochs, two seeds."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nas.history.sources.found import Found
from nas.history.sources.published import Database, Row, curves, read
from nas.history.values import Task

# Images and classes of each task, as the repository's README counts them; images are those of all three parts.
_TASKS = {
    "ACTION40": (9532, 40), "AWA2": (37322, 50), "BOOKCOVER30": (57000, 30), "CALTECH256": (30607, 257),
    "CARS196": (16185, 196), "CIFAR10": (60000, 10), "CIFAR100": (60000, 100), "CUB200": (11788, 200),
    "FLOWER102": (8189, 102), "FOOD101": (101000, 101), "IMAGENET64SUB1": (128112, 1000),
    "IMAGENET64SUB2": (128112, 1000), "IMAGENET64SUB3": (128112, 1000), "IP102": (75222, 102), "ISR": (15620, 67),
    "OIPETS": (7349, 37), "PLACE365SUB1": (91987, 365), "PLACE365SUB2": (91987, 365), "PLACE365SUB3": (91987, 365),
    "PLANT39": (61486, 39), "RESISC45": (31500, 45), "SCENE15": (4485, 15), "SDD": (20580, 120),
    "SOP": (120053, 12), "SUN397SUB1": (9925, 397), "SUN397SUB2": (9925, 397), "SUN397SUB3": (9925, 397),
}  # fmt: skip
_FAMILIES = ("IMAGENET64", "PLACE365", "SUN397")  # of which three tasks each are parts
_SAME = ("model", "optimizer", "scheduler")
_SCHEDULER = ("step_size", "gamma", "max_lr", "step_size_up", "eta_min")
_COLUMNS = (
    "batch_size", *_SAME, "lr", "weight_decay", "adam_beta0", "adam_beta1", "sgd_momentum", *_SCHEDULER,
    "t_0", "t_mult",
)  # fmt: skip


def _flat(config: Mapping[str, Any]) -> Row:
    """Return a nested configuration by the names of the columns."""
    optimizer, scheduler = config["optimizer_param"], config["scheduler_param"]
    betas = optimizer.get("betas", (None, None))
    return {
        **{name: config[name] for name in _SAME},
        "batch_size": config["batchsize"],
        "lr": optimizer["lr"], "weight_decay": optimizer["weight_decay"], "sgd_momentum": optimizer.get("momentum"),
        "adam_beta0": betas[0], "adam_beta1": betas[1],
        **{name: scheduler.get(name) for name in _SCHEDULER},
        "t_0": scheduler.get("T_0"), "t_mult": scheduler.get("T_mult"),
    }  # fmt: skip


DATABASE = Database("hyperrec", "HyperRec", "6dad02fa45dc4e96dffad6617f844421", _COLUMNS, _flat)


def found(folder: Path | None = None, database: Database = DATABASE) -> Found:
    """Return all of it; seeds are 0 and 1. Raises what `read` does."""
    from nas.spaces.space import load
    from search_spaces.hyperrec import published

    table, space = read(database, folder), load(database.name)
    configs = [space.config(published(row), f"HyperRec, configuration {i}") for i, row in enumerate(table.configs)]
    return Found(database.name, space.name, space.digest, tuple(map(_task, table.tasks)), curves(table, configs))


def _task(name: str) -> Task:
    images, classes = _TASKS.get(name, (None, None))
    family = next((family for family in _FAMILIES if name.startswith(family)), name)
    return Task(name, images, classes, family=family)
