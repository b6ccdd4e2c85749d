"""The order of results: feasibility first, then the objective; failures last; total."""

import math
from itertools import product

from hypothesis import example, given
from hypothesis import strategies as st

from nas.core.constraints import parse
from nas.core.ranking import best, incumbent, outcome, score, survivors
from nas.core.types import Config, Job, Result, Score, Status, Trial

CONSTRAINTS = (parse("precision>=0.5"), parse("params<=100"))
NUMBERS = st.floats() | st.sampled_from([0.0, -0.0, 0.25, 0.5, 100.0, 150.0, math.nan, math.inf, -math.inf])


def result(
    status: Status = Status.OK, metrics: dict[str, float] | None = None, epochs: int = 1, maximize: bool = True
) -> Result:
    metrics = metrics or {}
    ranked = score(status, metrics, "accuracy", maximize, CONSTRAINTS)
    return Result(Job(Trial("g0.b0.0", Config(()), 0), 0, epochs), status, metrics, score=ranked)


METRICS = st.dictionaries(st.sampled_from(["accuracy", "precision", "params"]), NUMBERS)
STATUSES = st.sampled_from([Status.OK, Status.OK, Status.OK, *Status])
RESULTS = st.lists(st.builds(result, STATUSES, METRICS, st.integers(1, 3), st.booleans()), max_size=12)


def values(accuracy: float, precision: float = 1.0, params: float = 1.0) -> dict[str, float]:
    return {"accuracy": accuracy, "precision": precision, "params": params}


@given(NUMBERS, NUMBERS, st.floats(max_value=0.5, exclude_max=True) | st.just(math.nan), st.booleans())
def test_feasible_comes_before_infeasible_whatever_the_objective(
    good: float, bad: float, precision: float, maximize: bool
) -> None:
    feasible = result(metrics=values(good), maximize=maximize)
    infeasible = result(metrics=values(bad, precision), maximize=maximize)
    if not math.isnan(good):
        assert best([infeasible, feasible], 1)[0] is feasible
        assert feasible.feasible and not infeasible.feasible


@given(NUMBERS.filter(lambda x: not math.isnan(x)), NUMBERS, st.floats(0, 0.5), st.floats(0, 0.5))
def test_among_infeasible_the_smaller_violation_comes_first(a: float, b: float, p: float, q: float) -> None:
    near, far = result(metrics=values(a, max(p, q))), result(metrics=values(b, min(p, q)))
    if abs(p - q) > 1e-9:
        assert best([far, near], 2)[0] is near


@given(st.lists(st.floats(allow_nan=False), min_size=1), st.booleans())
def test_among_feasible_the_better_objective_comes_first(objectives: list[float], maximize: bool) -> None:
    ranked = best([result(metrics=values(x), maximize=maximize) for x in objectives], len(objectives))
    assert [r.metrics["accuracy"] for r in ranked] == sorted(objectives, reverse=maximize)


@given(RESULTS)
def test_failures_and_nan_come_last(results: list[Result]) -> None:
    ranked = best(results, len(results))
    failed = [r.status is not Status.OK or math.isnan(r.metrics.get("accuracy", math.nan)) for r in ranked]
    first = failed.index(True) if True in failed else len(failed)
    assert all(r.score == Score() for r in ranked[first:])
    assert all(Score() <= r.score for r in ranked[:first])


@given(RESULTS)
@example([result(metrics=values(math.inf, math.nan)), result(metrics=values(0.5)), result(Status.CRASHED, values(9))])
def test_the_order_is_total_and_lexicographic(results: list[Result]) -> None:
    scores = [r.score for r in results]
    assert not any(math.isnan(x) for s in scores for x in (s.feasibility, s.objective))
    for a, b in product(scores, scores):
        assert (a < b) + (a == b) + (a > b) == 1
    expected = sorted(scores, key=lambda s: (s.feasibility, s.objective), reverse=True)
    assert [r.score for r in best(results, len(results))] == expected


@given(RESULTS.flatmap(lambda results: st.tuples(st.just(results), st.permutations(results))), st.integers(0, 12))
def test_the_best_do_not_depend_on_the_order_of_arrival(orders: tuple[list[Result], list[Result]], count: int) -> None:
    one, other = (best(results, count) for results in orders)
    assert [r.score for r in one] == [r.score for r in other]
    assert len(one) == min(count, len(orders[0]))


def test_of_equals_the_first_is_the_best() -> None:
    equals = [result(metrics=values(0.5)) for _ in range(5)]
    assert all(a is b for a, b in zip(best(equals, 3), equals, strict=False))


FEW = st.lists(st.builds(values, st.sampled_from([0.1, 0.2, 0.3]), st.sampled_from([0.4, 1.0])), max_size=12)


@given(FEW, FEW, st.integers(0, 12))
def test_twins_survive_only_where_there_are_too_few_others(
    metrics: list[dict[str, float]], earlier: list[dict[str, float]], count: int
) -> None:
    results, before = [result(metrics=each) for each in metrics], {outcome(result(metrics=each)) for each in earlier}
    survived = survivors(results, count, before)
    assert len({id(r) for r in survived}) == len(survived) == min(count, len(results))
    novel = {outcome(r) for r in results} - before
    first, twins = survived[: len(novel)], survived[len(novel) :]
    assert len({outcome(r) for r in first} & novel) == len(first)
    assert [r.score for r in first] == sorted((r.score for r in first), reverse=True)
    assert [r.score for r in twins] == sorted((r.score for r in twins), reverse=True)
    passed_over = [r for r in results if outcome(r) in novel and outcome(r) not in {outcome(s) for s in first}]
    assert all(r.score <= s.score for r in passed_over for s in first)


def test_results_of_other_epochs_are_no_twins() -> None:
    early, late = result(metrics=values(0.5), epochs=1), result(metrics=values(0.5), epochs=2)
    assert survivors([late], 1, {outcome(early)}) == [late]
    assert outcome(early) != outcome(late) == outcome(result(metrics=values(0.5), epochs=2))


def test_what_is_not_a_number_is_the_same_everywhere_and_equal_hashes_make_no_twins() -> None:
    assert outcome(result(metrics=values(0.5, math.nan))) == outcome(result(metrics=values(0.5, float("nan"))))
    assert hash(-1.0) == hash(-2.0)
    assert outcome(result(metrics=values(-1.0))) != outcome(result(metrics=values(-2.0)))


@given(RESULTS)
def test_the_incumbent_is_the_best_at_the_highest_budget_any_succeeded_at(results: list[Result]) -> None:
    succeeded = [r for r in results if r.status is Status.OK]
    found = incumbent(results)
    if found is None:
        assert not succeeded
    else:
        rivals = [r for r in succeeded if r.epochs == max(r.epochs for r in succeeded)]
        assert any(found is r for r in rivals)
        assert all(found.score >= r.score for r in rivals)


def test_a_better_score_at_a_lower_budget_does_not_win() -> None:
    early, late = result(metrics=values(0.9), epochs=3), result(metrics=values(0.1, precision=0.4), epochs=50)
    failed = result(Status.CRASHED, values(0.99), epochs=100)
    assert incumbent([early, late, failed]) is late
    assert incumbent([failed]) is None
