"""Does `nas history` keep what a real search learned, show it, forget it, and say what is wrong in one line?"""

import csv
import json
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from nas.core.errors import UserError
from nas.history.history import History
from nas.history.sources import runs
from nas.main import main
from nas.runs.stored import StoredRun, open_run
from tests.cli.commands.conftest import Winner


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "history.db"


def do(file: Path, *words: object) -> int:
    return main(["history", *map(str, words), "--history", str(file)])


def copied(run: Path, to: Path, before: str, after: str) -> Path:
    """Return a copy of the run whose spec.json says something else."""
    shutil.copytree(run, to)
    spec = (to / "spec.json").read_text()
    assert before in spec
    (to / "spec.json").write_text(spec.replace(before, after))
    return to


def content(file: Path) -> Any:
    with History(file) as history:
        return [(name, history.tasks(each), history.curves(each)) for each, name in history.spaces().items()]


def test_a_run_on_images_tells_what_its_task_is(winner: Winner) -> None:
    (found,) = runs.found(winner.run)
    (task,) = found.tasks
    assert (task.name, task.family) == ("digits-m@12", "digits-m")
    assert (task.images, task.classes, task.channels, task.size) == (1437, 10, 3, (12, 12))
    assert sum(task.per_class) == 1437 and task.digest == open_run(winner.run).spec.details["data_digest"]
    assert found.space.endswith("small.py") and not found.notes
    assert sum(len(curve.points) for curve in found.curves) == len(open_run(winner.run).history)
    for curve in found.curves:
        last = curve.points[max(curve.points)]
        assert {"accuracy", "loss"} <= set(last) and "params" in curve.cheap and not set(last) & set(curve.cheap)


def test_what_changed_or_moved_away_is_told_of_its_data(winner: Winner, tmp_path: Path) -> None:
    moved = copied(winner.run, tmp_path / "a", '"data": "digits-m"', '"data": "/gone/photos"')
    changed = copied(winner.run, tmp_path / "b", '"data_digest": "', '"data_digest": "0')
    for run, name in ((moved, "photos@12"), (changed, "digits-m@12")):
        (found,) = runs.found(run)
        assert (found.tasks[0].name, found.tasks[0].images) == (name, None)
        assert found.notes[0].startswith(f"nothing is known of the images of {name}: ") and found.curves


def test_the_same_run_is_known_and_with_other_settings_it_is_not(
    winner: Winner, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = copied(winner.run, tmp_path / "other", '"threads": 1', '"threads": 2')
    assert do(file, "add", winner.run) == 0 and do(file, "add", winner.run, other) == 0
    first, again, apart = capsys.readouterr().out.splitlines()
    count = len(runs.found(winner.run)[0].curves)
    assert first.endswith(f"; {count} curves new, 0 known") and again.endswith(f"; 0 curves new, {count} known")
    assert apart.endswith(f"; {count} curves new, 0 known")


def test_other_images_under_one_name_are_told(winner: Winner, file: Path, tmp_path: Path) -> None:
    other = copied(winner.run, tmp_path / "other", '"data_digest": "', '"data_digest": "0')
    assert do(file, "add", winner.run) == 0
    before = content(file)
    assert do(file, "add", other) == 2
    assert content(file) == before


def best(winner: Winner, metric: str, of: Callable[[Iterable[float]], float]) -> float:
    """Return the best that a configuration reached, a mean over its trainings."""
    reached = dict[str, list[float]]()
    for curve in runs.found(winner.run)[0].curves:
        reached.setdefault(curve.config.id, []).append(of(point[metric] for point in curve.points.values()))
    return of(map(fmean, reached.values()))


def test_what_is_added_is_listed_shown_and_removed(
    winner: Winner, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert do(file, "add", winner.run) == 0 and do(file, "list") == 0
    assert "digits-m@12" in capsys.readouterr().out
    assert do(file, "show", "digits-m@12", "--top", "3") == 0
    shown = capsys.readouterr().out
    assert (
        "1,437 images, 3 channels, 12x12 pixels, 10 classes" in shown
        and f"{best(winner, 'accuracy', max):.4f}" in shown
    )
    assert do(file, "show", "digits-m@12", "--metric", "-loss") == 0
    assert f"{best(winner, 'loss', min):.4f}" in capsys.readouterr().out
    assert do(file, "remove", "digits-m@12") == 0
    assert do(file, "list") == 0
    assert "has no curves yet" in capsys.readouterr().out


def test_a_history_is_rebuilt_from_its_sources_and_from_another(winner: Winner, tmp_path: Path) -> None:
    one, two, three = (tmp_path / name for name in ("one.db", "two.db", "three.db"))
    table = exported(open_run(winner.run), tmp_path / "table.csv")
    space = open_run(winner.run).spec.details["space"]
    for file, sources in ((one, (table, winner.run)), (two, (winner.run, table))):
        for source in sources:
            assert do(file, "add", source, "--space", space) == 0
    assert do(three, "add", one, two) == 0
    assert content(one) == content(two) == content(three)
    assert len(content(one)[0][1]) == 2


def test_a_text_beside_the_runs_is_passed_over(
    winner: Winner, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = tmp_path / "README.md"
    text.write_text("# What lies here\n")
    assert do(file, "add", text, winner.run) == 0
    assert "README.md: a text, left out" in capsys.readouterr().out
    assert do(file, "add", text) == 2  # alone it is what was meant


def exported(run: StoredRun, path: Path) -> Path:
    """Write the accuracies of a run as somebody's table."""
    results = [result for result in run.history if not result.job.trial.repeats]
    names = sorted({name for result in results for name in result.config})
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["task", "seed", "epoch", *names, "accuracy"])
        for each in results:
            values = (each.config.get(name, "") for name in names)
            writer.writerow(["theirs", each.job.trial.seed, each.epochs, *values, each.metrics["accuracy"]])
    return path


def test_what_cannot_be_added_is_told_and_the_others_are(
    winner: Winner, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "notes.txt").write_text("# Runs")
    (tmp_path / "empty.db").touch()
    (tmp_path / "a.csv").write_text("task\n")
    wrong = [tmp_path / "notes.txt", tmp_path / "empty.db", tmp_path / "a.csv", tmp_path / "gone", tmp_path]
    assert do(file, "add", *wrong, winner.run) == 2
    out, told = capsys.readouterr()
    assert len(told.splitlines()) == 5 and all(line.startswith("nas: ") for line in told.splitlines())
    assert "say by --space of what space" in told and "is empty" in told and "gone is not there" in told
    assert "curves new" in out and content(file)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["list"], "there is no history"),
        (["show"], "nas history show needs to be told a task"),
        (["add"], "nas history add needs to be told what to add"),
        (["add", "runs/x", "--from", "."], "--from . goes with hyperrec or lcbench"),
        (["list", "cats"], "takes no word"),
    ],
)
def test_what_makes_no_sense_is_told(
    file: Path, capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    assert do(file, *words) == 2
    said = capsys.readouterr().err
    assert told in said and said.count("\n") == 1 and not file.exists()


def test_a_task_and_a_space_that_are_not_there_are_told(winner: Winner, file: Path) -> None:
    assert do(file, "add", winner.run) == 0
    before = file.read_bytes()
    for words in (
        ("show", "digits"),
        ("remove", "digits-m@12", "cats"),
        ("list", "--space", "cnn"),
        ("show", "digits-m@12", "--metric", "f1"),
    ):
        assert do(file, *words) == 2
    assert file.read_bytes() == before


def test_a_file_of_another_kind_stays_as_it_is(winner: Winner, tmp_path: Path) -> None:
    file = tmp_path / "best.json"
    shutil.copy(winner.run / "best.json", file)
    assert do(file, "add", winner.run) == 2 and do(file, "list") == 2
    assert json.loads(file.read_text())


def test_an_unknown_space_of_a_table(file: Path, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("task,epoch,rate,accuracy\n")
    assert do(file, "add", tmp_path / "a.csv", "--space", "cnnn") == 2
    assert not file.exists()
    with pytest.raises(UserError):
        History(file)
