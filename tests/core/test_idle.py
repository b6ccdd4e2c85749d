"""Workers that cannot be kept busy are told, whoever asks."""

import pytest

import nas
from nas.core.spec import idle
from nas.strategies.evolution import Evolution
from nas.strategies.schedulers.asha import Asha
from nas.strategies.schedulers.full import Full
from nas.strategies.schedulers.halving import Halving
from tests.fakes import climb, hills


def test_a_scheduler_says_how_many_trainings_there_are_at_a_time() -> None:
    evolution = Evolution(offspring=3)
    assert idle(evolution, Full(), 8) == ("offspring", 3)
    assert idle(evolution, Full(), 3) == ("", 3)
    assert idle(evolution, Asha(lanes=2), 4) == ("lanes", 2)
    assert idle(evolution, Halving(), 8) == ("", 8)


@pytest.mark.parametrize(("offspring", "told"), [(1, ["2 workers, but 1 training at a time: offspring=2"]), (2, [])])
def test_the_library_tells_it(offspring: int, told: list[str], caplog: pytest.LogCaptureFixture) -> None:
    nas.search(hills(), climb, scheduler="full", max_epochs=1, max_trials=2, workers=2, offspring=offspring)
    assert [record.getMessage().split(" keeps")[0] for record in caplog.records] == told
