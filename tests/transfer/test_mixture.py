"""A mixture of earlier tasks: exact where it can be checked, and of use where tasks are alike."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import multivariate_normal, rankdata

from nas.transfer.belief import NONE_OF_THEM, Belief
from nas.transfer.mixture import Mixture
from nas.transfer.models import learn
from nas.transfer.past import Past

KNOTS = (1, 2, 4, 8)


def curves(optimum: float, features: NDArray[np.float64], ceiling: float = 0.95) -> NDArray[np.float64]:
    """Return accuracies that rise towards what a configuration reaches, which falls with its way to the optimum."""
    reached = ceiling - 0.6 * (features[:, 0] - optimum) ** 2
    return reached[:, None] * (1 - np.exp(-0.6 * np.array(KNOTS)))


@cache
def some_past(tasks: int = 6, configs: int = 24, holes: int = 0) -> Past:
    rng = np.random.default_rng(1)
    features = rng.random((configs, 2))
    values = np.array([curves(0.2 + 0.6 * (t % 2), features, 0.9 + 0.01 * t) for t in range(tasks)])
    values = np.clip(values + 0.005 * rng.standard_normal(values.shape), 0, 1)
    values = np.maximum.accumulate(values, axis=2)
    for place in range(holes):
        values[place % tasks, rng.integers(configs), rng.integers(len(KNOTS)) :] = np.nan
    return Past(tuple(f"task {t}" for t in range(tasks)), values, features, KNOTS)


@cache
def learned() -> Belief:
    """Return what is learned from some past: a value, which many tests may share."""
    return learn(some_past())


def told(belief: Belief, cells: list[tuple[int, int, float]]) -> Belief:
    for candidate, knot, value in cells:
        belief = belief.tell(candidate, knot, value)
    return belief


def test_before_anything_is_seen_the_mean_place_decides() -> None:
    past = some_past()
    places = np.mean([rankdata(-task[:, -1], method="ordinal") for task in past.values], axis=0)
    assert learn(past).best() == int(np.argmin(places))


def test_that_is_said_without_learning_anything_costly() -> None:
    belief = Mixture.of(some_past())
    belief.best()
    assert "shares" not in vars(belief.prior)


@settings(max_examples=20, deadline=None)
@given(st.permutations([(0, 0, 0.3), (0, 1, 0.5), (5, 0, 0.35), (9, 0, 0.2)]))
def test_the_order_in_which_things_are_seen_does_not_matter(cells: list[tuple[int, int, float]]) -> None:
    one = told(learned(), cells).forecast().mean
    other = told(learned(), sorted(cells)).forecast().mean
    np.testing.assert_allclose(one, other, rtol=1e-6)


def test_each_component_is_the_gaussian_process_that_a_dense_computation_gives() -> None:
    past = some_past()
    cells = [(0, 0, 0.30), (0, 1, 0.52), (7, 0, 0.41), (11, 2, 0.80)]
    belief = told(Mixture.of(past), cells)
    assert isinstance(belief, Mixture)
    prior, places = belief.prior, np.array([c * len(KNOTS) + k for c, k, _ in cells])
    seen = prior.scale.to(np.array([value for _, _, value in cells]))
    everywhere = belief._everywhere
    for place in range(len(prior.middle)):
        surface = prior.columns[2 + place]
        basis = np.stack([np.ones(len(surface)), surface], axis=1)
        spread = np.diag([prior.shares.shift**2, prior.shares.stretch**2])
        whole = prior.covariance + basis @ spread @ basis.T
        noisy = whole[np.ix_(places, places)] + prior.noise * np.eye(len(places))
        mean = prior.middle[place] + surface
        gain = np.linalg.solve(noisy, whole[places]).T
        np.testing.assert_allclose(everywhere.means[place], mean + gain @ (seen - mean[places]), atol=1e-6)
        squares = (seen - mean[places]) @ np.linalg.solve(noisy, seen - mean[places])
        scale = (prior.shares.freedom + squares) / (prior.shares.freedom + len(cells))
        variances = np.maximum(np.diag(whole - gain @ whole[places]), 1e-12) * scale
        np.testing.assert_allclose(everywhere.variances[place], variances, rtol=1e-4, atol=1e-8)


def test_the_likelihood_of_a_component_is_that_of_student_with_its_shift_and_stretch() -> None:
    from nas.transfer.likelihood import log_student
    from nas.transfer.structure import Shares

    rng, shares = np.random.default_rng(0), Shares(shift=1.5, stretch=0.7, freedom=1e7)
    ones, values, centred = np.ones(5), rng.standard_normal(5), rng.standard_normal((2, 5))
    found = log_student(values, ones, centred, np.array([0.3, -0.2]), shares)
    for place, middle in enumerate((0.3, -0.2)):
        covariance = np.eye(5) + 1.5**2 * np.outer(ones, ones) + 0.7**2 * np.outer(centred[place], centred[place])
        expected = multivariate_normal.logpdf(values, middle + centred[place], covariance)
        assert found[place] == pytest.approx(expected, abs=1e-4)


def test_what_was_seen_is_what_is_expected_there() -> None:
    forecast = told(learned(), [(3, 0, 0.44), (3, 1, 0.6)]).forecast()
    assert forecast.mean[3, 0] == pytest.approx(0.44, abs=0.01)
    assert np.all(forecast.low <= forecast.mean) and np.all(forecast.mean <= forecast.high)
    assert forecast.low.min() >= 0 and forecast.high.max() <= 1


def test_a_new_task_is_told_to_be_like_the_old_ones_that_it_is_like() -> None:
    past = some_past()
    truth = curves(0.2, past.features)  # as tasks 0, 2 and 4
    belief = learn(past)
    for candidate in range(8):
        for knot in range(len(KNOTS)):
            belief = belief.tell(candidate, knot, truth[candidate, knot])
    likeness = belief.likeness()
    assert sum(likeness.values()) == pytest.approx(1)
    assert sum(likeness[f"task {t}"] for t in (0, 2, 4)) > 1.3 * sum(likeness[f"task {t}"] for t in (1, 3, 5))
    assert set(likeness) == {*past.tasks, NONE_OF_THEM}
    assert truth[belief.best(), -1] > np.quantile(truth[:, -1], 0.9)


@pytest.mark.parametrize("holes", [0, 60])
def test_it_finds_the_best_of_a_new_task_in_a_few_trainings(holes: int) -> None:
    past = some_past(holes=holes)
    truth, belief, reached, spent = curves(0.25, past.features), learn(past), [0] * 24, 0
    while spent < 3 * KNOTS[-1] and (candidate := belief.next()) is not None:
        knot = reached[candidate]
        spent += KNOTS[knot] - (KNOTS[knot - 1] if knot else 0)
        belief, reached[candidate] = belief.tell(candidate, knot, truth[candidate, knot]), knot + 1
    assert truth[belief.best(), -1] >= np.sort(truth[:, -1])[-2]


def test_in_the_end_everything_is_known() -> None:
    past = some_past(tasks=3, configs=5)
    truth, belief, steps = curves(0.6, past.features), learn(past), 0
    reached = [0] * 5
    while (candidate := belief.next()) is not None:
        belief = belief.tell(candidate, reached[candidate], truth[candidate, reached[candidate]])
        reached[candidate] += 1
        steps += 1
    assert steps == 5 * len(KNOTS)
    assert belief.best() == int(np.argmax(truth[:, -1]))


def test_what_is_barred_or_cannot_meet_the_constraints_is_left_alone() -> None:
    past = some_past()
    chance = np.zeros(24)
    chance[[4, 6]] = 0.9
    belief = learn(past)
    for _ in range(4):
        candidate = belief.next(chance, barred=[6])
        assert candidate == 4
        belief = belief.tell(4, belief.reached[4], 0.2)  # type: ignore[attr-defined]
    assert belief.best(chance) in (4, 6)
    assert belief.next(chance, barred=range(24)) is None


@pytest.mark.parametrize("tasks", [0, 1, 2])
def test_few_old_tasks_or_none_are_enough(tasks: int) -> None:
    past = some_past()
    few = Past(past.tasks[:tasks], past.values[:tasks], past.features, KNOTS)
    belief = told(learn(few), [(0, 0, 0.3), (1, 0, 0.5)])
    assert belief.next() is not None
    assert np.isfinite(belief.forecast().mean).all()
    assert sum(belief.likeness().values()) == pytest.approx(1)


def test_less_of_a_loss_is_better() -> None:
    past = some_past()
    losses = Past(past.tasks, 5 - 4 * past.values, past.features, KNOTS, maximize=False)
    assert learn(losses).best() == learn(past).best()
    truth = 5 - 4 * curves(0.2, past.features)
    belief = told(learn(losses), [(2, 0, truth[2, 0]), (2, 1, truth[2, 1])])
    assert belief.forecast().mean[2, 1] == pytest.approx(truth[2, 1], abs=0.05)
    assert np.all(belief.forecast().low <= belief.forecast().high)


def test_a_configuration_never_seen_is_judged_by_those_that_resemble_it() -> None:
    past = some_past(tasks=8)
    values = past.values.copy()
    values[::2] = values[1::2]  # one kind of task, so that there is an order to find
    hidden = np.arange(0, 24, 3)
    known = values.copy()
    known[:, hidden] = np.nan
    forecast = learn(Past(past.tasks, known, past.features, KNOTS)).forecast().mean[hidden, -1]
    truth = values[0, hidden, -1]
    assert np.corrcoef(rankdata(forecast), rankdata(truth))[0, 1] > 0.8
