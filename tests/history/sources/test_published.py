"""Do the published databases come to the bit, from pickles as from arrays, and never a line of code of others?"""

import os
import pickle
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from nas.core.errors import UserError
from nas.history.history import History
from nas.history.sources import hyperrec, lcbench, published
from nas.history.sources.published import Database, Table, read
from nas.history.sources.unpickled import unpickled
from tests.fakes import ROOT

DATA = ROOT / ".." / "shared" / "data"
NESTED: dict[str, Any] = {
    "model": "resnet34", "nepoch": 75, "batchsize": 48, "optimizer": "SGD", "scheduler": "CyclicLR",
    "optimizer_param": {"lr": 0.01, "weight_decay": 1e-4, "momentum": 0.5},
    "scheduler_param": {"base_lr": 0.01, "max_lr": 0.0125, "step_size_up": 3, "gamma": 0.25, "mode": "exp_range"},
}  # fmt: skip
ADAM = NESTED | {
    "optimizer": "Adam", "optimizer_param": {"lr": 0.01, "weight_decay": 1e-4, "betas": (0.75, 0.875)},
    "scheduler": "CosineAnnealingWarmRestarts", "scheduler_param": {"T_0": 4, "T_mult": 2, "eta_min": 0.0075},
}  # fmt: skip
CONFIGS = {0: NESTED, 1: ADAM}
PROFILES = {
    seed: {task: {each: np.linspace(0, 1, 5) * (seed + each + 1) / 4 for each in CONFIGS} for task in ("SDD", "AWA2")}
    for seed in (0, 1)
}


def pickles(folder: Path, configs: object, profiles: object, protocol: int = 4) -> Path:
    """Write them as NumPy of 2021 named its functions."""
    folder.mkdir(exist_ok=True)
    for name, content in (("configs", configs), ("profiles", profiles)):
        (folder / f"{name}.pkl").write_bytes(aged(pickle.dumps(content, protocol), protocol))
    return folder


def aged(written: bytes, protocol: int) -> bytes:
    """Return a pickle with the former name of NumPy's module. Protocol 4 tells lengths: of the name, of a frame."""
    if protocol < 4:
        return written.replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    frameless = written[:2] + written[11:] if written[2:3] == b"\x95" else written
    return frameless.replace(b"\x8c\x16numpy._core.multiarray", b"\x8c\x15numpy.core.multiarray")


def small(folder: Path) -> Database:
    """Return HyperRec with the digest of what is in the folder."""
    found = published._from_pickles(hyperrec.DATABASE, folder)
    return replace(hyperrec.DATABASE, digest=found.digest)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NAS_DATA_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_pickles_of_any_protocol_give_the_curves(tmp_path: Path, protocol: int) -> None:
    folder = pickles(tmp_path / "HyperRec", CONFIGS, PROFILES, protocol)
    assert b"numpy.core.multiarray" in (folder / "profiles.pkl").read_bytes()
    found = hyperrec.found(folder, small(folder))
    assert [task.name for task in found.tasks] == ["AWA2", "SDD"] and found.tasks[1].classes == 120
    assert len(found.curves) == 8 and {curve.seed for curve in found.curves} == {0, 1}
    last = found.curves[-1]
    assert (last.task, last.seed, last.full_epochs) == ("SDD", 1, 5)
    assert [point["accuracy"] for point in last.points.values()] == (np.linspace(0, 1, 5) * 3 / 4).tolist()
    assert last.config.values["eta_min_factor"] == 0.0075 / 0.01 and "sgd_momentum" not in last.config.values


def test_scalars_of_numpy_are_numbers(tmp_path: Path) -> None:
    typed = CONFIGS | {
        0: NESTED
        | {"batchsize": np.int64(48), "optimizer_param": {**NESTED["optimizer_param"], "lr": np.float64(0.01)}}
    }
    folder = pickles(tmp_path / "a", CONFIGS, PROFILES), pickles(tmp_path / "b", typed, [PROFILES[0], PROFILES[1]])
    assert hyperrec.found(folder[1], small(folder[0])).curves == hyperrec.found(folder[0], small(folder[0])).curves


def test_a_download_is_kept_as_arrays(tmp_path: Path, cache: Path) -> None:
    folder = pickles(tmp_path / "HyperRec", CONFIGS, PROFILES)
    database = replace(small(folder), url=tmp_path.as_uri())
    first = read(database)
    for file in (*folder.iterdir(), *(cache / "hyperrec").glob("*.pkl")):
        file.unlink()
    second = read(database)
    assert (second.tasks, second.configs) == (first.tasks, first.configs)
    assert second.accuracy.tobytes() == first.accuracy.tobytes() and second.accuracy.shape == (2, 2, 2, 5)
    kept = cache / "hyperrec" / "curves.npz"
    kept.write_bytes(kept.read_bytes()[:100])
    with pytest.raises(UserError, match=r"curves\.npz is no whole file of curves .*: remove it"):
        read(database)


def test_a_download_that_fails_leaves_nothing(tmp_path: Path, cache: Path) -> None:
    with pytest.raises(UserError, match="cannot be downloaded"):
        read(replace(hyperrec.DATABASE, url=tmp_path.as_uri()))
    assert list((cache / "hyperrec").iterdir()) == []


def test_what_is_not_what_was_published_is_refused(tmp_path: Path) -> None:
    folder = pickles(tmp_path / "a", CONFIGS, PROFILES)
    database = small(folder)
    PROFILES[0]["SDD"][0][2], before = np.nextafter(PROFILES[0]["SDD"][0][2], 1), PROFILES[0]["SDD"][0][2]
    try:
        pickles(folder, CONFIGS, PROFILES)
    finally:
        PROFILES[0]["SDD"][0][2] = before
    with pytest.raises(UserError, match="does not hold what was published as hyperrec"):
        read(database, folder)


class Attack:
    """Runs a command where it is unpickled by whoever lets it."""

    def __init__(self, *call: Any) -> None:
        self.call = call

    def __reduce__(self) -> tuple[Any, ...]:
        return self.call[0], self.call[1:]


@pytest.mark.parametrize(
    ("attack", "told"),
    [
        (lambda mark: Attack(os.system, f"touch {mark}"), "asks for posix.system"),
        (lambda mark: Attack(eval, f"open({str(mark)!r}, 'w')"), "asks for builtins.eval"),
        (lambda mark: Attack(getattr, "", "join"), "asks for builtins.getattr"),
        (lambda mark: Attack(Path.touch, mark), "asks for"),
        (lambda mark: np.array([Attack(os.system, f"touch {mark}")], dtype=object), "asks for posix.system"),
    ],
)
def test_no_code_of_a_pickle_runs(tmp_path: Path, attack: Any, told: str) -> None:
    mark = tmp_path / "mark"
    folder = pickles(tmp_path / "bad", CONFIGS, {0: attack(mark)})
    with pytest.raises(UserError, match=rf"profiles\.pkl is refused: it {told}") as raised:
        read(hyperrec.DATABASE, folder)
    assert not mark.exists() and "\n" not in str(raised.value)
    if "posix" in told:
        pickle.loads((folder / "profiles.pkl").read_bytes())
        assert mark.exists()  # so it would have run


def test_an_array_that_dill_wrote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("dill._dill")
    monkeypatch.setitem(sys.modules, "dill", ModuleType("dill"))
    monkeypatch.setitem(sys.modules, "dill._dill", module)

    def _create_array(function: Any, arguments: Any, state: Any, attributes: Any = None) -> Any:
        raise AssertionError("of others")

    _create_array.__module__ = "dill._dill"
    _create_array.__qualname__ = "_create_array"
    module._create_array = _create_array  # type: ignore[attr-defined]
    function, arguments, state = np.arange(3.0).__reduce__()  # type: ignore[misc]
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(Attack(_create_array, function, arguments, state, None)))
    assert unpickled(tmp_path / "a.pkl").tolist() == [0, 1, 2]


@pytest.mark.parametrize("size", [0, 1, 40, -1])
def test_a_pickle_that_is_cut_is_told(tmp_path: Path, size: int) -> None:
    folder = pickles(tmp_path / "cut", CONFIGS, PROFILES)
    file = folder / "profiles.pkl"
    file.write_bytes(file.read_bytes()[:size])
    with pytest.raises(UserError, match=r"profiles\.pkl is no whole pickle") as raised:
        read(hyperrec.DATABASE, folder)
    assert "\n" not in str(raised.value)


RAGGED = {0: {"SDD": {0: [1.0], 1: [1.0, 2.0]}}}


@pytest.mark.parametrize(
    ("configs", "profiles"),
    [(CONFIGS, {}), (CONFIGS, 3), ({0: NESTED}, PROFILES), ({0: {}, 1: {}}, PROFILES), (CONFIGS, RAGGED)],
)
def test_a_pickle_of_something_else_is_told(tmp_path: Path, configs: object, profiles: object) -> None:
    with pytest.raises(UserError, match="does not hold the curves of hyperrec"):
        read(hyperrec.DATABASE, pickles(tmp_path / "other", configs, profiles))


def test_a_folder_without_the_files_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"has no curves\.npz: it must hold configs\.pkl and profiles\.pkl"):
        read(hyperrec.DATABASE, tmp_path)


def nested(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of HyperRec's columns as the repository nests it."""
    optimizer = {"lr": row["lr"], "weight_decay": row["weight_decay"]}
    optimizer |= (
        {"momentum": row["sgd_momentum"]}
        if row["optimizer"] == "SGD"
        else {"betas": [row["adam_beta0"], row["adam_beta1"]]}
    )
    scheduler = {name: row[name] for name in ("step_size", "gamma", "max_lr", "step_size_up", "eta_min")}
    scheduler |= {"T_0": row["t_0"], "T_mult": row["t_mult"]}
    known = {name: value for name, value in scheduler.items() if value is not None}
    own = {name: row[name] for name in ("model", "optimizer", "scheduler")}
    return {**own, "batchsize": row["batch_size"], "nepoch": 75, "optimizer_param": optimizer, "scheduler_param": known}


def one_as_true(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of LCBench's columns as the repository has it."""
    return {**row, "num_layers": True if row["num_layers"] == 1 else row["num_layers"], "optimizer": "sgd"}


needs_data = pytest.mark.skipif(not (DATA / "hyperrec").is_dir(), reason="the published data are not here")


@needs_data
def test_all_of_hyperrec_and_lcbench_from_pickles_as_from_arrays(tmp_path: Path) -> None:
    for module, nest in ((hyperrec, nested), (lcbench, one_as_true)):
        database = module.DATABASE
        table = read(database, DATA / database.name)
        profiles = [
            {task: dict(enumerate(curves)) for task, curves in zip(table.tasks, each, strict=True)}
            for each in table.accuracy
        ]
        folder = pickles(tmp_path / database.name, dict(enumerate(map(nest, table.configs))), profiles)
        assert same(read(database, folder), table)


def same(one: Table, other: Table) -> bool:
    return (one.tasks, one.configs, one.accuracy.tobytes()) == (other.tasks, other.configs, other.accuracy.tobytes())


@needs_data
def test_all_of_hyperrec_in_a_history_to_the_bit(tmp_path: Path) -> None:
    table, found = read(hyperrec.DATABASE, DATA / "hyperrec"), hyperrec.found(DATA / "hyperrec")
    path = tmp_path / "history.db"
    with History(path, create=True) as history:
        assert found.add_to(history).new == 5400
    with History(path) as history:
        curves, tasks = history.curves(found.digest), history.tasks(found.digest)
    assert sorted(map(repr, curves)) == sorted(map(repr, found.curves))
    values = np.array([[point["accuracy"] for point in curve.points.values()] for curve in found.curves])
    assert values.tobytes() == table.accuracy.tobytes()
    assert len(tasks) == 27 and tasks["SUN397SUB2"].family == "SUN397" and tasks["CIFAR100"].images == 60_000
    assert path.stat().st_size < 8e6
