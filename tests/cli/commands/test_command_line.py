"""The command line does the main job for real, and tells bad input in one line with status 2."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from nas.cli.flags import parser
from nas.main import arguments, main
from nas.training import cost
from tests.processes import PATIENCE, growing, wait_for_lines

ROOT = Path(__file__).parents[3]
FLOWERS = ROOT.parent / "shared/data/micro17flower"
QUICK = ("--data", "digits", "--epochs", "2", "--folds", "1", "--workers", "0", "--max-trials")
Flags = tuple[str, ...]
DENSE = """
from ConfigSpace import ConfigurationSpace
from torch import nn

DEFAULT = {"width": 8, "rate": 0.01}
TRAINER = {"learning_rate": "rate"}


def space():
    return ConfigurationSpace({"width": (4, 64), "rate": (1e-4, 1e-1)})


def build(config, input_shape, num_classes):
    channels, height, width = input_shape
    hidden = nn.Linear(channels * height * width, config["width"])
    return nn.Sequential(nn.Flatten(), hidden, nn.ReLU(), nn.Linear(config["width"], num_classes))
"""


@pytest.fixture
def dense(tmp_path: Path) -> Flags:
    """Return the flags of a search that takes seconds: networks of one hidden layer."""
    (tmp_path / "dense.py").write_text(DENSE)
    return ("--space", str(tmp_path / "dense.py"), "--run-dir", str(tmp_path), *QUICK)


def nas(*words: str | Path, cwd: Path = ROOT, timeout: float = PATIENCE) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "nas.main", *map(str, words)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=timeout, env=environment)


def refused(capfd: pytest.CaptureFixture[str], *words: str | Path) -> str:
    """Return the one line that a refused command prints."""
    try:
        status = main([str(word) for word in words])
    except SystemExit as exit:
        status = int(str(exit.code))
    out, err = capfd.readouterr()
    assert (status, out) == (2, ""), out + err
    lines = err.strip().splitlines()
    assert len(lines) == 1, err
    assert lines[0].startswith("nas: ")
    return lines[0]


def image_folder(directory: Path, classes: int = 2, images: int = 12) -> Path:
    for number in range(classes):
        folder = directory / "train" / f"class{number}"
        folder.mkdir(parents=True)
        for i in range(images):
            Image.new("RGB", (16, 16), (120 * number, 7 * i, 99)).save(folder / f"{i}.png")
    return directory


def test_a_search_leaves_a_whole_run_folder_whose_best_can_be_evaluated(
    tmp_path: Path, dense: Flags, capfd: pytest.CaptureFixture[str]
) -> None:
    bounds = ("--min-precision", "0.2", "--max-params", "1e4")
    ended = nas(*dense, "6", "--workers", "1", "--seed", "123", *bounds, "--name", "run")
    assert ended.returncode == 0, ended.stderr
    run = tmp_path / "run"
    names = {path.name for path in run.iterdir()}
    assert {"spec.json", "journal.jsonl", "history.jsonl", "best.json", "summary.txt"} <= names
    assert "checkpoints" not in names
    best = json.loads((run / "best.json").read_text())
    assert best["evidence"]["constraints"][:2] == ["precision>=0.2", "params<=10000"]
    assert best["evidence"]["validation"]["params"] <= 1e4
    assert best["versions"]["torch"] and best["seed"] == 123 and best["data"] == "digits"
    assert "incumbent, test" in ended.stdout and "default, test" in ended.stdout
    assert (run / "summary.txt").read_text() == ended.stdout
    assert main(["evaluate", str(run / "best.json")]) == 0
    again = capfd.readouterr().out
    tested = json.loads((run / "best.evaluation.json").read_text())
    assert tested["metrics"] == pytest.approx(best["evidence"]["test"])
    assert sum(map(sum, tested["confusion"])) == 360
    for name in ("accuracy", "top3_accuracy", "precision", "recall", "macro_f1", "params", "macs"):
        assert name in again
    assert main(["evaluate", str(run / "best.json"), "--cv", "--folds", "2", "--epochs", "1"]) == 0
    assert "2-fold cross-validation" in capfd.readouterr().out


def test_the_same_command_twice_gives_the_same_history_to_the_byte(
    tmp_path: Path, dense: Flags, capfd: pytest.CaptureFixture[str]
) -> None:
    for name, workers in (("one", "0"), ("two", "1"), ("three", "2")):
        assert main([*dense, "12", "--workers", workers, "--name", name, "--quiet"]) == 0
        assert capfd.readouterr().err == ""
    histories = {(tmp_path / name / "history.jsonl").read_bytes() for name in ("one", "two", "three")}
    assert len(histories) == 1


def test_under_a_time_limit_every_result_that_both_runs_hold_is_equal(tmp_path: Path, dense: Flags) -> None:
    histories = list[dict[tuple[str, int], Any]]()
    for limit in growing(1):  # until there are two that hold something
        name = f"{limit:g}s"
        words = [
            "--max-macs",
            "none",
            "--workers",
            "0",
            "--max-time",
            name,
            "--name",
            name,
        ]  # a short limit bounds MACs
        assert main([*dense[:-1], *words]) in (0, 1)  # 1 where nothing was trained in time
        lines = (tmp_path / name / "history.jsonl").read_text().splitlines()
        histories.append({(r["job"]["trial"]["id"], r["job"]["stop"]): r for r in map(json.loads, lines)})
        if len([history for history in histories if history]) == 2:
            break
    short, long = histories[-2:]
    both = short.keys() & long.keys()
    assert both and all(short[key] == long[key] for key in both)


@pytest.mark.parametrize("workers", ["0", "2"])
def test_ctrl_c_prints_the_table_with_what_is_there(tmp_path: Path, dense: Flags, workers: str) -> None:
    words = (*dense[:-1], "--workers", workers, "--max-time", "1h", "--name", "run")
    search = subprocess.Popen(
        [sys.executable, "-m", "nas.main", *words],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    wait_for_lines(tmp_path / "run/journal.jsonl", 6, search)
    os.killpg(search.pid, signal.SIGINT)
    out, err = search.communicate(timeout=PATIENCE)
    assert search.returncode == 130, err
    assert "Traceback" not in err
    assert "incumbent" in out and "interrupted" in out
    assert {"history.jsonl", "best.json", "summary.txt"} <= {path.name for path in (tmp_path / "run").iterdir()}


def test_a_space_file_of_ones_own_is_searched_from_its_folder(
    tmp_path: Path, dense: Flags, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ("--space", "dense.py", "--run-dir", "here", *QUICK, "4", "--name", "run", "--objective", "-loss")
    assert main([*words]) == 0
    assert "minimise loss" in capfd.readouterr().err
    assert main(["evaluate", "here/run/best.json"]) == 0
    capfd.readouterr()
    other = refused(capfd, "evaluate", "here/run/best.json", "--space", "cnn")
    assert "has no hyperparameter rate, width" in other


def test_a_space_file_that_lacks_something_is_told_in_one_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "half.py").write_text("def space():\n    pass\nDEFAULT = {}\n")
    assert "lacks 'build'" in refused(capfd, "--space", tmp_path / "half.py")
    (tmp_path / "broken.py").write_text("import nothing_of_the_kind\n")
    assert "nothing_of_the_kind" in refused(capfd, "--space", tmp_path / "broken.py")
    assert "does not exist" in refused(capfd, "--space", tmp_path / "none.py")
    assert "cnn" in refused(capfd, "--space", "cnm")


def test_a_bound_that_nothing_meets_ends_at_once_with_the_nearest_miss(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    began = time.process_time()
    line = refused(capfd, "--max-params", "1000", "--run-dir", tmp_path, "--quiet")
    assert re.search(r"0 of \d+ samples meet params<=1000; the smallest seen has \d+", line)
    assert int(line.split()[-1]) > 1000
    assert time.process_time() - began < 60  # ten or less


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--objective", "acuracy"), "unknown metric 'acuracy'"),
        (("--constraint", "speed<=3"), "unknown metric 'speed'"),
        (("--constraint", "precision=>0.39"), "precision=>0.39"),
        (("--min-precision", "1.5"), "between 0 and 1"),
        (("--population", "0"), "--population: population is 0, but must be at least 1"),
        (("--epochs", "2.5"), "2.5"),
        (("--min-epochs", "60"), "60"),
        (("--eta", "1"), "--eta: eta is 1, but must be at least 2"),
        (("--folds", "500"), "folds"),
        (("--mutation-rate", "2"), "--mutation-rate: mutation rate is 2, but must be at most 1"),
        (("--diverge-above", "1"), "--diverge-above: 1 is too small: it must be above 1"),
        (("--max-time", "soon"), "soon"),
        (("--min-precision", "nan"), "nan"),
        (("--seed", "-1"), "-1"),
        (("--name", "../x"), "plain name"),
        (("--data", "no/such/folder"), "no/such/folder"),
        (("--colour", "red"), "--colour"),
        (("--epoch", "3"), "--epoch"),
        (("evaluate", "none.json"), "none.json"),
        (("evaluate", "none.json", "--folds", "3"), "--cv"),
        (("--max-total-epochs", "5"), "--max-total-epochs 5 is less"),
        (("--name", ".."), "plain name"),
    ],
)
def test_bad_input_is_told_in_one_line(words: tuple[str, ...], told: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert told in refused(capfd, *words)


def test_what_is_left_out_for_its_cost_is_said_with_the_bound_and_the_way_round(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    words = ("--space", "cnn", "--run-dir", str(tmp_path), *QUICK, "1", "--name", "run", "--max-time", "20s")
    assert main([*words]) == 0
    out, err = capfd.readouterr()
    spoken = json.loads((tmp_path / "run/spec.json").read_text())["constraints"]
    bound = int(spoken[0].removeprefix("macs<="))
    assert spoken[1] == "train_seconds<=1"
    assert f"candidates above {bound:.3g} MACs" in err and "left out" in err and "--max-macs none" in err
    assert "5% of 20 s" in err
    assert "the default configuration" in out and f"evaluate {tmp_path / 'run/default.json'}" in out
    assert "was not tested: training the default configuration takes" in (tmp_path / "run/report.html").read_text()
    assert json.loads((tmp_path / "run/best.json").read_text())["evidence"]["validation"]["macs"] <= bound


def test_networks_that_cannot_be_built_are_redrawn_and_counted(tmp_path: Path, dense: Flags) -> None:
    broken = DENSE.replace(
        "    channels,", "    if config['width'] % 2:\n        raise ValueError('odd')\n    channels,"
    )
    (tmp_path / "dense.py").write_text(broken)
    assert main([*dense, "6", "--name", "run", "--workers", "0"]) == 0
    history = (tmp_path / "run/history.jsonl").read_text().splitlines()
    assert all(json.loads(line)["job"]["trial"]["config"]["width"] % 2 == 0 for line in history)
    assert "for a network that cannot be built" in (tmp_path / "run/summary.txt").read_text()


def test_a_space_whose_networks_cannot_be_built_is_told(
    tmp_path: Path, dense: Flags, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "dense.py").write_text(DENSE.replace("    channels,", "    raise ValueError('never')\n    channels,"))
    assert "cannot be built or run: ValueError: never" in refused(capfd, *dense, "6", "--quiet")
    (tmp_path / "dense.py").write_text(DENSE.replace('"rate"}', '"rat"}'))
    assert "learning_rate names 'rat'" in refused(capfd, *dense, "6", "--quiet")


def test_a_default_that_cannot_be_trained_does_not_cost_the_result(
    tmp_path: Path, dense: Flags, capfd: pytest.CaptureFixture[str]
) -> None:
    broken = DENSE.replace(
        "    channels,", "    if config['rate'] == 0.01:\n        raise ValueError('no')\n    channels,"
    )
    (tmp_path / "dense.py").write_text(broken)
    assert main([*dense, "3", "--name", "run", "--workers", "0"]) == 0
    assert "the default configuration cannot be built" in capfd.readouterr().out
    assert (tmp_path / "run/summary.txt").exists()
    page = (tmp_path / "run/report.html").read_text()
    assert "was not tested: the default configuration cannot be built" in page


def test_going_on_with_other_settings_is_refused_with_the_difference(
    dense: Flags, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main([*dense, "3", "--name", "run", "--workers", "0"]) == 0
    capfd.readouterr()
    line = refused(capfd, *dense, "3", "--name", "run", "--workers", "0", "--quiet", "--eta", "2")
    assert "eta 3, now 2" in line


def test_latency_is_measured_before_training_and_can_be_bounded(tmp_path: Path, dense: Flags) -> None:
    assert main([*dense, "2", "--name", "run", "--max-latency-ms", "1000"]) == 0
    best = json.loads((tmp_path / "run/best.json").read_text())
    assert 0 < best["evidence"]["validation"]["latency_ms"] < 1000


def test_a_latency_that_no_network_reaches_is_told(
    dense: Flags, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cost.latency_ms, "__defaults__", (1,))  # of a thousand samples
    line = refused(capfd, *dense, "2", "--quiet", "--max-latency-ms", "1e-6")
    assert "samples meet latency_ms<=1e-06; the smallest seen has" in line


def test_bad_images_are_told_in_one_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    whole = image_folder(tmp_path / "corrupt")
    (whole / "train/class1/3.png").write_bytes(b"no image at all")
    assert "class1/3.png" in refused(capfd, "--data", whole)
    empty = image_folder(tmp_path / "empty")
    (empty / "train/class2").mkdir()
    assert "class2" in refused(capfd, "--data", empty)
    assert "class" in refused(capfd, "--data", image_folder(tmp_path / "single", classes=1))
    few = refused(capfd, "--data", image_folder(tmp_path / "few", images=4), "--folds", "5")
    assert "folds" in few


def test_a_damaged_or_foreign_configuration_file_is_told_in_one_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    saved = (ROOT / "runs/reference_seed123.json").read_text()
    (tmp_path / "cut.json").write_text(saved[: len(saved) // 2])
    assert "whole JSON" in refused(capfd, "evaluate", tmp_path / "cut.json")
    (tmp_path / "list.json").write_text("[1, 2]")
    assert "not a saved configuration" in refused(capfd, "evaluate", tmp_path / "list.json")
    content = json.loads(saved)
    (tmp_path / "other.json").write_text(json.dumps(content | {"space_digest": "0" * 16}))
    assert "another version of space cnn" in refused(capfd, "evaluate", tmp_path / "other.json")
    illegal = content | {"config": content["config"] | {"batch_size": 10**6}}
    (tmp_path / "illegal.json").write_text(json.dumps(illegal))
    assert "batch_size" in refused(capfd, "evaluate", tmp_path / "illegal.json")


@pytest.mark.skipif(not FLOWERS.exists(), reason="the flower images are not here")
def test_real_flowers_are_searched_and_the_best_is_tested(tmp_path: Path) -> None:
    words = ("--data", FLOWERS, "--objective", "top3_accuracy", "--max-params", "2e7", "--max-macs", "2e6")
    limits = ("--epochs", "3", "--folds", "1", "--max-trials", "4", "--max-time", "2m", "--workers", "0")
    ended = nas(*words, *limits, "--run-dir", tmp_path, "--name", "run")
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
        "heavy = {'torch', 'ConfigSpace', 'scipy', 'sklearn', 'rich'} & set(sys.modules)\nassert not heavy, heavy"
    )
    ended = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert "evaluate" in ended.stdout


def test_numbers_may_be_written_as_people_do() -> None:
    asked = arguments(["--max-params", "2e7", "--max-time", "2h", "--objective", "-loss"]).asked
    assert [str(constraint) for constraint in asked.constraints] == ["params<=20000000"]
    assert (asked.max_time, asked.objective, asked.max_macs) == (7200, "-loss", "auto")
    assert arguments([]).asked.max_time == 300
    assert arguments(["--max-trials", "5"]).asked.max_time is None
    assert arguments(["--max-trials", "5", "--max-time", "60"]).asked.max_time == 60
    assert arguments(["--max-macs", "none"]).asked.max_macs == "none"
    assert parser().prog == "nas"
