"""What a trainer may be and return; and whatever else it does is one trial's, told where it happens."""

import asyncio
import functools
import json
import logging
import math
import os
import signal
import time
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import nas
from nas.core import contract
from nas.core.types import Config, Job, Status, Trial
from nas.engine.executors.perform import perform
from nas.runs.checkpoints import States
from nas.runs.failures import ALIKE, FILE
from tests.fakes import climb, fates, hill, hills, look_up, meet_fate
from tests.faults.runs import golden, history, search, started
from tests.processes import PATIENCE, until

SHORT: dict[str, Any] = {"max_epochs": 1, "min_epochs": 1}


# What train is


class Trainer:
    def __call__(self, config: dict[str, Any], *, epochs: int, **job: Any) -> dict[str, Any]:
        return hill(config, epochs)

    def fit(self, config: dict[str, Any], epochs: int, start: int, seed: int, checkpoint: Path) -> dict[str, Any]:
        return hill(config, epochs)


async def in_a_loop(config: dict[str, Any], **job: Any) -> dict[str, Any]:
    return {"accuracy": 1.0}


@pytest.mark.parametrize(
    ("train", "told"),
    [
        (lambda config: 1, r"^train\(config\) cannot be called as train\(config, \*, epochs.*argument 'epochs'$"),
        (lambda config, epochs: 1, "argument 'start'"),
        (lambda config, other, **job: 1, "missing a required argument: 'other'"),
        (lambda **job: 1, "too many positional arguments"),
        (functools.partial(look_up, {}), "too many positional arguments"),
        ({"accuracy": 1}, "^train is a dict: give a function"),
        (in_a_loop, "async"),
    ],
)
def test_a_trainer_that_cannot_be_called_so_is_told_before_anything_is_made(
    tmp_path: Path, train: Any, told: str
) -> None:
    with pytest.raises(nas.UserError, match=told):
        nas.search(hills(), train, max_trials=1, run_dir=tmp_path / "run")
    assert not (tmp_path / "run").exists()


@functools.wraps(in_a_loop)
def wrapped(config: dict[str, Any], **job: Any) -> dict[str, Any]:
    return asyncio.run(in_a_loop(config, **job))


wrapped.__wrapped__ = lambda config: config  # type: ignore[attr-defined]  # of another signature


@pytest.mark.parametrize(
    "train", [wrapped, Trainer(), Trainer().fit, functools.partial(Trainer().fit, seed=1), max, look_up]
)
def test_whatever_can_be_called_so_is_a_trainer(train: Any) -> None:
    contract.check(train)


# What train returns

SCALARS: dict[str, Any] = {
    "float": 0.5, "Fraction": Fraction(1, 2), "Decimal": Decimal("0.5"), "float32": np.float32(0.5),
    "0-d array": np.array(0.5), "1x1 array": np.array([[0.5]]),
    "tensor": torch.tensor(0.5), "1-element tensor with gradients": torch.tensor([0.5], requires_grad=True),
    "bfloat16": torch.tensor(0.5, dtype=torch.bfloat16), "float64": np.float64(0.5),
}  # fmt: skip


@pytest.mark.parametrize("scalar", SCALARS.values(), ids=SCALARS)
def test_every_real_scalar_is_a_metric(scalar: Any) -> None:
    metrics, details, curve = contract.sorted_out({"accuracy": scalar})
    assert type(metrics["accuracy"]) is float and not details and not curve
    assert metrics["accuracy"] == 0.5


def test_whole_and_logical_numbers_are_metrics_and_so_is_nan() -> None:
    returned = {"int": 2, "int8": np.int8(2), "tensor": torch.tensor(2), "bool": True, "bool_": np.bool_(True)}
    metrics, *_ = contract.sorted_out(returned)
    assert metrics == {"int": 2, "int8": 2, "tensor": 2, "bool": 1, "bool_": 1}
    assert math.isnan(contract.sorted_out({"accuracy": torch.tensor(math.nan)})[0]["accuracy"])


RETURNED: dict[str, tuple[Any, str]] = {
    "None": (None, 'train returned None, not a dict of metrics: return {"accuracy": value}'),
    "a float": (0.25, 'train returned 0.25, a float, not a dict of metrics: return {"accuracy": value}'),
    "an array": (np.zeros(3), "ndarray, not a dict of metrics"),
    "text": ({"accuracy": "0.5"}, "train returned 'accuracy', the objective, as \"0.5\", a str, not a number: "
                                  "return float('0.5')"),
    "nothing under the name": ({"accuracy": None}, "'accuracy', the objective, as None, not a number"),
    "an empty dict": ({}, "train returned no 'accuracy', the objective: it returned nothing"),
    "without the constraint's": ({"accuracy": 1, "precision": "high"}, "'precision', asked for by precision>=0.1"),
    "bytes": ({"accuracy": b"0.5"}, "'accuracy' as a bytes, not a number"),
    "several numbers": ({"accuracy": np.zeros(3)}, "'accuracy' as a ndarray of shape (3,), not a number"),
    "a complex number": ({"accuracy": np.complex64(1)}, "'accuracy' as a complex64, not a number"),
    "too large": ({"accuracy": 10**400}, "'accuracy' as an int larger than any float"),
    "a name that is none": ({"accuracy": 1.0, 3: 1.0}, "a metric under 3, an int: give it a name"),
    "no JSON": ({"accuracy": 1.0, "trace": [object()]}, "'trace' as a list that cannot be kept as JSON"),
}  # fmt: skip


@pytest.mark.parametrize(("returned", "told"), RETURNED.values(), ids=RETURNED)
def test_what_cannot_be_ranked_fails_its_trial_with_the_reason(returned: Any, told: str) -> None:
    found = nas.search(hills(), lambda config, **job: returned, constraints=["precision>=0.1"], max_trials=1, **SHORT)
    (result,) = found.trials
    assert (result.status, found.best) == (Status.CRASHED, None)
    assert told in result.error


@pytest.mark.parametrize("which", [{1}, {3}, {1, 2, 3}])
def test_a_metric_missing_in_one_trial_fails_that_trial_alone_also_when_the_run_goes_on(
    tmp_path: Path, which: set[int]
) -> None:
    calls = []

    def forgetful(config: dict[str, Any], *, epochs: int, **job: Any) -> dict[str, Any]:
        calls.append(config)
        metrics = hill(config, epochs)
        return {"precision": 1.0, "loss": 0.1} if len(calls) in which else metrics

    nas.search(hills(), forgetful, max_trials=6, run_dir=tmp_path, **SHORT)
    found = nas.search(hills(), forgetful, max_trials=6, run_dir=tmp_path, **SHORT)
    failed = [result for result in found.trials if result.status is not Status.OK]
    assert (len(calls), len(failed)) == (len(found.trials), len(which))
    for result in failed:
        assert result.status is Status.CRASHED and result.metrics == {}
        assert result.error == "train returned no 'accuracy', the objective: it returned loss, precision"


# What train raises


class MuteError(Exception):
    def __str__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (asyncio.CancelledError("late"), "CancelledError: late"),
        (SystemExit(7), "SystemExit: 7"),
        (GeneratorExit(), "GeneratorExit"),
        (BaseExceptionGroup("two tasks", [ValueError("a"), asyncio.CancelledError()]), "BaseExceptionGroup: two tasks"),
        (MuteError(), "MuteError: it cannot be told"),
    ],
)
def test_whatever_is_raised_fails_its_trial(error: BaseException, told: str) -> None:
    def train(config: dict[str, Any], **job: Any) -> dict[str, Any]:
        raise error

    (result,) = nas.search(hills(), train, max_trials=1, **SHORT).trials
    assert result.status is Status.CRASHED and result.error.startswith(told)


def test_ctrl_c_among_the_tasks_of_a_trainer_is_the_users() -> None:
    def train(config: dict[str, Any], **job: Any) -> dict[str, Any]:
        raise BaseExceptionGroup("tasks", [ValueError("a"), BaseExceptionGroup("more", [KeyboardInterrupt()])])

    found = nas.search(hills(), train, max_trials=1, **SHORT)
    assert (found.stopped, found.trials) == ("interrupted", [])


def test_a_search_in_which_all_fail_alike_ends_with_the_reason_and_goes_on_once_it_is_mended(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(config: dict[str, Any], **job: Any) -> dict[str, Any]:
        raise ValueError(f"no file number {config['rate']}")

    with pytest.raises(nas.UserError, match=rf"first {ALIKE} .*ValueError: no file number .*{FILE}") as caught:
        search(tmp_path, broken, max_trials=24)
    assert "\n" not in str(caught.value)
    assert (tmp_path / "journal.jsonl").read_bytes().count(b"\n") == ALIKE
    (told,) = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert told.startswith("trial g0.b0.0 at 3 epochs failed, CRASHED: ValueError: no file number ")
    text = (tmp_path / FILE).read_text()
    assert "in broken" in text and text.rstrip().splitlines()[-1] in told
    assert "perform.py" not in text  # it begins in train
    with pytest.raises(nas.UserError, match=f"first {ALIKE} trainings all failed alike"):
        search(tmp_path, broken, max_trials=24)  # as many more: the earlier ones do not count
    found = search(tmp_path, max_trials=24)
    assert found.best and sum(result.status is Status.CRASHED for result in found.trials) == 2 * ALIKE


def test_a_search_goes_on_where_failures_differ_or_something_came_before() -> None:
    def differing(config: dict[str, Any], **job: Any) -> dict[str, Any]:
        raise (ValueError if config["depth"] == 1 else KeyError)("as was to be expected")

    assert len(nas.search(hills(), differing, max_trials=3 * ALIKE, **SHORT).trials) == 3 * ALIKE

    calls = []

    def once(config: dict[str, Any], **job: Any) -> dict[str, Any]:
        calls.append(config)
        if len(calls) > 1:
            raise ValueError("no more")
        return {"accuracy": 1.0}

    assert len(nas.search(hills(), once, max_trials=3 * ALIKE, **SHORT).trials) == 3 * ALIKE


# What train does besides


NAMES: dict[str, Callable[[Path], Path]] = {
    "with_suffix": lambda path: path.with_suffix(".json"),
    "appended": lambda path: Path(f"{path}.index"),
    "a folder": lambda path: path / "weights",
    "with_name": lambda path: path.with_name("model.pt"),
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_trial_goes_on_from_its_own_state_under_whatever_name(tmp_path: Path, name: Callable[[Path], Path]) -> None:
    def elsewhere(config: dict[str, Any], *, checkpoint: Path, **job: Any) -> dict[str, Any]:
        checkpoint = name(checkpoint)
        checkpoint.parent.mkdir(exist_ok=True)
        return climb(config, checkpoint=checkpoint, **job)

    search(tmp_path, elsewhere)
    assert history(tmp_path) == golden()
    assert not (tmp_path / "checkpoints").exists()


def test_a_trainer_that_changes_the_working_folder_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    def wanderer(config: dict[str, Any], **job: Any) -> dict[str, Any]:
        folder = Path("scratch")
        folder.mkdir(exist_ok=True)
        os.chdir(folder)
        return climb(config, **job)

    search("run", wanderer)
    assert (Path.cwd(), history(tmp_path / "run")) == (tmp_path, golden())
    assert {path.name for path in tmp_path.iterdir()} == {"run", "scratch"}


def test_a_child_that_a_trainer_forks_ends_with_train(tmp_path: Path) -> None:
    engine = started(tmp_path, "fork_and_climb")
    output, errors = engine.communicate(timeout=PATIENCE)
    assert (engine.returncode, output.count("\n")) == (0, 1), errors
    assert "ValueError: of a child" in errors and "SystemExit" not in errors
    assert history(tmp_path) == golden()
    jobs = [json.loads(line[9:])["job"] for line in (tmp_path / "journal.jsonl").read_bytes().splitlines()]
    assert len({(job["trial"]["id"], job["stop"]) for job in jobs}) == len(jobs)


def test_a_timer_of_the_callers_goes_on_after_the_search() -> None:
    went_off = []
    before = signal.signal(signal.SIGALRM, lambda *_: went_off.append("alarm"))
    try:
        signal.setitimer(signal.ITIMER_REAL, 1000, 50)
        nas.search(hills(), look_up, max_trials=3, trial_timeout=60, **SHORT)
        left, interval = signal.getitimer(signal.ITIMER_REAL)
        assert 900 < left < 1000 and interval == 50 and not went_off
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        nas.search(hills(), lambda config, **job: time.sleep(0.1) or {"accuracy": 1}, max_trials=1, trial_timeout=60,
                   **SHORT)  # fmt: skip
        until(lambda: went_off)
        assert went_off == ["alarm"]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_a_folder_that_cannot_be_made_is_told_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    states = States(tmp_path / "before", "", tmp_path / "file" / "after")
    with pytest.raises(nas.UserError, match=r"after cannot be written: Not a directory$"):
        perform(look_up, Job(Trial("g0.b0.0", Config(()), 0), 0, 1), states)


# Where train comes from


@pytest.mark.parametrize("where", [{"workers": 1}, {"cluster": "local:1"}], ids=["workers", "cluster"])
def test_a_closure_trains_in_other_processes(where: dict[str, Any]) -> None:
    if "cluster" in where:
        pytest.importorskip("distributed", reason="Dask is not installed")
    here, height = os.getpid(), 0.75
    found = nas.search(
        fates("fine"), lambda config, **job: {"accuracy": height, "elsewhere": os.getpid() != here}, max_trials=2,
        **where, **SHORT,
    )  # fmt: skip
    assert [result.metrics for result in found.trials] == [{"accuracy": 0.75, "elsewhere": 1.0}] * 2


def test_an_error_of_the_trainers_own_kind_ends_the_search_from_a_worker_in_a_line() -> None:
    class OutOfCredit(nas.UserError):
        def __init__(self, account: str, owner: object) -> None:
            super().__init__(f"{account} has no credit")

    def train(config: dict[str, Any], **job: Any) -> dict[str, Any]:
        raise OutOfCredit("the account", object())

    with pytest.raises(nas.UserError, match=r"^the account has no credit$"):
        nas.search(fates("fine"), train, max_trials=1, workers=1, **SHORT)


def test_ctrl_c_raised_in_a_worker_ends_the_search_as_it_does_here() -> None:
    def train(config: dict[str, Any], **job: Any) -> dict[str, Any]:
        if config["fate"] == "stop":
            raise KeyboardInterrupt
        return meet_fate(config, **job)

    assert nas.search(fates("stop"), train, max_trials=1, workers=1, **SHORT).stopped == "interrupted"
