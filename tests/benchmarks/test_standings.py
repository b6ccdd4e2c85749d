"""Ranks and tests tell a contestant that is better from one that was lucky."""

import numpy as np
import pytest

from benchmarks.standings import Comparison, common, loss_at, significance, standings

MEETINGS = [(problem, seed) for problem in "abcdefghijkl" for seed in range(10)]


def losses(*advantages: float, scale: bool = True) -> dict[str, dict[tuple[str, int], float]]:
    """Return losses of contestants that differ by so much, on problems of very different scales."""
    rng = np.random.default_rng(0)
    return {
        f"c{i}": {(p, s): (rng.normal() - advantage) * (10 ** ord(p) / 1e97 if scale else 1) for p, s in MEETINGS}
        for i, advantage in enumerate(advantages)
    }


def test_the_loss_by_a_budget_is_the_best_until_then() -> None:
    trace = [(1.0, 5.0), (3.0, 4.0), (10.5, 1.0)]
    assert [loss_at(trace, budget) for budget in (0.5, 1, 10, 11)] == [float("inf"), 5, 4, 1]


def test_ranks_are_averages_with_an_interval_and_ties_share_them() -> None:
    first, second = standings({"a": {("p", 0): 1.0, ("q", 0): 2.0}, "b": {("p", 0): 1.0, ("q", 0): 3.0}})
    assert (first.contestant, first.rank, second.rank) == ("a", 1.25, 1.75)
    best, *_, worst = standings(losses(1.0, 0.0, -1.0))
    assert (best.contestant, worst.contestant) == ("c0", "c2")
    assert best.low <= best.rank <= best.high < worst.low


def test_nothing_feasible_is_last_and_who_was_not_there_is_not_judged() -> None:
    found = {"a": {("p", 0): float("inf"), ("p", 1): 1.0}, "b": {("p", 0): 9.0}}
    assert common(found) == [("p", 0)]
    assert [each.contestant for each in standings(found)] == ["b", "a"]
    assert standings({"a": {}, "b": {}}) == [] and significance({"a": {}, "b": {}}, "a") == {}


def test_who_is_better_is_told_from_who_is_not() -> None:
    found = significance(losses(1.0, 0.0, 1.0), "c0")
    assert found["c1"].p < 0.01 and found["c1"].better > 0.6 and found["c1"].better + found["c1"].worse == 1
    assert found["c2"].p > 0.05 and found["c2"].better == pytest.approx(0.5, abs=0.15)


def test_a_tie_is_neither_better_nor_worse() -> None:
    found = {"a": {("p", 0): 1.0, ("q", 0): 2.0, ("r", 0): 3.0}, "b": {("p", 0): 1.0, ("q", 0): 3.0, ("r", 0): 1.0}}
    assert significance(found, "a")["b"] == Comparison(pytest.approx(1.0), 1 / 3, 1 / 3)


def test_many_problems_and_seeds_of_few_tables_prove_little() -> None:
    meetings = [(f"{table}/cheap/{share}", seed) for table in "ab" for share in range(9) for seed in range(20)]
    found = {name: {meeting: loss + meeting[1] for meeting in meetings} for name, loss in (("a", 0.0), ("b", 0.5))}
    assert significance(found, "a")["b"] == Comparison(pytest.approx(0.5), 1.0, 0.0)


def test_an_interval_is_as_wide_as_tables_differ_and_tables_count_alike() -> None:
    won = {f"a/cheap/{share}": 0.0 for share in range(3)} | {f"b/cheap/{share}": 2.0 for share in range(9)}
    best, other = standings({"b": {(p, 0): 1.0 for p in won}, "a": {(p, 0): loss for p, loss in won.items()}})
    assert (best.contestant, best.rank, other.rank) == ("b", 1.5, 1.5)
    assert (best.low, best.high) == (1.0, 2.0)


def test_no_scale_of_a_problem_decides() -> None:
    assert significance(losses(0.3, 0.0), "c0") == significance(losses(0.3, 0.0, scale=False), "c0")


def test_equals_are_hardly_ever_told_apart() -> None:
    rng, shown = np.random.default_rng(1), 0
    for _ in range(30):
        found = {name: {meeting: float(rng.normal()) for meeting in MEETINGS} for name in "ab"}
        shown += significance(found, "a")["b"].p < 0.05
    assert shown <= 6  # of 30 one expects 1.5; more than 6 has a probability of 0.001
