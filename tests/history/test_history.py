"""Does a history give back what it was given, to the bit, once, and nothing of an addition that makes no sense?"""

import math
import struct
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nas.core.errors import UserError
from nas.core.types import Config
from nas.history.history import History
from nas.history.values import Added, Curve, Task
from tests.history.curves import DIGEST, SPACE, block, config, curve

FINITE = st.floats(allow_nan=False, allow_infinity=False)
NAMES = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=6)
SEEDS = st.integers(-(1 << 63), (1 << 63) - 1)
EPOCHS = st.integers(1, (1 << 31) - 1)
POINTS = st.dictionaries(EPOCHS, st.dictionaries(NAMES, FINITE, min_size=1, max_size=3), min_size=1, max_size=5)
VALUES = st.one_of(FINITE, st.integers(), st.booleans(), st.text(st.characters(exclude_categories=("Cs",))), st.none())


@st.composite
def curves(draw: st.DrawFn) -> Curve:
    points = dict(sorted(draw(POINTS).items()))
    seconds = {epoch: draw(FINITE) for epoch in points if draw(st.booleans())}
    values = Config.of(draw(st.dictionaries(NAMES, VALUES, max_size=3)))
    cheap = draw(st.dictionaries(NAMES, FINITE, max_size=2))
    return Curve(draw(NAMES), values, draw(SEEDS), points, cheap, seconds, draw(st.integers(0, 99)), draw(NAMES))


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    with History(tmp_path / "history.db", create=True) as file:
        yield file


def bits(curve: Curve) -> object:
    """Return all of a curve, its numbers by their bits: 0.0 is not -0.0."""

    def of(values: Mapping[object, float]) -> dict[object, bytes]:
        return {name: struct.pack("<d", values[name]) for name in sorted(values)}  # type: ignore[type-var]

    place = (curve.task, repr(curve.config), curve.seed, curve.full_epochs, curve.setting)
    points = {epoch: of(metrics) for epoch, metrics in curve.points.items()}  # type: ignore[arg-type]
    return place, list(points.items()), of(curve.cheap), of(curve.seconds)  # type: ignore[arg-type]


def place(curve: Curve) -> object:
    return curve.task, curve.config.id, curve.seed, curve.full_epochs, curve.setting


@settings(max_examples=60)
@given(st.lists(curves(), max_size=4, unique_by=place), st.randoms())
def test_curves_come_back_to_the_bit_in_one_sequence_whatever_the_sequence_they_came_in(
    given: list[Curve], random: object
) -> None:
    with TemporaryDirectory() as folder:
        read = []
        for name, sequence in (("a", given), ("b", given[::-1])):
            with History(Path(folder, name), create=True) as file:
                for each in sequence:
                    file.add(SPACE, DIGEST, [], [each], "test")
            with History(Path(folder, name)) as file:
                read.append(file.curves(DIGEST) if given else [])
    assert sorted(map(repr, map(bits, read[0]))) == sorted(map(repr, map(bits, given)))
    assert list(map(bits, read[0])) == list(map(bits, read[1]))


def test_what_is_known_is_known(history: History) -> None:
    assert history.add(SPACE, DIGEST, [], block("cats", 3), "one") == Added(new=3)
    assert history.add(SPACE, DIGEST, [], block("cats", 4), "two") == Added(new=1, known=3)
    assert len(history.curves(DIGEST)) == 4


def test_a_curve_grows(history: History) -> None:
    history.add(SPACE, DIGEST, [], [curve(values=(0.25,))], "rung 1")
    later = replace(curve(), points={2: {"accuracy": 0.5}, 4: {"accuracy": 0.75, "loss": 1.0}}, seconds={4: 8.0})
    assert history.add(SPACE, DIGEST, [], [later], "rung 2") == Added(longer=1)
    assert history.add(SPACE, DIGEST, [], [curve(values=(0.25,))], "rung 1 again") == Added(known=1)
    (found,) = history.curves(DIGEST)
    assert found.points == {1: {"accuracy": 0.25}, **later.points} and list(found.points) == [1, 2, 4]
    assert found.seconds == {4: 8.0}


def test_two_accounts_that_disagree_are_told_and_nothing_of_the_second_is_taken(history: History) -> None:
    history.add(SPACE, DIGEST, [], [curve()], "one")
    with pytest.raises(
        UserError, match=r"two: task cats, .*seed 0: accuracy is 0.75 at epoch 2, but 0.5 in the history"
    ):
        history.add(SPACE, DIGEST, [], [curve("dogs"), curve(values=(0.25, 0.75))], "two")
    assert history.curves(DIGEST) == [curve()]
    assert list(history.tasks(DIGEST)) == ["cats"]


def test_another_setting_is_another_curve(history: History) -> None:
    other = replace(curve(values=(0.1, 0.2)), setting="sgd")
    assert history.add(SPACE, DIGEST, [], [curve(), other, replace(curve(), full_epochs=27)], "test") == Added(new=3)


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (curve(values=(0.5, math.nan)), "accuracy is nan at epoch 2"),
        (curve(values=(math.inf,)), "accuracy is inf at epoch 1"),
        (replace(curve(), points={}), "it has no epoch"),
        (replace(curve(), points={0: {"accuracy": 1.0}}), "epoch 0 after 0"),
        (replace(curve(), points={3: {"accuracy": 1.0}, 2: {"accuracy": 1.0}}), "epoch 2 after 3"),
        (replace(curve(), points={1: {}}), "epoch 1 has no metric"),
        (replace(curve(), cheap={"params": math.inf}), "params is inf"),
        (replace(curve(), seconds={3: 1.0}), "seconds of epochs that it lacks"),
        (replace(curve(), seed=1 << 63), "a seed lies below"),
        (replace(curve(), task=""), "its task has no name"),
    ],
)
def test_what_makes_no_sense_is_told_and_nothing_is_added(history: History, broken: Curve, told: str) -> None:
    with pytest.raises(UserError, match=told) as raised:
        history.add(SPACE, DIGEST, [], [curve("dogs"), broken], "runs/x")
    assert str(raised.value).startswith("runs/x") and "\n" not in str(raised.value)
    assert history.spaces() == {}


def test_the_history_of_another_space_is_told(history: History) -> None:
    with pytest.raises(UserError, match="has no curves yet"):
        history.curves("f" * 16)
    history.add(SPACE, DIGEST, [], [curve()], "test")
    with pytest.raises(UserError, match=f"is the history of another space: .* but hills \\({DIGEST}\\)"):
        history.curves("f" * 16)


def test_spaces_live_side_by_side(history: History) -> None:
    history.add(SPACE, DIGEST, [], [curve()], "test")
    history.add("cnn", "c" * 16, [], [curve(x=0.1)], "test")
    assert history.spaces() == {"c" * 16: "cnn", DIGEST: SPACE}
    assert [each.config for each in history.curves("c" * 16)] == [config(0.1)]


def test_what_is_known_of_a_task_is_put_together(history: History) -> None:
    history.add(SPACE, DIGEST, [Task("cats", images=10)], [curve()], "one")
    whole = Task("cats", 10, 2, 3, (16, 12), (4, 6), "pets", "abc")
    history.add(SPACE, DIGEST, [whole], [curve()], "two")
    history.add(SPACE, DIGEST, [Task("cats")], [curve()], "three")
    assert history.tasks(DIGEST) == {"cats": whole}
    assert Task("dogs").family == "dogs"


@pytest.mark.parametrize("other", [Task("cats", images=11), Task("cats", per_class=(5, 5)), Task("cats", digest="def")])
def test_two_tasks_of_one_name_are_told(history: History, other: Task) -> None:
    before = Task("cats", 10, per_class=(4, 6), digest="abc")
    history.add(SPACE, DIGEST, [before], [curve()], "one")
    with pytest.raises(UserError, match=r"two: task cats has .* these are two tasks, .* --task"):
        history.add(SPACE, DIGEST, [other], [curve(x=0.1)], "two")
    assert history.tasks(DIGEST) == {"cats": before} and len(history.curves(DIGEST)) == 1


def test_only_the_tasks_that_are_asked_for_are_read(history: History) -> None:
    history.add(SPACE, DIGEST, [], [*block("cats", 2), *block("dogs", 2)], "test")
    assert history.curves(DIGEST, tasks=["dogs"]) == [each for each in history.curves(DIGEST) if each.task == "dogs"]
    assert history.curves(DIGEST, tasks=[]) == []
    with pytest.raises(UserError, match="has no task 'dog': did you mean dogs"):
        history.curves(DIGEST, tasks=["dog"])


def test_a_task_is_forgotten_with_all_that_hangs_on_it(history: History) -> None:
    history.add(SPACE, DIGEST, [], block("cats", 2), "test")
    history.add("cnn", "c" * 16, [], [*block("cats", 1), *block("dogs", 3)], "test")
    assert history.remove("cats", "c" * 16) == 1
    assert history.remove("cats") == 2
    assert history.spaces() == {"c" * 16: "cnn"} and list(history.tasks("c" * 16)) == ["dogs"]
    with pytest.raises(UserError, match="has no task 'cats'"):
        history.remove("cats")
    assert history.add(SPACE, DIGEST, [], block("cats", 2), "test") == Added(new=2)


def test_nothing_is_nothing(history: History) -> None:
    assert history.add(SPACE, DIGEST, [], [], "test") == Added() and history.spaces() == {}
