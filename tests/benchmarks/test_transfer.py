"""Does the benchmark of transfer judge what it says, and cost each epoch once?"""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.transfer.baselines import asha, best_seen, by_rank, full, halving, hyperband, rounds, rungs
from benchmarks.transfer.cases import Case, cases
from benchmarks.transfer.database import PAIRS, Database, Floats, family, load
from benchmarks.transfer.held_out import HELD_OUT, correlation, held_out
from benchmarks.transfer.methods import METHODS
from benchmarks.transfer.old import Old, known, permuted, without_history
from benchmarks.transfer.regret import ranks, regrets
from benchmarks.transfer.report import misled, table
from benchmarks.transfer.rows import Row, measured, read, rows

DATA = Path(__file__).parents[3] / "shared" / "data"
published = pytest.mark.skipif(not DATA.exists(), reason="the published databases are not here")


@pytest.fixture
def made() -> Database:
    """Return the names of HyperRec with two short made curves a task."""
    tasks = sorted({task for old, new in PAIRS["HyperRec"] for task in (*old, new)})
    accuracy = np.random.default_rng(0).random((2, len(tasks), 9, 3))
    return Database("HyperRec", tuple(tasks), accuracy, np.eye(9))


def test_regret_is_from_the_best_epoch_of_each_configuration() -> None:
    curves = np.array([[0.5, 0.9], [0.8, 0.1], [0.4, 0.4], [0.9, 0.2]])
    assert regrets(curves) == pytest.approx([0, 0.2, 1, 0])
    assert ranks(curves).tolist() == [0, 2, 3, 0]


def test_no_case_learns_from_the_family_of_its_new_task(made: Database) -> None:
    for case in cases(made, "leave-one-out"):
        assert family(case.new) not in {family(task) for task in case.old}
    assert family("SUN397SUB1") == family("SUN397SUB3") == "SUN397"
    assert len(list(cases(made, "leave-one-out"))) == 2 * len(made.tasks)


@pytest.mark.parametrize("protocol", ["development leave-one-out", "development four"])
def test_development_never_sees_an_official_new_task(made: Database, protocol: str) -> None:
    official = {new for _, new in PAIRS["HyperRec"]}
    found = list(cases(made, protocol))
    assert found == list(cases(made, protocol))
    for case in found:
        assert not official & {case.new, *case.old}
        assert len(case.old) == 4 or protocol == "development leave-one-out"


@pytest.mark.parametrize("schedule", [full, rounds, halving, asha])
def test_a_schedule_that_has_ended_has_spent_no_epoch_twice(schedule: object) -> None:
    spent = Counter[tuple[int, int]]()

    def observe(config: int, epoch: int) -> float:
        spent[config, epoch] += 1
        return config / 100

    found = best_seen(schedule(range(9), 9), 0, observe, 1000)  # type: ignore[operator]
    assert len(found) == 1001 and set(spent.values()) == {1}
    assert found[-1] == 8


def test_what_is_recommended_is_the_best_of_what_the_epochs_have_shown() -> None:
    curves = np.array([[0.1, 0.2], [0.9, 0.3], [0.5, 0.6]])
    found = best_seen(full([2, 1, 0], 2), 2, lambda config, epoch: float(curves[config, epoch - 1]), 5)
    assert found.tolist() == [2, 2, 2, 1, 1, 1]


def test_hyperband_begins_with_its_most_aggressive_bracket() -> None:
    jobs = hyperband(range(100), 75)
    first = [next(jobs)] + [jobs.send(0.0) for _ in range(81)]
    assert [until for _, until in first] == [1] * 81 + [3]
    assert rungs(75) == [1, 3, 8, 25, 75]


def test_the_order_is_that_of_mean_ranks() -> None:
    old = np.array([[[0.1], [0.9], [0.5]], [[0.6], [0.7], [0.8]]])
    assert by_rank(old) == [1, 2, 0]


def test_a_row_is_run_once_and_shown(made: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, names = tmp_path / "rows.jsonl", ["prior by rank, full", "ASHA"]
    first = list(rows(made, "official", names, file))
    monkeypatch.setattr("benchmarks.transfer.rows.measured", None)
    assert list(rows(made, "official", names, file)) == first == read(file)
    with file.open("a") as lines:
        lines.write('{"torn')
    assert read(file) == first
    shown = list(table(first, "regret"))
    assert shown[2].startswith("| prior by rank, full |") and "±" in shown[2]


def test_a_history_that_misleads_has_the_same_curves_of_other_configurations(made: Database) -> None:
    old = known(made, next(cases(made, "official")))
    other = permuted(old).curves
    assert not np.array_equal(other, old.curves)
    assert np.array_equal(np.sort(other, axis=1), np.sort(old.curves, axis=1))
    assert without_history(old).curves.shape == (0, 9, 3)


@published
@pytest.mark.parametrize("name", ["HyperRec", "LCBench"])
def test_the_published_pairs_are_those_of_the_database(name: str) -> None:
    found = json.loads((DATA / name.lower() / "train_test_pairs.json").read_text())[name]
    assert [(",".join(old), new) for old, new in PAIRS[name]] == [tuple(each) for each in found]


@published
@pytest.mark.parametrize(
    ("name", "protocol", "regret"),
    [("HyperRec", "official", 0.0104), ("HyperRec", "leave-one-out", 0.0291), ("LCBench", "leave-one-out", 0.0676)],
)
def test_the_prior_by_rank_has_the_known_regret_before_any_epoch(name: str, protocol: str, regret: float) -> None:
    database = load(name, DATA / name.lower())
    found = [_first(database, case) for case in cases(database, protocol)]
    assert np.mean(found) == pytest.approx(regret, abs=5e-5)


def _first(database: Database, case: Case) -> float:
    new: Floats = database.curves(case.seed, case.new)[0]
    return float(regrets(new)[by_rank(database.curves(case.seed, *case.old))[0]])


@published
def test_a_row_has_a_regret_a_budget() -> None:
    database = load("LCBench", DATA / "lcbench")
    case = next(cases(database, "official"))
    row = measured(database, "official", "random, one-epoch rounds", case)
    assert len(row.regret) == len(row.rank) and METHODS[row.method].repeats == 20
    assert row.regret[-1] < row.regret[0]


def test_epochs_to_a_regret_are_counted_to_where_the_mean_is_first_as_low() -> None:
    one = Row("HyperRec", "official", "mixture", "A", 0, 0, (0.2, 0.04, 0.0), (1, 1, 1), 1.0)
    other = replace(one, new="B", regret=(0.2, 0.08, 0.0))
    assert list(misled([one, other]))[-1] == "| mixture | 1 | 2 | 2 | 2 | 2 |"


@published
def test_held_out_configurations_are_the_same_ones_every_time() -> None:
    database = load("LCBench", DATA / "lcbench")
    case = next(cases(database, "leave-one-out"))
    assert len({*held_out(0, 100)} & {*held_out(1, 100)}) < HELD_OUT
    assert correlation(database, case, 0, lambda old, out: database.curves(0, case.new)[0].max(axis=1)) == 1

    def seen(old: Old, out: NDArray[np.int64]) -> Floats:
        assert np.isnan(old.curves[:, out]).all() and np.isfinite(old.curves).sum() == 70 * old.curves[:, 0].size
        return np.arange(100.0)

    correlation(database, case, 1, seen)
