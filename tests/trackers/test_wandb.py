"""Weights & Biases gets every committed result once, and whatever becomes of it, the search is the same."""

import json
import os
import shutil
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import nas
from nas.core import ranking
from nas.core.evidence import Evidence
from nas.core.types import Result, Status
from nas.main import arguments, main
from nas.runs import journal, saved
from nas.runs.stored import StoredRun, open_run
from nas.trackers import child as child_module
from nas.trackers import mode, tracking
from nas.trackers.child import Child
from tests.cli.commands.test_command_line import DENSE, QUICK, refused
from tests.cli.commands.test_command_line import nas as command
from tests.fakes import climb, hills, look_up, params, python
from tests.processes import PATIENCE, until, wait_for_lines, wait_until_gone
from tests.trackers.datastore import artifacts, config, offline_runs, run_id, steps, summary

ASKED: dict[str, Any] = {
    "measure": lambda config: {"params": params(config)}, "constraints": ["params<=900", "precision>=0.001"],
    "max_trials": 40, "max_epochs": 12, "min_epochs": 3, "offspring": 4, "population": 5, "confirm": 2,
}  # fmt: skip
BROKEN = {
    "is not installed": "raise ImportError('No module named wandb')",
    "is killed": "import os\nos.kill(os.getpid(), 9)",
    "hangs": "import time\ntime.sleep(1000)",
}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget whatever W&B knows of who runs the tests."""
    alone(monkeypatch, tmp_path_factory.mktemp("home"))


def alone(patch: pytest.MonkeyPatch, home: Path) -> None:
    for name in [name for name in os.environ if name.startswith("WANDB_")]:
        patch.delenv(name)
    patch.setenv("NETRC", str(home / "netrc"))
    patch.setenv("WANDB_CONFIG_DIR", str(home))


def searched(directory: Path, tracker: Child, train: Any = look_up) -> nas.Run:
    return nas.search(hills(), train, run_dir=directory, trackers=[tracker], **ASKED)


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Yield the folder of a search that was followed to its end, with what a report and a retraining leave there."""
    with pytest.MonkeyPatch.context() as patch:
        alone(patch, tmp_path_factory.mktemp("home"))
        patch.setattr(child_module, "_WAIT", PATIENCE)  # a busy machine
        directory = tmp_path_factory.mktemp("runs") / "run"
        with Child(directory, "offline", "flowers") as tracker:
            run = searched(directory, tracker)
            conclude(run, directory)
        yield directory


def conclude(run: nas.Run, directory: Path) -> None:
    assert run.best
    evidence = {"test": {"accuracy": 0.75}}
    saved.Saved(run.best.config, "hills", "0" * 16, "none", None, 12, 0, evidence=evidence).write(
        directory / "best.json"
    )
    (directory / "summary.txt").write_text("well done\n")
    (directory / "report.html").write_text("<p>well done</p>")
    (directory / "best.safetensors").write_bytes(bytes(16))
    (directory / "figures").mkdir()
    Image.new("RGB", (4, 4)).save(directory / "figures/history.png")


@pytest.fixture
def sent(followed: Path) -> list[Any]:
    return offline_runs(followed)[0]


def test_every_committed_result_is_logged_once_with_its_line_as_step(followed: Path, sent: list[Any]) -> None:
    stored, rows = open_run(followed), steps(sent)
    assert [step for step, _ in rows] == list(range(1, len(stored.committed) + 1))
    for result, (_, row) in zip(stored.committed, rows, strict=True):
        assert row["result/trial"] == result.job.trial.id
        assert row["result/violation"] == pytest.approx(-result.score.feasibility)
        assert (row["result/epochs"], row["search/seconds"]) == (result.epochs, result.elapsed)
        for name in ("accuracy", "precision", "params"):
            assert row[f"result/{name}"] == result.metrics[name]


def test_each_row_says_how_far_the_search_has_come(followed: Path, sent: list[Any]) -> None:
    stored = open_run(followed)
    for number, (_, row) in enumerate(steps(sent), 1):
        expected_progress(stored, stored.committed[:number], row)
    best = stored.best
    assert best and row["incumbent/accuracy"] == best.metrics["accuracy"]


def expected_progress(stored: StoredRun, so_far: list[Result], row: dict[str, Any]) -> None:
    search = Evidence.of(so_far).searched
    full = [r for r in search if r.status is Status.OK and r.epochs == 12]
    assert row["search/epochs"] == sum(result.job.stop - result.job.start for result in so_far)
    assert row["search/trials"] == len({result.job.trial.id for result in search})
    assert row["search/results_feasible"] == pytest.approx(sum(r.feasible for r in search) / len(search))
    population = ranking.best(full, stored.spec.population)
    assert ("population/accuracy_mean" in row) == bool(population)
    if population:
        values = [result.metrics["params"] for result in population]
        assert row["population/params_mean"] == pytest.approx(sum(values) / len(values))
        assert row["population/params_best"] == min(values)
        assert row["population/accuracy_best"] == max(result.metrics["accuracy"] for result in population)
    if len(so_far) == len(search):
        best = ranking.incumbent(search)
        assert best and row["incumbent/precision"] == best.metrics["precision"]


def test_the_end_has_tables_plots_figures_the_summary_and_the_files(followed: Path, sent: list[Any]) -> None:
    stored, last, told = open_run(followed), steps(sent)[-1][1], summary(sent)
    assert last["rungs/nrows"] == len(stored.committed)
    trials = table(followed, last, "trials")
    assert {row["trial"] for row in trials} == {result.job.trial.id for result in stored.committed}
    some = next(row for row in trials if row["operator"] == "mutate" or row["parents"])
    origin = next(r.job.trial for r in stored.committed if r.job.trial.id == some["trial"])
    assert some["parents"] == " ".join(origin.parents) and some["config/depth"] == origin.config.values["depth"]
    assert {"precision_against_accuracy_table/nrows", "params_against_accuracy_table/nrows"} <= last.keys()
    assert last["figures/history/_type"] == "image-file" and last["report/_type"] == "html-file"
    best, again = stored.best, stored.confirmation
    assert best and again
    assert told["incumbent/accuracy"] == best.metrics["accuracy"] and told["incumbent/trial"] == best.job.trial.id
    assert told["confirmation/mean/accuracy"] == pytest.approx(again.mean["accuracy"])
    assert told["test/accuracy"] == 0.75
    files = ["best.json", "best.safetensors", "report.html", "spec.json", "summary.txt"]
    assert artifacts(sent)["search"] == files
    assert config(sent)["constraints"] == ["params<=900", "precision>=0.001"]


def table(directory: Path, row: dict[str, Any], name: str) -> list[dict[str, Any]]:
    folder = next(directory.glob(f"wandb/*/files/{row[f'{name}/path']}"))
    content = json.loads(folder.read_text())
    return [dict(zip(content["columns"], values, strict=True)) for values in content["data"]]


def test_a_search_that_is_killed_and_resumed_sends_each_line_once_to_the_same_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = (
        "import sys\nfrom pathlib import Path\nfrom tests.fakes import halting\n"
        "from tests.trackers.test_wandb import Child, searched\n"
        "with Child(Path(sys.argv[1]), 'offline', 'flowers') as tracker:\n"
        "    searched(Path(sys.argv[1]), tracker, halting(10))\n"
    )
    engine = python(code, tmp_path)
    wait_for_lines(tmp_path / "journal.jsonl", 10, engine)
    os.kill(engine.pid, signal.SIGKILL)
    engine.communicate()
    lines = (tmp_path / "journal.jsonl").read_bytes().count(b"\n")
    until(lambda: (known := tracking.read(tmp_path)) and known.sent >= lines)
    first = tracking.read(tmp_path)
    assert first
    monkeypatch.setattr(child_module, "_WAIT", PATIENCE)
    with Child(tmp_path, "offline", "flowers") as tracker:
        run = searched(tmp_path, tracker, climb)
    before, after = offline_runs(tmp_path)
    assert run_id(before) == run_id(after) == first.id
    sent = [step for step, _ in steps(before) + steps(after)]
    assert sent == list(range(1, len(open_run(tmp_path).committed) + 1)) and len(run.trials) <= len(sent)
    assert len(steps(before)) == lines


@pytest.mark.parametrize("how", BROKEN)
def test_a_tracker_that_breaks_changes_nothing_and_is_told_once(
    how: str, followed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "wandb.py").write_text(BROKEN[how])
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(child_module, "_WAIT", 0.1 if how == "hangs" else PATIENCE)
    with Child(tmp_path / "run", "offline", "flowers") as tracker:
        run = searched(tmp_path / "run", tracker)
    said = capfd.readouterr().err.strip().splitlines()
    assert len(said) == 1 and "nas track" in said[0], said
    assert {"is not installed": "ImportError: No module named wandb", "is killed": "status -9"}.get(how, "") in said[0]
    assert run.stopped == "limit on trials or epochs"
    assert (tmp_path / "run/history.jsonl").read_bytes() == (followed / "history.jsonl").read_bytes()
    if how == "hangs":
        process = tracker._process
        assert process
        process.kill()
        process.wait()


def test_what_a_tracker_missed_is_sent_by_the_next_resumption_which_has_nothing_else_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child_module, "_WAIT", PATIENCE)
    with Child(tmp_path, "offline", "flowers") as tracker:
        nas.search(hills(), look_up, run_dir=tmp_path, trackers=[tracker, kill(tracker)], **ASKED)
    with Child(tmp_path, "offline", "flowers") as tracker:
        searched(tmp_path, tracker)
    sent = steps(offline_runs(tmp_path)[-1])
    assert [step for step, _ in sent] == list(range(1, len(open_run(tmp_path).committed) + 1))


def kill(tracker: Child) -> Any:
    def now(*_: object) -> None:
        assert tracker._process
        tracker._process.kill()

    return now


def test_a_broken_tracker_costs_the_command_neither_status_nor_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "wandb.py").write_text("raise RuntimeError('no')\nmore")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert main([*one_trial(tmp_path), "--wandb", "offline", "--quiet"]) == 0
    out, err = capfd.readouterr()
    assert "incumbent, test" in out and err.count("\n") == 1
    assert err.startswith("W&B failed, the search does not need it: RuntimeError: no; nas track ")


def one_trial(folder: Path) -> list[str]:
    """Return the words of a search that trains the default configuration only."""
    (folder / "dense.py").write_text(DENSE)
    words = ["--space", str(folder / "dense.py"), "--run-dir", str(folder), "--name", "run", *QUICK[:-3]]
    return [*words, "--workers", "0", "--max-trials", "2", "--strategy", "default"]


def test_the_tracker_outlives_ctrl_c_and_ends_with_the_engine(tmp_path: Path) -> None:
    (tmp_path / "wandb.py").write_text("import time\ntime.sleep(1000)")
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom nas.trackers.child import Child\n"
        "child = Child(Path(sys.argv[1]), 'offline', 'flowers')\nchild._start()\n"
        "print(child._process.pid, flush=True)\ntime.sleep(3600)\n"
    )
    engine = python(code, tmp_path)
    assert engine.stdout
    tracker = int(engine.stdout.readline())
    assert os.getpgid(tracker) != os.getpgid(engine.pid)
    os.kill(engine.pid, signal.SIGKILL)
    engine.communicate()
    wait_until_gone([tracker])  # there is no run to send


def test_nas_track_sends_a_run_as_a_new_one(tmp_path: Path, followed: Path, sent: list[Any]) -> None:
    before = tracking.read(followed)
    done = command("track", followed, "--wandb", "offline")
    assert done.returncode == 0, done.stderr
    after = tracking.read(followed)
    assert before and after and after.id != before.id and after.project == before.project == "flowers"
    assert f"results sent: {followed / 'wandb/offline-run-'}" in done.stdout and done.stderr == ""
    again = next(records for records in offline_runs(followed) if run_id(records) == after.id)
    assert [values(row) for row in steps(again)] == [values(row) for row in steps(sent)]
    assert artifacts(again)["search"] == artifacts(sent)["search"]
    assert {key for key in summary(again) if "artifact" not in key} >= {"test/accuracy", "trials/nrows", "rungs/nrows"}
    made_up = shutil.ignore_patterns("best.safetensors")
    assert main(["verify", str(shutil.copytree(followed, tmp_path / "copy", ignore=made_up))]) == 0


def values(row: tuple[int, dict[str, Any]]) -> dict[str, Any]:
    groups = ("result/", "search/", "incumbent/", "population/")
    return {"step": row[0], **{name: value for name, value in row[1].items() if name.startswith(groups)}}


def test_what_cannot_be_sent_is_told_in_one_line(
    tmp_path: Path, followed: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert "spec.json cannot be read" in refused(capfd, "track", tmp_path, "--wandb", "offline")
    assert "needs a key of W&B" in refused(capfd, "track", followed, "--wandb", "online")
    assert "W&B is off here" in refused(capfd, "track", followed)
    assert "is no name of a project" in refused(capfd, "track", followed, "--wandb-project", "a/b")
    assert "needs a key of W&B" in refused(capfd, "--wandb", "online")
    assert "unknown mode of W&B 'on'" in refused(capfd, "--wandb", "on")


def test_without_a_key_a_search_hints_once_and_does_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Child, "_start", lambda self: None if self._mode == "disabled" else 1 / 0)
    assert main(one_trial(tmp_path)) == 0
    said = capfd.readouterr().err
    assert said.count("W&B") == 1 and "W&B is off, no key is configured: wandb login, or --wandb offline\n" in said
    assert {"wandb", "tracking.json"}.isdisjoint(path.name for path in (tmp_path / "run").iterdir())
    assert arguments(["resume", str(tmp_path / "run")]).asked.wandb == "auto"
    assert arguments(["resume", str(tmp_path / "run"), "--wandb", "offline"]).asked.wandb == "offline"
    assert main(["resume", str(tmp_path / "run"), "--quiet"]) == 0
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("asked", "environment", "decided"),
    [
        ("auto", {}, "disabled"),
        ("auto", {"WANDB_API_KEY": "key"}, "online"),
        ("auto", {"WANDB_MODE": "offline"}, "offline"),
        ("auto", {"WANDB_MODE": "dryrun", "WANDB_API_KEY": "key"}, "offline"),
        ("auto", {"WANDB_MODE": "disabled", "WANDB_API_KEY": "key"}, "disabled"),
        ("auto", {"WANDB_MODE": "online"}, "disabled"),
        ("offline", {"WANDB_MODE": "disabled"}, "offline"),
        ("disabled", {"WANDB_API_KEY": "key"}, "disabled"),
        ("online", {"WANDB_API_KEY": "key", "WANDB_MODE": "offline"}, "online"),
    ],
)
def test_the_words_of_the_mode(
    asked: str, environment: dict[str, str], decided: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert mode.decided(asked) == decided
    assert bool(mode.hint(asked, decided)) == (asked == "auto" and environment.get("WANDB_MODE", "online") == "online"
                                               and decided == "disabled")  # fmt: skip


def test_a_key_is_found_in_netrc_for_the_host_in_use_and_in_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("WANDB_CONFIG_DIR", str(tmp_path))
    (tmp_path / "netrc").write_text("machine api.wandb.ai login user password secret\n")
    assert mode.has_key()
    monkeypatch.setenv("WANDB_BASE_URL", "https://wandb.example.org:8080")
    assert not mode.has_key()
    (tmp_path / "netrc").write_text("machine wandb.example.org:8080 login user password secret\n")
    assert mode.has_key()
    for unreadable in ("machine", "\x00\xff", ""):
        (tmp_path / "netrc").write_text(unreadable)
        assert not mode.has_key()
    (tmp_path / "settings").write_text("[default]\napi_key = secret\nmode = offline\n")
    assert mode.has_key() and mode.decided("auto") == "offline"
    (tmp_path / "settings").write_text("nonsense")
    assert not mode.has_key()


def test_only_whole_lines_are_read_and_those_before_the_end_are_not_missed(followed: Path, tmp_path: Path) -> None:
    whole, file, over = (followed / "journal.jsonl").read_bytes(), tmp_path / "journal.jsonl", threading.Event()
    lines = whole.splitlines(keepends=True)[:3]
    file.write_bytes(lines[0] + lines[1][:40])
    reading = journal.follow(file, over, 0.01)
    assert next(reading)[0] == 1
    with file.open("ab") as more:
        more.write(lines[1][40:])
    assert next(reading)[:2] == (2, lines[1][:8].decode())
    with file.open("ab") as more:
        more.write(lines[2] + lines[0][:9])
    over.set()
    assert [number for number, _, _ in reading] == [3]
    assert journal.checksum(file, 3) == lines[2][:8].decode() and journal.checksum(file, 9) == ""


def test_a_journal_that_was_cut_is_another_run_of_wandb(tmp_path: Path, followed: Path) -> None:
    lines = (followed / "journal.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "journal.jsonl").write_bytes(b"".join(lines[:5]))
    known = tracking.Tracking("flowers", sent=5, checksum=lines[4][:8].decode())
    known.write(tmp_path)
    assert tracking.begun(tmp_path, "other") == known
    (tmp_path / "journal.jsonl").write_bytes(b"".join([*lines[:4], lines[6], lines[7]]))
    assert tracking.begun(tmp_path, "other").sent == 0 and tracking.begun(tmp_path, "other").project == "other"
    (tmp_path / "tracking.json").write_text("{}")
    assert tracking.begun(tmp_path, "other").project == "other"
