"""Which earlier configurations are candidates? All of a few; of many, those that came first on some task, and others."""

from dataclasses import dataclass
from typing import Any

import pytest

from nas.core.types import Config
from nas.history.experience import Experience
from nas.history.values import Curve
from nas.strategies.recalling.candidates import MOST, pool
from tests.strategies.earlier import plane


@dataclass(frozen=True)
class Spec:
    objective: str = "accuracy"
    maximize: bool = True


@dataclass(frozen=True)
class Known:
    experience: Experience
    spec: Any
    space: Any = plane()
    cheap: Any = None


def known(number: int, maximize: bool = True) -> Known:
    """Return what knows two tasks of so many configurations each: of one x is the value, of the other y."""
    curves = []
    for place in range(number):
        config = Config.of({"x": (place * 7 % number + 0.5) / number, "y": (place + 0.5) / number})
        for task in ("x", "y"):
            curves.append(Curve(task, config, 0, {1: {"accuracy": float(config.values[task])}}))  # type: ignore[arg-type]
    return Known(Experience(given=True, curves=tuple(curves)), Spec(maximize=maximize))


def test_of_a_few_all_are_candidates_each_once() -> None:
    found = pool(known(MOST))
    assert len(found) == len(set(found)) == MOST


@pytest.mark.parametrize("maximize", [True, False])
def test_of_many_the_best_of_each_task_are_candidates_and_some_of_the_rest(maximize: bool) -> None:
    number = 3 * MOST + 1
    found = pool(known(number, maximize))
    assert len(found) == len(set(found)) == MOST
    for task in ("x", "y"):
        places = sorted((config.values[task] for config in found), reverse=maximize)
        best = [(number - 0.5 - place) / number if maximize else (place + 0.5) / number for place in range(50)]
        assert places[:50] == pytest.approx(best)
        assert 0.1 < sum((value < 0.5) == maximize for value in places) / MOST < 0.6
