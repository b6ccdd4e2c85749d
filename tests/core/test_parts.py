"""A part owns its parameters: from its dataclass come checks, the JSON form and the words of an error."""

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from nas import UserError
from nas.core import parts
from nas.core.imported import digest_of
from nas.core.parameters import parameter
from nas.core.parts import Part, made, part


@pytest.fixture
def cosine(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Part]]:
    monkeypatch.setattr(parts, "_registered", {"policy": {}})

    @part("policy", "cosine")
    @dataclass(frozen=True)
    class Cosine(Part):
        """Falls like a cosine."""

        cycles: int = parameter(1, "how often", least=1)
        warmup: float = parameter(0.0, "share of the training", least=0, below=1)
        betas: tuple[float, float] = parameter((0.9, 0.999), "of the moments", above=0, below=1)
        restarts: bool = parameter(False, "from the top again")
        shape: str = parameter("half", "of the wave", choices=("half", "whole"))
        floor: float | None = parameter(None, "the smallest rate", least=0)

    monkeypatch.setattr(parts, "of_kind", lambda kind: {"cosine": Cosine})
    yield Cosine


def test_a_part_is_made_from_its_name_or_from_a_mapping_and_described_again(cosine: type[Part]) -> None:
    assert made("policy", "cosine") == cosine()
    given = {"name": "cosine", "cycles": np.int64(3), "betas": [0.5, 0.9], "restarts": np.True_, "floor": 1e-4}
    found = made("policy", given)
    assert found == made("policy", found) == made("policy", json.loads(json.dumps(found.described())))
    told = found.described()
    assert told.pop("digest") == digest_of(sys.modules[__name__])  # the part is none of ours
    assert told == {**given, "cycles": 3, "restarts": True, "warmup": 0.0, "shape": "half"}
    assert type(found.cycles) is int
    assert type(found.restarts) is bool


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("cosin", "unknown policy 'cosin': did you mean cosine?"),
        (7, 'policy is 7, but must be a name, or such as {"name": NAME, PARAMETER: value}'),
        ({"cycles": 2}, "policy is {'cycles': 2}, but must be a name"),
        ({"name": "cosine", "cycle": 2}, "the policy cosine has no parameter 'cycle': it has cycles, warmup, betas, "),
        ({"name": "cosine", "cycles": 0}, "the policy cosine: cycles is 0, but must be at least 1"),
        ({"name": "cosine", "cycles": 1.5}, "the policy cosine: cycles is 1.5, but must be a whole number"),
        ({"name": "cosine", "cycles": True}, "cycles is True, but must be a whole number"),
        ({"name": "cosine", "warmup": 1}, "warmup is 1, but must be below 1"),
        ({"name": "cosine", "warmup": float("nan")}, "warmup is nan, but must be a number"),
        ({"name": "cosine", "warmup": "0.5"}, "warmup is '0.5', but must be a number"),
        ({"name": "cosine", "betas": 0.9}, "betas is 0.9, but must be a list"),
        ({"name": "cosine", "betas": (0.9,)}, "betas is (0.9,), but must be a list of 2"),
        ({"name": "cosine", "betas": (0.9, 1.0)}, "betas is 1, but must be below 1"),
        ({"name": "cosine", "restarts": 1}, "restarts is 1, but must be True or False"),
        ({"name": "cosine", "shape": "hole"}, "unknown shape 'hole': did you mean whole?"),
        ({"name": "cosine", "shape": None}, "shape is None, but must be a text"),
        ({"name": "cosine", "floor": -1.0}, "floor is -1, but must be at least 0"),
    ],
)
def test_what_a_part_may_not_have_is_told_in_one_line(
    cosine: type[Part], given: Mapping[str, Any] | str, told: str
) -> None:
    with pytest.raises(UserError) as error:
        made("policy", given)
    assert told in str(error.value)
    assert "\n" not in str(error.value)


def test_a_name_is_registered_once(cosine: type[Part]) -> None:
    with pytest.raises(TypeError, match="there are two parts policy cosine"):

        @part("policy", "cosine")
        @dataclass(frozen=True)
        class Another(Part):
            __module__ = "elsewhere"
