"""What is printed is text: no name, class or error of others colours, moves or forges a line of the terminal."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import nas
from nas.cli.commands.table import comparison, shown
from nas.main import main
from nas.trackers.console import Console
from tests.cli.commands.conftest import Winner
from tests.fakes import hills

LINES = pytest.CaptureFixture[str]
ODD = ["[red]x[/red]", "\x1b[31mred", "two\nlines", ":smile:", "\u202egnp", "\x9b2J", "[/]", "\\[b]"]
SEEN = ["[red]x[/red]", "\\x1b[31mred", "two\\nlines", ":smile:", "\\u202egnp", "\\x9b2J", "[/]", "\\[b]"]
STEERING = ("\x1b", "\x9b", "\u202e", "\r", "\x07")


def checked(text: str) -> str:
    assert not any(code in text for code in STEERING), ascii(text)
    return text


def test_a_class_is_shown_as_its_folder_is_called(winner: Winner, tmp_path: Path, capfd: LINES) -> None:
    run = Path(shutil.copytree(winner.run, tmp_path / "run"))
    names = [name for name in ODD if "/" not in name]
    for number, name in enumerate(names):
        for part in ("train", "test"):
            (tmp_path / "data" / part / name).mkdir(parents=True)
            for i in range(2):
                Image.new("RGB", (12, 12), (30 * number, 9 * i, 99)).save(tmp_path / "data" / part / name / f"{i}.png")
    capfd.readouterr()
    assert main(["evaluate", str(run / "best.json"), "--data", str(tmp_path / "data"), "--epochs", "1"]) == 0
    out = checked(capfd.readouterr().out)
    assert all(f"┃ {seen}" in out or f" {seen} " in out or f"┃{seen}" in out for seen in SEEN if "/" not in seen)
    (network,) = run.glob("best.evaluated-*.safetensors")
    assert main(["predict", str(network), str(tmp_path / "data/test/:smile:")]) == 0
    assert ":smile:/0.png" in checked(capfd.readouterr().out)


def test_metrics_and_titles_of_a_table_are_shown_as_they_are() -> None:
    table = comparison({ODD[1]: dict.fromkeys(ODD, 0.5)}, ODD[0], [])
    text = checked(shown(table))
    assert len(text.splitlines()) == 4 + len(ODD)
    assert all(f"│ {seen} " in text for seen in SEEN) and f" {SEEN[1]} ┃" in text


def test_a_search_that_goes_on_tells_of_its_incumbent_in_one_line(capfd: LINES) -> None:
    objective = f"{ODD[1]}{ODD[2]}{ODD[3]}[blink]{ODD[4]}\r"

    def train(config: dict[str, Any], **job: Any) -> dict[str, float]:
        return {objective: config["rate"]}

    with Console(None) as console:
        nas.search(hills(), train, objective=objective, max_trials=3, max_epochs=1, min_epochs=1, trackers=[console])
    lines = checked(capfd.readouterr().err).splitlines()
    assert lines and all(
        "trials" in line and f"{SEEN[1]}{SEEN[2]}{SEEN[3]}[blink]{SEEN[4]}\\r" in line for line in lines
    )


def test_a_fault_that_a_file_of_others_causes_is_one_line(winner: Winner, tmp_path: Path, capfd: LINES) -> None:
    run = Path(shutil.copytree(winner.run, tmp_path / "run\x1b[2J"))
    (run / "spec.json").write_text('{"objective": "\\u001b[31m\\nnas: all is well", "strategy": "\\u001b[2J\\n"}')
    capfd.readouterr()
    assert main(["verify", str(run)]) == 3
    out = checked(capfd.readouterr().out)
    assert "nas: all is well" not in out.splitlines() and out.splitlines()[-1].endswith("faults")
