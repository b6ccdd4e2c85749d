"""A rate is chosen by validation, a failed training by nobody; differences are paired over seeds."""

from collections.abc import Mapping
from typing import Any

import pytest

from nas.core.types import Config, Job, Result, Status, Trial
from nas.report.lr_study.drawings import over_the_rate
from nas.report.lr_study.results import Group, Outcome
from nas.report.lr_study.study import Study
from nas.report.lr_study.tables import at_each_rate, remarks, summary
from nas.report.style import rules

Values = tuple[float, float]  # of validation and test


def study(optimizers: tuple[str, ...] = ("sgd", "adam"), rates: tuple[float, ...] = (0.1, 1.0)) -> Study:
    self_tuned = tuple((name, policy) for name in optimizers for policy in ("autolrs", "cosine")
                       if policy == "autolrs" or name.startswith("hyper-"))  # fmt: skip
    return Study(optimizers, ("cosine", "autolrs"), rates, (0, 1), 9, {}, None, 0.01, self_tuned)


def outcome(asked: Study, values: Mapping[tuple[Any, ...], Values | Status], maximize: bool = True) -> Outcome:
    """Return what came of the trainings in `values`, by optimizer, policy, rate and seed."""
    results = [_result(i, *each) for i, each in enumerate(values.items())]
    return Outcome(asked, results, "accuracy", maximize)


def _result(number: int, place: tuple[Any, ...], value: Values | Status) -> Result:
    config = Config.of(dict(zip(("optimizer", "policy", "learning_rate", "seed"), place, strict=True)))
    job = Job(Trial(f"g0.b1.{number}", config, 0), 0, 9)
    if isinstance(value, Status):
        return Result(job, value)
    metrics = {"accuracy": value[0], "test_accuracy": value[1], "total_over_useful": 1.25}
    return Result(job, Status.OK, metrics)


def group(found: Outcome, *pair: str) -> Group:
    (own,) = [each for each in found.groups if each.pair == pair]
    return own


COSINE = {
    ("sgd", "cosine", 0.1, 0): (0.90, 0.80), ("sgd", "cosine", 0.1, 1): (0.92, 0.82),
    ("sgd", "cosine", 1.0, 0): (0.80, 0.99), ("sgd", "cosine", 1.0, 1): (0.81, 0.99),
}  # fmt: skip


def test_the_rate_is_the_best_in_validation_whatever_the_test_says() -> None:
    found = outcome(study(), COSINE)
    assert found.tuned(group(found, "sgd", "cosine")).rate == 0.1
    assert outcome(study(), COSINE, maximize=False).tuned(found.groups[0]).rate == 1.0
    assert group(found, "sgd", "cosine").trainings == 4


def test_a_rate_at_which_a_training_failed_is_no_best_one_and_is_counted() -> None:
    values = COSINE | {("sgd", "cosine", 0.1, 1): Status.DIVERGED}
    found = outcome(study(), values)
    own = group(found, "sgd", "cosine")
    assert found.tuned(own).rate == 1.0 and own.failed == {"DIVERGED": 1} and own.trainings == 4
    (row,) = [row for row in at_each_rate(found).rows if row[1] == "0.1"]
    assert row[2:] == ("0.9000 (1 of 2)", "0.8000 (1 of 2)", "1 DIVERGED")


def test_where_all_failed_the_table_says_so() -> None:
    found = outcome(study(), dict.fromkeys(COSINE, Status.DIVERGED))
    (row,) = summary(found).rows
    assert row[2:4] == ("none", "none") and row[7] == "4 DIVERGED"


def test_differences_to_tuned_cosine_are_of_the_test_and_paired_over_seeds() -> None:
    auto = {("sgd", "autolrs", 0.01, 0): (0.5, 0.81), ("sgd", "autolrs", 0.01, 1): (0.5, 0.85)}
    found = outcome(study(), COSINE | auto)
    reference = found.reference("sgd")
    assert reference and reference.pair == ("sgd", "cosine")
    paired = found.difference(group(found, "sgd", "autolrs").cells[0], found.tuned(reference))
    assert paired and paired.mean == pytest.approx(0.02) and paired.error == pytest.approx(0.01)
    rows = {row[0]: row for row in summary(found).rows}
    assert rows["sgd, autolrs"][1] == "finds its own" and rows["sgd, autolrs"][4] == "+0.0200 ± 0.0100"
    assert rows["sgd, autolrs"][6:] == ("2", "", "1.25") and rows["sgd, cosine"][4] == ""


def test_an_optimizer_without_a_tuned_cosine_is_held_against_the_best_in_validation() -> None:
    other = {("adam", "cosine", 0.1, seed): (0.95, 0.70) for seed in (0, 1)}
    learned = {("hyper-adam", "cosine", 0.01, seed): (0.9, 0.9) for seed in (0, 1)}
    found = outcome(study(("sgd", "adam", "hyper-adam")), COSINE | other | learned)
    reference = found.reference("hyper-adam")
    assert reference and reference.pair == ("adam", "cosine")


def test_remarks_tell_what_is_missing_and_a_rate_at_the_end_of_the_grid() -> None:
    told = [*remarks(outcome(study(), COSINE))]
    assert told[0] == "4 of 12 trainings are done: all numbers may change"
    assert "not by the test" in told[1]
    assert told[2].startswith("sgd, cosine: 0.1 is at the end of the rates")


def test_the_figure_of_an_optimizer_has_its_curves_and_what_finds_its_own() -> None:
    auto = {("hyper-adam", "autolrs", 0.01, seed): (0.9, 0.9) for seed in (0, 1)}
    with rules():
        (drawing,) = over_the_rate(outcome(study(("sgd", "hyper-adam")), COSINE | auto))
    assert drawing.name == "rates-sgd"
    assert "sgd, cosine is best at 0.1 by validation, 0.8100" in drawing.words
    assert "hyper-adam, autolrs finds its own, 0.9000" in drawing.words


def test_names_too_long_for_a_legend_are_told_apart_by_their_rows() -> None:
    towers = ("hyper-sgd:tower=sgd:0.2/sgd:0.2", "hyper-sgd:tower=sgd:0.2/sgd:0.2/sgd:0.2")
    found = outcome(study(("sgd", *towers)), COSINE | {(name, "autolrs", 0.01, 0): (0.9, 0.9) for name in towers})
    with rules():
        (drawing,) = over_the_rate(found)
    (legend,) = drawing.figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        "cosine", "hyper-sgd:…, autolrs (row 2)", "hyper-sgd:…, autolrs (row 3)",
    ]  # fmt: skip
