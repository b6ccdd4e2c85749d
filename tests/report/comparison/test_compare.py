"""Strategies are compared under equal conditions, a comparison goes on after anything, luck is told from skill."""

import json
import os
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, chi2

import nas
from nas.main import main
from nas.report.comparison.contest import Contest
from nas.report.comparison.judged import Judged, read
from nas.report.comparison.statistics import FEW, Contrast, Entry, average_ranks, contrast_table, contrasts, summary
from nas.runs.stored import StoredRun, open_run
from tests.cli.commands.test_command_line import refused
from tests.cli.commands.test_resume import HALTING, start
from tests.fakes import hills, look_up
from tests.processes import PATIENCE, growing, wait_for_lines
from tests.report.test_report import Page

STRATEGIES = ("evolution", "random+full", "default")


@pytest.fixture(scope="module")
def flags(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("compare")
    (folder / "dense.py").write_text(HALTING)
    return [
        "compare", "--strategies", *STRATEGIES, "--seeds", "3", "5", "--test-seeds", "2", "--run-dir", str(folder),
        "--space", str(folder / "dense.py"), "--data", "digits", "--epochs", "3", "--folds", "1", "--workers", "0",
        "--max-trials", "8", "--min-precision", "0.1", "--max-macs", "none",
    ]  # fmt: skip


@pytest.fixture(scope="module")
def whole(flags: list[str]) -> Path:
    """A finished comparison."""
    assert main([*flags, "--name", "whole", "--quiet"]) == 0
    return Path(flags[flags.index("--run-dir") + 1]) / "whole"


def test_every_run_is_an_ordinary_one_under_the_same_conditions(whole: Path) -> None:
    runs = {(name, seed): open_run(whole / f"{name}-seed{seed}") for name in STRATEGIES for seed in (3, 5)}
    asked = set[str]()
    for (name, seed), run in runs.items():
        assert (run.spec.strategy.name, run.spec.seed) == (name.partition("+")[0], seed)
        assert run.spec.scheduler.name == ("full" if name == "random+full" else "halving")
        same = {**run.spec.to_json(), "strategy": "", "seed": 0, "scheduler": ""}
        asked.add(json.dumps(same, sort_keys=True))
    assert len(asked) == 1
    assert main(["verify", str(whole / "evolution-seed3")]) == 0


def test_every_incumbent_is_tested_with_the_same_seeds_and_each_image_is_kept(whole: Path) -> None:
    for name in STRATEGIES:
        for seed in (3, 5):
            judged = list(read(whole / f"{name}-seed{seed}"))
            assert [each.seed for each in judged] == [seed, seed + 1]
            for each in judged:
                assert len(each.right) == len(each.right3) == 360
                assert each.right.count("1") / 360 == pytest.approx(each.metrics["accuracy"])
                assert each.right3.count("1") / 360 == pytest.approx(each.metrics["top3_accuracy"])


def test_the_report_on_one_of_its_runs_knows_of_the_tests(whole: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = whole / "evolution-seed3"
    assert main(["report", str(folder)]) == 0
    page, accuracies = Page(folder / "report.html"), [each.metrics["accuracy"] for each in read(folder)]
    assert "A comparison tested it: the mean of 2 trainings with other seeds." in page.text
    assert f"{np.mean(accuracies):.4f} on the test set" in page.text and "It was not tested" not in page.text


def test_the_page_shows_the_tables_that_are_printed(
    flags: list[str], whole: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["resume", str(whole), "--quiet"]) == 0  # nothing is left to do
    printed, page = capfd.readouterr().out, Page(whole / "comparison.html")
    assert page.headings == ["What each found", "Is it more than luck?", "How to reproduce it"]
    for text in ("average rank", "evaluations feasible", "evolution / default", "p, corrected"):
        assert text in printed and text in page.text
    assert len([tag for tag, _ in page.tags if tag == "svg"]) == 3
    assert {path.name for path in (whole / "figures").glob("*.svg")} >= {"compared-time.svg", "compared-tests.svg"}


def test_a_comparison_that_is_killed_or_interrupted_goes_on_as_a_whole(flags: list[str], whole: Path) -> None:
    process = start(*flags, "--name", "part")
    wait_for_lines(whole.parent / "part/evolution-seed3/journal.jsonl", 3, process)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    journal, halt = whole.parent / "part/evolution-seed5/journal.jsonl", whole.parent / "halt"
    halt.write_text(f"{journal} 3")
    process = start("resume", whole.parent / "part")
    wait_for_lines(journal, 3, process)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=PATIENCE)
    halt.unlink()
    assert process.returncode == 130 and "go on by python -m nas.main resume" in errors and "Traceback" not in errors
    assert main(["resume", str(whole.parent / "part"), "--quiet"]) == 0
    for name in (f"{strategy}-seed{seed}" for strategy in STRATEGIES for seed in (3, 5)):
        part, same = (folder / name for folder in (whole.parent / "part", whole))
        assert (part / "history.jsonl").read_bytes() == (same / "history.jsonl").read_bytes()
        assert list(read(part)) == list(read(same))


def test_a_training_is_not_repeated_unless_its_line_is_lost(flags: list[str], whole: Path) -> None:
    file = whole / "default-seed5/tests.jsonl"
    before = file.read_text()
    assert main(["resume", str(whole), "--quiet"]) == 0
    assert file.read_text() == before
    file.write_text(before[: len(before) - 50])
    assert main(["resume", str(whole), "--quiet"]) == 0
    assert [each.seed for each in read(whole / "default-seed5")] == [5, 6]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--strategies", "annealing"), "--strategies annealing: give one of default, evolution, random"),
        (("--strategies", "evolution+fast"), "asha, full, halving, hyperband"),
        (("--strategies", "random", "random"), "each may be there once"),
        (("--strategies", "random", "random+halving"), "each may be there once"),
        (("--strategy", "random"), "a comparison has --strategies"),
        (("--seed=3",), "a comparison has --strategies"),
        (("--max-time", "soon"), "soon"),
        (("--colour", "red"), "--colour"),
        (("--min-precision", "1.5"), "between 0 and 1"),
        (("--name", "../x"), "plain name"),
    ],
)
def test_bad_input_is_told_in_one_line(words: Sequence[str], told: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert told in refused(capfd, "compare", *words)


def test_another_comparison_of_the_same_name_is_refused(
    flags: list[str], whole: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    line = refused(
        capfd, *flags[: flags.index("--seeds") + 1], "7", *flags[flags.index("--run-dir") :], "--name", "whole"
    )
    assert "is another comparison, with" in line and "seeds [3, 5], now [7]" in line
    assert "without other flags" in refused(capfd, "resume", whole, "--max-time", "1h")


def test_a_run_and_a_comparison_do_not_share_a_folder(
    flags: list[str], whole: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert "is a run, not a comparison" in refused(
        capfd, *flags[:-2], "--max-macs", "none", "--run-dir", whole, "--name", "default-seed3"
    )
    assert "is a comparison: choose another name" in refused(
        capfd, "search", *flags[flags.index("--space") :], "--run-dir", whole.parent, "--name", "whole", "--quiet"
    )
    for command in ("report", "verify", "predict"):
        words = [command, whole, "image.png"] if command == "predict" else [command, whole]
        assert "is a comparison: give one of its runs, such as" in refused(capfd, *words)


def test_what_has_come_to_its_end_is_not_searched_on(flags: list[str], tmp_path: Path) -> None:
    timed = [*flags[: flags.index("--workers")], "--workers", "0", "--max-macs", "none", "--run-dir", str(tmp_path)]
    timed += ["--strategies", "random", "--seeds", "1", "--quiet"]
    for limit in growing(1):
        name = f"{limit:g}s"
        assert main([*timed, "--name", name, "--max-time", name]) == 0
        before = (tmp_path / name / "random-seed1/journal.jsonl").read_bytes()
        if before:
            break
    assert main(["resume", str(tmp_path / name), "--quiet"]) == 0
    assert (tmp_path / name / "random-seed1/journal.jsonl").read_bytes() == before


def test_where_no_strategy_can_be_run_that_is_told(
    flags: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    words = [*flags, "--run-dir", str(tmp_path), "--strategies", "default", "--max-params", "10", "--quiet"]
    assert main(words) == 2
    out, err = capfd.readouterr()
    assert out == "" and "default is left out: the default configuration has params" in err
    assert err.strip().splitlines()[-1].endswith("no strategy could be run")


# Statistics


@pytest.fixture(scope="module", autouse=True)
def uncollected() -> Iterator[None]:
    """Let statsmodels not collect all garbage at each correction, which takes a hundred times what that does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gc.collect", lambda *_: 0)
        yield


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> StoredRun:
    folder = tmp_path_factory.mktemp("run")
    nas.search(hills(), look_up, max_trials=5, max_epochs=1, min_epochs=1, run_dir=folder)
    return open_run(folder)


def entry(run: StoredRun, strategy: str, right: str, seed: int = 0, accuracy: float = 0.5) -> Entry:
    return Entry(strategy, seed, run, (Judged("", seed, {"accuracy": accuracy}, right, right),))


@settings(max_examples=40)
@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_is_exact_for_few_discordant_pairs_and_chi_squared_for_many(
    run: StoredRun, one: int, other: int
) -> None:
    entries = [entry(run, "a", "1" * one + "0" * other + "10"), entry(run, "b", "0" * one + "1" * other + "10")]
    (found,) = contrasts(entries)
    assert (found.only_one, found.only_other) == (one, other)
    if one + other < FEW:
        expected = binomtest(one, one + other).pvalue if one + other else 1.0
    else:
        expected = chi2.sf((abs(one - other) - 1) ** 2 / (one + other), 1)
    assert found.p == pytest.approx(min(1.0, expected))
    assert found.corrected == pytest.approx(found.p)  # there is but one


def test_who_breaks_a_constraint_is_better_than_nobody(tmp_path: Path) -> None:
    """However many images it gets right: it is not compared, its metrics are left out, its rank is the last."""
    runs = []
    for name, bound in (("bad", "precision>=2"), ("good", "precision>=0")):
        asked: dict[str, Any] = {"max_trials": 5, "max_epochs": 1, "min_epochs": 1, "constraints": [bound]}
        nas.search(hills(), look_up, run_dir=tmp_path / name, **asked)
        runs.append(open_run(tmp_path / name))
    entries = [entry(runs[0], "bad", "1" * 90), entry(runs[1], "good", "0" * 90), entry(runs[1], "fair", "0" * 90)]
    assert {(c.one, c.other) for c in contrasts(entries)} == {("good", "fair")}
    bad = next(row for row in summary(entries).rows if row[0] == "bad")
    assert bad[1:4] == ("0 of 1", "", "") and bad[-1] == "3.00"


def test_of_another_objective_the_test_speaks_of_images() -> None:
    found = [Contrast(0, "a", "b", 30, 1, 0.001, 0.001)]
    assert contrast_table(found, "accuracy").rows[0][-1] == "a is better"
    assert contrast_table(found, "loss").rows[0][-1] == "a gets more images right"


def test_equal_networks_are_hardly_ever_told_apart(run: StoredRun) -> None:
    """Of comparisons of five equally good strategies at most 5 % may show any difference, by Holm's correction."""
    rng, shown = np.random.default_rng(0), 0
    for _ in range(60):
        entries = [entry(run, str(i), "".join(rng.choice(["0", "1"], 300, p=[0.1, 0.9]))) for i in range(5)]
        shown += any(contrast.corrected < 0.05 for contrast in contrasts(entries))
    assert shown <= 8  # 3 expected at most, and its binomial spread


def test_ranks_are_by_the_test_ties_share_them_and_nothing_feasible_is_last(run: StoredRun) -> None:
    entries = [
        entry(run, "a", "1", 0, 0.9), entry(run, "b", "1", 0, 0.8), entry(run, "c", "1", 0, 0.8),
        entry(run, "a", "1", 1, 0.7), entry(run, "b", "1", 1, 0.9), Entry("c", 1, run, ()),
    ]  # fmt: skip
    assert average_ranks(entries) == {"a": (1 + 2) / 2, "b": (2.5 + 1) / 2, "c": (2.5 + 3) / 2}


def test_all_strategies_come_to_their_turn_on_a_seed_before_the_next() -> None:
    contest = Contest(("evolution+asha", "random"), (4, 2), 3, ("--max-trials=9",), {"max_trials": 9})
    assert [(name, seed) for name, seed, _ in contest.entries()] == [
        ("evolution+asha", 4), ("random", 4), ("evolution+asha", 2), ("random", 2),
    ]  # fmt: skip
    own = next(contest.entries())[2]
    assert own == {"strategy": "evolution", "scheduler": "asha", "seed": 4, "name": "evolution+asha-seed4"}
