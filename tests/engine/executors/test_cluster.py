"""A real Dask cluster on this machine gives the same history, also when its workers join, die or hang."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import nas
from nas.core.types import Status
from tests.fakes import ROOT, fates, segfault, sleep_forever, slow_climb
from tests.faults.runs import golden, history, search
from tests.processes import lines_in, until, wait_until_gone

pytest.importorskip("distributed", reason="Dask is not installed: pip install 'constrained-nas[dask]'")


def test_a_local_cluster_gives_the_same_history_and_leaves_no_process(tmp_path: Path) -> None:
    before = processes()
    search(tmp_path, cluster="local:2")
    assert history(tmp_path) == golden()
    wait_until_gone(sorted(processes() - before))


def test_a_trial_that_breaks_its_worker_or_hangs_costs_only_itself() -> None:
    full = {"max_epochs": 1, "min_epochs": 1}
    found = nas.search(fates("fine", "kill"), segfault, max_trials=5, cluster="local:1", **full)
    assert {result.config["fate"]: (result.status, result.attempts) for result in found.trials} == {
        "fine": (Status.OK, 1),
        "kill": (Status.CRASHED, 3),
    }
    found = nas.search(fates("fine"), sleep_forever, max_trials=1, cluster="local:1", trial_timeout=1, **full)
    assert [result.status for result in found.trials] == [Status.TIMEOUT]


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[str]:
    """The address of a scheduler in a process of its own, still without workers."""
    process, address = scheduling(tmp_path)
    yield address
    end(process)


def scheduling(folder: Path) -> tuple[subprocess.Popen[bytes], str]:
    file = folder / "scheduler.json"
    process = dask("scheduler", "--port", "0", "--no-dashboard", "--scheduler-file", file)
    until(lambda: file.exists() and file.read_text(), process)
    return process, json.loads(file.read_text())["address"]


def dask(kind: str, *flags: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", f"distributed.cli.dask_{kind}", *map(str, flags)],
        cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip


def end(process: subprocess.Popen[bytes]) -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_workers_may_join_late_and_be_killed(tmp_path: Path, scheduler: str) -> None:
    """The first worker joins after the search has begun, is killed at work, and another takes its place."""
    workers = list[subprocess.Popen[bytes]]()

    def come_and_go() -> None:
        journal = tmp_path / "run/journal.jsonl"
        until(journal.exists)
        workers.append(dask("worker", scheduler, "--nthreads", "1", "--no-dashboard"))
        until(lambda: lines_in(journal) >= 5)
        workers.append(dask("worker", scheduler, "--nthreads", "2", "--no-dashboard"))
        end(workers[0])

    meanwhile = threading.Thread(target=come_and_go)
    meanwhile.start()
    search(tmp_path / "run", slow_climb, cluster=scheduler)
    meanwhile.join()
    assert history(tmp_path / "run") == golden()
    for worker in workers[1:]:
        end(worker)


def test_a_cluster_that_is_gone_ends_the_run_which_goes_on_without_it(tmp_path: Path) -> None:
    from distributed import default_client

    process, address = scheduling(tmp_path)
    worker = dask("worker", address, "--nthreads", "1", "--no-dashboard")
    journal = tmp_path / "run/journal.jsonl"

    def vanish() -> None:
        until(lambda: lines_in(journal) >= 3)
        default_client()._timeout = 1  # of its attempts to find it again
        end(process)

    meanwhile = threading.Thread(target=vanish)
    meanwhile.start()
    with pytest.raises(nas.ClusterLost, match="nas resume goes on from here"):
        search(tmp_path / "run", slow_climb, cluster=address)
    meanwhile.join()
    end(worker)
    search(tmp_path / "run", slow_climb)
    assert history(tmp_path / "run") == golden()


def test_a_job_waits_for_the_resource_it_needs(tmp_path: Path, scheduler: str) -> None:
    bare = dask("worker", scheduler, "--nthreads", "1", "--no-dashboard")
    found = search(tmp_path / "none", cluster=scheduler, cluster_resources={"GPU": 1}, max_time=3)
    assert (found.stopped, found.trials) == ("time limit", [])
    able = dask("worker", scheduler, "--nthreads", "4", "--resources", "GPU=2", "--no-dashboard")
    search(tmp_path / "run", cluster=scheduler, cluster_resources={"GPU": 1})
    assert history(tmp_path / "run") == golden()
    end(bare)
    end(able)


@pytest.mark.parametrize(
    ("address", "told"),
    [("local:x", "local:N"), ("local:", "local:N"), ("local:0", "local:N"), ("nonsense", "no Dask scheduler")],
)
def test_an_address_without_a_cluster_is_told(address: str, told: str) -> None:
    with pytest.raises(nas.UserError, match=told):
        nas.search(fates("fine"), segfault, max_trials=1, cluster=address)


def processes() -> set[int]:
    """Return the processes of this user that Python's multiprocessing started."""
    found = set[int]()
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            try:
                if b"spawn_main" in (path / "cmdline").read_bytes():
                    found.add(int(path.name))
            except OSError:
                pass
    return found
