"""A reproduction: three phases end to end, the same after a kill in each, and bad input told before any of them."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from nas.deploy import trained
from nas.history.sources.reproduced import found
from nas.main import main
from nas.reproduction.decisions import decided
from nas.runs import saved
from nas.runs.reproduced import Full
from nas.runs.stored import open_run
from tests.cli.commands.test_command_line import DENSE, ROOT, image_folder, refused

LINES = pytest.CaptureFixture[str]
RUNNERS, STEPS, TRIALS, EPOCHS = ("sgd", "adamw", "hyper-adam"), 6, 3, 4


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("reproduced")
    (folder / "dense.py").write_text(DENSE)
    return [
        "reproduce", "--model", str(folder / "dense.py"), "--data", "digits", "--target", "50",
        "--run-dir", str(folder), "--optimizers", *RUNNERS, "--steps", str(STEPS), "--batch-size", "256",
        "--trials", str(TRIALS), "--tuning-epochs", "3", "--epochs", str(EPOCHS), "--workers", "0", "--quiet",
    ]  # fmt: skip


@pytest.fixture(scope="module")
def whole(asked: list[str]) -> Path:
    """A finished one."""
    assert main([*asked, "--name", "whole"]) == 0
    return Path(asked[asked.index("--run-dir") + 1]) / "whole"


def answer(directory: Path) -> dict[str, Any]:
    """Return all that is the same whenever it was trained."""
    best = json.loads((directory / "best.json").read_text())
    del best["evidence"]["reproduction"]["seconds"]
    full = Full.read(directory, 0)
    assert full is not None
    points = [{**point.to_json(), "seconds": 0} for point in full.curve]
    histories = [(directory / phase / "history.jsonl").read_bytes() for phase in ("optimizers", "tuning")]
    choices = [decided(directory, phase) for phase in ("phase1", "phase2")]
    network = trained.read(directory / "best.safetensors")
    weights = {name: value.tolist() for name, value in network.weights.items()}
    return {"best": best, "points": points, "histories": histories, "choices": choices, "weights": weights}


def test_the_race_is_run_by_all_on_the_same_steps_and_the_least_loss_wins(whole: Path) -> None:
    results = open_run(whole / "optimizers").results
    assert sorted(str(result.config["optimizer"]) for result in results) == sorted(RUNNERS)
    assert {result.metrics["steps"] for result in results} == {STEPS}
    least = min(results, key=lambda result: result.metrics["loss"])
    chosen = decided(whole, "phase1")
    assert chosen and chosen["optimizer"] == least.config["optimizer"]
    # All begin with the same weights and see the same batch first.
    assert len({result.details["losses"][0][1] for result in results}) == 1


def test_tuning_is_a_search_of_so_many_trials_over_the_published_ranges(whole: Path) -> None:
    run = open_run(whole / "tuning")
    assert len({result.job.trial.id for result in run.results}) == TRIALS
    assert {result.job.stop for result in run.results} <= {1, 3}
    for result in run.results:
        assert 1e-4 <= float(str(result.config["learning_rate"])) <= 0.1


def test_the_recipe_is_evaluated_to_the_same_figures_exported_and_learned_from(whole: Path, capfd: LINES) -> None:
    before = saved.read(whole / "best.json").evidence["test"]
    network = (whole / "best.safetensors").read_bytes()
    assert main(["evaluate", str(whole / "best.json"), "--quiet"]) == 0
    told = json.loads((whole / "best.evaluation.json").read_text())
    assert told["metrics"] == before and "not the network" not in capfd.readouterr().out
    assert trained.read(whole / "best.safetensors").weights.keys() and network
    assert main(["export", str(whole), "--format", "torchscript", "--output", str(whole.parent / "net.pt")]) == 0
    curves = [curve for each in found(whole) for curve in each.curves]
    assert len(curves) == TRIALS, "the full training was judged by test images, which teach nobody"


def test_killed_in_each_phase_it_goes_on_to_the_same_answer(asked: list[str], whole: Path) -> None:
    directory = whole.parent / "killed"
    python = [sys.executable, "-m", "nas.main"]
    faults = {
        "journal.written:2:kill": lambda: not (directory / "tuning").exists(),
        "journal.written:3:kill": lambda: (directory / "tuning").exists() and not (directory / "training").exists(),
        "step.trained:9:kill": lambda: (directory / "training" / "seed0.json").exists(),
    }
    words = [*asked, "--name", "killed"]
    for fault, there in faults.items():
        environment = os.environ | {"NAS_FAULT": fault, "PYTHONPATH": str(ROOT)}
        killed = subprocess.run([*python, *words], cwd=ROOT, env=environment, capture_output=True)
        assert killed.returncode == -signal.SIGKILL and there(), killed.stderr
        assert not (directory / "best.json").exists()
        words = ["resume", str(directory), "--quiet"]
    assert (directory / "training" / "seed0.training").exists(), "the state of the best epoch is kept with its network"
    assert main(words) == 0
    assert answer(directory) == answer(whole)


def test_several_seeds_a_target_and_a_phase_alone(asked: list[str], whole: Path, capfd: LINES) -> None:
    own = ["--name", "parts", "--optimizer", "adamw", "--learning-rate", "0.01", "--weight-decay", "1e-4", "--momentum"]
    words = [
        *asked[: asked.index("--optimizers")],
        "--batch-size",
        "256",
        "--epochs",
        "30",
        "--workers",
        "0",
        "--quiet",
    ]
    words += [*own, "0.9", "--trials", "0", "--seeds", "2", "--stop-at-target"]
    assert main([*words, "--until", "phase2"]) == 0
    assert not (whole.parent / "parts" / "training").exists()
    capfd.readouterr()
    assert main(["resume", str(whole.parent / "parts"), "--quiet"]) == 0
    for seed in (0, 1):
        full = Full.read(whole.parent / "parts", seed)
        assert full and full.ended == "target" and full.done < 30 and full.curve[-1].metrics["accuracy"] >= 0.5
    assert not (whole.parent / "parts" / "optimizers").exists() and not (whole.parent / "parts" / "tuning").exists()
    assert json.loads((whole.parent / "parts" / "best.json").read_text())["config"] == {}


def test_a_higher_target_goes_on_from_the_state_at_the_lower_one(asked: list[str], whole: Path, capfd: LINES) -> None:
    directory = whole.parent / "lower"
    words = [*asked, "--name", "lower", "--checkpoint-steps", "2", "--stop-at-target", "--target"]
    assert main([*words, "10"]) == 0
    first = Full.read(directory, 0)
    assert first and (first.ended, first.done) == ("target", 1)
    assert main([*words, "100"]) == 0
    again = Full.read(directory, 0)
    assert again and (again.ended, again.done, again.curve[0]) == ("epochs", EPOCHS, first.curve[0])
    assert answer(directory)["weights"] == answer(whole)["weights"]


def test_an_epoch_that_meets_the_constraints_comes_before_a_better_one(
    asked: list[str], whole: Path, capfd: LINES
) -> None:
    losses = [point.metrics["loss"] for point in (Full.read(whole, 0) or pytest.fail("it is not there")).curve]
    assert losses[0] == max(losses), "the first epoch alone is to meet it"
    bound = (losses[0] + max(losses[1:])) / 2
    assert main([*asked, "--name", "bound", "--constraint", f"loss>={bound}", "--stop-at-target"]) == 0
    full, told = Full.read(whole.parent / "bound", 0), capfd.readouterr().out
    assert full and full.best == 1 and "it breaks" not in told
    assert saved.read(whole.parent / "bound" / "best.json").evidence["feasible"]
    assert main([*asked, "--name", "unmet", "--constraint", "precision>=1"]) == 0
    assert "it breaks precision>=1: precision is" in capfd.readouterr().out
    assert not saved.read(whole.parent / "unmet" / "best.json").evidence["feasible"]


def test_a_limit_in_time_leaves_the_best_so_far_and_more_time_goes_on(asked: list[str], whole: Path) -> None:
    directory = whole.parent / "limited"
    words = [*asked[: asked.index("--optimizers")], "--optimizer", "sgd", "--trials", "0", "--batch-size", "256"]
    words += ["--epochs", "100000", "--workers", "0", "--quiet", "--name", "limited"]
    assert main([*words, "--max-time", "2s"]) == 0
    first = Full.read(directory, 0)
    assert first and first.ended == "time" and 0 < first.done < first.epochs
    assert saved.read(directory / "best.json").evidence["until"] == first.best
    assert main(["resume", str(directory), "--quiet", "--max-time", "3s"]) == 0
    again = Full.read(directory, 0)
    assert again and again.done > first.done and again.curve[: first.done] == first.curve


def test_two_processes_of_torchrun_find_what_one_does(asked: list[str], whole: Path) -> None:
    words = [*asked[: asked.index("--optimizers")], "--optimizers", "sgd", *asked[asked.index("--steps") :]]
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m", "nas.main"]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    ended = subprocess.run([*torchrun, *words, "--name", "two"], cwd=ROOT, env=environment, capture_output=True)
    assert ended.returncode == 0, ended.stderr.decode()
    assert main([*words, "--name", "one"]) == 0
    one, two = (answer(whole.parent / name) for name in ("one", "two"))
    assert one["choices"] == two["choices"]
    for points in zip(one["points"], two["points"], strict=True):
        for metric in ("train_loss", "loss", "accuracy"):
            assert points[0][metric] == pytest.approx(points[1][metric], abs=1e-6)


@pytest.mark.parametrize(("words", "told"), [
    (("--target", "6976"), "the target 6976 is no accuracy: give a share such as 0.69758, or in percent"),
    (("--model", "resnet19"), "did you mean"),
    (("--metric", "acuracy"), "did you mean accuracy"),
    (("--metric", "loss", "--target", "1"), "less of the loss is better: give --metric=-loss"),
    (("--rates", "0.1"), "--rates goes with --phase1 halving"),
    (("--phase1", "halving", "--steps", "1"), "--steps 1 are too few for"),
    (("--batch-size", "5000"), "a batch has 5,000 images, but digits only"),
    (("--max-params", "100"), "which breaks params<=100"),
    (("--optimizers", "adamm"), "unknown optimizer 'adamm'"),
    (("--phase1", "half"), "unknown rule 'half': choose one of fixed, halving"),
])  # fmt: skip
def test_bad_input_is_one_line_before_anything_is_trained(
    asked: list[str], words: tuple[str, ...], told: str, capfd: LINES
) -> None:
    assert told in refused(capfd, *asked, *words, "--name", "bad")
    assert not (Path(asked[asked.index("--run-dir") + 1]) / "bad").exists()


def test_what_was_asked_with_relative_paths_goes_on_from_anywhere(
    asked: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "dense.py").write_text(DENSE)
    monkeypatch.chdir(tmp_path)
    words = [*asked, "--model", "dense.py", "--run-dir", str(tmp_path), "--name", "moved", "--until", "phase1"]
    assert main([*words, "--checkpoint-every", "none"]) == 0
    monkeypatch.chdir("/")
    assert main(["resume", str(tmp_path / "moved"), "--quiet"]) == 0
    found = trained.read(tmp_path / "moved" / "best.safetensors").description.test
    assert found["loss"] == saved.read(tmp_path / "moved" / "best.json").evidence["test"]["loss"]


def test_classes_of_val_that_differ_are_told(asked: list[str], tmp_path: Path, capfd: LINES) -> None:
    image_folder(tmp_path / "images")
    for part in ("train", "val"):
        (tmp_path / "images" / part).mkdir(exist_ok=True)
    told = refused(capfd, *asked, "--data", str(tmp_path / "images"), "--name", "differ")
    assert "val" in told and "train" in told
