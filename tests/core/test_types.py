"""Values that pass between the parts keep their identity through JSON."""

import json
import math
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from nas.core.plain import canonical
from nas.core.types import Config, Job, Result, Status, Trial, order_of

VALUES = st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
CONFIGS = st.dictionaries(st.text(), VALUES)
METRICS = st.dictionaries(st.text(), st.floats())
TRIALS = st.builds(
    Trial,
    st.from_regex(r"g\d{1,3}\.b\d{1,2}\.\d{1,4}", fullmatch=True, alphabet="gb.0123456789"),
    CONFIGS.map(Config.of),
    st.integers(0, 2**63 - 1),
    st.sampled_from(["sample", "mutate", "recombine"]),
    st.lists(st.text(), max_size=2).map(tuple),
    st.lists(st.tuples(st.text(), st.floats()), max_size=2).map(tuple),
)
FREE = st.builds(
    Trial,
    st.text(min_size=1),
    CONFIGS.map(Config.of),
    st.integers(0, 2**63 - 1),
    order=st.lists(st.integers(0, 10**6), min_size=1, max_size=4).map(tuple),
)
POINTS = st.dictionaries(st.text().filter(lambda name: name != "epoch"), st.floats(allow_infinity=False), max_size=2)
CURVES = st.dictionaries(st.integers(1, 10**6), POINTS, max_size=3).map(lambda curve: dict(sorted(curve.items())))
RESULTS = st.builds(
    Result,
    st.builds(Job, TRIALS | FREE, st.integers(0, 10), st.integers(11, 50)),
    st.sampled_from(Status),
    METRICS,
    st.dictionaries(st.text(), st.lists(st.integers()) | st.text()),
    st.floats(0, 1e6),
    st.text(),
    st.floats(0, 1e6),
    st.text("0123456789abcdef"),
    st.integers(0, 1 << 40),
    st.integers(1, 3),
    curve=CURVES,
)


@given(CONFIGS.flatmap(lambda c: st.tuples(st.just(c), st.permutations(list(c)))))
def test_the_id_of_a_configuration_does_not_depend_on_the_order_of_its_keys(
    case: tuple[dict[str, Any], list[str]],
) -> None:
    values, order = case
    reordered = Config.of({name: values[name] for name in order})
    assert reordered == Config.of(values)
    assert reordered.id == Config.of(values).id
    assert len(reordered.id) == 16


@given(CONFIGS, CONFIGS)
def test_other_values_have_another_id(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert (Config.of(one).id == Config.of(other).id) == (canonical(one) == canonical(other))


def test_numpy_values_give_the_same_configuration_as_pythons_own() -> None:
    numpy = {"a": np.int64(3), "b": np.float64(0.5), "c": np.bool_(True), "d": np.str_("sgd")}
    config = Config.of(numpy)
    assert config.id == Config.of({"a": 3, "b": 0.5, "c": True, "d": "sgd"}).id
    assert [type(value) for value in config.values.values()] == [int, float, bool, str]


@given(RESULTS)
def test_a_result_survives_json(result: Result) -> None:
    text = canonical(result.to_json())
    read = Result.from_json(json.loads(text))
    assert canonical(read.to_json()) == text
    assert (read.job.start, read.job.stop, read.status, read.error) == (
        result.job.start, result.job.stop, result.status, result.error,
    )  # fmt: skip
    assert read.config == result.config
    assert all(type(value) is float for value in read.metrics.values())
    assert str(read.metrics) == str({k: result.metrics[k] for k in read.metrics})  # as text NaN equals NaN
    assert str(read.job.trial.cheap) == str(result.job.trial.cheap)
    assert (read.job.trial.id, read.job.place) == (result.job.trial.id, result.job.place)
    assert canonical([*read.curve.items()]) == canonical([*result.curve.items()])  # as text NaN equals NaN
    assert list(read.curve) == list(result.curve)
    assert ("curve" in json.loads(text)) == bool(result.curve)
    assert ("order" in json.loads(text)["job"]["trial"]) == (result.job.trial.order != order_of(result.job.trial.id))


def test_nan_and_infinities_are_written_as_strict_json() -> None:
    text = canonical({"b": [math.nan, math.inf], "a": -math.inf})
    assert text == '{"a":"-inf","b":["nan","inf"]}'


def test_logical_order_is_generation_bracket_epochs_number() -> None:
    shuffled = [("g0.b1.2", 3), ("g10.b0.0", 3), ("g2.b0.0", 6), ("g2.b0.10", 3), ("g2.b0.9", 3), ("g0.b0.5", 50)]
    assert sorted(shuffled, key=lambda key: Job(Trial(key[0], Config(()), 0), 0, key[1]).place) == [
        ("g0.b0.5", 50), ("g0.b1.2", 3), ("g2.b0.9", 3), ("g2.b0.10", 3), ("g2.b0.0", 6), ("g10.b0.0", 3),
    ]  # fmt: skip
