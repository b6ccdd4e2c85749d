"""Two processes that torchrun starts train what one would: the same weights, losses and metrics, but for rounding."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from nas.core.errors import UserError
from nas.data import load
from nas.training import together
from nas.training.recipe import Recipe
from nas.training.together import group, shares
from tests.training import workers

ROOT = Path(__file__).parents[2]
IMAGES = 44  # in files
pytestmark = pytest.mark.xdist_group("together")  # what two processes do once is done once


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a data set in it, which is too large to be kept in memory."""
    found = tmp_path_factory.mktemp("together")
    for number in range(IMAGES):
        file = found / "data" / "train" / "ab"[number % 2] / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.random.RandomState(number).randint(0, 255, (8, 8, 3), dtype=np.uint8)).save(file)
    return found


@pytest.fixture(scope="module")
def ended(folder: Path) -> "subprocess.CompletedProcess[str]":
    """torchrun with two processes that were killed in the first trial, started again, and ended by an error of one."""
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "--max-restarts=1"]
    faults = {"NAS_FAULT": "epoch.trained:3:kill", "NAS_FAULT_LOG": str(folder / "log"), "OMP_NUM_THREADS": "1"}
    command = [*torchrun, "-m", "tests.training.workers", str(folder)]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, **faults}, text=True, capture_output=True)


@pytest.fixture(scope="module")
def found(folder: Path, ended: "subprocess.CompletedProcess[str]") -> dict[str, Any]:
    """What the two found."""
    assert (folder / "found").exists(), ended.stderr
    loaded: dict[str, Any] = torch.load(folder / "found", weights_only=False)
    return loaded


@pytest.mark.parametrize("name", [*workers.RECIPES, "float32"])
def test_two_processes_train_as_one_does(found: dict[str, Any], name: str) -> None:
    one = workers.trained(workers.RECIPES["sgd" if name == "float32" else name], precise=name != "float32")
    two = found[name]
    assert two["losses"] == pytest.approx(one["losses"], abs=1e-6)
    assert one["losses"][-1] < one["losses"][0] - 0.01  # it has learned something
    assert one["model"].keys() == two["model"].keys()
    for weight, value in one["model"].items():
        torch.testing.assert_close(two["model"][weight], value, rtol=0, atol=1e-6)
    assert two["metrics"] == pytest.approx(one["metrics"], abs=1e-6)


def test_both_have_the_same_to_the_bit(found: dict[str, Any]) -> None:
    for name in workers.RECIPES:
        (first, second), (metrics, others) = found[name]["digests"], found[name]["all metrics"]
        assert (first, metrics) == (second, others)


def test_a_trial_of_a_search_is_what_it_is_in_one_process(found: dict[str, Any], tmp_path: Path) -> None:
    expected = workers.trial(tmp_path, workers.TRIAL | {"dropout_rate": 0.0})
    assert found["trial"]["loss_curve"] == pytest.approx(expected["loss_curve"], abs=1e-4)
    assert found["trial"]["loss"] == pytest.approx(expected["loss"], abs=1e-4)


def test_batches_are_normalised_by_all_their_images(found: dict[str, Any]) -> None:
    assert len(found["normalised"]) == 4
    for differences in found["normalised"].values():
        assert max(differences) < 1e-10


def test_no_process_draws_what_another_does_and_each_goes_on_where_it_was(found: dict[str, Any]) -> None:
    for whole, continued in ((drawn[:8], drawn[8:]) for drawn in found["drawn"]):
        assert whole == continued
    assert len({*found["drawn"][0], *found["drawn"][1]}) == 16


def test_each_process_decodes_its_own_share_of_the_images(found: dict[str, Any], folder: Path) -> None:
    first, second = map(set, found["opened"])
    assert not first & second
    assert len(first | second) == len(load(str(folder / "data"), "train", 8))


def test_only_the_first_writes(found: dict[str, Any]) -> None:
    first, second = found["changed"]
    assert first and not second


def test_what_all_raise_reaches_the_caller_and_they_go_on(found: dict[str, Any]) -> None:
    diverged, too_small, twice, other = found["errors"]
    assert diverged == "Diverged: the training loss is nan"
    assert too_small.startswith("UserError: 2 processes cannot share batches of 1: ")
    assert twice.startswith("UserError: the optimizer adahessian derives gradients once more")
    assert other == "RuntimeError: this goes wrong everywhere"


def test_both_are_killed_and_go_on_to_the_bit(found: dict[str, Any], folder: Path) -> None:
    lines = (folder / "log").read_text().splitlines()
    passed = Counter(line.split()[1] for line in lines if line.startswith("epoch.trained"))  # epochs, by process
    assert len(passed) == 4 and list(passed.values()).count(3) == 2  # two of them were killed in their third
    continued, killed, whole = found["continued"]
    assert continued == found["dropout"]
    assert killed == whole and whole.digest


def test_one_that_fails_alone_ends_all(ended: "subprocess.CompletedProcess[str]", found: dict[str, Any]) -> None:
    assert ended.returncode != 0
    assert "error: this process has no such file" in ended.stderr


@pytest.mark.parametrize(("count", "batch_size", "images"), [(2, 16, 107), (3, 8, 27), (4, 4, 12), (1, 5, 8)])
def test_shares_are_the_whole_batch(monkeypatch: pytest.MonkeyPatch, count: int, batch_size: int, images: int) -> None:
    order, by_rank = torch.randperm(images), list[list[torch.Tensor]]()
    for rank in range(count):
        monkeypatch.setattr(group, "_current", together.Together(rank, count, at_work=True))
        own, size = shares.own(order, batch_size)
        by_rank.append(list(own.split(size)))
    together_again = [torch.cat(parts) for parts in zip(*by_rank, strict=True)]
    assert all(map(torch.equal, together_again, order.split(batch_size)))


def test_outside_of_a_call_a_process_is_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group, "_current", together.Together(1, 2))
    assert together.current().count == 2 and together.sharing().count == 1


def test_a_last_batch_with_fewer_images_than_processes_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = workers.training({"batch_size": 105}, precise=False)
    assert (alone.steps_per_epoch, alone.order.images(1)) == (2, 2)
    monkeypatch.setattr("nas.training.training.sharing", lambda: together.Together(0, 3))
    shared = workers.training({"batch_size": 105}, precise=False)
    assert shared.steps_per_epoch == 1 and len(shared.order.of(0, False)) == 105


def test_recorded_steps_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group, "_current", together.Together(0, 2, at_work=True))
    with pytest.raises(UserError, match="leave --cuda-graphs out"):
        shares.check(Recipe.of({}, {}, {}), 100, recorded=True)


def test_variables_that_torchrun_has_not_set_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "0")
    monkeypatch.delenv("MASTER_ADDR", raising=False)
    with pytest.raises(UserError, match="MASTER_ADDR"):
        together.begin("cpu")
