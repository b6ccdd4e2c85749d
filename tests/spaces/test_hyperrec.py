"""The space of HyperRec is as published: its 100 configurations are of it, train, and have their schedulers' rates.

`python -m tests.spaces.test_hyperrec` trains a step of every one of the 100, a minute's work.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch.optim import lr_scheduler

from nas.core.extra import extra
from nas.data import load as images
from nas.spaces.space import load
from nas.training.pieces import Piece
from nas.training.recipe import Recipe, check, extras, settings
from nas.training.training import Training
from search_spaces.hyperrec import CYCLIC, RESTARTS, SGD, build, published

HYPERREC = Path(__file__).resolve().parents[2] / "../shared/data/hyperrec"
SPACE, EPOCHS = load("hyperrec"), 75
needs_rows = pytest.mark.skipif(not HYPERREC.exists(), reason="HyperRec in ../shared/data is not there")
Row = Mapping[str, Any]


@cache
def rows() -> list[Row]:
    found: list[Row] = extra("pyarrow.parquet").read_table(HYPERREC / "configs.parquet").to_pylist()
    return found


def recipe(config: Mapping[str, Any]) -> Recipe:
    return Recipe.of(config, SPACE.trainer, SPACE.recipe)


def rates(config: Mapping[str, Any], epochs: int = EPOCHS) -> list[float]:
    """Return the rate of every epoch, of two steps each, which must have the same."""
    asked = recipe(config)
    optimizer = asked.optimizer.make([torch.nn.Parameter(torch.zeros(1))], asked)
    course: Any = SimpleNamespace(optimizer=optimizer, recorded=False, steps_per_epoch=2, epochs=epochs, position=0)
    running, seen = asked.policy.begin(course), list[float]()
    for course.position in range(2 * epochs):
        running.before_step(course)
        optimizer.step()
        seen.append(optimizer.param_groups[0]["lr"])
    assert seen[::2] == seen[1::2]
    return seen[::2]


def published_rates(row: Row) -> list[float]:
    """Return the rate of every epoch by torch's own scheduler, from the very numbers of the row."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=row["lr"], momentum=0.9)
    makers: dict[str, Any] = {
        "StepLR": lambda: lr_scheduler.StepLR(optimizer, row["step_size"], row["gamma"]),
        "ExponentialLR": lambda: lr_scheduler.ExponentialLR(optimizer, row["gamma"]),
        "CyclicLR": lambda: lr_scheduler.CyclicLR(
            optimizer, row["lr"], row["max_lr"], row["step_size_up"], mode="exp_range", gamma=row["gamma"]
        ),
        "CosineAnnealingWarmRestarts": lambda: lr_scheduler.CosineAnnealingWarmRestarts(
            optimizer, row["t_0"], row["t_mult"], row["eta_min"]
        ),
    }
    scheduler, seen = makers[row["scheduler"]](), list[float]()
    for _ in range(EPOCHS):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return seen


def trained(row: Row) -> Training:
    """Return the training of the row's configuration after a step on two images, of 8x8 pixels."""
    config = SPACE.config(published(row), "the row").values
    pieces = {"training": Piece(images("digits", "train", None), torch.arange(2))}
    training = Training.begin(SPACE, config, pieces, (0,), EPOCHS)
    for batch in training.batches(1):
        assert torch.isfinite(training.step(batch))
    training.release()
    return training


@needs_rows
def test_every_published_configuration_is_of_the_space_and_says_what_the_row_says() -> None:
    found = [SPACE.config(published(row), f"row {row['config_id']}").values for row in rows()]
    assert len({tuple(sorted(values.items())) for values in found}) == 100
    for row, values in zip(rows(), found, strict=True):
        asked = recipe(values)
        assert (asked.batch_size, asked.learning_rate) == (row["batch_size"], row["lr"])
        group = asked.optimizer.make([torch.nn.Parameter(torch.zeros(1))], asked).param_groups[0]
        assert group["weight_decay"] == row["weight_decay"]
        if row["optimizer"] == SGD:
            assert (asked.optimizer.name, group["momentum"]) == ("sgd", row["sgd_momentum"])
        else:
            assert (asked.optimizer.name, group["betas"]) == ("adam", (row["adam_beta0"], row["adam_beta1"]))


@needs_rows
def test_every_published_configuration_has_the_rates_of_its_scheduler_epoch_by_epoch() -> None:
    for row in rows():
        assert rates(published(row)) == pytest.approx(published_rates(row), rel=1e-9), row["config_id"]


@needs_rows
@pytest.mark.parametrize("model", ["resnet34", "resnet50"])
def test_each_network_trains_a_step_with_every_optimizer_and_scheduler(model: str) -> None:
    kinds = {(row["optimizer"], row["scheduler"]): {**row, "model": model} for row in rows()}
    assert len(kinds) == 8
    for (optimizer, _), row in kinds.items():
        training = trained(row)
        assert training.position == 1 and type(training.optimizer).__name__ == optimizer
        assert sum(weights.numel() for weights in training.model.parameters()) > 2e7


def test_every_sample_is_legal_gives_a_recipe_and_rates_on_their_own_side() -> None:
    SPACE.space.seed(0)
    seen = set[str]()
    for drawn in map(dict, SPACE.space.sample_configuration(200)):
        SPACE.config(drawn, "the sample")
        lr, schedule = drawn["lr"], rates(drawn, 12)
        assert recipe(drawn).learning_rate == schedule[0] == lr
        if drawn["scheduler"] == CYCLIC:
            assert min(schedule) == pytest.approx(lr) and lr < lr * drawn["max_lr_factor"] <= 1
            assert max(schedule) <= lr * drawn["max_lr_factor"]
        elif drawn["scheduler"] == RESTARTS:
            assert lr * drawn["eta_min_factor"] * (1 - 1e-9) <= min(schedule) < lr == max(schedule)
        else:
            assert schedule == sorted(schedule, reverse=True)
        seen.add(drawn["scheduler"])
    assert len(seen) == 4


def test_the_momentum_moves_beside_a_cyclic_rate_where_it_is_that_of_sgd() -> None:
    cyclic = {
        "lr": 0.01, "batch_size": 32, "weight_decay": 1e-4, "scheduler": CYCLIC, "gamma_cyclic": 0.5,
        "max_lr_factor": 1.5, "step_size_up": 2,
    }  # fmt: skip
    own = {"SGD": {"sgd_momentum": 0.3}, "Adam": {"adam_beta0": 0.6, "adam_beta1": 0.9}}
    moved = {name: recipe({**cyclic, "optimizer": name, **own[name]}).policy.parameters()["momentum"] for name in own}
    assert moved == {"SGD": True, "Adam": False}


def test_nothing_of_the_space_is_fixed_that_it_searches() -> None:
    check(SPACE)
    assert extras(SPACE) == ()
    assert settings(SPACE).keys() == {"label_smoothing", "centred", "bfloat16"}


@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 28, 28), (3, 5, 7), (4, 33, 20)])
def test_a_network_takes_images_of_any_size_and_number_of_channels(shape: tuple[int, int, int]) -> None:
    torch.manual_seed(0)
    model: Any = build({"model": "resnet34"}, shape, 7)
    assert model(torch.rand(2, *shape)).shape == (2, 7)
    assert model.conv1.weight.std().item() == pytest.approx((2 / (64 * 7 * 7)) ** 0.5, rel=0.05)


if __name__ == "__main__":
    torch.set_num_threads(1)
    for row in rows():
        trained(row)
        print(f"{row['config_id']}: {row['model']}, {row['optimizer']}, {row['scheduler']} trains", flush=True)
