"""What promises most is likely to keep the constraints, better than the best that keeps them, and away from others."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from ConfigSpace import Categorical, ConfigurationSpace, EqualsCondition, Float
from numpy.typing import NDArray

from nas.core.constraints import parse
from nas.core.ranking import score
from nas.core.seeds import generator
from nas.core.types import Config, Job, Result, Status, Trial
from nas.strategies.breeding.genome import Genome
from nas.strategies.modelling import Appeal, Rows, Sought
from nas.strategies.models.processes import Processes
from nas.strategies.processes.beliefs import Beliefs

EPOCHS = 9
LINE = Genome(ConfigurationSpace({"x": (0.0, 1.0)}))
GRID = np.linspace(0, 1, 201)[:, None]
NOTHING = GRID[:0]

Train = Callable[[Mapping[str, Any], int], Mapping[str, float]]


def trained(
    rows: Rows, train: Train, *constraints: str, epochs: Sequence[int] = (), genome: Genome = LINE
) -> list[Result]:
    """Return the results of what `rows` configure; none of metrics has crashed."""
    asked, found = [parse(constraint) for constraint in constraints], list[Result]()
    for place, config in enumerate(genome.configs(rows)):
        stop = epochs[place] if epochs else EPOCHS
        metrics = dict(train(config.values, stop))
        status = Status.OK if metrics else Status.CRASHED
        job = Job(Trial(f"g0.b0.{place}", config, 0), 0, stop)
        found.append(Result(job, status, metrics, score=score(status, metrics, "accuracy", True, asked)))
    return found


def believed(results: Sequence[Result], *constraints: str, genome: Genome = LINE, most: int = 300) -> Beliefs:
    sought = Sought(genome, EPOCHS, [parse(constraint) for constraint in constraints])
    found = Processes(enough=1, most=most).learn(sought, results, 0)
    assert isinstance(found, Beliefs)
    return found


def asked(found: Beliefs, making: Rows = NOTHING) -> Appeal:
    appeal = found.appeal(generator("asks"), making)
    assert appeal
    return appeal


def chosen(found: Beliefs, making: Rows = NOTHING) -> float:
    """Return where on the line it promises most."""
    return float(GRID[np.argmax(asked(found, making)(GRID)), 0])


def even(low: float, high: float, count: int) -> Rows:
    return np.linspace(low, high, count)[:, None]


def peak(top: float, **more: Callable[[float], float]) -> Train:
    """Return what is best trained at `top`, and has `more` metrics that hang on the place."""
    return lambda config, epochs: {
        "accuracy": 1 - (config["x"] - top) ** 2,
        **{name: of(config["x"]) for name, of in more.items()},
    }


def test_it_looks_where_the_objective_is_best() -> None:
    assert chosen(believed(trained(even(0, 1, 12), peak(0.63)))) == pytest.approx(0.63, abs=0.05)


def test_no_scale_of_the_objective_matters() -> None:
    def stretched(config: Mapping[str, Any], epochs: int) -> Mapping[str, float]:
        return {"accuracy": float(np.exp(30 * peak(0.63)(config, epochs)["accuracy"]))}

    ones, others = (asked(believed(trained(even(0, 1, 12), train)))(GRID) for train in (peak(0.63), stretched))
    assert np.array_equal(ones, others)


def test_while_nothing_is_feasible_it_looks_where_constraints_are_likeliest_met() -> None:
    """However good the objective is elsewhere: it does not count."""
    bound, rows = "precision>=0.9", even(0, 0.6, 10)
    found = believed(trained(rows, peak(0.1, precision=lambda x: x), bound), bound)
    assert chosen(found) > 0.7
    other = believed(trained(rows, peak(0.5, precision=lambda x: x), bound), bound)
    assert np.array_equal(asked(found)(GRID), asked(other)(GRID))


def test_of_two_constraints_both_must_be_met() -> None:
    """What is likeliest to meet both is the product of their probabilities."""
    bounds = ["left<=0.55", "right<=0.55"]
    train = peak(0.0, left=lambda x: x + 0.1, right=lambda x: 1.1 - x)
    rows = np.concatenate([even(0, 0.4, 7), even(0.6, 1, 8)])
    both = believed(trained(rows, train, *bounds), *bounds)
    one, other = (believed(trained(rows, train, *bounds), bound) for bound in bounds)
    assert asked(both)(GRID) == pytest.approx(asked(one)(GRID) + asked(other)(GRID), abs=3e-6)
    assert chosen(one) < 0.4 and chosen(other) > 0.6 and 0.4 < chosen(both) < 0.6


def test_only_what_is_feasible_is_to_be_exceeded() -> None:
    """Beside the bound, not where the objective is best; and better than the best feasible one is likely there."""
    bound = "precision>=0.5"
    found = believed(trained(even(0, 1, 20), peak(0.0, precision=lambda x: x), bound), bound)
    assert chosen(found) == pytest.approx(0.5, abs=0.08)
    for making in (NOTHING, np.array([[0.05], [0.1]])):  # which will be infeasible
        assert asked(found, making)(GRID).max() > -4  # to exceed what is infeasible would be hopeless


def test_two_bounds_hold_it_between_them() -> None:
    bounds = ["low>=0.4", "high<=0.6"]
    train = peak(1.0, low=lambda x: x, high=lambda x: x)
    assert 0.4 < chosen(believed(trained(even(0, 1, 24), train, *bounds), *bounds)) < 0.68


def test_what_crashes_is_left_alone() -> None:
    """The best would lie at 0.8, beyond where all crashes: there the constraint is broken, and the objective worst."""

    def train(config: Mapping[str, Any], epochs: int) -> Mapping[str, float]:
        return {} if config["x"] > 0.6 else peak(0.8, precision=lambda x: 1.0 + x)(config, epochs)

    for constraints in ((), ("precision>=0.5",)):
        found = believed(trained(even(0, 1, 20), train, *constraints), *constraints)
        assert 0.4 < chosen(found) < 0.68


@pytest.mark.parametrize(
    ("count", "train"),
    [
        (5, peak(0.63)),
        (8, peak(0.63)),
        (12, lambda config, epochs: {"accuracy": config["x"] + np.sin(9 * config["x"])}),
    ],
    ids=["few", "some", "two tops"],
)
def test_a_batch_is_spread(count: int, train: Train) -> None:
    """Each is chosen beside those in the making; without these it would be the same again and again."""
    found, making = believed(trained(even(0, 1, count), train)), NOTHING
    for _ in range(3):
        making = np.concatenate([making, [[chosen(found, making)]]])
    assert chosen(found) == making[0, 0]
    assert np.diff(np.sort(making[:, 0])).min() > 0.015


def test_a_batch_is_spread_while_nothing_is_feasible() -> None:
    bound = "precision>=0.9"
    train = peak(0.1, precision=lambda x: 0.8 - (x - 0.55) ** 2)
    found, making = believed(trained(even(0, 1, 10), train, bound), bound), NOTHING
    for _ in range(3):
        making = np.concatenate([making, [[chosen(found, making)]]])
    assert np.diff(np.sort(making[:, 0])).min() > 0.01
    assert np.abs(making[:, 0] - 0.55).max() < 0.2


def lucky(config: Mapping[str, Any], epochs: int) -> Mapping[str, float]:
    """Return what is best at 0.63, and a metric of nothing but noise, which is in both."""
    noise = generator("noise", config["x"])
    return {"accuracy": 0.1 * noise.normal() - (config["x"] - 0.63) ** 2, "precision": noise.normal()}


@pytest.mark.parametrize("bounds", [(), ("precision>=2.2",)], ids=["objective", "feasibility"])
def test_a_lucky_result_is_not_beyond_hope(bounds: tuple[str, ...]) -> None:
    """The best of many is better than anything can be expected to be, and what is feasible was so by luck."""
    results = trained(even(0, 1, 120), lucky, *bounds)
    assert 0 < sum(result.feasible for result in results) < 3 or not bounds
    found = believed(results, *bounds)
    assert abs(chosen(found) - 0.63) < 0.1 and asked(found)(GRID).max() > -4.5


def test_more_results_than_are_looked_at_teach_by_the_best_and_some_others() -> None:
    bound, most = "precision>=0.3", 20
    rows = LINE.sampled(150, generator("many"))
    results = trained(rows, peak(0.2, precision=lambda x: x), bound)
    found = believed(results, bound, most=most)
    ranked = sorted(results, key=lambda result: result.score, reverse=True)
    known = found._known
    assert len(known) == len({result.job.trial.id for result in known}) == most
    assert all(best in known for best in ranked[: most // 2])
    assert ranked[-1] in known and sum(result.feasible for result in known) < most
    assert [results.index(each) for each in known] == sorted(results.index(each) for each in known)
    assert chosen(found) == pytest.approx(0.3, abs=0.08)
    assert len(found.results) == 150


def test_ranks_are_those_among_all_results_even_where_few_are_looked_at() -> None:
    results = trained(LINE.sampled(150, generator("many")), peak(0.2))
    few, every = believed(results, most=20)._targets[0].scores, believed(results)._targets[0].scores
    assert few.max() == every.max() and set(few) <= set(every)


def test_partly_trained_results_help_to_predict_full_trainings() -> None:
    """Full trainings know a lower top alone; the higher one, at 0.2, only short trainings have seen."""

    def train(config: Mapping[str, Any], epochs: int) -> Mapping[str, float]:
        heights = [(0.2, 0.3), (0.85, 0.1)]
        height = sum(high * np.exp(-100 * (config["x"] - top) ** 2) for top, high in heights)
        return {"accuracy": epochs / (epochs + 1) * (0.5 + float(height))}

    short, full = trained(even(0, 1, 20), train, epochs=[3] * 20), trained(even(0.5, 1, 6), train)
    assert abs(chosen(believed([*short, *full])) - 0.2) < 0.05 < abs(chosen(believed(full)) - 0.2)


def test_the_best_to_exceed_is_of_the_longest_trainings() -> None:
    """Where short ones look better, as with an early peak, full ones are what counts."""

    def train(config: Mapping[str, Any], epochs: int) -> Mapping[str, float]:
        return {"accuracy": 1 - (config["x"] - 0.27) ** 2 - (5 if epochs > 1 else 0)}

    results = trained(np.concatenate([even(0, 1, 15)] * 2), train, epochs=[1] * 15 + [EPOCHS] * 15)
    found = believed(results)
    assert asked(found)(GRID).max() > -5 and abs(chosen(found) - 0.27) < 0.1


def test_the_order_of_the_choices_changes_nothing() -> None:
    """Nor their names: what promises most is the same, and how much."""

    def answers(choices: list[str]) -> tuple[NDArray[np.float64], list[Config]]:
        space = ConfigurationSpace()
        kind, inner, number = Categorical("kind", choices), Categorical("inner", choices), Float("number", (0.0, 1.0))
        space.add(kind, inner, number)
        space.add(EqualsCondition(inner, kind, choices[choices.index("b")]))
        genome, rng = Genome(space), generator("letters")

        def drawn(count: int) -> list[Config]:
            found = []
            for _ in range(count):
                values: dict[str, Any] = {"kind": str(rng.choice(list("abcd"))), "number": rng.rand()}
                inner = str(rng.choice(list("abcd")))
                found.append(Config.of(values | ({"inner": inner} if values["kind"] == "b" else {})))
            return found

        def train(config: Mapping[str, Any], epochs: int) -> Mapping[str, float]:
            good = 2.0 * (config["kind"] == "b") + (config.get("inner") == "d") - abs(config["number"] - 0.4)
            return {"accuracy": good, "precision": config["number"] + 0.1 * (config["kind"] == "c")}

        bound, known, offered = "precision>=0.3", drawn(50), drawn(50)
        results = trained(genome.rows(known), train, bound, genome=genome)
        return asked(believed(results, bound, genome=genome), genome.rows(known[:0]))(genome.rows(offered)), offered

    (ones, offered), (others, same) = answers(list("abcd")), answers(list("cadb"))
    assert offered == same
    assert others == pytest.approx(ones, rel=1e-5, abs=1e-4)
    assert np.argmax(others) == np.argmax(ones)
