"""Brackets are those of Hyperband as published, in exact integers, and never cost more than the limits allow."""

import math
from fractions import Fraction
from itertools import islice, pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nas.core.brackets import Bracket, Rung, epochs, halvings, hyperband, trim
from nas.core.errors import UserError
from nas.strategies.scheduling import generations

ETAS = st.integers(2, 10)


@st.composite
def problems(draw: st.DrawFn, largest: int = 10**6) -> tuple[int, int, int]:
    """Draw (max epochs, min epochs, eta), exact powers of eta among them."""
    eta = draw(ETAS)
    power = draw(st.integers(1, 15).map(lambda k: eta**k).filter(lambda r: r <= largest) | st.integers(1, largest))
    minimum = draw(st.just(1) | st.integers(1, power))
    return power, minimum, eta


def published(max_epochs: int, min_epochs: int, eta: int) -> list[list[tuple[int, int]]]:
    """Return (epochs, trials) of every rung of Algorithm 1 in Li et al. 2018, in exact fractions."""
    ratio = Fraction(max_epochs, min_epochs)
    s_max = max(s for s in range(64) if Fraction(eta) ** s <= ratio)
    brackets = []
    for s in range(s_max, -1, -1):
        n, r = math.ceil(Fraction(s_max + 1, s + 1) * Fraction(eta) ** s), Fraction(max_epochs, eta**s)
        brackets.append([(math.floor(r * eta**i), math.floor(Fraction(n, eta**i))) for i in range(s + 1)])
    return brackets


def cost(bracket: Bracket) -> int:
    """Return the epochs that the trials of `bracket` train, one trial after another."""
    reached = [max(rung.epochs for rung in bracket if trial < rung.trials) for trial in range(bracket[0].trials)]
    return sum(reached)


@given(problems(largest=10**15))
@example((243, 1, 3))
@example((1000, 1, 10))
@example((10**15, 1, 10))
def test_brackets_are_those_of_the_published_formula(problem: tuple[int, int, int]) -> None:
    assert [[(rung.epochs, rung.trials) for rung in bracket] for bracket in hyperband(*problem)] == published(*problem)


@pytest.mark.parametrize("eta", range(2, 11))
def test_promise_27_no_rung_is_lost_on_an_exact_power(eta: int) -> None:
    for k in range(1, 16):
        assert halvings(eta**k, 1, eta) == k
        assert halvings(eta**k - 1, 1, eta) == k - 1


def test_243_epochs_at_eta_3_have_6_brackets_and_1000_at_eta_10_have_4() -> None:
    assert len(hyperband(243, 1, 3)) == 6
    assert len(hyperband(1000, 1, 10)) == 4


def test_the_table_for_50_epochs_from_2_at_eta_2() -> None:
    brackets = hyperband(50, 2, 2)
    assert [bracket[0].trials for bracket in brackets] == [16, 10, 7, 5, 5]
    assert [rung.epochs for rung in brackets[0]] == [3, 6, 12, 25, 50]
    assert [rung.trials for rung in brackets[0]] == [16, 8, 4, 2, 1]
    assert sum(bracket[-1].trials for bracket in brackets) == 10
    assert next(generations(brackets, 10)) == list(brackets)


@given(problems())
def test_rungs_grow_from_the_minimum_to_exactly_the_maximum(problem: tuple[int, int, int]) -> None:
    max_epochs, min_epochs, _ = problem
    for bracket in hyperband(*problem):
        assert all(type(rung.epochs) is int and type(rung.trials) is int for rung in bracket)
        assert bracket[0].epochs >= min_epochs
        assert bracket[-1].epochs == max_epochs
        assert all(a.epochs < b.epochs and a.trials > b.trials >= 1 for a, b in pairwise(bracket))


@given(problems(largest=300), st.integers(0, 40), st.integers(0, 3000))
def test_a_trimmed_bracket_is_the_largest_within_the_limits(
    problem: tuple[int, int, int], max_trials: int, max_epochs: int
) -> None:
    top, _, eta = problem
    for planned in hyperband(*problem):
        trimmed = trim(planned, eta, max_trials, max_epochs)
        if trimmed is None:
            assert max_trials < 1 or max_epochs < top
            continue
        trials = trimmed[0].trials
        assert epochs(trimmed) == cost(trimmed) <= max_epochs
        assert trials <= min(max_trials, planned[0].trials)
        assert [rung.epochs for rung in trimmed] == [rung.epochs for rung in planned]
        assert trimmed[-1].trials >= 1
        if trials < min(max_trials, planned[0].trials):
            one_more = trim(planned, eta, trials + 1, math.inf)
            assert one_more is not None and cost(one_more) > max_epochs


def test_without_limits_nothing_is_trimmed() -> None:
    assert all(trim(planned, 2, math.inf, math.inf) == planned for planned in hyperband(50, 2, 2))


@given(problems(largest=300), st.integers(1, 30))
def test_a_generation_fully_trains_its_offspring_and_takes_no_bracket_more(
    problem: tuple[int, int, int], offspring: int
) -> None:
    brackets = hyperband(*problem)
    chosen = list(islice(generations(brackets, offspring), 3))
    for number, generation in enumerate(chosen):
        assert sum(bracket[-1].trials for bracket in generation) >= offspring
        needed = sum(bracket[-1].trials for bracket in generation[:-1]) < offspring
        assert needed or (number == 0 and len(generation) == len(brackets))  # the founders: a whole round
    in_turn = [bracket for generation in chosen for bracket in generation]
    assert in_turn == [brackets[i % len(brackets)] for i in range(len(in_turn))]


@pytest.mark.parametrize(("max_epochs", "min_epochs", "eta"), [(5, 6, 2), (5, 0, 2), (0, 0, 2), (5, 1, 1), (5, 1, 0)])
def test_budgets_without_sense_are_refused(max_epochs: int, min_epochs: int, eta: int) -> None:
    with pytest.raises(UserError):
        hyperband(max_epochs, min_epochs, eta)


def test_a_bracket_costs_what_its_survivors_train_beyond_their_checkpoint() -> None:
    assert epochs((Rung(3, 4), Rung(6, 2), Rung(12, 1))) == 4 * 3 + 2 * 3 + 1 * 6
