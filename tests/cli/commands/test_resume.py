"""`nas resume` and `nas verify`, as a user types them, on real training."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from nas.main import arguments, main
from nas.runs.command import Command, remember
from tests.cli.commands.test_command_line import DENSE, QUICK, ROOT, nas, refused
from tests.processes import PATIENCE, growing, lines_in, wait_for_lines

SEARCH = ("--epochs", "3", "--max-trials", "10", "--seed", "3", "--min-precision", "0.1", "--max-macs", "none")
HALTING = DENSE.replace(
    "    channels,",
    """
    import time
    from pathlib import Path

    halt = Path(__file__).with_name("halt")  # names a journal, and the number of lines that it is to stop at
    while halt.exists() and (words := halt.read_text().split()) and Path(words[0]).exists():
        if Path(words[0]).read_bytes().count(b"\\n") < int(words[1]):
            break
        time.sleep(0.01)
    channels,""",
)


@pytest.fixture
def flags(tmp_path: Path) -> list[str]:
    (tmp_path / "dense.py").write_text(DENSE)
    return ["--space", str(tmp_path / "dense.py"), "--run-dir", str(tmp_path), *QUICK[:-1], *SEARCH]


def start(*words: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "nas.main", *map(str, words)], cwd=ROOT, text=True, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def history(folder: Path) -> str:
    return (folder / "history.jsonl").read_text()


def test_a_search_that_was_stopped_or_killed_is_resumed_by_its_folder_alone(
    tmp_path: Path, flags: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "dense.py").write_text(HALTING)
    assert main([*flags, "--name", "whole", "--workers", "0", "--quiet"]) == 0
    journal, halt = tmp_path / "part/journal.jsonl", tmp_path / "halt"
    halt.write_text(f"{journal} 2")
    process = start(*flags, "--name", "part", "--workers", "1")
    wait_for_lines(journal, 2, process)
    process.send_signal(signal.SIGTERM)
    halt.unlink()
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 143, err
    assert "go on by python -m nas.main resume" in out and (tmp_path / "part/best.json").exists()
    halt.write_text(f"{journal} {lines_in(journal) + 2}")
    process = start("resume", tmp_path / "part", "--workers", "0")
    wait_for_lines(journal, int(halt.read_text().split()[-1]), process)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    halt.unlink()
    capfd.readouterr()
    assert main(["resume", str(tmp_path / "part")]) == 0
    out, _ = capfd.readouterr()
    assert "incumbent, test" in out and "checkpoints took at most" in out
    assert history(tmp_path / "part") == history(tmp_path / "whole")
    assert main(["verify", str(tmp_path / "part")]) == 0
    assert capfd.readouterr().out.count("\n") == 1


def test_a_run_of_a_cluster_goes_on_here_when_workers_are_asked_for(tmp_path: Path) -> None:
    remember(tmp_path, Command(["--cluster=tcp://gone:8786", "--workers=3"]))
    there = arguments(["resume", str(tmp_path)]).asked
    here = arguments(["resume", str(tmp_path), "--workers", "2"]).asked
    assert (there.cluster, here.cluster, here.workers) == ("tcp://gone:8786", None, 2)


def test_a_time_limit_may_be_raised(tmp_path: Path, flags: list[str]) -> None:
    timed = [flag for flag in flags if flag not in ("--max-trials", "10")]
    journal = tmp_path / "run/journal.jsonl"
    assert main([*timed, "--max-time", "1s", "--name", "run", "--workers", "0", "--quiet"]) == 0
    before = journal.read_bytes()
    assert main(["resume", str(tmp_path / "run"), "--quiet"]) == 0  # nothing is left of 1 s
    assert journal.read_bytes() == before
    for limit in growing(2):
        assert main(["resume", str(tmp_path / "run"), "--max-time", f"{limit}s", "--quiet"]) == 0
        if len(journal.read_bytes()) > len(before):
            break
    assert journal.read_bytes().startswith(before)


def test_what_a_resumed_run_is_lies_in_its_folder(tmp_path: Path, flags: list[str]) -> None:
    """The bounds and sizes that were chosen for the time limit are kept, whatever the limit is then."""
    assert main([*flags[:-2], "--name", "run", "--workers", "0", "--quiet"]) == 0
    spec, command = (json.loads((tmp_path / f"run/{name}.json").read_text()) for name in ("spec", "command"))
    assert any(bound.startswith("macs<=") for bound in spec["constraints"])
    assert [word for word in command["search"] if "macs" in word][-1] == "--max-macs=none"
    assert {f"--constraint={bound}" for bound in spec["constraints"]} <= set(command["search"])
    assert main(["resume", str(tmp_path / "run"), "--max-time", "1h", "--quiet"]) == 0
    assert json.loads((tmp_path / "run/spec.json").read_text()) == spec


def test_bad_folders_are_told_in_one_line(tmp_path: Path, flags: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    assert "command.json cannot be read" in refused(capfd, "resume", tmp_path / "nothing")
    assert "has no journal.jsonl" in refused(capfd, "verify", tmp_path)
    assert main([*flags, "--name", "run", "--workers", "0", "--quiet"]) == 0
    capfd.readouterr()
    assert "lines, and those after LINE" in refused(capfd, "verify", tmp_path / "run", "--repair-to", "99999")
    (tmp_path / "dense.py").write_text(DENSE.replace("(4, 64)", "(4, 65)"))
    assert "another space" in refused(capfd, "resume", tmp_path / "run", "--quiet")
    for text, told in {
        "[]": "holds no JSON object",
        "{": "cannot be read",
        "{}": 'lacks the words of "search"',
        '{"search": ["--epochs=many"]}': "'many' is not a number",
        '{"search": ["--of-another-version=1"]}': "unrecognized arguments",
    }.items():
        (tmp_path / "run/command.json").write_text(text)
        assert told in refused(capfd, "resume", tmp_path / "run")


def test_a_search_that_cannot_begin_leaves_nothing(tmp_path: Path, flags: list[str], capfd: Any) -> None:
    endless = [flag for flag in flags if flag not in ("--max-trials", "10")]
    for words in ([*endless, "--max-time", "none"], [*flags, "--cluster", "local:0"], [*flags, "--max-params", "1"]):
        refused(capfd, *words, "--name", "run", "--quiet")
        assert not (tmp_path / "run").exists()


def test_resuming_where_the_disk_is_still_full_is_told_again(tmp_path: Path, flags: list[str]) -> None:
    assert main([*flags, "--name", "run", "--workers", "0", "--quiet"]) == 0
    (tmp_path / "run/history.jsonl").unlink()
    code = "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000)); from nas.main import main; "
    command = [sys.executable, "-c", code + "sys.exit(main(sys.argv[1:]))", "resume", str(tmp_path / "run"), "--quiet"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
    assert (done.returncode, len(done.stderr.splitlines())) == (4, 1), done.stderr


def test_asha_from_the_command_line(tmp_path: Path, flags: list[str]) -> None:
    for name, workers in (("a", "0"), ("b", "2")):
        words = [*flags, "--budget", "asha", "--lanes", "3", "--name", name, "--workers", workers, "--quiet"]
        assert main(words) == 0
    assert history(tmp_path / "a") == history(tmp_path / "b")
    assert json.loads((tmp_path / "a/spec.json").read_text())["scheduler"]["lanes"] == 3


def test_training_is_deterministic_on_demand(tmp_path: Path, flags: list[str]) -> None:
    assert nas(*flags, "--deterministic", "--name", "a", "--workers", "0").returncode == 0
    assert json.loads((tmp_path / "a/spec.json").read_text())["details"]["deterministic"] is True


def test_workers_for_gpus_need_gpus(flags: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    told = refused(capfd, *flags, "--device", "cpu", "--workers-per-gpu", "2")
    assert told == "nas: --workers-per-gpu 2: the device is cpu; give --workers N"
