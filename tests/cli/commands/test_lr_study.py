"""Optimizers and policies are studied at equal steps: tuned by validation, all trainings counted, and it goes on."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from nas.main import main
from nas.report.comparison.contest import read as read_contest
from nas.report.lr_study.study import read
from nas.runs.stored import open_run
from tests.cli.commands.test_command_line import DENSE, ROOT, refused
from tests.processes import wait_for_lines

LINES = pytest.CaptureFixture[str]
AUTO = "autolrs:candidates=2,probe=4"
PAIRS = ("--policies", "cosine", AUTO, "--optimizers", "sgd", "--rates", "0.01", "1")
ORACLES = 2  # cosine and constant, each at two rates
TRAININGS = 2 * (2 * ORACLES + 1)  # on two seeds


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("study")
    (folder / "dense.py").write_text(DENSE)
    words = ["lr-study", "--data", "digits", "--space", str(folder / "dense.py"), "--run-dir", str(folder)]
    return [*words, "--epochs", "2", "--seeds", "3", "5", "--workers", "0", *PAIRS]


@pytest.fixture(scope="module")
def whole(asked: list[str]) -> Path:
    """A finished study."""
    assert main([*asked, "--name", "whole", "--quiet"]) == 0
    return Path(asked[asked.index("--run-dir") + 1]) / "whole"


def history(study: Path) -> bytes:
    return (study / "trainings" / "history.jsonl").read_bytes()


def test_what_needs_a_rate_has_each_and_what_finds_its_own_has_the_recipes(whole: Path) -> None:
    found = [tuple(result.config[name] for name in ("optimizer", "policy", "learning_rate", "seed"))
             for result in open_run(whole / "trainings").results]  # fmt: skip
    oracles = {("sgd", policy, rate) for policy in ("cosine", "constant") for rate in (0.01, 1.0)}
    each = oracles | {("sgd", AUTO, 0.01)}
    assert len(found) == TRAININGS and {*found} == {(*place, seed) for place in each for seed in (3, 5)}


def test_all_take_equal_steps_and_are_judged_by_validation_and_test(whole: Path) -> None:
    for result in open_run(whole / "trainings").results:
        assert {"accuracy", "test_accuracy", "loss", "test_loss"} <= result.metrics.keys()
        searched = result.config["policy"] == AUTO
        assert (result.metrics["total_over_useful"] > 1) == searched == ("trajectories" in result.details)


def test_it_is_an_ordinary_comparison_of_one_ordinary_run(whole: Path, capfd: LINES) -> None:
    assert main(["verify", str(whole / "trainings")]) == 0
    capfd.readouterr()
    before = history(whole)
    assert "is a comparison: give one of its runs" in refused(capfd, "verify", whole)
    assert f"holds the trainings of the study {whole}" in refused(capfd, "resume", whole / "trainings")
    assert main(["resume", str(whole), "--quiet"]) == 0
    assert history(whole) == before
    page = (whole / "comparison.html").read_text()
    assert "sgd, cosine" in page and "lr-study" in page and (whole / "figures" / "rates-sgd.svg").exists()


def test_workers_give_the_same_history(asked: list[str], whole: Path) -> None:
    """One seed of the two: its trainings come first."""
    assert main([*asked, "--workers", "2", "--name", "two", "--seeds", "3", "--quiet"]) == 0
    assert history(whole.parent / "two").splitlines() == history(whole).splitlines()[: TRAININGS // 2]


def test_a_study_that_is_killed_goes_on_to_the_same_results(asked: list[str], whole: Path) -> None:
    """In the fourth training, which goes on by its second epoch: the three before it are not trained again."""
    script = "import sys\nfrom nas.training.keeper import Keeper\nKeeper.now_and_then = Keeper.save\n"
    main_of = f"{script}from nas.main import main\nmain(sys.argv[1:])"
    words = [sys.executable, "-c", main_of, *asked, "--name", "killed", "--quiet"]
    fault = os.environ | {"NAS_FAULT": "epoch.trained:8:kill", "PYTHONPATH": str(ROOT)}
    killed = subprocess.run(words, cwd=ROOT, env=fault, capture_output=True)
    assert killed.returncode == -signal.SIGKILL
    study = whole.parent / "killed"
    lines = (study / "trainings" / "journal.jsonl").read_bytes()
    assert lines.count(b"\n") == 3
    assert main(["resume", str(study), "--quiet"]) == 0
    assert (study / "trainings" / "journal.jsonl").read_bytes().startswith(lines)
    assert history(study) == history(whole)


def test_ctrl_c_is_answered_with_the_table_so_far_in_one_line(asked: list[str], tmp_path: Path) -> None:
    words = [*asked, "--epochs", "60", "--run-dir", str(tmp_path), "--name", "stopped", "--quiet"]
    running = subprocess.Popen(
        [sys.executable, "-m", "nas.main", *words], cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    wait_for_lines(tmp_path / "stopped" / "trainings" / "journal.jsonl", 1, running)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate()
    assert running.returncode == 130
    assert "sgd, cosine" in out and f"of {TRAININGS} trainings are done" in out
    (line,) = err.splitlines()
    assert line.startswith("nas: interrupted; go on by python -m nas.main resume")


def test_two_that_would_both_find_the_rate_are_no_pair(asked: list[str], capfd: LINES) -> None:
    words = [*asked, "--policies", AUTO, "--optimizers", "sgd", "hyper-adam", "--rates", "0.1", "--seeds", "0"]
    assert main([*words, "--name", "both"]) == 0
    told = capfd.readouterr()
    assert f"left out: hyper-adam with {AUTO}, which would both find the learning rate" in told.err
    assert f"hyper-adam, {AUTO}" not in told.out and "hyper-adam, cosine" in told.out and f"sgd, {AUTO}" in told.out


def test_what_diverges_is_counted(asked: list[str], capfd: LINES) -> None:
    words = [*asked, "--policies", "constant", "--optimizers", "sgd", "--rates", "1e-2", "1e30", "--seeds", "0"]
    assert main([*words, "--name", "diverged", "--quiet"]) == 0
    tables = capfd.readouterr().out
    (tuned,) = [line for line in tables.splitlines() if "best of 2" in line and "constant" in line]
    assert "0.01, best of 2" in tuned and "1 DIVERGED" in tuned
    assert [line for line in tables.splitlines() if "1e+30" in line and "none" in line and "1 DIVERGED" in line]


def test_a_saved_configuration_is_studied_by_its_own_recipe(asked: list[str], whole: Path, tmp_path: Path) -> None:
    space = asked[asked.index("--space") + 1]
    run = ["--data", "digits", "--space", space, "--run-dir", str(tmp_path), "--name", "run", "--workers", "0"]
    quick = ["--epochs", "1", "--min-epochs", "1", "--folds", "1", "--max-trials", "1", "--confirm", "0"]
    assert main([*run, *quick, "--strategy", "random", "--policy", "constant", "--max-macs", "none", "--quiet"]) == 0
    best = json.loads((tmp_path / "run" / "best.json").read_text())
    words = ["lr-study", "--config", str(tmp_path / "run" / "best.json"), "--policies", "autolrs:candidates=2,probe=4"]
    more = ["--optimizers", "sgd", "--seeds", "0", "--workers", "0", "--epochs", "2", "--run-dir", str(tmp_path)]
    assert main([*words, *more, "--name", "study", "--quiet"]) == 0
    study = read(tmp_path / "study")
    assert study.config == best["config"] and study.recipe == best["recipe"]
    assert study.own_rate == best["config"]["rate"]


@pytest.mark.parametrize(("words", "told"), [
    (("--policies", "cosin"), "unknown policy 'cosin': did you mean cosine?"),
    (("--optimizers", "adamm"), "unknown optimizer 'adamm': did you mean adam?"),
    (("--policies", "cosine:wormup=1"), "the policy cosine has no parameter 'wormup'"),
    (("--rates", "0.1", "0"), "0 is no learning rate: it must be above 0"),
    (("--rates", "0.1", "1e-1"), "--rates 0.1 0.1: each may be there once"),
    (("--seeds",), "--seeds: expected at least one argument"),
    (("--optimizers", "sgd:nesterov=true", "adagrad", "--space", "MASS"), "the optimizer adagrad has no momentum"),
])  # fmt: skip
def test_what_cannot_be_is_one_line_before_anything_is_trained(
    asked: list[str], words: tuple[str, ...], told: str, tmp_path: Path, capfd: LINES
) -> None:
    (tmp_path / "mass.py").write_text(f'{DENSE}\nRECIPE = {{"momentum": 0.5}}\n')
    given = [str(tmp_path / "mass.py") if word == "MASS" else word for word in words]
    assert told in refused(capfd, *asked, *given, "--run-dir", tmp_path, "--name", "none")
    assert not (tmp_path / "none").exists()


def test_another_study_under_the_same_name_is_refused(asked: list[str], whole: Path, capfd: LINES) -> None:
    told = refused(capfd, *asked, "--name", "whole", "--seeds", "7")
    assert "is another comparison, with seeds [3, 5], now [7]" in told
    with pytest.raises(Exception, match="is not what a comparison writes"):
        read_contest(whole)
