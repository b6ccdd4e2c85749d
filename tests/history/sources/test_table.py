"""Are tables of others read to the bit, and is what is wrong with them told, with its file and row?"""

import csv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nas.core.configuration import checked_config
from nas.core.described import described, digest
from nas.core.errors import UserError
from nas.core.types import Config
from nas.history.history import History
from nas.history.sources import table
from nas.history.sources.layout import Columns
from nas.history.spaces import Known, known
from nas.history.values import Curve, Task
from tests.fakes import hills

SPACE = Known("hills", digest(described(hills())), hills())
HEADER = ["task", "seed", "epoch", "rate", "depth", "optimizer", "momentum", "width0", "width1", "width2", "accuracy"]
SGD = {"rate": 0.1, "depth": 2, "optimizer": "sgd", "momentum": 0.25, "width0": 8, "width1": 9}
ADAM = {"rate": 0.01, "depth": 1, "optimizer": "adam", "width0": 4}


def row(task: str, seed: int, epoch: int, config: dict[str, Any], accuracy: object) -> list[str]:
    hyperparameters = [str(config.get(name, "")) for name in HEADER[3:-1]]
    return [task, str(seed), str(epoch), *hyperparameters, str(accuracy)]


ROWS = [
    row("cats", 0, 1, SGD, 0.1), row("cats", 0, 2, SGD, 0.1 + 0.2), row("cats", 1, 1, SGD, 0.25),
    row("cats", 0, 1, ADAM, 0.5), row("dogs", 0, 3, ADAM, 1),
]  # fmt: skip


def written(path: Path, rows: Sequence[Sequence[str]], header: Sequence[str] = HEADER) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def read(path: Path, **how: Any) -> list[Curve]:
    return table.found(path, SPACE, how.pop("columns", Columns()), **how).curves


def expected() -> list[Curve]:
    sgd, adam = Config.of(SGD), Config.of(ADAM)
    return [
        Curve("cats", sgd, 0, {1: {"accuracy": 0.1}, 2: {"accuracy": 0.1 + 0.2}}),
        Curve("cats", sgd, 1, {1: {"accuracy": 0.25}}),
        Curve("cats", adam, 0, {1: {"accuracy": 0.5}}),
        Curve("dogs", adam, 0, {3: {"accuracy": 1.0}}),
    ]


def test_rows_become_curves(tmp_path: Path) -> None:
    found = table.found(written(tmp_path / "t.csv", ROWS), SPACE, Columns())
    assert found.curves == expected()
    assert (found.space, found.digest, found.tasks) == ("hills", SPACE.digest, (Task("cats"), Task("dogs")))


def test_rows_may_come_in_any_sequence_and_be_there_twice(tmp_path: Path) -> None:
    found = read(written(tmp_path / "t.csv", [*ROWS[::-1], ROWS[0]]))
    assert sorted(map(repr, found)) == sorted(map(repr, expected()))


def test_parquet_is_read_alike(tmp_path: Path) -> None:
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    configs = (SGD, SGD, SGD, ADAM, ADAM)
    typed = [
        {"task": task, "seed": int(seed), "epoch": int(epoch), **config, "accuracy": float(rest[-1])}
        for (task, seed, epoch, *rest), config in zip(ROWS, configs, strict=True)
    ]
    columns = {name: [each.get(name) for each in typed] for name in HEADER}
    parquet.write_table(pyarrow.table(columns), tmp_path / "t.parquet")
    assert read(tmp_path / "t.parquet") == expected()
    content = (tmp_path / "t.parquet").read_bytes()
    (tmp_path / "t.parquet").write_bytes(content[: len(content) // 2])
    with pytest.raises(UserError, match=r"t\.parquet is no whole Parquet file"):
        read(tmp_path / "t.parquet")


def test_columns_may_be_called_otherwise(tmp_path: Path) -> None:
    names = {"task": "data", "seed": "run", "epoch": "epochs", "accuracy": "metric.accuracy", "rate": "config.rate"}
    path = written(
        tmp_path / "t.csv", [[*each, "adam wins"] for each in ROWS], [*(names.get(n, n) for n in HEADER), "remark"]
    )
    assert read(path, columns=Columns("data", "run", "epochs")) == expected()
    with pytest.raises(UserError, match=r"has no column 'epoch', but data, run, .*: give --epoch-column"):
        read(path)
    with pytest.raises(UserError, match=r"has no column 'task', .*--task-column, or --task NAME"):
        read(path, columns=Columns(epoch="epochs"))
    with pytest.raises(UserError, match=r"no column of a metric 'loss'"):
        read(path, columns=Columns("data", "run", "epochs", ("loss",)))


def test_without_columns_of_task_and_seed_all_is_of_one(tmp_path: Path) -> None:
    path = written(tmp_path / "t.csv", [each[2:] for each in ROWS[:2]], HEADER[2:])
    assert read(path, task="birds") == [replace(expected()[0], task="birds")]


def test_more_metrics_seconds_and_full_epochs(tmp_path: Path) -> None:
    rows = [[*each, "2.5", "1.5", "9"] for each in ROWS[:1]]
    (found,) = read(written(tmp_path / "t.csv", rows, [*HEADER, "loss", "seconds", "full_epochs"]))
    assert found.points == {1: {"accuracy": 0.1, "loss": 2.5}}
    assert (found.seconds, found.full_epochs) == ({1: 1.5}, 9)


@settings(max_examples=30)
@given(st.data())
def test_what_is_written_is_read_to_the_bit(data: st.DataObject) -> None:
    hyperparameters = hills().sample_configuration(5)
    configs = [checked_config(hills(), dict(each), "test") for each in hyperparameters]
    places = data.draw(st.lists(st.tuples(st.sampled_from(configs), st.integers(0, 1 << 62)), min_size=1, unique=True))
    length, share = st.integers(1, 5), st.floats(0, 1)
    curves = [
        Curve("cats", config, seed, {e: {"accuracy": data.draw(share)} for e in range(1, data.draw(length) + 1)})
        for config, seed in places
    ]
    rows = [
        row("cats", each.seed, epoch, each.config.values, repr(point["accuracy"]))
        for each in curves
        for epoch, point in each.points.items()
    ]
    with TemporaryDirectory() as folder:
        found = read(written(Path(folder, "t.csv"), data.draw(st.permutations(rows))))
    assert sorted(map(repr, found)) == sorted(map(repr, curves))


WRONG = [
    (5, 2, "0", "line 6: epoch is '0', but must be a whole number of at least 1"),
    (2, 2, "", "line 3: the epoch is empty"),
    (2, 2, "1.5", "line 3: epoch is '1.5', but must be a whole number"),
    (1, 1, "x", "line 2: seed is 'x', but must be a finite number"),
    (1, 0, " ", "line 2: the task is empty"),
    (3, -1, "nan", "line 4: accuracy is 'nan', but must be a finite number"),
    (3, -1, "inf", "line 4: accuracy is 'inf', but must be a finite number"),
    (3, -1, "", "line 4: accuracy is empty: give its value, or --allow-gaps"),
    (3, -1, "73.2", "line 4: accuracy is 73.2, but must be a fraction between 0 and 1"),
    (4, 3, "7", "line 5: its hyperparameters: not a configuration of the space: rate is 7, but must be a number"),
    (4, 5, "adan", "line 5: its hyperparameters: .*optimizer is 'adan', but must be one of 'adam', 'sgd'"),
    (4, 6, "0.5", "line 5: its hyperparameters: .*momentum is inactive with optimizer 'adam'"),
    (1, 6, "", "line 2: its hyperparameters: .*momentum is missing"),
    (2, 2, "1", "line 3: it disagrees with line 2 on epoch 1 of task cats, configuration .*, seed 0: which is true"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "column", "cell", "told"), WRONG)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, line: int, column: int, cell: str, told: str) -> None:
    rows = [list(each) for each in ROWS]
    rows[line - 1][column] = cell
    with pytest.raises(UserError, match=rf"t\.csv, {told}") as raised:
        read(written(tmp_path / "t.csv", rows))
    assert "\n" not in str(raised.value)


def test_an_epoch_that_only_others_have_is_told(tmp_path: Path) -> None:
    rows = [row("cats", seed, epoch, SGD, 0.5) for seed, epoch in ((0, 1), (0, 2), (0, 3), (1, 1), (1, 3), (2, 1))]
    path = written(tmp_path / "t.csv", rows)
    with pytest.raises(UserError, match=r"t\.csv, line 6: task cats, .*seed 1 lacks epoch 2 before it, .*--allow-gaps"):
        read(path)
    assert [list(each.points) for each in read(path, allow_gaps=True)] == [[1, 2, 3], [1, 3], [1]]


def test_rungs_that_all_have_are_no_gap(tmp_path: Path) -> None:
    rows = [row("cats", seed, epoch, SGD, 0.5) for seed, epoch in ((0, 1), (0, 3), (0, 9), (1, 1), (1, 3), (2, 1))]
    assert [list(each.points) for each in read(written(tmp_path / "t.csv", rows))] == [[1, 3, 9], [1, 3], [1]]


def test_a_table_that_was_cut_anywhere_is_told_or_ends_with_a_row(tmp_path: Path) -> None:
    path = written(tmp_path / "t.csv", ROWS)
    content = path.read_bytes()
    ends = {place + 1 for place, byte in enumerate(content) if byte == ord("\n")}
    for size in range(len(content)):
        path.write_bytes(content[:size])
        if size in ends - {min(ends)}:
            assert read(path)
            continue
        if content[size - 1 : size] == b"\r" and size > min(ends):  # an end of a line, too
            continue
        with pytest.raises(UserError, match=r"t\.csv") as raised:
            read(path)
        assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty: its first line must name the columns"),
        (b"task,epoch,rate,accuracy\n", "has no row"),
        (b"task,task,epoch,rate,accuracy\n", "has the column task twice"),
        (b"task,epoch,accuracy\n", "has no column of a hyperparameter of hills"),
        (b"task,epoch,rate\n", "has no column of a metric, but task, epoch, rate"),
        (b"task,epoch,rate,accuracy\na,1,1\n", "line 2 has 3 cells, but there are 4 columns"),
        (b'task,epoch,rate,accuracy\n"a,1,1,1\n', "is no whole CSV"),
        (b"task,epoch,rate,accuracy\n\xff,1,1,1\n", "is no text in UTF-8"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "t.csv"),
    ],
)
def test_what_is_no_table_is_told(tmp_path: Path, content: bytes, told: str) -> None:
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(UserError, match=told) as raised:
        read(tmp_path / "t.csv")
    assert "\n" not in str(raised.value)


def test_lcbench_is_known_by_its_name() -> None:
    assert known("lcbench").name == "lcbench" and len(known("lcbench").space) == 7
    with pytest.raises(UserError, match="unknown space 'lcbenhc'"):
        known("lcbenhc")


def test_a_table_adds_itself_once(tmp_path: Path) -> None:
    found = table.found(written(tmp_path / "t.csv", ROWS), SPACE, Columns())
    with History(tmp_path / "history.db", create=True) as history:
        assert found.add_to(history).new == 4 and found.add_to(history).known == 4
