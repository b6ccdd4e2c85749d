"""Randomness depends on the logical place in the run, and on nothing else."""

import random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from nas.core.seeds import generator, seed
from tests.fakes import python

PATHS = st.lists(st.integers() | st.text(), max_size=4).map(tuple)


@given(PATHS, PATHS)
def test_seeds_are_equal_exactly_when_their_paths_are(one: tuple[int | str, ...], other: tuple[int | str, ...]) -> None:
    assert (seed(*one) == seed(*other)) == (one == other)
    assert 0 <= seed(*one) < 2**63


def test_a_number_and_its_digits_are_different_places() -> None:
    assert len({seed(1, 2), seed(12), seed("1", 2), seed(1, "2"), seed("1", "2"), seed(2, 1), seed(1, 2, 0)}) == 7


def test_seeds_are_the_same_in_another_process_and_in_the_next_release() -> None:
    output, _ = python("from nas.core.seeds import seed; print(seed(0, 'breed', 'g3.b1.07'))").communicate()
    assert int(output) == seed(0, "breed", "g3.b1.07") == 2368103163348866381


def test_generators_are_fresh_and_leave_the_global_state_alone() -> None:
    before = random.getstate(), np.random.get_state()[1].tolist()  # type: ignore[index]
    assert generator(0, "a").rand(5).tolist() == generator(0, "a").rand(5).tolist()
    assert generator(0, "a").rand() != generator(0, "b").rand()
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before  # type: ignore[index]
