"""What is searched and trained in the tests of the engine? Cheap functions that worker processes can import.

Nothing heavy is imported here: a worker would need longer for that than for all that it does.
"""

from __future__ import annotations

import ctypes
import itertools
import math
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nas.core.errors import Diverged
from tests.processes import lines_in, until

if TYPE_CHECKING:
    from ConfigSpace import ConfigurationSpace

ROOT = Path(__file__).resolve().parents[1]


def hills() -> ConfigurationSpace:
    """Return a conditional space: the second and third width depend on the depth, the momentum on the optimizer."""
    from ConfigSpace import Categorical, ConfigurationSpace, EqualsCondition, Float, GreaterThanCondition, Integer

    space = ConfigurationSpace()
    depth, widths = Integer("depth", (1, 3)), [Integer(f"width{i}", (1, 1000), log=True) for i in range(3)]
    optimizer, momentum = Categorical("optimizer", ["adam", "sgd"]), Float("momentum", (0.0, 1.0))
    space.add(Float("rate", (1e-5, 1.0), log=True), depth, optimizer, momentum, *widths)
    space.add(EqualsCondition(momentum, optimizer, "sgd"))
    space.add(*(GreaterThanCondition(widths[i], depth, i) for i in (1, 2)))
    return space


def params(config: dict[str, Any]) -> float:
    return float(sum(value for name, value in config.items() if name.startswith("width")))


def hill(config: dict[str, Any], epochs: int) -> dict[str, Any]:
    """Return metrics that grow with the epochs, at a pace of the configuration's own: ranks change between rungs."""
    height = 1 / (1 + abs(config["rate"] - 0.01)) + config.get("momentum", 0.5) / 10 - params(config) / 1e5
    return {"accuracy": height * epochs / (epochs + config["depth"] * 3), "precision": config["rate"]}


def climb(config: dict[str, Any], *, epochs: int, start: int, seed: int, checkpoint: Path) -> dict[str, Any]:
    """Train, but crash when the checkpoint is not the very state that this trial left at `start`."""
    found = checkpoint.read_text() if checkpoint.exists() else ""
    if found != (f"{config} {seed} {start}" if start else ""):
        raise AssertionError(f"the checkpoint of epoch {start} holds {found!r}")
    checkpoint.write_text(f"{config} {seed} {epochs}")
    return hill(config, epochs)


def slow_climb(config: dict[str, Any], **job: Any) -> dict[str, Any]:
    time.sleep(0.03)
    return climb(config, **job)


def look_up(config: dict[str, Any], *, epochs: int, start: int, seed: int, checkpoint: Path) -> dict[str, Any]:
    """Leave no checkpoint, as a lookup in a table of known results does."""
    return hill(config, epochs)


def staircase(config: dict[str, Any], *, epochs: int, **job: Any) -> dict[str, Any]:
    """Return what hangs on the whole part of x alone."""
    return {"accuracy": 1 / (1 + abs(int(config["x"]) - 20)) * epochs, "precision": 1.0}


def blind_staircase(config: dict[str, Any], **job: Any) -> dict[str, Any]:
    """Return one metric, besides, that is not a number: one object here, others once sent or read."""
    return {**staircase(config, **job), "recall": math.nan}


def halting(lines: int) -> Callable[..., dict[str, Any]]:
    """Return a trainer that climbs until the journal has so many lines, and then waits for the file `go` beside it."""

    def train(config: dict[str, Any], **job: Any) -> dict[str, Any]:
        run = job["checkpoint"].parents[3]
        if lines_in(run / "journal.jsonl") >= lines:
            until((run / "go").exists)
        return climb(config, **job)

    return train


halting_climb = halting(3)


def climb_and_sleep(count: int) -> Callable[..., dict[str, Any]]:
    """Return a trainer that climbs so many times in this process, and then sleeps until a limit in time ends it."""
    calls = itertools.count()

    def train(config: dict[str, Any], **job: Any) -> dict[str, Any]:
        return climb(config, **job) if next(calls) < count else sleep_forever(config, **job)

    return train


def sleep_forever(config: dict[str, Any], **job: Any) -> dict[str, Any]:
    time.sleep(3600)
    return {}


def doze_off(config: dict[str, Any], **job: Any) -> dict[str, Any]:
    """Say by the file `asleep` in the run's folder that training has begun, and never come back."""
    (job["checkpoint"].parents[3] / "asleep").touch()
    return sleep_forever(config, **job)


FATES = ("fine", "raise", "diverge", "nan", "memory", "nothing", "arrays", "object")


def meet_fate(config: dict[str, Any], **job: Any) -> dict[str, Any]:
    """Fail in the way the configuration says. Failures look best, if they are looked at."""
    fate = config["fate"]
    metrics: dict[str, Any] = {"accuracy": config["x"] + 10.0 * (fate != "fine")}
    if fate == "raise":
        raise ValueError("as was to be expected")
    if fate == "diverge":
        raise Diverged("the loss is inf")
    if fate == "memory":
        raise MemoryError
    if fate == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if fate == "arrays":
        import numpy as np

        return {**metrics, "curve": np.arange(3.0)}
    odd: dict[str, Any] = {"nan": {"accuracy": float("nan")}, "nothing": None, "object": {**metrics, "x": object}}
    returned: dict[str, Any] = odd.get(fate, metrics)
    return returned


def fates(*kinds: str) -> ConfigurationSpace:
    from ConfigSpace import ConfigurationSpace

    return ConfigurationSpace({"x": (0.0, 1.0), "fate": list(kinds)})


def python(code: str, *args: object) -> subprocess.Popen[str]:
    """Start `code` in a real Python process, at the root of the repository, in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, args)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def die_once(config: dict[str, Any], **job: Any) -> dict[str, Any]:
    """Climb, but kill the worker in the midst of every job's first attempt."""
    metrics = climb(config, **job)
    _once(job["checkpoint"], lambda: os.kill(os.getpid(), signal.SIGKILL))
    return metrics


def hang_once(config: dict[str, Any], **job: Any) -> dict[str, Any]:
    """Climb, but in the first attempt at every third configuration hang, deaf to SIGTERM, with a child of one's own."""

    def hang() -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        sleeper = subprocess.Popen(["sleep", "1000"])
        (job["checkpoint"].parents[3] / f"sleeper{sleeper.pid}").touch()
        time.sleep(1000)

    if config["depth"] == 3 and not job["start"]:
        _once(job["checkpoint"], hang)
    return climb(config, **job)


def _once(checkpoint: Path, act: Any) -> None:
    """Act when this is the first time for this job; a file beside the checkpoints says whether."""
    run = checkpoint.parents[3]
    mark = run / f"tried-{'-'.join(checkpoint.parts[-3:])}"
    if not mark.exists():
        mark.touch()
        act()


def segfault(config: dict[str, Any], **job: Any) -> dict[str, Any]:
    """Read address 0 where the configuration says "kill"."""
    if config["fate"] == "kill":
        ctypes.string_at(0)
    return {"accuracy": config["x"]}


def eat_memory(config: dict[str, Any], **job: Any) -> dict[str, Any]:
    """Ask for more memory than a limit of the system allows."""
    if config["fate"] == "kill":
        resource.setrlimit(resource.RLIMIT_AS, (1 << 32, resource.getrlimit(resource.RLIMIT_AS)[1]))
        bytearray(1 << 34)
    return {"accuracy": config["x"]}


def tell_device(config: dict[str, Any], **job: Any) -> dict[str, Any]:
    """Return on which GPU this worker finds itself."""
    time.sleep(0.05)
    return {"accuracy": config["x"], "gpu": os.environ.get("CUDA_VISIBLE_DEVICES", "")}


def heavy_climb(config: dict[str, Any], **job: Any) -> dict[str, Any]:
    """Climb, writing more than a disk may have room for on the way."""
    job["checkpoint"].with_name("ballast").write_bytes(bytes(50_000))
    job["checkpoint"].with_name("ballast").unlink()
    return climb(config, **job)


def leave(config: dict[str, Any], **job: Any) -> dict[str, Any]:
    """End the process, or fail in a way that looks like one of the engine's own."""
    if config["fate"] == "exit":
        sys.exit(7)
    if config["fate"] == "exit quietly":
        os._exit(0)
    if config["fate"] == "TimeoutError":
        raise TimeoutError("no answer")
    return {"accuracy": config["x"]}


def tortoise(config: dict[str, Any], **job: Any) -> dict[str, Any]:
    """Train for long in real time what is first in virtual time: the first trial of each two."""
    mark = job["checkpoint"].parents[3] / "tortoise"
    if not mark.exists():
        mark.touch()
        sleep_forever(config, **job)
    return slow_climb(config, **job)


def macs_of_tortoises(config: dict[str, Any]) -> dict[str, float]:
    return {"macs": 1.0}


def fork_and_climb(config: dict[str, Any], **job: Any) -> dict[str, Any]:
    """Climb, after a child of this process has left train in a way that hangs on the epochs; it outlives nothing."""
    child = os.fork()
    if not child:
        if job["epochs"] == 3:
            sys.exit(7)
        if job["epochs"] == 6:
            raise ValueError("of a child")
        return hill(config, 100)
    _, status = os.waitpid(child, 0)
    expected = {3: 7, 6: 1}.get(job["epochs"], 0)
    assert os.waitstatus_to_exitcode(status) == expected
    return climb(config, **job)
