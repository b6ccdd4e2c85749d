"""An evaluation never takes the place of the run's own network unless it trains that very network again."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from nas.core import faults
from nas.core.plain import readable
from nas.main import main
from nas.runs import saved
from nas.training.evaluation import Evaluator
from tests.cli.commands.conftest import Winner
from tests.cli.commands.test_command_line import ROOT, image_folder, refused
from tests.cli.commands.test_export import metadata_of
from tests.processes import PATIENCE

LINES = pytest.CaptureFixture[str]
WINNERS = {"best.json", "best.safetensors", "best.onnx", "default.json", "spec.json", "report.html"}


@pytest.fixture
def run(winner: Winner, tmp_path: Path) -> Path:
    """A copy of the finished search."""
    return Path(shutil.copytree(winner.run, tmp_path / "run"))


def evaluated(capfd: LINES, *words: str | Path) -> list[str]:
    """Return the lines that nas evaluate prints, its tables left out."""
    capfd.readouterr()
    assert main(["evaluate", *map(str, words), "--quiet"]) == 0
    return [line for line in capfd.readouterr().out.splitlines() if line[0] not in "┏┃┡│└"]


@pytest.mark.parametrize(
    ("words", "name", "told"),
    [
        (("--epochs", "1"), "epochs1-", "epochs 1, not 3"),
        (("--seed", "7", "--epochs", "1"), "epochs1-seed7-", "epochs 1, not 3; seed 7, not 5"),
        (("--data", "digits", "--epochs", "1"), "digits-epochs1-", "images of digits at 12x12, not of digits-m"),
        (("--image-size", "14", "--epochs", "1"), "size14-epochs1-", "images of digits-m at 14x14"),
    ],
)  # fmt: skip
def test_what_is_trained_otherwise_has_files_of_its_own_and_the_winner_stays(
    run: Path, words: tuple[str, ...], name: str, told: str, capfd: LINES
) -> None:
    before = {file: (run / file).read_bytes() for file in WINNERS}
    lines = evaluated(capfd, run / "best.json", *words)
    (network,) = run.glob("best.evaluated-*.safetensors")
    assert network.name.startswith(f"best.evaluated-{name}") and f"trained network saved as {network}" in lines
    assert told in lines[1] and f"not the network of {run / 'best.json'}" in lines[1]
    assert {file: (run / file).read_bytes() for file in WINNERS} == before
    assert network.with_suffix(".evaluation.json").exists() and not (run / "best.evaluation.json").exists()
    assert main(["verify", str(run)]) == 0


def test_two_evaluations_of_other_circumstances_never_share_a_file(run: Path, tmp_path: Path, capfd: LINES) -> None:
    """Two folders of one name differ by what lies in them; the same one twice is one evaluation."""
    folders = [image_folder(tmp_path / place / "photos", classes=2 + number) for number, place in enumerate("ab")]
    for folder in (*folders, folders[0]):
        evaluated(capfd, run / "best.json", "--data", folder, "--epochs", "1")
    networks = sorted(run.glob("best.evaluated-photos-epochs1-*.safetensors"))
    assert sorted(len(json.loads(metadata_of(file)["classes"])) for file in networks) == [2, 3]
    for words in (("--folds", "2"), ("--folds", "3"), ("--folds", "2", "--seed", "8")):
        evaluated(capfd, run / "best.json", "--cv", "--epochs", "1", *words)
    assert len([*run.glob("best.evaluated-*.cross_validation.json")]) == 3


def test_trained_as_the_run_says_it_takes_the_place_of_the_winner(run: Path, tmp_path: Path, capfd: LINES) -> None:
    before = metadata_of(run / "best.safetensors")
    lines = evaluated(capfd, run / "best.json", "--seed", "5", "--data", "digits-m", "--image-size", "12")
    assert lines == [
        f"{run / 'best.json'}: 3 epochs on digits-m, 3x12x12 pixels, seed 5",
        f"saved as {run / 'best.evaluation.json'}",
        f"trained network saved as {run / 'best.safetensors'}",
    ]
    assert metadata_of(run / "best.safetensors") == before
    (run / "best.safetensors").write_bytes(b"cut")
    evaluated(capfd, run / "best.json")
    assert metadata_of(run / "best.safetensors") == before and main(["verify", str(run)]) == 0


def test_the_saved_image_size_holds_for_other_data_and_is_said(run: Path, tmp_path: Path, capfd: LINES) -> None:
    folder = image_folder(tmp_path / "photos")
    first = evaluated(capfd, run / "best.json", "--data", folder, "--epochs", "1")[0]
    assert first == f"{run / 'best.json'}: 1 epochs on {folder}, 3x12x12 pixels, seed 5"
    first = evaluated(capfd, run / "best.json", "--data", folder, "--epochs", "1", "--image-size", "10")[0]
    assert "3x10x10 pixels" in first
    assert sorted(json.loads(metadata_of(file)["input"])["width"] for file in run.glob("*photos*.safetensors")) == [
        10,
        12,
    ]


def test_a_network_of_another_training_is_neither_verified_nor_used(run: Path, capfd: LINES) -> None:
    """As an older version left it: with best.json of the run, and a network that an evaluation had put there."""
    content = json.loads((run / "best.json").read_text())
    content["evidence"]["test"] = None  # which would tell
    (run / "best.json").write_text(readable(content))
    for words, told in (
        (("--epochs", "1"), "epochs 1, not 3"),
        (("--seed", "6"), "seed 6, not 5"),
        (("--data", "digits"), "images of digits, not of digits-m at 12x12"),
        (("--image-size", "14"), "other images of digits-m"),
    ):
        evaluated(capfd, run / "best.json", *words)
        (network,) = run.glob("best.evaluated-*.safetensors")
        network.rename(run / "best.safetensors")
        assert main(["verify", str(run)]) == 3
        assert f"best.safetensors is not the network of best.json ({told}" in capfd.readouterr().out
        assert "nas evaluate" in refused(capfd, "predict", run, run)
    content["seed"] = 6
    (run / "best.json").write_text(readable(content))
    assert main(["verify", str(run)]) == 3
    assert f"{run / 'best.json'}: seed 6, but 5 in spec.json" in capfd.readouterr().out


ANEW = ("--seed", "8", "--epochs", "2")  # of 46 steps
KILLED = """
import sys
from nas.training import evaluation
from nas.main import main
evaluation.SAVE_EVERY = 0.0
main(["evaluate", *sys.argv[1:]])
"""


def test_an_evaluation_that_is_killed_goes_on_when_it_is_asked_for_again(
    run: Path, tmp_path: Path, capfd: LINES
) -> None:
    whole = Path(shutil.copytree(run, tmp_path / "whole"))
    expected = evaluated(capfd, whole / "best.json", *ANEW)
    words = [sys.executable, "-c", KILLED, str(run / "best.json"), *ANEW]
    killed = subprocess.run(words, env=os.environ | {"NAS_FAULT": "step.trained:31:kill"}, cwd=ROOT)
    assert killed.returncode == -signal.SIGKILL
    (kept,) = run.glob("best.evaluated-*.unfinished")
    assert main(["verify", str(run)]) == 0
    with steps_counted() as steps:
        evaluated(capfd, run / "best.json", "--seed", "9", "--epochs", "2")  # another, which must not go on from there
        assert main(["evaluate", str(run / "best.json"), *ANEW]) == 0
    told = capfd.readouterr()
    assert f"going on after 31 of 46 steps, kept in {kept}" in told.err
    assert sum(steps) == 46 + 15
    assert expected[-2:] == told.out.replace(str(run), str(whole)).splitlines()[-2:]
    names = {path.name for path in whole.iterdir() if "evaluated" in path.name}
    assert names == {path.name for path in run.iterdir() if "evaluated-seed8" in path.name or "seed8-" in path.name}
    assert all(content(run / name) == content(whole / name) for name in names) and not kept.exists()


@pytest.mark.parametrize(("words", "at", "of"), [(ANEW, 20, 46), ((*ANEW, "--cv", "--folds", "2"), 30, 48)])
def test_ctrl_c_keeps_an_evaluation_and_it_goes_on_from_there(
    run: Path, words: tuple[str, ...], at: int, of: int, capfd: LINES
) -> None:
    evaluated(capfd, run / "best.json", *words)
    written = {path.name: content(path) for path in run.glob("best.evaluated-*")}
    with steps_counted(at) as steps:
        assert main(["evaluate", str(run / "best.json"), *words]) == 130
        assert "the same command goes on from there" in capfd.readouterr().err
        assert main(["evaluate", str(run / "best.json"), *words]) == 0
    told = capfd.readouterr().err
    assert "going on after" in told and sum(steps) == of
    assert {path.name: content(path) for path in run.glob("best.evaluated-*")} == written


def content(file: Path) -> object:
    """Return what a file says; of a network that is its description, with the digest of its weights."""
    return metadata_of(file) if file.suffix == ".safetensors" else file.read_bytes()


@contextmanager
def steps_counted(interrupt_at: int = 0) -> Iterator[list[int]]:
    """Yield a list that grows by a one at each step of an evaluation; press Ctrl-C at one of them."""
    steps = list[int]()

    def point(name: str) -> None:
        if name == "step.trained":
            steps.append(1)
            if len(steps) == interrupt_at:
                signal.raise_signal(signal.SIGINT)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(faults, "point", point)
        yield steps


def test_in_a_locale_that_is_not_utf8_an_evaluation_keeps_its_network(winner: Winner, tmp_path: Path) -> None:
    """Its classes and data are called what they are; the report is in UTF-8 everywhere."""
    run = Path(shutil.copytree(winner.run, tmp_path / "rün"))
    folder = image_folder(tmp_path / "dätä")
    (folder / "train/class0").rename(folder / "train/été")
    old = os.environ | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONPATH": str(ROOT)}
    code = (
        "import sys; from nas import main; from nas.cli import streams; run, data = sys.argv[1:]; streams.prepare();"
        "words = [['evaluate', f'{run}/best.json', '--data', data, '--epochs', '1'], ['report', run]];"
        "print([main.main(each) for each in words])"
    )
    command = [sys.executable, "-c", code, str(run), str(folder)]
    ended = subprocess.run(command, capture_output=True, env=old, cwd=ROOT, timeout=PATIENCE)
    assert ended.stdout.splitlines()[-1] == b"[0, 0]", ended.stderr
    (network,) = run.glob("best.evaluated-*.safetensors")
    assert json.loads(metadata_of(network)["classes"]) == ["class1", "été"]
    assert metadata_of(network)["data"] == str(folder)
    assert "<h1>" in (run / "report.html").read_text(encoding="utf-8")


def test_an_evaluation_that_cannot_be_kept_is_refused_before_it_trains(run: Path, capfd: LINES) -> None:
    (run / "best.evaluation.json").mkdir()
    assert "best.evaluation.json is a folder" in refused(capfd, "evaluate", run / "best.json", "--quiet")
    assert saved.read(run / "best.json").evidence["test"]


def test_a_winner_that_cannot_be_tested_ends_with_status_7_and_keeps_what_is_known_of_it(
    run: Path, capfd: LINES, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*what: object) -> None:
        raise RuntimeError("no \x1b[31mpower\nat all")

    before = {file: (run / file).read_bytes() for file in ("best.json", "best.safetensors", "history.jsonl")}
    monkeypatch.setattr(Evaluator, "test", fails)
    capfd.readouterr()
    assert main(["resume", str(run), "--quiet"]) == 7
    told = "training the incumbent failed: RuntimeError: no \\x1b[31mpower\\nat all; for its test metrics: "
    assert f"{told}python -m nas.main evaluate {run / 'best.json'}\n" in capfd.readouterr().out
    assert {file: (run / file).read_bytes() for file in before} == before
