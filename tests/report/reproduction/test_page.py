"""The page says what was reached, when, by what and at which cost; it is right whatever phase is missing."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import numpy as np
import pytest

from nas.core.errors import UserError
from nas.report.figures import rungs as stopped
from nas.report.reproduction import answer
from nas.report.reproduction.found import Found, read
from nas.report.reproduction.page import write
from nas.report.reproduction.race import curves, rungs, runners
from nas.report.reproduction.remarks import remarks
from nas.report.reproduction.tables import phases, table
from nas.report.reproduction.training import learning_curve
from nas.report.style import MUTED, rules
from nas.runs.reproduced import Full, Phase1, Point
from tests.report.reproduction import building
from tests.report.reproduction.building import ASKED
from tests.report.test_report import Page

HEADINGS = [
    "The answer", "Which optimizer: phase 1", "Which values: phase 2", "The full training: phase 3",
    "What each phase cost, and what it decided", "The recipe",
]  # fmt: skip
PACES = {"adamp": 4.0, "bad": None} | {f"slow{i}": 0.2 + 0.2 * i for i in range(12)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All three phases, with three seeds, of which two reach the target."""
    directory = tmp_path_factory.mktemp("whole")
    ASKED.save(directory)
    building.race(directory, PACES)
    building.tune(directory)
    for seed, height in enumerate((0.72, 0.735, 0.68)):
        building.full(seed, 60, "epochs", height=height).write(directory)
    building.keep_best(directory)
    write(directory, directory / "reproduction.html")
    return directory


@pytest.fixture(scope="module")
def found(folder: Path) -> Found:
    return read(folder)


@pytest.fixture(scope="module")
def page(folder: Path) -> Page:
    return Page(folder / "reproduction.html")


@pytest.fixture(scope="module")
def halved(tmp_path_factory: pytest.TempPathFactory) -> Found:
    """A race at three rates over three rungs, one optimizer of which diverges, and nothing else yet."""
    directory = tmp_path_factory.mktemp("halved")
    ASKED.save(directory)
    building.race(directory, {"adamp": 4.0, "sgd": 1.0, "bad": None}, (0.001, 0.01, 0.1), 3, 30)
    return read(directory)


def row(rows: Sequence[Sequence[str]], name: str) -> Sequence[str]:
    return next(row for row in rows if row[0].startswith(name))


def test_it_answers_in_this_order_and_needs_nothing_else(folder: Path, page: Page) -> None:
    assert page.headings == HEADINGS
    assert not {"script", "link", "img", "iframe", "object"} & {tag for tag, _ in page.tags}
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    drawn = re.findall(r"<svg.*?</svg>", (folder / "reproduction.html").read_text(), re.DOTALL)
    assert len(drawn) == 4 and not {colour for svg in drawn for colour in re.findall(r"#[0-9a-f]{6}\b", svg)}


def test_the_best_epoch_and_the_last_are_told_apart_for_every_seed(folder: Path, found: Found) -> None:
    rows = table(folder).rows
    for full in found.fulls:
        best, last = max(full.curve, key=found.value), full.curve[-1]
        assert row(rows, str(full.seed))[1:4] == (
            f"{100 * found.value(best):.3f} %", row(rows, str(full.seed))[2], f"{best.epoch} of 60"
        )  # fmt: skip
        assert row(rows, str(full.seed))[6] == f"{100 * found.value(last):.3f} %"
        assert float(row(rows, str(full.seed))[2].rstrip(" %")) == pytest.approx(100 * found.value(best) / 0.7, abs=0.1)


def test_of_several_seeds_there_is_a_mean_with_its_spread(folder: Path, found: Found, page: Page) -> None:
    best = [max(found.value(point) for point in full.curve) for full in found.fulls]
    told = f"{100 * fmean(best):.3f} ± {100 * stdev(best):.3f} %"
    assert row(table(folder).rows, "mean")[1] == told and row(table(folder).rows, "mean")[7] == "2 of 3 seeds"
    assert f"{'Reached' if fmean(best) >= 0.7 else 'Not reached'}: {told}, the mean of 3 seeds" in page.text


def test_the_times_of_all_phases_have_those_before_the_training(found: Found) -> None:
    assert found.race and found.tuning
    assert found.seconds_before == sum(run.committed[-1].elapsed for run in (found.race, found.tuning))


def test_the_race_names_the_best_eight_draws_the_others_grey_and_tells_who_diverged(found: Found) -> None:
    assert found.race
    ranked = runners(found.race)
    assert ranked[0].name == "adamp" and [each.name for each in ranked if not each.rank] == ["bad"]
    with rules():
        drawing = curves(ranked)
    assert drawing and "1 of 14 failed: 1 DIVERGED" in drawing.words and "adamp" in drawing.words
    (axes,) = drawing.figure.axes
    named = [str(line.get_label()) for line in axes.lines if not str(line.get_label()).startswith("_")]
    assert named == [*(each.name for each in ranked[:8]), "others"]
    assert sum(line.get_color() == MUTED for line in axes.lines) == 13 - 8 + 1  # the last is that of the legend


def test_the_table_of_the_race_has_everybody(page: Page) -> None:
    assert "The other 4" in page.text and "DIVERGED: the loss of step 7 is nan" in page.text
    assert all(name in page.text for name in PACES)


def test_the_rungs_of_a_race_tell_who_survived(halved: Found) -> None:
    assert halved.race
    ranked = runners(halved.race)
    first, second, last = rungs(halved.race, ranked).rows
    assert first[:3] == ("30", "9", "3") and first[4] == "3" and second[:2] == ("90", "3") and second[4] == "1"
    assert second[5] == last[3].split(",")[0] == ranked[0].name == "adamp at 0.01"
    assert ranked[0].curve[0][0] == 0 and ranked[0].curve[0][-1] > 260  # one curve through all rungs
    assert [each.fate for each in ranked[:2]] == ["OK", "OK, stopped"]


def test_lines_of_the_tuning_end_where_trials_were_stopped(found: Found, page: Page) -> None:
    assert found.tuning and found.tuning.best
    with rules():
        drawing = stopped(found.tuning)
    assert drawing and drawing.words in page.text
    ends = [float(np.max(line.get_xdata())) for line in drawing.figure.axes[0].lines]
    assert {*ends} == {1, 3, 9}
    assert f"{found.tuning.best.job.trial.id}, chosen" in page.text


def test_the_curve_has_all_seeds_the_target_and_the_rate_below_on_the_same_epochs(found: Found) -> None:
    with rules():
        drawing = learning_curve(found)
    assert drawing
    above, below = drawing.figure.axes
    named = {str(line.get_label()): line for line in above.lines}
    assert {"seed 0", "seed 1", "seed 2", "target", "best epoch"} <= {*named}
    assert [*named["seed 1"].get_ydata()] == [found.value(point) for point in found.fulls[1].curve]  # type: ignore[misc]
    assert {*named["target"].get_ydata()} == {0.7}  # type: ignore[misc]
    assert below.get_yscale() == "log" and above.get_xlim() == below.get_xlim()


def test_every_phase_has_what_it_cost_what_it_decided_and_why(folder: Path, found: Found) -> None:
    first, second, third, everything = phases(folder).rows
    assert found.tuning and found.tuning.best
    assert first[:5] == ("optimizers", "done", "14", "", "1,170") and first[7] == "adamp"
    assert first[8].startswith("least training loss of 14, 0.")
    epochs = sum(result.job.stop - result.job.start for result in found.tuning.history)
    assert second[:4] == ("tuning", "done", "32", str(epochs)) and "learning_rate" in second[7]
    assert third[:5] == ("training", "done", "3", "180", "1,800") and third[5] == "4.5 h" and "of seed 0" in third[7]
    assert everything[2] == "49" and everything[3] == str(epochs + 180)


def test_the_recipe_says_how_it_is_done_again_and_goes_on(folder: Path, page: Page) -> None:
    assert "python -m nas.main reproduce --model resnet20 --target 70" in page.text
    assert f"evaluate {folder}/best.json" in page.text and f"history add {folder}" in page.text
    assert "step: gamma 0.1, period 30" in page.text and "torchvision" in page.text


@pytest.mark.parametrize(
    ("asked", "fulls", "verdict", "told"),
    [
        ({}, [], "Not known yet", ["Phase 1 was not begun.", "Phase 2 was not begun."]),
        ({"asked": {"until": "phase1"}}, [], "Not known yet",
         ["Phase 1 was not begun.", "Phase 2 was not begun, as --until phase1 asks for."]),
        ({"seeds": (0,), "phase1": Phase1("given", 0, ("adamp",), ())}, [building.full(0, 60, "epochs", height=0.69)],
         "Not reached", ["Phase 1 was skipped: adamp was given.", "Phase 2 was skipped.", "One seed says nothing"]),
        ({"seeds": (0,)}, [building.full(0, 44, "target")], "Reached", ["was ended after 44 of 60 epochs, when the"]),
        ({}, [building.full(0, 12, "time")], "Not reached", ["by the limit in time after 12 of 60", "1 of 3 seeds"]),
        ({"seeds": (0,)}, [building.full(0, 0, "")], "Not known yet", ["has not ended after 0 of 60 epochs"]),
        ({"seeds": (0,)}, [building.full(0, 1, "diverged")], "Not reached", ["diverged after 1 of 60 epochs"]),
        ({"seeds": (0,), "target": 0.2, "metric": "loss"}, [building.full(0, 60, "epochs")], "Not reached", []),
        ({"seeds": (0,), "target": 0.9, "metric": "loss"}, [building.full(0, 60, "epochs")], "Reached", []),
    ],
)  # fmt: skip
def test_it_is_right_where_phases_are_missing(
    tmp_path: Path, asked: dict[str, Any], fulls: list[Full], verdict: str, told: list[str]
) -> None:
    replace(ASKED, **asked).save(tmp_path)
    for full in fulls:
        full.write(tmp_path)
    found = read(tmp_path)
    lines = "\n".join(remarks(found))
    assert answer.verdict(found).startswith(f"{verdict}: ") and all(line in lines for line in told)
    assert len(table(tmp_path).rows) == len(found.asked.seeds) and len(phases(tmp_path).rows) == 4


def test_the_page_of_one_epoch_and_nothing_else_is_whole(tmp_path: Path) -> None:
    replace(ASKED, seeds=(5,)).save(tmp_path)
    building.full(5, 1, "interrupted").write(tmp_path)
    page = Page(write(tmp_path, tmp_path / "reproduction.html"))
    assert page.headings == HEADINGS and "was interrupted after 1 of 60 epochs" in page.text


def test_what_missed_the_target_by_little_is_not_all_of_it(tmp_path: Path) -> None:
    replace(ASKED, seeds=(0,)).save(tmp_path)
    point = Point(1, 1.0, 1.0, 0.1, {"accuracy": 0.699999})
    Full(0, 1, 1, "epochs", 1, 1.0, 10, (point,)).write(tmp_path)
    (only,) = table(tmp_path).rows
    assert only[2] == "99.9 %" and only[7] == "never"


def test_it_is_right_where_everything_has_failed_and_where_a_phase_was_killed(tmp_path: Path) -> None:
    ASKED.save(tmp_path)
    building.race(tmp_path, {"one": None, "other": None})
    building.tune(tmp_path, 3, works=False)
    (tmp_path / "tuning/end.json").unlink()
    page = Page(write(tmp_path, tmp_path / "reproduction.html"))
    first, second, *_ = phases(tmp_path).rows
    assert first[7:] == ("none", "all 2 failed") and second[1] == "unfinished"
    assert "all 2 trainings failed" in page.text and "No trial came to an end." in page.text
    assert "Phase 2 is not whole (unfinished)" in page.text


def test_another_folder_and_a_place_that_is_none_are_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"reproduction\.json"):
        write(tmp_path, tmp_path / "page.html")
    ASKED.save(tmp_path)
    with pytest.raises(UserError, match="give a file in a folder that exists"):
        write(tmp_path, tmp_path / "there/page.html")
