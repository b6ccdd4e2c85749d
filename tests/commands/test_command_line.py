"""The command line does the main job for real, and tells bad input in one line with status 2."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

from nas.main import arguments, parser

ROOT = Path(__file__).parents[2]
FLOWERS = ROOT.parent / "shared/data/micro17flower"
QUICK = ("--data", "digits", "--epochs", "2", "--folds", "1", "--max-macs", "3e5", "--workers", "1", "--max-trials")


def nas(*words: str | Path, cwd: Path = ROOT, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "nas.main", *map(str, words)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=timeout, env=environment)


def refused(*words: str | Path) -> str:
    """Return the one line that a refused command prints."""
    ended = nas(*words)
    assert ended.returncode == 2, ended
    assert ended.stdout == ""
    lines = ended.stderr.strip().splitlines()
    assert len(lines) == 1, ended.stderr
    assert lines[0].startswith("nas: ")
    return lines[0]


def image_folder(directory: Path, classes: int = 2, images: int = 12) -> Path:
    for number in range(classes):
        folder = directory / "train" / f"class{number}"
        folder.mkdir(parents=True)
        for i in range(images):
            Image.new("RGB", (16, 16), (120 * number, 7 * i, 99)).save(folder / f"{i}.png")
    return directory


def test_a_search_leaves_a_whole_run_folder_whose_best_can_be_evaluated(tmp_path: Path) -> None:
    ended = nas(*QUICK, "6", "--seed", "123", "--min-precision", "0.2", "--run-dir", tmp_path, "--name", "run")
    assert ended.returncode == 0, ended.stderr
    run = tmp_path / "run"
    names = {path.name for path in run.iterdir()}
    assert {"spec.json", "journal.jsonl", "history.jsonl", "best.json", "summary.txt"} <= names
    assert "checkpoints" not in names
    best = json.loads((run / "best.json").read_text())
    assert best["evidence"]["constraints"] == ["precision>=0.2", "macs<=300000"]
    assert best["evidence"]["validation"]["macs"] <= 3e5
    assert best["versions"]["torch"] and best["seed"] == 123 and best["data"] == "digits"
    assert "incumbent, test" in ended.stdout
    assert (run / "summary.txt").read_text() == ended.stdout
    again = nas("evaluate", run / "best.json")
    assert again.returncode == 0, again.stderr
    tested = json.loads((run / "best.evaluation.json").read_text())
    assert tested["metrics"] == pytest.approx(best["evidence"]["test"])  # the same training, to the bit
    assert sum(map(sum, tested["confusion"])) == 360
    for name in ("accuracy", "top3_accuracy", "precision", "recall", "macro_f1", "params", "macs"):
        assert name in again.stdout
    validated = nas("evaluate", run / "best.json", "--cv", "--folds", "2", "--epochs", "1")
    assert "2-fold cross-validation" in validated.stdout, validated.stderr


def test_the_same_command_twice_gives_the_same_history_to_the_byte(tmp_path: Path) -> None:
    for name, workers in (("one", "1"), ("other", "2")):
        ended = nas(*QUICK, "7", "--workers", workers, "--run-dir", tmp_path, "--name", name, "--quiet")
        assert ended.returncode == 0, ended.stderr
        assert ended.stderr == ""
    assert (tmp_path / "one/history.jsonl").read_bytes() == (tmp_path / "other/history.jsonl").read_bytes()


def test_under_a_time_limit_every_result_that_both_runs_hold_is_equal(tmp_path: Path) -> None:
    histories = []
    for name, limit in (("short", "9s"), ("long", "14s")):
        words = (*QUICK[:-1], "--max-time", limit, "--run-dir", tmp_path, "--name", name)
        assert nas(*words).returncode in (0, 1)
        lines = (tmp_path / name / "history.jsonl").read_text().splitlines()
        histories.append({(r["job"]["trial"]["id"], r["job"]["stop"]): r for r in map(json.loads, lines)})
    both = histories[0].keys() & histories[1].keys()
    assert both and all(histories[0][key] == histories[1][key] for key in both)


def test_ctrl_c_prints_the_table_with_what_is_there(tmp_path: Path) -> None:
    words = (*QUICK[:-1], "--max-time", "5m", "--run-dir", str(tmp_path), "--name", "run")
    search = subprocess.Popen(
        [sys.executable, "-m", "nas.main", *words],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    journal, patience = tmp_path / "run/journal.jsonl", time.monotonic() + 60
    while time.monotonic() < patience and not (journal.exists() and journal.read_text().count("\n") > 12):
        time.sleep(0.2)
    os.killpg(search.pid, signal.SIGINT)
    out, err = search.communicate(timeout=30)
    assert search.returncode == 130, err
    assert "Traceback" not in err
    assert "incumbent" in out and "interrupted" in out
    assert {"history.jsonl", "best.json", "summary.txt"} <= {path.name for path in (tmp_path / "run").iterdir()}


def test_a_space_file_of_ones_own_is_searched_from_any_folder(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from ConfigSpace import ConfigurationSpace\n"
        "from torch import nn\n"
        "DEFAULT = {'width': 8, 'rate': 0.01}\n"
        "TRAINER = {'learning_rate': 'rate'}\n"
        "def space():\n"
        "    return ConfigurationSpace({'width': (4, 32), 'rate': (1e-4, 1e-1)})\n"
        "def build(config, input_shape, num_classes):\n"
        "    channels, height, width = input_shape\n"
        "    inputs = channels * height * width\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(inputs, config['width']), nn.ReLU(),\n"
        "                         nn.Linear(config['width'], num_classes))\n"
    )
    words = ("--data", "digits", "--space", "mine.py", "--epochs", "2", "--folds", "1", "--max-trials", "4")
    ended = nas(*words, "--run-dir", "here", "--name", "run", "--objective", "-loss", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert "default, test" in ended.stdout
    assert nas("evaluate", "here/run/best.json", cwd=tmp_path).returncode == 0
    (tmp_path / "half.py").write_text("def space():\n    pass\nDEFAULT = {}\n")
    assert "lacks 'build'" in refused("--space", tmp_path / "half.py")
    (tmp_path / "broken.py").write_text("import nothing_of_the_kind\n")
    assert "nothing_of_the_kind" in refused("--space", tmp_path / "broken.py")
    assert "does not exist" in refused("--space", tmp_path / "none.py")
    assert "cnn" in refused("--space", "cnm")
    other = refused("evaluate", tmp_path / "here/run/best.json", "--space", "cnn")
    assert "has no hyperparameter" in other


def test_a_bound_that_nothing_meets_ends_at_once_with_the_nearest_miss(tmp_path: Path) -> None:
    began = time.monotonic()
    line = refused("--max-params", "1000", "--run-dir", tmp_path, "--quiet")
    assert re.search(r"0 of \d+ samples meet params<=1000; the smallest seen has \d+", line)
    assert int(line.split()[-1]) > 1000
    assert time.monotonic() - began < 60  # ten on a quiet machine


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--objective", "acuracy"), "unknown metric 'acuracy'"),
        (("--constraint", "speed<=3"), "unknown metric 'speed'"),
        (("--constraint", "precision=>0.39"), "precision=>0.39"),
        (("--min-precision", "1.5"), "between 0 and 1"),
        (("--population", "0"), "population is 0"),
        (("--epochs", "2.5"), "2.5"),
        (("--min-epochs", "60"), "60"),
        (("--eta", "1"), "eta 1"),
        (("--folds", "500"), "folds"),
        (("--mutation-rate", "2"), "mutation rate"),
        (("--max-time", "soon"), "soon"),
        (("--data", "no/such/folder"), "no/such/folder"),
        (("--colour", "red"), "--colour"),
        (("--epoch", "3"), "--epoch"),
        (("evaluate", "none.json"), "none.json"),
    ],
)
def test_bad_input_is_told_in_one_line(words: tuple[str, ...], told: str) -> None:
    assert told in refused(*words)


def test_bad_images_are_told_in_one_line(tmp_path: Path) -> None:
    whole = image_folder(tmp_path / "corrupt")
    (whole / "train/class1/3.png").write_bytes(b"no image at all")
    assert "class1/3.png" in refused("--data", whole)
    empty = image_folder(tmp_path / "empty")
    (empty / "train/class2").mkdir()
    assert "class2" in refused("--data", empty)
    assert "class" in refused("--data", image_folder(tmp_path / "single", classes=1))
    few = refused("--data", image_folder(tmp_path / "few", images=4), "--folds", "5")
    assert "folds" in few


def test_a_damaged_or_foreign_configuration_file_is_told_in_one_line(tmp_path: Path) -> None:
    saved = (ROOT / "runs/reference_seed123.json").read_text()
    (tmp_path / "cut.json").write_text(saved[: len(saved) // 2])
    assert "whole JSON" in refused("evaluate", tmp_path / "cut.json")
    (tmp_path / "list.json").write_text("[1, 2]")
    assert "not a saved configuration" in refused("evaluate", tmp_path / "list.json")
    content = json.loads(saved)
    (tmp_path / "other.json").write_text(json.dumps(content | {"space_digest": "0" * 16}))
    assert "another version of space cnn" in refused("evaluate", tmp_path / "other.json")
    illegal = content | {"config": content["config"] | {"batch_size": 10**6}}
    (tmp_path / "illegal.json").write_text(json.dumps(illegal))
    assert "batch_size" in refused("evaluate", tmp_path / "illegal.json")


@pytest.mark.skipif(not FLOWERS.exists(), reason="the flower images are not here")
def test_real_flowers_are_searched_and_the_best_is_tested(tmp_path: Path) -> None:
    words = ("--data", FLOWERS, "--objective", "top3_accuracy", "--max-params", "2e7", "--max-macs", "2e6")
    limits = ("--epochs", "3", "--folds", "1", "--max-trials", "4", "--run-dir", tmp_path, "--name", "run")
    ended = nas(*words, *limits, timeout=240)
    assert ended.returncode == 0, ended.stderr
    content = json.loads((tmp_path / "run/best.json").read_text())
    assert content["evidence"]["test"]["top3_accuracy"] > 3 / 17


def test_what_is_there_is_listed() -> None:
    assert "cnn" in nas("spaces").stdout
    listed = nas("data").stdout
    for name in ("digits-m", "digits", "flowers17", "flowers102", "cifar10", "fashion-mnist"):
        assert name in listed


def test_help_imports_nothing_heavy() -> None:
    script = (
        "import sys\nfrom nas.main import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'torch', 'ConfigSpace', 'numpy', 'rich', 'deap'} & set(sys.modules)\nassert not heavy, heavy"
    )
    ended = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert "evaluate" in ended.stdout


def test_numbers_may_be_written_as_people_do() -> None:
    flags = arguments(["--max-params", "2e7", "--max-time", "2h", "--objective", "-loss"])
    assert (flags.max_params, flags.max_time, flags.objective, flags.max_macs) == (2 * 10**7, 7200, "-loss", "auto")
    assert arguments([]).max_time == 300
    assert arguments(["--max-trials", "5"]).max_time is None
    assert arguments(["--max-trials", "5", "--max-time", "60"]).max_time == 60
    assert arguments(["--max-macs", "none"]).max_macs == "none"
    assert parser().prog == "nas"
