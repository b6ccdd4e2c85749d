"""What the engine reaches that was told of results is compared on problems and seeds that all have run."""

import pytest

from benchmarks.contestants import TOLD
from benchmarks.courses import Course
from benchmarks.told import BESIDE, shown
from nas.core.errors import UserError

PROBLEMS = ("mlp-car/expensive/5", "mlp-kc1/expensive/5")


def course(name: str, problem: str, loss: float, seed: int = 0) -> Course:
    return Course(name, problem, seed, 100, [(1.0, 0.0), (40.0, loss)], 1.0, -1.0, 0.0)


def test_means_are_over_problems_and_a_seed_that_only_one_has_does_not_count() -> None:
    losses = {TOLD: (-1.0, -0.8), "engine": (-0.5, -0.7), "Optuna TPE": (0.0, -0.2), "random search": (0.0, 0.0)}
    pairs = [(name, *each) for name, pair in losses.items() for each in zip(PROBLEMS, pair, strict=True)]
    courses = [course(*each) for each in pairs]
    table = shown("perceptrons", [*courses, course(TOLD, PROBLEMS[0], 0.0, seed=1)])
    names, *_, last = (list(column.cells) for column in table.columns)
    assert list(zip(names, last, strict=True)) == [
        (TOLD, "0.100"),
        ("engine", "0.400"),
        ("Optuna TPE", "0.900"),
        ("random search", "1.000"),
    ]


def test_what_there_is_nothing_to_compare_with_is_told() -> None:
    assert TOLD not in BESIDE
    with pytest.raises(UserError, match="to compare perceptrons with"):
        shown("perceptrons", [course(TOLD, PROBLEMS[0], -1.0)])
