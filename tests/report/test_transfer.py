"""A search that learned from earlier tasks says in its report what they foretold, which are alike, and if it was so."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nas
from nas.report.page import write
from nas.report.style import rules
from nas.report.transfer.alike import HERE, correlations, likeness
from nas.report.transfer.drawings import curves, matrix
from nas.report.transfer.learned import Learned, learned
from nas.runs.stored import open_run
from tests.report.test_report import Page
from tests.strategies.earlier import SHORT, hill, plane, remembered

HEADING = "What earlier tasks said"
TOPS = {"near": (0.3, 0.4), "far": (0.9, 0.9)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A search that knew two earlier tasks, the first of which is like its own."""
    base = tmp_path_factory.mktemp("transfer")
    history = remembered(base / "history.sqlite", TOPS)
    search(base / "run", history, max_trials=12, **SHORT)
    return base / "run"


def search(folder: Path, history: Path | None, **asked: Any) -> None:
    nas.search(plane(), hill(0.32, 0.4), strategy="transfer", history=history, run_dir=folder, **asked)


@pytest.fixture(scope="module")
def found(folder: Path) -> Learned:
    known = learned(open_run(folder))
    assert known
    return known


@pytest.fixture(scope="module")
def page(folder: Path) -> Page:
    return Page(write([open_run(folder)], folder / "report.html"))


def test_the_page_has_a_section_with_figures_and_a_table(folder: Path, page: Page) -> None:
    assert HEADING in page.headings
    assert {"predicted-curves.svg", "likeness.svg"} <= {path.name for path in (folder / "figures").iterdir()}
    assert "expected accuracy" in page.text and "is expected to reach" in page.text
    drawn = re.findall(r"<svg.*?</svg>", (folder / "report.html").read_text(), re.DOTALL)
    assert drawn and not {colour for svg in drawn for colour in re.findall(r"#[0-9a-f]{6}\b", svg)}


def test_curves_are_drawn_over_what_was_seen_of_the_best_that_were_trained(found: Learned) -> None:
    with rules():
        drawing = curves(found)
    assert drawing
    titles = [axes.get_title() for axes in drawing.figure.axes if axes.get_title()]
    assert titles == [found.trials[place] for place in found.best(5)] and 0 < len(titles) <= 5
    for axes, place in zip(drawing.figure.axes, found.best(5), strict=False):
        (seen,) = (line for line in axes.lines if line.get_linestyle() == "None")
        assert list(zip(seen.get_xdata(), seen.get_ydata(), strict=True)) == found.seen(place)  # type: ignore[arg-type]


def test_an_earlier_task_that_is_alike_comes_first_and_has_the_weight(found: Learned) -> None:
    known = likeness(found)
    assert known.names == (HERE, "near", "far")
    assert known.weights[1] > 0.5 and known.correlation[0, 1] > known.correlation[0, 2]
    with rules():
        assert matrix(known).figure.axes


def test_tasks_are_compared_by_ranks_where_enough_configurations_are_known_on_both() -> None:
    unknown = np.nan
    late = np.array([[1, 2, 3, 4], [1, 4, 9, 16], [4, 3, 2, unknown], [5, 5, 5, 5], [unknown, unknown, 7, 8]])
    early = np.array([[4, 3, 2, 1], [4, 3, 2, 1], [4, 3, 2, 1], [1, 2, 3, 4], [1, 3, 2, 4]])
    found = correlations(np.stack([early, late], axis=2))
    assert found[0].tolist() == pytest.approx([1, 1, -1, unknown, -0.8], nan_ok=True)
    assert np.allclose(found, found.T, equal_nan=True)
    assert np.isnan(correlations(np.stack([early, late], axis=2)[:, :2])).all()


def test_regret_is_drawn_where_all_that_was_trained_was_trained_in_full(tmp_path: Path, folder: Path) -> None:
    history = folder.parent / "history.sqlite"
    initial = [{"x": 0.9, "y": 0.1}, {"x": 0.3, "y": 0.4}]
    search(tmp_path, history, scheduler="full", max_epochs=9, initial=initial, max_trials=2)
    known = learned(open_run(tmp_path))
    assert known and len(known.truth) == 2
    epochs, regret = known.regret()
    assert epochs[0] == 0 and epochs[-1] == 18 and regret[-1] == 0
    assert set(regret) <= {0.0, max(known.truth.values()) - min(known.truth.values())}
    page = Page(write([open_run(tmp_path)], tmp_path / "report.html"))
    assert "How much worse the recommendation is than the best" in page.text and "is not known" not in page.text


def test_where_some_were_stopped_early_the_page_says_that_the_regret_is_not_known(page: Page, found: Learned) -> None:
    full = sum(found.after.reached(place) == 9 for place in found.trials)
    assert full < len(found.trials) and found.regret() == ([], [])
    assert f"is not known: {full} of {len(found.trials)} configurations were trained in full." in page.text


def test_nothing_is_said_where_there_was_no_history(tmp_path: Path) -> None:
    search(tmp_path, None, max_trials=3, **SHORT)
    assert HEADING not in Page(write([open_run(tmp_path)], tmp_path / "report.html")).headings
