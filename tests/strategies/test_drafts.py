"""Of many possible children the most promising legal one is found, if there is one, by work that has an end."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from ConfigSpace import Categorical, ConfigurationSpace, EqualsCondition, ForbiddenEqualsClause, Integer
from numpy.typing import NDArray

import nas
from nas.core.seeds import generator
from nas.core.types import Config, Job, Result, Score, Status, Trial
from nas.strategies.breeding import drafts as drafting
from nas.strategies.breeding.drafts import FRESH, LITTER, Pool, drafts, promising
from nas.strategies.breeding.genome import Genome
from nas.strategies.modelling import Rows
from tests.fakes import hills
from tests.strategies.test_variation import assert_legal

MODELS = pytest.mark.parametrize("model", ["forest", "processes"])
LETTERS = Genome(ConfigurationSpace({name: list("abcd") for name in "pqr"}))  # 64 configurations


@pytest.fixture
def thorough(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each child is the best to be found."""
    monkeypatch.setattr(drafting, "BRED", 0.0)


@pytest.fixture
def lenient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each child is the best of a litter."""
    monkeypatch.setattr(drafting, "BRED", 1.0)


def results(configs: Sequence[Config]) -> list[Result]:
    """Return a result of each, as a search has its parents: the best first."""
    jobs = [Job(Trial(f"g0.b0.{place}", config, 0), 0, 9) for place, config in enumerate(configs)]
    return [Result(job, Status.OK, score=Score(0.0, -place)) for place, job in enumerate(jobs)]


def last(rows: Rows) -> NDArray[np.float64]:
    """Return the appeal of many late letters."""
    return rows.sum(axis=1)


def anything(config: Config) -> bool:
    return True


def letters(word: str) -> Config:
    return Config.of(dict(zip("pqr", word, strict=True)))


def alone(*words: str) -> Pool:
    return Pool(LETTERS.rows([letters(word) for word in words]), [("sample", ())] * len(words))


def test_drafts_descend_from_the_better_parents_and_a_share_of_them_owes_them_nothing() -> None:
    genome, rng = Genome(hills()), generator(0)
    parents = results(genome.configs(genome.sampled(20, rng)))
    pool = drafts(genome, parents, 200, 0.5, rng)
    assert pool.rows.shape == (200, len(hills())) and len(pool.origins) == 200
    operators = Counter(operator for operator, _ in pool.origins)
    assert operators["sample"] == FRESH * 200 and min(operators["mutate"], operators["recombine"]) > 50
    assert {operator: {len(ids) for kind, ids in pool.origins if kind == operator} for operator in operators} == {
        "sample": {0}, "mutate": {1}, "recombine": {2}
    }  # fmt: skip
    born = Counter(name for _, ids in pool.origins for name in ids)
    places = [int(name.rpartition(".")[2]) for name in born.elements()]
    assert np.mean(places) < 7 and set(places) <= set(range(20))  # of three contestants the best: 4.5 on average
    assert all(len(set(ids)) == len(ids) for _, ids in pool.origins)
    for config in genome.configs(pool.rows):
        assert_legal(genome.space, config)


def test_drafts_resemble_the_parents_that_they_name() -> None:
    genome, rng = Genome(ConfigurationSpace({f"x{place}": (0.0, 1.0) for place in range(20)})), generator(0)
    parents = results(genome.configs(genome.sampled(8, rng)))
    rows = {each.job.trial.id: genome.rows([each.job.trial.config])[0] for each in parents}
    pool = drafts(genome, parents, 100, 0.5, rng)
    for row, (operator, ids) in zip(pool.rows, pool.origins, strict=True):
        shared = np.any([row == rows[name] for name in ids], axis=0) if ids else np.zeros(20, dtype=bool)
        assert shared.sum() >= 10 if ids else not shared.any()
        assert operator != "recombine" or not any(np.array_equal(row, rows[name]) for name in ids)


def test_without_parents_all_are_samples_and_a_lone_parent_is_mutated() -> None:
    genome = Genome(hills())
    assert set(drafts(genome, [], 50, 0.5, generator(0)).origins) == {("sample", ())}
    lone = results(genome.configs(genome.sampled(1, generator(1))))
    origins = Counter(drafts(genome, lone, 100, 0.0, generator(0)).origins)
    assert origins == {("sample", ()): 25, ("mutate", ("g0.b0.0",)): 75}


@pytest.mark.usefixtures("thorough")
def test_two_rounds_lead_to_the_neighbour_of_a_neighbour() -> None:
    """A mutation would hardly change these two of forty places at once, and nothing else."""
    genome = Genome(ConfigurationSpace({f"x{place:02}": [False, True] for place in range(40)}))
    path = np.zeros((3, 40))
    path[1:, 0] = path[2, 1] = 1
    steps = genome.configs(path)

    def farthest(rows: Rows) -> NDArray[np.float64]:
        return 2 * rows[:, 0] + rows[:, 1]

    found = promising(genome, Pool(path[:1], [("sample", ())]), [], farthest, steps.__contains__, generator(0))
    assert found == (steps[2], "mutate", ())


@pytest.mark.usefixtures("thorough")
def test_it_looks_beside_the_incumbents_and_names_them() -> None:
    incumbents = results([letters("dda"), letters("aba")])
    taken = {each.job.trial.config for each in incumbents}
    found = promising(LETTERS, alone("aaa"), incumbents, last, lambda config: config not in taken, generator(0))
    assert found == (letters("ddd"), "mutate", ("g0.b0.0",))


@pytest.mark.usefixtures("thorough")
def test_it_is_never_an_illegal_one_however_appealing() -> None:
    def legal(config: Config) -> bool:
        return "d" not in config.values.values()

    for seed in range(10):
        pool = drafts(LETTERS, results([letters("ddd"), letters("dda")]), 100, 0.5, generator(seed))
        found = promising(LETTERS, pool, results([letters("ddd")]), last, legal, generator(seed))
        assert found and found[0] == letters("ccc")


def offspring(*words: str) -> Pool:
    """Return the descendants of some parent, and one sample."""
    rows = LETTERS.rows([letters(word) for word in (*words, "ddd")])
    return Pool(rows, [*[("mutate", ("a parent",))] * len(words), ("sample", ())])


@pytest.mark.usefixtures("lenient")
def test_of_a_litter_the_best_legal_one_is_taken_though_there_may_be_better_ones() -> None:
    taken = letters("ccc")
    found = promising(LETTERS, offspring("aaa", "ccc", "abb"), [], last, lambda each: each != taken, generator(0))
    assert found == (letters("abb"), "mutate", ("a parent",))


@pytest.mark.usefixtures("lenient")
def test_a_litter_is_small_and_another_each_time() -> None:
    genome = Genome(ConfigurationSpace({"x": (0.0, 1.0)}))
    pool = Pool(np.linspace(0, 1, 10 * LITTER)[:, None], [("mutate", ("a parent",))] * 10 * LITTER)
    asked = list[int]()

    def highest(rows: Rows) -> NDArray[np.float64]:
        asked.append(len(rows))
        return rows[:, 0]

    found = [promising(genome, pool, [], highest, anything, generator(seed)) for seed in range(20)]
    assert asked == [LITTER] * 20
    highs = [float(config.values["x"]) for config, *_ in filter(None, found)]
    assert len(set(highs)) > 10 and np.mean(highs) == pytest.approx(1 - 1 / (LITTER + 1), abs=0.03)


@pytest.mark.usefixtures("lenient")
@pytest.mark.parametrize("pool", [alone("aba"), offspring("aba")], ids=["without descendants", "none is legal"])
def test_without_a_litter_the_best_to_be_found_is_taken(pool: Pool) -> None:
    found = promising(LETTERS, pool, results([letters("ddc")]), last, lambda each: each == letters("ddd"), generator(0))
    assert found and found[0] == letters("ddd")


def test_about_half_of_the_children_are_of_a_litter() -> None:
    pool = offspring("aaa", "aab")
    found = [promising(LETTERS, pool, [], last, anything, generator(seed)) for seed in range(200)]
    assert 70 < [each[0] for each in found if each].count(letters("aab")) < 130


@pytest.mark.parametrize("word", ["abd", "bad", "dab"])
def test_the_only_legal_one_is_found_where_the_pool_or_a_neighbour_has_it(word: str) -> None:
    def legal(config: Config) -> bool:
        return config == letters(word)

    others = ["ddd", "ccc", "aaa"]
    in_pool = promising(LETTERS, alone(*others, word), [], last, legal, generator(0))
    beside = results([letters(f"{word[:2]}c")])
    near = promising(LETTERS, alone(*others), beside, last, legal, generator(0))
    assert in_pool == (letters(word), "sample", ()) and near == (letters(word), "mutate", ("g0.b0.0",))


def test_where_nothing_is_legal_there_is_none() -> None:
    def never(config: Config) -> bool:
        return False

    assert promising(LETTERS, alone("aaa", "bbb"), results([letters("ccc")]), last, never, generator(0)) is None
    assert promising(LETTERS, alone(), [], last, anything, generator(0)) is None


@pytest.mark.usefixtures("thorough")
def test_of_equals_the_first_legal_one_is_taken() -> None:
    pool, taken = alone("abc", "bbb", "cab"), letters("abc")
    found = promising(LETTERS, pool, [], lambda rows: np.zeros(len(rows)), lambda each: each != taken, generator(0))
    assert found == (letters("bbb"), "sample", ())


@pytest.mark.usefixtures("thorough")
def test_in_a_pool_no_configuration_is_asked_of_twice() -> None:
    asked = Counter[Config]()

    def legal(config: Config) -> bool:
        asked[config] += 1
        return False

    assert promising(LETTERS, alone(*["abc", "bbb"] * 20), [], last, legal, generator(0)) is None
    assert asked == {letters("abc"): 1, letters("bbb"): 1}


def small(kind: str) -> tuple[ConfigurationSpace, int]:
    """Return a space and how many configurations it has."""
    if kind == "numbers and choices":
        return ConfigurationSpace({"x": (1, 10), "c": ["a", "b", "c"]}), 30
    space, gate, inner = ConfigurationSpace(), Categorical("gate", [True, False]), Integer("inner", (1, 9))
    space.add(gate, inner, Categorical("c", ["a", "b", "c"]))
    space.add(EqualsCondition(inner, gate, True))
    if kind == "forbidden":
        space.add(ForbiddenEqualsClause(inner, 3))
        return space, 27
    return space, 30


def count(config: Mapping[str, Any], *, epochs: int, **job: Any) -> dict[str, float]:
    number = config.get("x", config.get("inner", 0)) + 100 * "abc".index(config["c"])
    return {"accuracy": (number * 37 % 101 + epochs / 100) / 200}


@MODELS
@pytest.mark.parametrize("kind", ["numbers and choices", "conditional", "forbidden"])
def test_each_configuration_of_a_small_space_is_trained_once_and_the_search_ends(kind: str, model: str) -> None:
    space, size = small(kind)
    found = nas.search(space, count, model=model, budget="full", max_epochs=2, max_trials=size + 20)
    configs = [result.job.trial.config for result in found.trials]
    assert len(configs) == len(set(configs)) == size


@MODELS
def test_where_one_in_a_hundred_is_legal_it_goes_on_finding_them_by_bounded_work(model: str) -> None:
    space, measured = ConfigurationSpace({f"x{place}": (0.0, 1.0) for place in range(4)}), Counter[str]()

    def macs(config: Mapping[str, Any]) -> dict[str, float]:
        measured["all"] += 1
        return {"macs": float(sum(abs(config[f"x{place}"] - 0.5) for place in range(4)))}

    def train(config: Mapping[str, Any], **job: Any) -> dict[str, float]:
        return {"accuracy": config["x0"]}

    samples = Genome(space).configs(Genome(space).sampled(4000, generator(0)))
    assert 0.003 < np.mean([macs(sample.values)["macs"] <= 0.35 for sample in samples]) < 0.02
    measured.clear()
    found = nas.search(
        space, train, measure=macs, constraints=["macs<=0.35"], model=model, budget="full", max_epochs=1, max_trials=60
    )
    assert len(found.trials) == 60 and all(result.metrics["macs"] <= 0.35 for result in found.trials)
    assert measured["all"] < 60 * 1000
    assert found.best and found.best.metrics["accuracy"] > 0.75
