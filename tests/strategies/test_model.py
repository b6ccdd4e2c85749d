"""The model puts promising configurations first, learns from partly trained trials, and is the same every time."""

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import nas
from nas.core.seeds import generator
from nas.core.types import Result, Score, Status
from nas.strategies.breeding.trees import encode, improvement
from nas.strategies.breeding.variation import Draws, sample
from nas.strategies.models.forest import Forest
from tests.fakes import climb, hill, hills, look_up

EPOCHS = 12


def results(count: int = 200, seed: int = 0) -> list[Result]:
    """Return the results of random search with partly and fully trained trials."""
    found = nas.search(hills(), climb, strategy="random", seed=seed, max_trials=count, max_epochs=EPOCHS, min_epochs=3)
    return found.trials


def test_what_it_prefers_is_better_than_chance() -> None:
    model = Forest().learn(hills(), results(), EPOCHS, 1)
    assert model
    rng = generator("drafts")
    drafts = [sample(Draws(hills(), rng)) for _ in range(200)]
    truth = [hill(draft.values, EPOCHS)["accuracy"] for draft in drafts]
    order = model.preference(drafts)(generator("order"))
    assert sorted(order) == list(range(200))
    first, last = ([truth[i] for i in part] for part in (order[:20], order[-20:]))
    assert sum(first) / 20 > sum(truth) / 200 > sum(last) / 20
    assert sum(first) / 20 > sorted(truth)[140]  # among the best 30 %


def test_a_constraint_counts_before_the_objective() -> None:
    """Of two equal halves of the space the infeasible one has the better objective, and is put last."""
    found = nas.search(hills(), look_up, strategy="random", budget="full", max_trials=100, max_epochs=EPOCHS,
                       constraints=["precision<=0.001"])  # fmt: skip
    model = Forest().learn(hills(), found.trials, EPOCHS, 1)
    assert model
    rng = generator("drafts")
    drafts = [sample(Draws(hills(), rng)) for _ in range(100)]
    order = model.preference(drafts)(generator("order"))
    feasible = [float(drafts[i].values["rate"]) <= 0.001 for i in order]
    assert sum(feasible[:20]) > 15 > 5 > sum(feasible[-20:])


def test_equal_results_in_any_order_give_equal_answers() -> None:
    known = results(40)
    drafts = [sample(Draws(hills(), generator("draft", i))) for i in range(50)]
    models = [Forest().learn(hills(), known, EPOCHS, 7), Forest().learn(hills(), known[::-1], EPOCHS, 7)]
    assert all(models)
    answers = [model.preference(drafts)(generator("order")) for model in models if model]
    assert answers[0] == answers[1]
    other = Forest().learn(hills(), known, EPOCHS, 8)
    assert other and other.preference(drafts)(generator("order")) != answers[0]


def test_hope_is_the_mean_improvement_of_normal_answers_and_none_where_all_agree() -> None:
    rng = np.random.default_rng(0)
    answers = rng.normal([1.0, 3.0, 5.0], [1.0, 2.0, 0.5], size=(200_000, 3))
    simulated = np.maximum(answers - 4, 0).mean(axis=0)
    assert improvement(answers, 4) == pytest.approx(simulated, rel=0.05, abs=1e-3)
    assert improvement(np.array([[4.0, 3.0], [4.0, 3.0]]), 4) == pytest.approx([0, 0], abs=1e-9)


def test_who_is_asked_in_hope_looks_away_from_what_is_known() -> None:
    """Where many results are all equal, a plateau, half of the questions lead elsewhere."""
    rng = generator("scores")
    plateau = [replace(r, score=Score(0.0, 1.0 if r.config["depth"] == 1 else rng.rand())) for r in results(60)]
    model, elsewhere = Forest().learn(hills(), plateau, EPOCHS, 1), 0
    drafts = [sample(Draws(hills(), rng)) for _ in range(100)]
    assert model
    for i in range(100):
        order = model.preference(drafts)(generator("order", i))
        elsewhere += drafts[order[0]].values["depth"] != 1
    assert 20 < elsewhere < 60


def test_the_more_results_are_twins_the_more_seldom_it_is_asked() -> None:
    """Metrics make twins, scores teach: with equal scores the forest is the same, and only who asks it differs."""
    drafts = [sample(Draws(hills(), generator("draft", i))) for i in range(200)]
    truth = np.array([hill(draft.values, EPOCHS)["accuracy"] for draft in drafts])
    known = [result for result in results() if result.epochs == EPOCHS]

    def promise(share: float) -> float:
        """Return the mean truth of the first 20 drafts where `share` of what is known is twins."""
        same = {"accuracy": 0.5}
        told = [replace(r, metrics=same if i < share * len(known) else r.metrics) for i, r in enumerate(known)]
        model = Forest().learn(hills(), told, EPOCHS, 1)
        assert model
        order = model.preference(drafts)
        return float(np.mean([truth[order(generator("order", i))[:20]].mean() for i in range(400)]))

    none, half, nearly_all = promise(0), promise(0.5), promise(1)
    assert none > half > nearly_all
    assert half == pytest.approx((none + truth.mean()) / 2, abs=(none - truth.mean()) / 6)
    assert nearly_all == pytest.approx(truth.mean(), abs=(none - truth.mean()) / 6)


def test_few_results_teach_nothing_and_little_news_changes_nothing() -> None:
    known = results(60)
    assert Forest().learn(hills(), known[: Forest().enough - 1], EPOCHS, 0) is None
    model = Forest().learn(hills(), known[: Forest().enough], EPOCHS, 0)
    assert model and len(model.results) == Forest().enough
    assert Forest().learn(hills(), known[: int(Forest().enough * Forest().news) - 1], EPOCHS, 1, model) is model
    renewed = Forest().learn(hills(), known[: int(Forest().enough * Forest().news) + 1], EPOCHS, 1, model)
    assert renewed is not model and renewed


def test_inactive_hyperparameters_have_a_place_of_their_own() -> None:
    shallow = sample(Draws(hills(), generator("x")))
    rows = encode(hills(), [shallow], [5])
    assert rows.shape == (1, len(hills()) + 1)
    active = {hills().index_of[name] for name in shallow.values}
    assert all((value >= 0) == (place in active) for place, value in enumerate(rows[0, :-1]))
    assert rows[0, -1] == 5


def test_failed_trials_teach_that_they_failed() -> None:
    known = [r if r.job.trial.config.values["depth"] != 2 else fail(r) for r in results()]
    model = Forest().learn(hills(), known, EPOCHS, 1)
    assert model
    drafts = [sample(Draws(hills(), generator("draft", i))) for i in range(200)]
    depths = [drafts[i].values["depth"] for i in model.preference(drafts)(generator("order"))]
    assert depths[-30:].count(2) > 20 > 10 > depths[:30].count(2)


def fail(result: Result) -> Result:
    return Result(result.job, Status.CRASHED)


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
