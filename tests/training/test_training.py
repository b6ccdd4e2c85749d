"""Training is the same in one go and in pieces, and what goes wrong in it is told by a status."""

import gc
import shutil
import subprocess
import sys
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import torch

from nas.core import faults
from nas.core.errors import Diverged
from nas.core.types import REPEAT, Config, Job, Status, Trial
from nas.data import load
from nas.engine.executors.perform import perform
from nas.runs.checkpoints import States, measured, unfinished
from nas.training import state
from nas.training.tally import Tally
from nas.training.task import ImageTask
from nas.training.training import Training
from tests.training.tiny import run, tiny

SMALL: dict[str, Any] = {
    "learning_rate_init": 2e-3, "batch_size": 64, "kernel_size": 3, "use_BN": True, "global_avg_pooling": True,
    "dropout_rate": 0.1, "n_conv_layers": 2, "n_channels_conv_0": 16, "n_channels_conv_1": 16, "n_fc_layers": 1,
    "n_channels_fc_0": 16,
}  # fmt: skip
PIECE = """
import sys
from pathlib import Path
from nas.training.task import ImageTask
from tests.training.test_training import SMALL, task
start, stop, path = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
task(1000)(SMALL, epochs=stop, start=start, seed=7, checkpoint=path)
"""


def task(max_epochs: int, folds: int = 2) -> ImageTask:
    return ImageTask("digits", None, "cnn", folds, 0, max_epochs, "cpu", 1)


def job(config: dict[str, Any], start: int = 0, stop: int = 1) -> Job:
    return Job(Trial("g0.b0.0", Config.of(config), 7), start, stop)


def states(folder: Path) -> States:
    return States(folder / "before", "", folder / "after")


def run_piece(start: int, stop: int, path: Path) -> None:
    subprocess.run([sys.executable, "-c", PIECE, str(start), str(stop), str(path)], check=True, cwd=root())


def root() -> Path:
    return Path(__file__).parents[2]


def digest(path: Path) -> str:
    return measured(path).digest


def test_epochs_in_two_processes_give_the_same_weights_to_the_bit_as_all_in_one(tmp_path: Path) -> None:
    pieces, whole = tmp_path / "pieces", tmp_path / "whole"
    task(1000)(SMALL, epochs=2, start=0, seed=7, checkpoint=pieces)
    run_piece(2, 5, pieces)
    task(1000)(SMALL, epochs=5, start=0, seed=7, checkpoint=whole)
    assert digest(pieces) == digest(whole)  # every weight and every optimizer moment
    task(1000)(SMALL, epochs=6, start=5, seed=7, checkpoint=whole)
    assert digest(pieces) != digest(whole)


@pytest.mark.parametrize("spoil", ["cut", "missing", "foreign", "all foreign"])
def test_a_spoilt_checkpoint_means_the_same_outcome_from_the_beginning(tmp_path: Path, spoil: str) -> None:
    path, expected = tmp_path / "state", task(9)(SMALL, epochs=3, start=0, seed=7, checkpoint=tmp_path / "whole")
    task(9)(SMALL, epochs=2, start=0, seed=7, checkpoint=path)
    fold, pickled = path / "fold1", b"\x80\x04cos\nsystem\n(S'echo no'\ntR."  # it must not be read as one
    if spoil == "cut":
        fold.write_bytes(fold.read_bytes()[:-100])
    elif spoil == "foreign":
        fold.write_bytes(pickled)
    elif spoil == "missing":
        fold.unlink()
    else:
        shutil.rmtree(path)
        path.write_bytes(pickled)
    assert task(9)(SMALL, epochs=3, start=2, seed=7, checkpoint=path) == expected  # the loss curve, too


def test_a_killed_job_goes_on_from_the_part_it_had_kept(tmp_path: Path) -> None:
    keeper, path = replace(task(9), save_every=0), tmp_path / "t@4"
    whole = task(9)(SMALL, epochs=4, start=0, seed=7, checkpoint=tmp_path / "whole@4")
    with pytest.raises(KeyboardInterrupt), interrupted_after(6):
        keeper(SMALL, epochs=4, start=0, seed=7, checkpoint=path)  # the first fold done, the second half-way
    owner, kept = f"{Config.of(SMALL).id} 7", unfinished(path)
    found = [state.load(kept / f"fold{i}", owner) for i in range(2)]
    assert [each and (each["position"], len(each["losses"])) for each in found] == [(48, 4), (35, 2)]
    with interrupted_after(2):  # more epochs than the two that are left would raise
        assert task(9)(SMALL, epochs=4, start=0, seed=7, checkpoint=path) == whole
    assert digest(path) == digest(tmp_path / "whole@4")
    assert not kept.exists()


def test_what_a_killed_job_had_kept_is_passed_over_where_it_is_spoilt(tmp_path: Path) -> None:
    keeper, path = replace(task(9), save_every=0), tmp_path / "t@2"
    whole = task(9)(SMALL, epochs=2, start=0, seed=7, checkpoint=tmp_path / "whole@2")
    with pytest.raises(KeyboardInterrupt), interrupted_after(3):
        keeper(SMALL, epochs=2, start=0, seed=7, checkpoint=path)
    for fold in unfinished(path).iterdir():
        flip_a_bit(fold)
    assert task(9)(SMALL, epochs=2, start=0, seed=7, checkpoint=path) == whole


def test_one_network_at_a_time_is_in_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without the collector's help: what a fold held is gone when the next begins."""
    alive, begin = list[weakref.ref[torch.nn.Module]](), Training.begin

    def counted(*asked: Any) -> Training:
        assert not any(reference() for reference in alive), "the network of the fold before lives on"
        training = begin(*asked)
        alive.append(weakref.ref(training.model))
        return training

    monkeypatch.setattr(Training, "begin", counted)
    gc.collect()
    gc.disable()
    try:
        task(9, folds=3)(SMALL, epochs=1, start=0, seed=7, checkpoint=tmp_path / "state")
    finally:
        gc.enable()
    assert len(alive) == 3


@contextmanager
def interrupted_after(epochs: int) -> Iterator[None]:
    """Raise KeyboardInterrupt at the end of so many epochs."""
    left = count(epochs - 1, -1)

    def point(name: str) -> None:
        if name == "epoch.trained" and next(left) < 0:
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(faults, "point", point)
        yield


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-100] ^= 1
    path.write_bytes(content)


def test_a_small_network_learns_digits() -> None:
    result = task(6, folds=1)(SMALL | {"learning_rate_init": 5e-3}, epochs=6, start=0, seed=1, checkpoint=Path("none"))
    assert result["accuracy"] > 0.85
    assert result["loss_curve"][-1] < result["loss_curve"][0] / 2
    assert len(result["loss_curve"]) == 6


def test_a_fully_trained_trial_leaves_no_checkpoint(tmp_path: Path) -> None:
    task(2)(SMALL, epochs=2, start=0, seed=7, checkpoint=tmp_path / "state")
    assert not list(tmp_path.iterdir())


def test_a_loss_that_is_not_finite_ends_the_trial_as_diverged(tmp_path: Path) -> None:
    with pytest.raises(Diverged, match="loss is"):
        fit_with_rate(1e38)
    assert perform(lambda *_, **__: fit_with_rate(1e38), job(SMALL), states(tmp_path)).status is Status.DIVERGED


def test_a_trial_that_is_trained_again_is_judged_in_folds_of_its_own(tmp_path: Path) -> None:
    asked: dict[str, Any] = {"epochs": 1, "start": 0, "checkpoint": tmp_path / "state"}
    first, again, other = task(1).splits, drawn(7), drawn(8)
    assert drawn(7) == again != other
    assert all(torch.equal(torch.cat(fold).sort().values, torch.arange(1437)) for fold in first)
    assert [fold[1].tolist() for fold in first] not in (again, other)
    trained = [task(1).again(SMALL, seed=7, **asked), task(1)(SMALL, seed=7, **asked)]
    assert trained[0]["accuracy"] != trained[1]["accuracy"]
    trial = replace(job(SMALL).trial, operator=REPEAT, parents=("g0.b0.0",))
    performed = perform(task(1), Job(trial, 0, 1), states(tmp_path))
    assert performed.metrics["accuracy"] == trained[0]["accuracy"]


def drawn(seed: int) -> list[list[int]]:
    """Return what each fold is validated on in a repetition, as seen by the training."""
    seen = list[list[int]]()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ImageTask, "_guarded", lambda _, config, folds, **job: seen.extend(f[1].tolist() for f in folds))
        task(1).again(SMALL, seed=seed)
    return seen


def test_promise_11_a_loss_that_explodes_ends_the_trial_where_that_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def doubled(tally: Tally) -> None:
        tally.means.append(0.5 * 2.0 ** len(tally.means))  # 0.5, 1, 2, 4 by epoch

    monkeypatch.setattr(Tally, "end", doubled)
    asked: dict[str, Any] = {"seed": 7, "checkpoint": tmp_path / "state"}
    assert task(9)(SMALL, epochs=4, start=0, **asked)["loss_curve"] == [0.5, 1.0, 2.0, 4.0]
    wary = replace(task(9), diverge_above=4.0)
    assert wary(SMALL, epochs=3, start=0, **asked)["loss_curve"] == [0.5, 1.0, 2.0]
    with pytest.raises(Diverged, match=r"epoch 4 is 4, more than 4 times the 0\.5 of the first"):
        wary(SMALL, epochs=4, start=3, **asked)  # the first epoch's is that of the whole trial
    assert perform(wary, job(SMALL, 0, 5), states(tmp_path)).status is Status.DIVERGED


def fit_with_rate(rate: float) -> dict[str, Any]:
    return task(5)(SMALL | {"learning_rate_init": rate}, epochs=3, start=0, seed=7, checkpoint=Path("none"))


def test_memory_that_runs_out_ends_the_trial_as_out_of_memory(tmp_path: Path) -> None:
    def greedy(*_: Any, **__: Any) -> dict[str, Any]:
        return {"accuracy": float(torch.empty(2**50).sum())}  # torch's own allocator refuses a petabyte

    assert perform(greedy, job(SMALL), states(tmp_path)).status is Status.OOM


def test_training_leaves_the_callers_data_and_the_test_part_alone() -> None:
    images = task(1).images
    before = images.pixels.clone() if images.pixels is not None else None
    task(1)(SMALL, epochs=1, start=0, seed=7, checkpoint=Path("none"))
    assert before is not None and images.pixels is not None and torch.equal(before, images.pixels)
    assert images.part == "train"
    used = torch.cat([torch.cat(split) for split in task(1).splits]).unique()
    assert len(used) == len(images) == 1797 - len(load("digits", "test"))


@pytest.mark.parametrize("name", ["adamw", "adam", "sgd"])
def test_each_optimizer_heeds_the_weight_decay(name: str) -> None:
    ends = [
        run(tiny({"optimizer": name, "learning_rate": 0.1, "weight_decay": decay}), 3).model[5].weight
        for decay in (0.0, 0.5)
    ]
    assert not torch.allclose(*ends)


def test_steps_in_bfloat16_are_coarser_and_learn_as_well(tmp_path: Path) -> None:
    space = tmp_path / "coarse.py"
    space.write_text('from search_spaces.cnn import DEFAULT, TRAINER, build, space\nRECIPE = {"bfloat16": True}\n')
    exact, coarse = (
        replace(task(3), space_name=name)(SMALL, epochs=3, start=0, seed=7, checkpoint=tmp_path / "state")
        for name in ("cnn", str(space))
    )
    assert exact["loss_curve"] != coarse["loss_curve"] == pytest.approx(exact["loss_curve"], rel=0.02)
    assert coarse["accuracy"] == pytest.approx(exact["accuracy"], abs=0.05)
