"""Where a result has trajectories the report draws them, in words too; where it has none nothing is said of them."""

import math
from pathlib import Path
from typing import Any

import pytest

import nas
from nas.report.page import write
from nas.report.style import rules, save
from nas.report.trajectories import drawn
from nas.runs.saved import Saved
from nas.runs.stored import open_run
from tests.fakes import hills, look_up
from tests.report.test_report import Page


def trial(step: int, rate: float, forecast: float | None = 1.0, chosen: bool = False) -> dict[str, Any]:
    return {"step": step, "rate": rate, "steps": 10, "forecast": forecast, "chosen": chosen}


TRIED = [trial(0, 0.01), trial(10, 3.0, None), trial(20, 0.1, 0.5, True)]
SEARCHED = {"steps": [25, 50, 75], "rate": [0.1, 0.1, 0.05], "tried": TRIED}
LEARNED = {"steps": [25, 50], "rate": [0.001, 0.02], "momentum": [0.9, 0.95], "beta1": [0.88, None]}


def page(folder: Path, found: Any, tested: Any = None) -> Page:
    """Return the report on a search whose results hold what was `found`, and its test what was `tested`."""

    def train(config: dict[str, Any], **job: Any) -> dict[str, Any]:
        return {**look_up(config, **job), **({"trajectories": found} if found else {})}

    run = nas.search(hills(), train, run_dir=folder, max_trials=3, max_epochs=1, strategy="random")
    assert run.best
    evidence = {"test": {"accuracy": 0.5}, **({"trajectories": tested} if tested else {})}
    Saved(run.best.config, "hills", "", "none", None, 1, 0, evidence=evidence).write(folder / "best.json")
    return Page(write([open_run(folder)], folder / "report.html"))


def test_the_rate_of_the_incumbent_is_drawn_with_what_was_tried_and_that_of_the_test(tmp_path: Path) -> None:
    found = page(tmp_path, [SEARCHED, {**SEARCHED, "rate": [0.1, 0.1, 0.07]}], [LEARNED])
    text, ended = found.text, "rate 0.05 after 75 steps; 3 rates tried, 1 given up, 0.1 chosen at step 30"
    assert "The learning rate" in found.headings and f"At the end of the first of 2 folds: {ended}." in text
    assert "In the others the rate ends at 0.07." in text
    assert "At the end: rate 0.02, momentum 0.95, beta1 no number after 50 steps." in text
    for name in ("trajectory.svg", "trajectory.png", "trajectory-test.svg", "trajectory-test.png"):
        assert (tmp_path / "figures" / name).exists()
    told = (tmp_path / "figures/trajectory.svg").read_text()
    assert all(f">{word}</text>" in told for word in ("given up", "chosen", "tried", "other folds", "learning rate"))
    assert ">momentum, beta1</text>" in (tmp_path / "figures/trajectory-test.svg").read_text()


@pytest.mark.parametrize("found", [None, "of somebody else", [{"steps": [1], "rate": ["fast"]}]])
def test_nothing_is_said_where_there_is_none_or_something_else_of_that_name(tmp_path: Path, found: Any) -> None:
    assert "The learning rate" not in page(tmp_path, found).headings
    assert not [*(tmp_path / "figures").glob("trajectory*")]


def line(trajectory: dict[str, Any]) -> list[tuple[float, float | str]]:
    """Return the points of the strong line."""
    with rules():
        found = drawn("name", "title", [trajectory])
    assert found
    (strong,) = (each for each in found.figure.axes[0].lines if each.get_label() == "rate")
    ends = zip(strong.get_xdata(), strong.get_ydata(), strict=True)  # type: ignore[arg-type]
    return [(float(x), "gap" if math.isnan(y) else float(y)) for x, y in ends]


def test_the_line_begins_where_the_rate_was_chosen_and_has_a_gap_where_others_are_tried() -> None:
    assert line({**SEARCHED, "steps": [15, 50, 75]}) == [(30, 0.1), (50, 0.1), (75, 0.05)]
    again = [*TRIED, trial(60, 0.3), trial(70, 0.02, 0.1, True)]
    found = line({"steps": [25, 50, 75, 100], "rate": [0.1, 0.1, 0.3, 0.02], "tried": again})
    assert found == [(30, 0.1), (50, 0.1), (60, 0.1), (60, "gap"), (80, 0.02), (100, 0.02)]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "odd",
    [
        [{"steps": [1], "rate": [None]}], [{"steps": [1, 2], "rate": [-1.0, 0.0]}], [{"steps": [3], "rate": [0.01]}],
        [{"steps": [20], "rate": [0.1], "tried": [trial(0, 3.0, None)]}], [{"steps": [9], "rate": [0.1], "tried": []}],
        [{"steps": [], "rate": [], "tried": TRIED}], [LEARNED, SEARCHED], [SEARCHED, LEARNED],
    ],
)  # fmt: skip
def test_whatever_a_trajectory_holds_can_be_drawn(odd: list[dict[str, Any]], tmp_path: Path) -> None:
    with rules():
        found = drawn("name", "title", odd)
    assert found and save(found.figure, tmp_path / "figure").startswith("<?xml")


def test_where_nothing_was_recorded_nothing_is_drawn() -> None:
    assert drawn("name", "title", [{"steps": [], "rate": [], "tried": []}]) is None
