"""A model puts promising configurations first, learns from partly trained trials, and is the same every time."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import nas
from nas.core.constraints import parse
from nas.core.seeds import generator
from nas.core.types import Config, Result, Score, Status
from nas.strategies.breeding.genome import Genome
from nas.strategies.breeding.trees import improvement, with_epochs
from nas.strategies.modelling import Learned, SearchModel, Sought
from nas.strategies.models.forest import Forest
from nas.strategies.models.none import NoModel
from nas.strategies.models.processes import Processes
from nas.strategies.processes.beliefs import SILENT, TOLERATED
from tests.fakes import climb, hill, hills, look_up

EPOCHS = 12
GENOME = Genome(hills())
MODELS = [Forest(), Processes()]
ROWS = GENOME.sampled(200, generator("drafts"))
DRAFTS = GENOME.configs(ROWS)
TRUTH = np.array([hill(draft.values, EPOCHS)["accuracy"] for draft in DRAFTS])
NOTHING = ROWS[:0]  # is in the making

each_model = pytest.mark.parametrize("model", MODELS, ids=["forest", "processes"])


@cache
def results(count: int = 200) -> list[Result]:
    """Return the results of random search with partly and fully trained trials."""
    return nas.search(hills(), climb, strategy="random", max_trials=count, max_epochs=EPOCHS, min_epochs=3).trials


@cache
def full(count: int = 100, *constraints: str) -> list[Result]:
    """Return the results of random search with full trainings alone."""
    return nas.search(
        hills(), look_up, strategy="random", budget="full", max_trials=count, max_epochs=EPOCHS, constraints=constraints
    ).trials


def learned(model: SearchModel, known: Collection[Result], *constraints: str, seed: int = 1) -> Learned:
    sought = Sought(GENOME, EPOCHS, [parse(constraint) for constraint in constraints])
    found = model.learn(sought, known, seed)
    assert found
    return found


def rated(found: Learned, *key: object) -> NDArray[np.float64]:
    """Return the appeal of the drafts to who asks by `key`."""
    appeal = found.appeal(generator("asks", *key), NOTHING)
    assert appeal
    return appeal(ROWS)


def order(found: Learned, *key: object) -> Sequence[int]:
    """Return the places of the drafts, the most promising first."""
    return [int(place) for place in np.argsort(-rated(found, *key), kind="stable")]


@each_model
@pytest.mark.parametrize("known", [results, full], ids=["partly trained too", "fully trained"])
def test_what_it_prefers_is_better_than_chance(model: SearchModel, known: Any) -> None:
    assert_good(firsts(learned(model, known())))


@each_model
def test_partly_trained_trials_alone_teach(model: SearchModel) -> None:
    partly = [result for result in results() if result.epochs < EPOCHS]
    assert len(partly) > 100
    assert_good(firsts(learned(model, partly)))


def firsts(found: Learned) -> list[float]:
    """Return how good what it prefers is among samples and what is beside the best known, time and again."""
    known = sorted(found.results, key=lambda result: result.score)[-5:]
    beside = GENOME.rows([result.job.trial.config for result in known] * 10)
    chosen = []
    for asked in range(20):
        rng, appeal = generator("offers", asked), found.appeal(generator("asks", asked), NOTHING)
        rows = np.concatenate([GENOME.sampled(100, rng), GENOME.mutated(beside, rng)])
        assert appeal
        chosen += GENOME.configs(rows[[np.argmax(appeal(rows))]])
    return [hill(config.values, EPOCHS)["accuracy"] for config in chosen]


def assert_good(truth: Sequence[float]) -> None:
    assert np.mean(truth) > np.quantile(TRUTH, 0.95)
    assert np.quantile(truth, 0.25) > np.quantile(TRUTH, 0.8)


@each_model
def test_a_constraint_counts_before_the_objective(model: SearchModel) -> None:
    """What breaks it has results as good as any, and is put last."""
    asked = "precision<=0.001"
    known = full(100, asked)
    assert 30 < sum(result.feasible for result in known) < 70
    keeps = [float(DRAFTS[place].values["rate"]) <= 0.001 for place in order(learned(model, known, asked))]
    assert sum(keeps[:20]) > 15 > 5 > sum(keeps[-20:])


@each_model
def test_failed_trials_teach_that_they_failed(model: SearchModel) -> None:
    known = [r if r.config["depth"] != 2 else Result(r.job, Status.CRASHED) for r in results()]
    depths = [DRAFTS[place].values["depth"] for place in order(learned(model, known))]
    chance = sum(draft.values["depth"] == 2 for draft in DRAFTS) * 30 / len(DRAFTS)
    assert depths[-30:].count(2) > 1.5 * chance > 0.75 * chance > depths[:30].count(2)


@each_model
def test_where_all_failed_it_says_nothing_and_one_success_is_enough(model: SearchModel) -> None:
    """What failed has no metrics, so that it broke the constraint too."""
    known = [Result(result.job, Status.CRASHED) for result in results()[:40]]
    assert learned(model, known, "precision<=0.001").appeal(generator("asks"), NOTHING) is None
    one = [*known, full(100, "precision<=0.001")[0]]
    assert np.isfinite(rated(learned(model, one, "precision<=0.001"))).all()


@each_model
def test_equal_results_give_equal_answers(model: SearchModel) -> None:
    ones, others = (rated(learned(model, list(known), seed=7)) for known in (results()[:60], tuple(results()[:60])))
    assert np.array_equal(ones, others)


def test_in_another_order_results_teach_a_forest_the_same() -> None:
    known = results()[:60]
    one, other = (learned(Forest(), each, seed=7) for each in (known, known[::-1]))
    assert np.array_equal(rated(one), rated(other))


def test_in_another_order_results_teach_processes_the_same_but_for_rounding() -> None:
    known = results()[:60]
    one, other = (rated(learned(Processes(), each)) for each in (known, known[::-1]))
    assert one == pytest.approx(other, abs=1e-3)


def test_another_seed_draws_another_forest() -> None:
    known = results()[:60]
    one, other = (learned(Forest(), known, seed=seed) for seed in (7, 8))
    assert not np.array_equal(rated(one), rated(other))


@each_model
def test_few_results_teach_nothing(model: Any) -> None:
    sought = Sought(GENOME, EPOCHS, [])
    assert model.learn(sought, [], 0) is None
    assert model.learn(sought, results()[: model.enough - 1], 0) is None
    found = model.learn(sought, results()[: model.enough], 0)
    assert found and len(found.results) == model.enough
    assert model.learn(sought, results()[: model.enough - 1], 0, found) is found


def test_little_news_changes_nothing_of_a_forest() -> None:
    model, sought, known = Forest(), Sought(GENOME, EPOCHS, []), results()
    found = model.learn(sought, known[:20], 0)
    assert found and model.learn(sought, known[:21], 1, found) is found
    renewed = model.learn(sought, known[:22], 1, found)
    assert renewed and renewed is not found and len(renewed.results) == 22


def test_processes_know_every_result_at_once_and_fit_anew_when_there_is_much_news() -> None:
    model, sought, known = Processes(), Sought(GENOME, EPOCHS, []), results()
    found = model.learn(sought, known[:40], 0)
    little, much = (model.learn(sought, known[:count], 1, found) for count in (43, 44))
    assert found and little and much
    assert [len(each.results) for each in (little, much)] == [43, 44]
    assert little.scales is found.scales is not much.scales
    assert not np.array_equal(rated(little), rated(found))


@each_model
def test_the_more_results_are_twins_the_more_seldom_it_is_asked(model: SearchModel) -> None:
    """Metrics make twins, scores teach: with equal scores it knows the same, and only who asks it differs."""
    known = full()
    for share in (0.0, 0.5, 1.0):
        same = {"accuracy": 0.5}
        told = [replace(r, metrics=same) if i < share * len(known) else r for i, r in enumerate(known)]
        found = learned(model, told)
        silent = sum(found.appeal(generator("asks", i), NOTHING) is None for i in range(400)) / 400
        expected = share if isinstance(model, Forest) else min(1, SILENT * max(0, share - TOLERATED))
        assert silent == pytest.approx(expected, abs=0.08 if share < 1 else 0.03)
        assert share or not silent


@each_model
def test_a_row_is_rated_the_same_whatever_is_beside_it(model: SearchModel) -> None:
    appeal = learned(model, results()).appeal(generator("asks"), NOTHING)
    assert appeal
    apart = np.concatenate([appeal(ROWS[:1]), appeal(ROWS[1:50]), appeal(NOTHING), appeal(ROWS[50:])])
    assert apart == pytest.approx(appeal(ROWS), abs=2e-6)


def test_no_model_learns_nothing() -> None:
    assert NoModel().learn(Sought(GENOME, EPOCHS, []), results(), 0) is None


def test_hope_is_the_mean_improvement_of_normal_answers_and_none_where_all_agree() -> None:
    rng = np.random.default_rng(0)
    answers = rng.normal([1.0, 3.0, 5.0], [1.0, 2.0, 0.5], size=(200_000, 3))
    simulated = np.maximum(answers - 4, 0).mean(axis=0)
    assert improvement(answers, 4) == pytest.approx(simulated, rel=0.05, abs=1e-3)
    assert improvement(np.array([[4.0, 3.0], [4.0, 3.0]]), 4) == pytest.approx([0, 0], abs=1e-9)


def test_who_asks_a_forest_in_hope_looks_away_from_what_is_known() -> None:
    """Where many results are all equal, a plateau, half of the questions lead elsewhere."""
    rng = generator("scores")
    plateau = [replace(r, score=Score(0.0, 1.0 if r.config["depth"] == 1 else rng.rand())) for r in results()[:60]]
    found = learned(Forest(), plateau)
    firsts = [DRAFTS[order(found, asked)[0]] for asked in range(100)]
    assert 20 < sum(first.values["depth"] != 1 for first in firsts) < 60


def test_to_trees_inactive_hyperparameters_have_a_place_of_their_own() -> None:
    shallow = Config.of({"rate": 0.1, "depth": 1, "optimizer": "adam", "width0": 10})
    rows = with_epochs(GENOME.rows([shallow]), [5])
    assert rows.shape == (1, len(GENOME.genes) + 1)
    assert [bool(value >= 0) for value in rows[0, :-1]] == [gene.name in shallow.values for gene in GENOME.genes]
    assert rows[0, -1] == 5


@pytest.mark.parametrize("model", ["forest", "processes"])
def test_a_search_with_it_finds_better_than_a_search_without(model: str) -> None:
    asked: dict[str, Any] = {"max_trials": 60, "max_epochs": EPOCHS, "budget": "full", "seed": 3}
    found, bred = (nas.search(hills(), look_up, model=name, **asked) for name in (model, "none"))
    means = [np.mean([result.metrics["accuracy"] for result in each.trials[30:]]) for each in (found, bred)]
    assert means[0] > means[1]


def test_without_a_model_the_children_still_descend_from_the_best() -> None:
    asked: dict[str, Any] = {
        "max_trials": 150,
        "max_epochs": EPOCHS,
        "min_epochs": 3,
        "constraints": ["precision<=0.001"],
    }
    bred = nas.search(hills(), look_up, model="none", **asked)
    sampled = nas.search(hills(), look_up, strategy="random", **asked)
    operators = Counter(result.job.trial.operator for result in bred.trials)
    assert min(operators[name] for name in ("sample", "mutate", "recombine")) > 20
    assert bred.best and sampled.best and bred.best.score > sampled.best.score
