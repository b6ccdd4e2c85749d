"""Workers: each on its slot, replaced when it dies, and nothing left of it."""

import asyncio
import os
import signal
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import nas
from nas.core.types import Config, Job, Result, Status, Trial
from nas.engine.executors.workers import Workers, pickled
from nas.runs.checkpoints import Checkpoints
from tests.fakes import fates, hills, look_up, meet_fate, tell_device
from tests.faults.runs import golden, history, search, started
from tests.processes import PATIENCE, children, is_worker, until, wait_for_lines, wait_until_gone, workers_of

FULL: dict[str, Any] = {"max_epochs": 1, "min_epochs": 1, "offspring": 4}


def test_each_worker_keeps_to_its_gpu() -> None:
    found = nas.search(fates("fine"), tell_device, max_trials=16, workers=4, gpus=["2", "5"], **FULL)
    assert {result.details["gpu"] for result in found.trials} == {"2", "5"}
    found = nas.search(fates("fine"), tell_device, max_trials=4, workers=2, **FULL)
    assert {result.details["gpu"] for result in found.trials} == {os.environ.get("CUDA_VISIBLE_DEVICES", "")}


def test_the_next_worker_of_a_slot_finds_the_same_gpu() -> None:
    found = nas.search(fates("fine", "fine2", "kill"), gpu_or_death, max_trials=7, workers=2, gpus=["2", "5"], **FULL)
    assert Status.CRASHED in {result.status for result in found.trials}
    gpus = [result.details["gpu"] for result in found.trials if result.status is Status.OK]
    assert set(gpus) <= {"2", "5"} and gpus


def gpu_or_death(config: dict[str, Any], **job: Any) -> dict[str, Any]:
    if config["fate"] == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    return tell_device(config, **job)


def test_workers_killed_while_idle_or_at_work_are_replaced(tmp_path: Path) -> None:
    engine = started(tmp_path, "slow_climb", workers=2)
    for lines in (2, 5, 9, 12):
        wait_for_lines(tmp_path / "journal.jsonl", lines, engine)
        for process in workers_of(engine.pid):
            os.kill(process, signal.SIGKILL)
    _, errors = engine.communicate(timeout=PATIENCE)
    assert engine.returncode == 0, errors
    assert history(tmp_path) == golden()


def test_closing_ends_the_workers(tmp_path: Path) -> None:
    before = set(children(os.getpid()))
    search(tmp_path, workers=2)
    wait_until_gone([process for process in set(children(os.getpid())) - before if is_worker(process)])


def test_ctrl_c_of_the_terminal_does_not_reach_the_workers(tmp_path: Path) -> None:
    engine = started(tmp_path, "slow_climb", workers=2)
    wait_for_lines(tmp_path / "journal.jsonl", 3, engine)
    groups = {os.getpgid(process) for process in workers_of(engine.pid)}
    assert os.getpgid(engine.pid) not in groups and len(groups) == 2
    os.killpg(engine.pid, signal.SIGINT)
    output, errors = engine.communicate(timeout=PATIENCE)
    assert (output.split()[0], engine.returncode, errors) == ("interrupted", 130, "")


def test_a_job_that_follows_a_cancelled_one_is_not_taken_for_dead() -> None:
    jobs = [Job(Trial(f"g0.b0.{i}", Config.of({"x": 0.5, "fate": "fine"}), 0), 0, 1) for i in range(2)]

    async def cancel_one_and_do_the_other(workers: Workers, checkpoints: Checkpoints) -> Result:
        states = checkpoints.states(jobs[0], "")
        first = asyncio.create_task(workers.run(jobs[0], states))
        while not (states.after / "begun").exists():
            await asyncio.sleep(0.01)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        return await workers.run(jobs[1], checkpoints.states(jobs[1], ""))

    with closing(Workers(pickled(doze), [{}])) as workers, closing(Checkpoints(None)) as checkpoints:
        result = asyncio.run(cancel_one_and_do_the_other(workers, checkpoints))
    assert (result.status, result.attempts) == (Status.OK, 1)


def doze(config: dict[str, Any], **job: Any) -> dict[str, Any]:
    """Train for longer than it takes to look twice whether the worker lives."""
    job["checkpoint"].with_name("begun").touch()
    time.sleep(4)
    return meet_fate(config)


def test_two_workers_train_at_the_same_time(tmp_path: Path) -> None:
    found = nas.search(hills(), wait_for_another, max_trials=8, workers=2, run_dir=tmp_path, **FULL)
    assert [result.status for result in found.trials] == [Status.OK] * 8


def wait_for_another(config: dict[str, Any], **job: Any) -> dict[str, Any]:
    """Come to an end only once another trial has begun."""
    begun = job["checkpoint"].parents[3] / "begun"
    begun.mkdir(exist_ok=True)
    (begun / job["checkpoint"].parents[1].name).touch()
    until(lambda: len(list(begun.iterdir())) > 1)
    return look_up(config, **job)
