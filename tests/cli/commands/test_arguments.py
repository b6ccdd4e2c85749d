"""What the words of a command line ask for, and what is said of those that are nearly right."""

import subprocess
import sys
from pathlib import Path

import pytest

from nas.cli.commands.plan import Plan
from nas.core.words import quoted
from nas.main import arguments, main
from nas.runs.command import Command, remember
from tests.cli.commands.test_command_line import ROOT, nas, refused
from tests.processes import PATIENCE


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("serach",), "unknown command 'serach': did you mean search?"),
        (("serach", "--help"), "unknown command 'serach': did you mean search?"),
        (("reprot", "runs/x"), "unknown command 'reprot': did you mean report?"),
        (("knit",), "unknown command 'knit': choose one of search, resume, compare"),
        (("",), "unknown command ''"),
        (("--max-parms", "20M"), "did you mean --max-params?"),
        (("evaluate", "best.json", "--epoch", "3"), "did you mean --epochs?"),
        (("report", "runs/x", "--ouput=page.html"), "did you mean --output?"),
        (("compare", "--max-tim", "5m"), "did you mean --max-time?"),
        (("--strategy", "evolutoin"), "unknown strategy 'evolutoin': did you mean evolution?"),
        (("--objective", "acuracy"), "unknown metric 'acuracy': did you mean accuracy?"),
        (("--", "search"), "unrecognized arguments: -- search"),
    ],
)
def test_a_word_that_is_nearly_right_is_asked_about(
    words: tuple[str, ...], told: str, capfd: pytest.CaptureFixture[str]
) -> None:
    line = refused(capfd, *words)
    assert told in line
    assert told.endswith("?") or "did you mean" not in line


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--max-time", "1:30"), "'1:30' is not a time, such as 90s, 5m, 1h30m or 00:05:00"),
        (("--trial-timeout", "5 minutes"), "such as 90s, 5m, 1h30m or 00:05:00"),
        (("--max-params", "20m"), "'20m' is not a number, such as 50, 2e7 or 20M"),
        (("--seed", ""), "'' is not a number, such as 50"),
        (("--data", ""), "--data: it is empty"),
        (("--run-dir", ""), "--run-dir: it is empty"),
        (("report", ""), "RUN: it is empty"),
        (("--name", ""), "'' is no plain name"),
        (("--name", "a/b"), "'a/b' is no plain name"),
        (("--name", "a\nb"), r"'a\nb' is no plain name"),
        (("compare", "--name", ".."), "'..' is no plain name"),
    ],
)
def test_a_value_that_makes_no_sense_is_told_with_what_would(
    words: tuple[str, ...], told: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert told in refused(capfd, *words)


def test_every_count_and_time_of_a_flag_is_read_as_people_write_it() -> None:
    asked = arguments(["--max-params", "20M", "--max-macs=20k", "--seed", "1e3", "--max-time", "1h30m"]).asked
    assert [str(constraint) for constraint in asked.constraints] == ["params<=20000000"]
    assert (asked.max_macs, asked.seed, asked.max_time) == (20000, 1000, 5400)
    assert arguments(["--trial-timeout", "00:05:00"]).asked.trial_timeout == 300
    assert arguments(["compare", "--seeds", "1e3", "2k"]).seeds == [1000, 2000]


def test_a_value_may_begin_with_a_dash_and_the_last_of_two_counts() -> None:
    asked = arguments(["--name", "-x", "--objective", "-loss", "--seed", "1", "--seed", "2"]).asked
    assert (asked.name, asked.objective, asked.seed) == ("-x", "-loss", 2)


def test_help_names_the_flags_of_a_search_and_version_the_versions() -> None:
    told = nas("--help")
    assert (told.returncode, told.stderr) == (0, "")
    assert {"--max-time", "--max-params", "--seed", "--constraint", "--workers"} <= set(told.stdout.split())
    version = nas("--version")
    assert version.returncode == 0 and version.stdout.startswith("constrained-nas ") and ", torch " in version.stdout


def test_data_and_space_of_a_folder_are_kept_by_their_whole_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("images").mkdir()
    Path("digits").mkdir()
    begun = arguments(["--data", "images", "--space", "own.py"]).asked
    assert (begun.data, begun.space) == (str(tmp_path / "images"), str(tmp_path / "own.py"))
    assert arguments(["--data", "digits"]).asked.data == "digits"  # the data set: it was first
    compared = arguments(["compare", "--data", "images", "--space=own.py", "--folds", "1"])
    places = (compared.asked.data, compared.asked.space)
    assert (*places, compared.asked.folds) == (str(tmp_path / "images"), str(tmp_path / "own.py"), 1)


def test_a_run_goes_on_with_the_data_and_the_space_where_they_lie_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    remember(tmp_path / "run", Command(["--data=images", "--space=cnn"]))  # as runs of before have it
    (tmp_path / "images").mkdir()
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path)
    assert arguments(["resume", "run"]).asked.data == str(tmp_path / "images")
    monkeypatch.chdir(tmp_path / "here")
    assert "say by --data where they lie now" in refused(capfd, "resume", "../run")
    assert Path(arguments(["resume", "../run", "--data", "../images"]).asked.data).samefile(tmp_path / "images")
    (tmp_path / "run/comparison.json").write_text("{}")
    asked = arguments(["resume", "../run", "--data", "../images"])
    assert Path(asked.now["data"]).samefile(tmp_path / "images")


def test_a_command_to_copy_is_quoted_for_the_shell() -> None:
    for path in ("runs/a", "runs/a b", "runs/it's $HOME", "-x", 'say "no"', "a;b"):
        shown = subprocess.run(["sh", "-c", f"printf %s {quoted(path)}"], capture_output=True, text=True, check=True)
        assert shown.stdout == (f"./{path}" if path.startswith("-") else path)


def test_the_version_is_not_a_flag_that_a_comparison_goes_on_with(tmp_path: Path) -> None:
    (tmp_path / "comparison.json").write_text("{}")
    assert arguments(["resume", str(tmp_path)]).command == "compare"


def test_nothing_is_told_of_the_inside_when_ctrl_c_comes_during_the_imports() -> None:
    script = (
        "import os, signal, sys\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "class Early:\n    def find_spec(self, name, *_):\n"
        "        if name == 'torch':\n            os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Early())\nsys.argv[1:] = ['--data', 'digits']\n"
        "from nas.main import main\nsys.exit(main())"
    )
    ended = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
    assert (ended.returncode, ended.stderr) == (130, "nas: interrupted\n")


def test_main_returns_the_status_of_what_it_refuses(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "none.json"]) == 2
    assert capfd.readouterr().err.startswith("nas: none.json cannot be read")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ("--scheduler", "full", "--offspring", "2"),
            "8 workers, but 2 trainings at a time: --offspring 8 keeps all at work",
        ),
        (("--scheduler", "asha", "--lanes", "1"), "8 workers, but 1 training at a time: --lanes 8 keeps all at work"),
        (("--scheduler", "full", "--offspring", "8"), ""),
        (("--scheduler", "halving", "--offspring", "2"), ""),
        (("--strategy", "default", "--scheduler", "asha"), ""),
    ],
)
def test_workers_that_cannot_be_kept_busy_are_told(words: tuple[str, ...], told: str, tmp_path: Path) -> None:
    asked = arguments(["search", "--data", "digits", "--workers", "8", "--run-dir", str(tmp_path), *words]).asked
    lines = [line for line in Plan(asked).announcement().splitlines() if "keeps all at work" in line]
    assert lines == ([told] if told else [])
