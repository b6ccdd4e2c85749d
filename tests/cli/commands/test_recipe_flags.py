"""--policy, --optimizer, --learning-rate and their kin stand in place of what the space fixes in any training."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from nas.cli.asked import RECIPE, Asked
from nas.main import arguments, main
from nas.runs import saved
from tests.cli.commands.conftest import SMALL
from tests.cli.commands.test_command_line import ROOT, refused
from tests.cli.commands.test_evaluate import LINES, evaluated
from tests.cli.commands.test_export import metadata_of

TINY = (
    "--data", "digits", "--epochs", "2", "--min-epochs", "1", "--eta", "2", "--folds", "1", "--max-trials", "2",
    "--max-macs", "none", "--confirm", "0", "--strategy", "random", "--quiet", "--wandb", "disabled",
)  # fmt: skip
AUTOLRS = "autolrs:candidates=2,probe=4"
GENES = SMALL.replace(
    'TRAINER = {"learning_rate": "rate"}',
    'TRAINER = {"learning_rate": "rate", "policy": "policy", "optimizer": "optimizer"}',
).replace('"rate": 0.01}', '"rate": 0.01, "policy": "autolrs", "optimizer": "sgd"}').replace(
    "    return found\n",
    '    found.add(Categorical("policy", ["autolrs", "linear"]), Categorical("optimizer", ["sgd", "adamw"]))\n'
    "    return found\n",
)  # fmt: skip


@pytest.fixture
def space(tmp_path: Path) -> Path:
    file = tmp_path / "small.py"
    file.write_text(SMALL)
    return file


def search(space: Path, name: str, *words: str) -> Path:
    """Search by two trials, and return the run's folder."""
    folder = space.parent / name
    asked = ["--space", space, "--run-dir", space.parent, "--name", name, "--workers", "0", *TINY, *words]
    assert main([*map(str, asked)]) == 0
    return folder


def recipe_of(run: Path) -> object:
    return json.loads((run / "spec.json").read_text())["details"]["recipe"]


def test_a_search_trains_by_them_and_all_that_it_saves_says_so(space: Path, capfd: LINES) -> None:
    run = search(space, "run", "--policy", AUTOLRS, "--optimizer", "sgd:nesterov=true")
    best = saved.read(run / "best.json")
    assert recipe_of(run) == best.recipe
    policy, optimizer = best.recipe["schedule"], best.recipe["optimizer"]
    assert (policy["name"], policy["candidates"], policy["probe"]) == ("autolrs", 2, 4)
    assert (optimizer["name"], optimizer["nesterov"]) == ("sgd", True)
    network = metadata_of(run / "best.safetensors")
    assert "trained network saved" in evaluated(capfd, run / "best.json")[-1]
    assert metadata_of(run / "best.safetensors") == network and main(["verify", str(run)]) == 0


def test_all_settings_that_have_flags_are_in_the_recipe_and_in_the_words_that_ask_for_the_same(space: Path) -> None:
    words = (
        "--weight-decay", "0.01", "--momentum", "0.8", "--batch-size", "32", "--augmentation", "crop-flip:share=0.2",
        "--label-smoothing", "0.1", "--mixup", "0.2", "--ema", "0.9", "--micro-batch", "16",
    )  # fmt: skip
    run = search(space, "run", *words)
    found = recipe_of(run)
    expected = {
        "weight_decay": 0.01, "momentum": 0.8, "batch_size": 32, "label_smoothing": 0.1, "mixup": 0.2, "ema": 0.9,
        "micro_batch": 16, "augmentation": {"name": "crop-flip", "share": 0.2, "flips": 0.5},
    }  # fmt: skip
    assert isinstance(found, dict) and {name: found[name] for name in expected} == expected
    asked = Asked.of_kept(json.loads((run / "command.json").read_text())["asked"], run)
    assert asked.recipe == expected and arguments(["search", *asked.words()]).asked.recipe == expected
    assert main(["resume", str(run), "--max-trials", "3", "--quiet"]) == 0 and main(["verify", str(run)]) == 0


def test_without_them_nothing_is_said_of_them(space: Path) -> None:
    run = search(space, "run")
    asked = json.loads((run / "command.json").read_text())["asked"]
    assert not {*RECIPE} & asked.keys()
    assert recipe_of(run)["schedule"] == "linear"  # type: ignore[index]


def test_a_worker_process_trains_by_them_too(space: Path) -> None:
    one = search(space, "one", "--policy", "constant", "--workers", "0")
    two = search(space, "two", "--policy", "constant", "--workers", "2")
    other = search(space, "other")
    assert history(one) == history(two) != history(other)


@pytest.mark.parametrize(("name", "words", "told"), [
    ("autolrs", ("--policy", AUTOLRS), "policy autolrs:"),
    ("adagrad", ("--optimizer", "adagrad"), "optimizer adagrad, not adamw"),
    ("0-9", ("--ema", "0.9", "--augmentation", "none"), "ema 0.9, not none"),
])  # fmt: skip
def test_an_evaluation_by_another_recipe_has_files_of_its_own(
    space: Path, name: str, words: tuple[str, ...], told: str, capfd: LINES
) -> None:
    run = search(space, "run")
    before = (run / "best.safetensors").read_bytes()
    lines = evaluated(capfd, run / "best.json", *words)
    (network,) = run.glob(f"best.evaluated-*{name}*.safetensors")
    (line,) = (line for line in lines if "not the network of" in line)
    assert told in line and network.exists()
    assert (run / "best.safetensors").read_bytes() == before


def test_a_policy_and_an_optimizer_can_be_genes(tmp_path: Path) -> None:
    file = tmp_path / "genes.py"
    file.write_text(GENES)
    run = search(file, "run", "--strategy", "default")
    assert saved.read(run / "best.json").config["policy"] == "autolrs"
    assert all(json.loads(line)["status"] == "OK" for line in history(run).splitlines())


@pytest.mark.parametrize(("words", "told"), [
    (("--learning-rate", "0.1"), "searches the learning rate: leave --learning-rate out"),
    (("--policy", "autolsr"), "unknown policy 'autolsr'"),
    (("--policy", "autolrs:least=1,most=0.1"), "least is 1 and most 0.1: the least must be the smaller"),
    (("--policy", "autolrs:score=forecast,probe=3"), "probe is 3, but a score by forecast needs at least 4 steps"),
    (("--policy", "cosine:warmup=2"), "warmup is 2, but must be below 1"),
    (("--optimizer", "adam:tower=1"), "has no parameter 'tower'"),
    (("--augmentation", "flipp"), "unknown augmentation 'flipp': did you mean flip"),
    (("--mixup", "0"), "the mixup is 0, but must be above 0"),
    (("--micro-batch", "0"), "0 is too small: it must be at least 1"),
])  # fmt: skip
def test_what_cannot_be_is_one_line(space: Path, words: tuple[str, ...], told: str, capfd: LINES) -> None:
    assert told in refused(capfd, "--space", space, *TINY, "--run-dir", space.parent, "--name", "none", *words)
    assert not (space.parent / "none").exists()


def test_a_training_too_short_to_try_rates_in_ends_the_search_in_one_line(space: Path, capfd: LINES) -> None:
    words = ("--space", space, "--run-dir", space.parent, "--name", "short", "--workers", "0", *TINY)
    told = refused(capfd, *words, "--epochs", "1", "--policy", "autolrs-paper")
    assert "a training of 18 steps is too short for autolrs-paper: it needs at least 24" in told


def test_a_search_that_is_killed_while_rates_are_tried_has_the_same_history(space: Path) -> None:
    """The first epoch ends in the trial of the third rate."""
    slow = ("--strategy", "default", "--epochs", "3", "--policy", "autolrs:candidates=3,probe=9,budget=0.5")
    whole = search(space, "whole", *slow)
    words = ["--space", space, "--run-dir", space.parent, "--name", "killed", "--workers", "0", *TINY, *slow]
    script = "import sys\nfrom nas.training.keeper import Keeper\nKeeper.now_and_then = Keeper.save\n"
    command = [sys.executable, "-c", f"{script}from nas.main import main\nmain(sys.argv[1:])", *map(str, words)]
    killed = subprocess.run(command, cwd=ROOT, env=os.environ | {"NAS_FAULT": "epoch.trained:1:kill"})
    assert killed.returncode == -signal.SIGKILL
    assert main(["resume", str(space.parent / "killed"), "--quiet"]) == 0
    assert history(space.parent / "killed") == history(whole)
    (result,) = map(json.loads, history(whole).splitlines())
    assert result["status"] == "OK"


def history(run: Path) -> bytes:
    return (run / "history.jsonl").read_bytes()


def test_a_run_that_goes_on_by_another_policy_is_refused_and_says_which(space: Path, capfd: LINES) -> None:
    search(space, "run", "--policy", "constant")
    capfd.readouterr()
    words = ("--space", space, "--run-dir", space.parent, "--name", "run", "--workers", "0", *TINY)
    assert "schedule constant, now cosine" in refused(capfd, *words, "--policy", "cosine")
    assert "schedule constant, now linear" in refused(capfd, *words)
