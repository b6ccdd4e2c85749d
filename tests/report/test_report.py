"""The report says what was asked and found, in this order, on one page that needs nothing else."""

import re
import warnings
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from ConfigSpace import ConfigurationSpace
from hypothesis import given
from hypothesis import strategies as st

import nas
from nas.cli.commands.report import report
from nas.cli.commands.search import _confirmed
from nas.core.slug import slugs
from nas.core.types import Config, Job, Result, Score, Status, Trial
from nas.main import arguments
from nas.report import facts, figures
from nas.report.comparison import page as compare_page
from nas.report.comparison.contest import Contest
from nas.report.comparison.judged import Judged
from nas.report.comparison.statistics import Entry, contrasts
from nas.report.importance import importance
from nas.report.page import write
from nas.runs.command import Command, remember
from nas.runs.saved import Saved
from nas.runs.stored import open_run
from tests.fakes import fates, hill, hills, look_up, meet_fate, params

SECTIONS = [
    "What was asked, and what was found", "The incumbent beside its baselines", "How the best came to be",
    "Constraints and objective", "The rungs", "Size", "The population", "Which hyperparameters mattered",
    "Failures and redraws", "The lineage of the winner", "How to reproduce it",
]  # fmt: skip
BOUNDS = ["params<=500", "precision>=0.001"]
ASKED: dict[str, Any] = {
    "measure": lambda config: {"params": params(config)}, "constraints": BOUNDS, "max_epochs": 12, "min_epochs": 3,
    "offspring": 4, "population": 6, "confirm": 2,
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished search with a tested incumbent and default, and a random search beside it."""
    base = tmp_path_factory.mktemp("runs")
    for strategy in ("evolution", "random"):
        run = nas.search(hills(), look_up, run_dir=base / strategy, max_trials=120, strategy=strategy, **ASKED)
        for name, accuracy in (("best.json", 0.81), ("default.json", 0.42)):
            evidence = {"test": {"accuracy": accuracy, "precision": 0.5, "params": 300.0}}
            assert run.best
            saved = Saved(run.best.config, "hills", "", "none", None, 12, 0, evidence=evidence)
            saved.write(base / strategy / name)
    assert report(arguments(["report", str(base / "evolution"), str(base / "random")])) == 0
    return base


class Page(HTMLParser):
    """Every tag with its attributes, the headings, and the text."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.tags, self.headings, self.text, self._in = list[tuple[str, dict[str, Any]]](), list[str](), "", ""
        self.feed(file.read_text())

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))
        self._in = tag

    def handle_data(self, data: str) -> None:
        if self._in == "h2" and data.strip():
            self.headings.append(data.strip())
        self.text += data


@pytest.fixture(scope="module")
def page(folder: Path) -> Page:
    return Page(folder / "evolution/report.html")


def test_it_answers_in_this_order(page: Page) -> None:
    assert page.headings == SECTIONS


def test_it_needs_nothing_else_and_runs_nothing(page: Page) -> None:
    assert not {"script", "link", "img", "iframe", "object"} & {tag for tag, _ in page.tags}
    for _, attributes in page.tags:
        for name, value in attributes.items():
            assert name not in ("src", "onload") and (not name.endswith("href") or value.startswith("#"))
    assert "@import" not in page.text and "url(http" not in page.text


def test_every_figure_has_text_for_those_who_do_not_see_it_and_ids_are_unique(page: Page) -> None:
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    svgs = [attributes for tag, attributes in page.tags if tag == "svg"]
    assert len(svgs) >= 8
    for attributes in svgs:
        assert attributes["role"] == "img" and set(attributes["aria-labelledby"].split()) <= set(ids)
    used = {v[1:] for _, attributes in page.tags for k, v in attributes.items() if k.endswith("href")}
    assert used <= set(ids)


def test_colours_are_those_of_the_page_in_light_and_dark(folder: Path) -> None:
    drawn = re.findall(r"<svg.*?</svg>", (folder / "evolution/report.html").read_text(), re.DOTALL)
    assert drawn and not {colour for svg in drawn for colour in re.findall(r"#[0-9a-f]{6}\b", svg)}


def test_it_tells_what_was_found_with_margins_and_beside_the_baselines(folder: Path, page: Page) -> None:
    run = open_run(folder / "evolution")
    assert run.best and run.confirmation
    assert f"{run.best.metrics['accuracy']:.4f} in the search" in page.text
    assert f"when trained again {run.confirmation.count} times" in page.text and "0.8100 on the test set" in page.text
    table = facts.constraints(run, run.best)
    margin = (500 - run.best.metrics["params"]) / 500
    assert table.rows[0][:3] == ("params<=500", f"{run.best.metrics['params']:,.0f}", f"met, {margin:+.1%}")
    assert "incumbent, test" in page.text and "default, test" in page.text and "random (random), test" in page.text


def test_its_figures_lie_beside_it_as_files(folder: Path) -> None:
    names = {path.stem for path in (folder / "evolution/figures").glob("*.svg")}
    assert {"progress-time", "progress-epochs", "trade-off-precision", "rungs", "size", "population"} <= names
    assert names == {path.stem for path in (folder / "evolution/figures").glob("*.png")}


def test_the_best_so_far_is_that_of_the_history(folder: Path) -> None:
    run = open_run(folder / "evolution")
    x, y = figures.anytime(run, "epochs")
    spent, best = 0, list[tuple[int, float]]()
    for result in run.committed:
        spent += result.job.stop - result.job.start
        feasible = all(
            bound(result.metrics) for bound in (lambda m: m["params"] <= 500, lambda m: m["precision"] >= 0.001)
        )
        if result.epochs == 12 and feasible and ".r" not in result.job.trial.id:
            best.append((spent, max([result.metrics["accuracy"], *(value for _, value in best)])))
    changes = [pair for i, pair in enumerate(best) if not i or pair[1] > best[i - 1][1]]
    assert list(zip(x, y, strict=True)) == changes


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 9)), max_size=30))
def test_the_pareto_front_is_of_those_that_nothing_beats(points: list[tuple[int, int]]) -> None:
    results = [
        Result(Job(Trial(f"g0.b0.{i}", Config(()), 0), 0, 1), Status.OK, {"params": size}, score=Score(0, value))
        for i, (size, value) in enumerate(points)
    ]
    front = {(r.metrics["params"], r.score.objective) for r in figures.pareto(results)}
    assert front == {(p, o) for p, o in points if not any((q <= p and w >= o) and (q, w) != (p, o) for q, w in points)}


def test_what_mattered_is_found_with_its_uncertainty(folder: Path) -> None:
    """The precision is the learning rate, and nothing else; uniform samples do not make others go along with it."""
    found = importance(open_run(folder / "random"), "precision")
    assert found and found.names[0] == "rate" and found.mean[0] > 0.5 > 5 * max(found.mean[1:])
    assert all(error >= 0 for error in found.error) and found.fit > 0.7


def test_the_lineage_leads_from_the_winner_to_samples(folder: Path) -> None:
    run = open_run(folder / "evolution")
    assert run.best
    rows = facts.lineage(run, run.best).rows
    known = {row[0] for row in rows}
    assert rows[0][0] == run.best.job.trial.id
    for trial, operator, parents, _, news in rows:
        assert (operator == "sample") == (not parents) == (not news) or operator == "recombine"
        assert set(parents.split(" and ")) <= known | {""} or len(rows) == 25, trial


@pytest.mark.parametrize(
    "asked",
    [
        {"budget": "asha", "lanes": 3}, {"budget": "full", "max_trials": 12}, {"strategy": "random", "max_trials": 1},
        {"constraints": ()}, {"constraints": ["precision>=3"]}, {"strategy": "default", "constraints": ()},
        {"max_epochs": 12, "max_total_epochs": 12}, {"objective": "precision", "maximize": False},
        {"objective": "params", "maximize": False}, {"constraints": ["accuracy>=0.2"]},
    ],
)  # fmt: skip
def test_every_kind_of_run_has_its_report(tmp_path: Path, asked: dict[str, Any]) -> None:
    nas.search(hills(), look_up, run_dir=tmp_path, **{"max_trials": 40, **ASKED, **asked})
    assert Page(write([open_run(tmp_path)], tmp_path / "report.html")).headings == SECTIONS


def test_it_tells_where_being_trained_again_changed_the_choice(tmp_path: Path) -> None:
    def lucky(config: dict[str, Any], *, epochs: int, **job: Any) -> dict[str, Any]:
        return hill(config, epochs)

    def again(config: dict[str, Any], *, epochs: int, **job: Any) -> dict[str, Any]:
        return {**hill(config, epochs), "accuracy": -10 * hill(config, epochs)["accuracy"]}

    lucky.again = again  # type: ignore[attr-defined]
    run = nas.search(hills(), lucky, run_dir=tmp_path, max_trials=60, seed=2, **ASKED)
    former = run.overtaken
    assert run.best and former and former.result.metrics["accuracy"] > run.best.metrics["accuracy"]
    page = Page(write([open_run(tmp_path)], tmp_path / "report.html"))
    name, value = former.result.job.trial.id, former.result.metrics["accuracy"]
    told = f"{name} was ahead in the search, accuracy {value:.4f}, and had -"
    assert told in page.text and f"{run.best.job.trial.id} reaches" in page.text
    assert "it came out ahead when the best were trained again" in page.text
    assert f"by {name}, which is not the incumbent" in page.text
    (note,) = _confirmed(run, "incumbent", {})[1:]
    assert told in note


def test_it_tells_where_all_that_met_the_constraints_failed_when_trained_again(tmp_path: Path) -> None:
    def lucky(config: dict[str, Any], **job: Any) -> dict[str, Any]:
        return {"accuracy": config["x"], "precision": config["x"]}

    def again(config: dict[str, Any], **job: Any) -> dict[str, Any]:
        raise nas.Diverged("this time")

    lucky.again = again  # type: ignore[attr-defined]
    run = nas.search(
        ConfigurationSpace({"x": (0.0, 1.0)}), lucky, constraints=["precision>=0.95"], max_trials=60, confirm=9,
        strategy="random", budget="full", max_epochs=1, run_dir=tmp_path,
    )  # fmt: skip
    assert run.best and not run.best.feasible and run.overtaken
    text = Page(write([open_run(tmp_path)], tmp_path / "report.html")).text
    assert "Whatever met all constraints failed when trained again; the nearest miss" in text
    assert re.search(rf"{run.overtaken.result.job.trial.id} was ahead .*, but (\d) of \1 more trainings failed", text)
    assert "limits were too short" not in " ".join(_confirmed(run, "incumbent", {}))


def test_failures_are_told_by_cause_with_an_example(tmp_path: Path) -> None:
    space = fates("fine", "raise", "diverge")
    nas.search(space, meet_fate, max_trials=30, max_epochs=1, min_epochs=1, run_dir=tmp_path)
    text = Page(write([open_run(tmp_path)], tmp_path / "report.html")).text
    assert "CRASHED" in text and "as was to be expected" in text and "DIVERGED" in text and "the loss is inf" in text


def test_names_are_text_and_nothing_else(tmp_path: Path) -> None:
    def wicked(config: dict[str, Any], **job: Any) -> dict[str, Any]:
        raise ValueError("<script>alert(1)</script>")

    nas.search(hills(), wicked, max_trials=3, max_epochs=1, min_epochs=1, run_dir=tmp_path)
    file = write([open_run(tmp_path)], tmp_path / "report.html")
    assert "<script" not in file.read_text() and "alert(1)" in Page(file).text


def test_the_test_of_a_former_incumbent_is_not_told_of_this_one(tmp_path: Path) -> None:
    run = nas.search(hills(), look_up, run_dir=tmp_path, max_trials=40, **ASKED)
    assert run.best
    other = next(result for result in run.trials if result.config != run.best.config)
    for config, known in ((other.config, {}), (run.best.config, {"accuracy": 0.81})):
        Saved(config, "hills", "", "none", None, 12, 0, evidence={"test": {"accuracy": 0.81}}).write(
            tmp_path / "best.json"
        )
        assert facts.tested(open_run(tmp_path)) == known


def test_runs_of_different_tasks_do_not_stand_side_by_side(folder: Path, tmp_path: Path) -> None:
    nas.search(hills(), look_up, run_dir=tmp_path, max_trials=5, objective="precision")
    with pytest.raises(nas.UserError, match="only runs of one task stand side by side"):
        write([open_run(folder / "evolution"), open_run(tmp_path)], tmp_path / "report.html")
    for place in (tmp_path, tmp_path / "none/report.html"):
        with pytest.raises(nas.UserError, match="give a file in a folder that exists"):
            write([open_run(tmp_path)], place)


def test_a_run_whose_name_looks_like_a_formula_is_drawn(folder: Path, tmp_path: Path) -> None:
    for name in ("cost $x_$ <b>", "_hidden"):
        nas.search(hills(), look_up, run_dir=tmp_path / name, max_trials=40, max_epochs=4)
    text = Page(write([open_run(path) for path in sorted(tmp_path.iterdir())], tmp_path / "report.html")).text
    assert "cost $x_$ <b>" in text


def test_a_run_without_results_is_told(tmp_path: Path) -> None:
    nas.search(hills(), look_up, max_trials=3, run_dir=tmp_path)
    (tmp_path / "journal.jsonl").write_text("")
    (tmp_path / "history.jsonl").unlink()  # or it would be told that the journal was cut
    with pytest.raises(nas.UserError, match="has no result yet"):
        write([open_run(tmp_path)], tmp_path / "report.html")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A headless Chromium."""
    from shutil import which

    from selenium import webdriver

    if not which("chromium") or not which("chromedriver"):
        pytest.skip("no Chromium here: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    for flag in ("headless=new", "no-sandbox", "disable-gpu", "hide-scrollbars", "disable-dev-shm-usage"):
        options.add_argument(f"--{flag}")
    options.binary_location = str(which("chromium"))
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(str(which("chromedriver"))))
    yield driver
    driver.quit()


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_browser_shows_it_without_errors_and_without_scrolling_sideways(
    folder: Path, browser: Any, width: int, scheme: str
) -> None:
    screen = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    )
    browser.get((folder / "evolution/report.html").as_uri())
    assert browser.execute_script("return window.innerWidth") == width
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    assert not browser.get_log("browser")
    colour = browser.execute_script("return getComputedStyle(document.querySelector('svg text')).fill")
    brightness = sum(int(part) for part in re.findall(r"\d+", colour)[:3])
    assert brightness > 380 if scheme == "dark" else brightness < 380  # letters stand out in both
    widths = browser.execute_script("return [...document.querySelectorAll('svg')].map(svg => svg.clientWidth)")
    assert min(widths) > 300


WICKED = (
    "</text><script>document.title = 'run'</script><img src=x onerror=\"document.title = 'run'\"> $x_$ 'q' / ../ "
    'id="a" #ffffff \x1b[31m \u202egnp\nnext 日本 $\\frac{1}$'
)


def wicked_run(folder: Path) -> Path:
    """Return a run of somebody else's, whose objective, hyperparameters, choices, errors and data are no mere names."""

    def train(config: dict[str, Any], **job: Any) -> dict[str, float]:
        x = config[f"<b onclick=x>{WICKED}"]
        if x > 0.9:
            raise ValueError(WICKED)
        return {WICKED: x, "e_metric": 2 * x, "params": 1 + x}

    space = ConfigurationSpace({f"<b onclick=x>{WICKED}": (0.0, 1.0), "_h/x": [WICKED, "=1+1", "[red]x[/red]"]})
    asked: dict[str, Any] = {"max_trials": 60, "max_epochs": 9, "min_epochs": 1, "offspring": 4, "population": 5}
    asked |= {"constraints": ["e_metric<=1.8", "e_metric>=0.1"], "details": {"data": WICKED, "data_digest": WICKED}}
    nas.search(space, train, objective=WICKED, run_dir=folder, **asked)
    remember(folder, Command([f"--x={WICKED}"]))
    return folder


@pytest.fixture(scope="module")
def wicked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report and a comparison of such runs."""
    base = tmp_path_factory.mktemp("wicked")
    runs = [open_run(wicked_run(base / name)) for name in ("<img src=x onerror=x> $x_$", '_h"x\u202e')]
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # of letters that a font lacks, of names that start with _
        write(runs, base / "report.html")
        judged = Judged("", 0, {WICKED: 0.5}, "10", "11")
        entries = [Entry(name, 0, run, (judged,)) for name, run in zip(("evolution", "random"), runs, strict=True)]
        contest = Contest(("evolution", "random"), (0,), 1, (f"--data={WICKED}",))
        compare_page.write(contest, entries, contrasts(entries), base / "comparison.html")
    return base


@pytest.mark.parametrize("name", ["report.html", "comparison.html"])
def test_names_of_a_foreign_run_are_shown_and_run_nothing_in_a_browser(
    wicked: Path, tmp_path: Path, browser: Any, name: str
) -> None:
    policy = re.compile('<meta http-equiv="Content-Security-Policy".*?>')
    text, walls = policy.subn("", (wicked / name).read_text(encoding="utf-8"))
    assert walls == 1  # which would stop a script anyway: the names alone must not be one
    (tmp_path / name).write_text(text, encoding="utf-8")
    browser.get((tmp_path / name).as_uri())
    assert browser.title != "run" and not browser.get_log("browser")
    assert browser.execute_script("return document.querySelectorAll('script, img, b[onclick]').length") == 0
    shown = browser.execute_script("return document.body.innerText")
    assert WICKED[: WICKED.index("\x1b")] in shown and "\\x1b[31m \\u202egnp\\nnext 日本 $\\frac{1}$" in shown
    assert "\x1b" not in text and "\u202e" not in text
    assert "</text><script>document.title" in browser.execute_script(
        "return [...document.querySelectorAll('svg text')].map(each => each.textContent).join(' ')"
    )


def test_figures_of_any_name_are_files_of_their_own_in_the_folder(wicked: Path) -> None:
    files = {path.name for path in (wicked / "figures").glob("*.svg")}
    assert {"trade-off-e_metric.svg", "trade-off-e_metric-2.svg", "size.svg"} <= files
    assert all(re.fullmatch(r"[a-z0-9_-]+\.svg", name) for name in files)
    for name in files:
        content = ElementTree.parse(wicked / "figures" / name)  # XML takes no ESC
        assert content.getroot().tag.endswith("svg")
    ids = [attributes["id"] for _, attributes in Page(wicked / "report.html").tags if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_names_that_would_share_a_file_are_numbered() -> None:
    assert slugs(["a/b", "a b", "A-b", "a-b-2", "", "/", "é" * 400]) == [
        "a-b", "a-b-2", "a-b-3", "a-b-2-2", "unnamed", "unnamed-2", "unnamed-3",
    ]  # fmt: skip
