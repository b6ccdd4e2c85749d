"""What the engine promises when things break, each promise by its number, each fault a real one."""

import asyncio
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import nas
from nas.core import ranking
from nas.core.errors import ClusterLost, Corrupt, InUse, JobLost
from nas.core.types import Config, Job, Status, Trial
from nas.engine.executors.inline import Inline
from nas.engine.executors.perform import perform
from nas.main import main
from nas.runs.checkpoints import States
from nas.runs.journal import Journal, _encode
from nas.runs.ledger import Ledger
from nas.training.task import ImageTask
from tests import fakes
from tests.fakes import (
    ROOT,
    climb,
    climb_and_sleep,
    die_once,
    eat_memory,
    fates,
    hang_once,
    hills,
    leave,
    look_up,
    meet_fate,
    segfault,
    sleep_forever,
    slow_climb,
)
from tests.faults.runs import SCRIPT, golden, history, search, started
from tests.processes import PATIENCE, growing, until, wait_for_lines, wait_until_gone, workers_of
from tests.training.test_training import SMALL as NETWORK


def stopped_at(run_dir: Path, point: str, action: str = "kill") -> None:
    """Run the search in a process of its own that is killed at `point`."""
    process = started(run_dir, NAS_FAULT=f"{point}:{action}")
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == -signal.SIGKILL, errors


# The machine


SYNCS = """
import os, sys
sync = os.fsync
def recorded(handle):
    sync(handle)
    with open(sys.argv[4], "a") as log:
        log.write(f"{os.fstat(handle).st_ino} {os.fstat(handle).st_size}\\n")
os.fsync = recorded
"""


@pytest.mark.parametrize("point", ["journal.written:5", "journal.append:9", "job.trained:7", "checkpoint.copied:2"])
def test_promise_2_after_a_loss_of_power_what_was_synced_is_enough(tmp_path: Path, point: str) -> None:
    """What was not synced is gone with the power: every file falls back to the length it was last synced at."""
    run_dir, log = tmp_path / "run", tmp_path / "syncs"
    subprocess.run(
        [sys.executable, "-c", SYNCS + SCRIPT, str(run_dir), "climb", "0", str(log)],
        cwd=ROOT, env=os.environ | {"NAS_FAULT": f"{point}:kill"}, timeout=PATIENCE,
    )  # fmt: skip
    synced = dict(map(int, line.split()) for line in log.read_text().splitlines())  # the last length of each inode
    files = [path for path in run_dir.rglob("*") if path.is_file()]
    written = len(read_lines(run_dir))
    for path in files:
        os.truncate(path, min(path.stat().st_size, synced.get(path.stat().st_ino, 0)))
    assert any(run_dir / "checkpoints" in path.parents for path in files)
    assert len(read_lines(run_dir)) >= written - 1  # only the one being written
    (run_dir / "engine").unlink()
    search(run_dir)
    assert history(run_dir) == golden()


def read_lines(run_dir: Path) -> list[bytes]:
    return (run_dir / "journal.jsonl").read_bytes().splitlines(keepends=True)


def test_promise_14_no_decision_reads_the_clock_on_the_wall(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, jumps = time.time, random.Random(0)
    monkeypatch.setattr(time, "time", lambda: real() + jumps.uniform(-1e9, 1e9))
    search(tmp_path / "jumping")
    search(tmp_path / "jumping in workers", workers=1)
    assert history(tmp_path / "jumping") == history(tmp_path / "jumping in workers") == golden()


FULL = """
import resource, sys
sys.argv[1:] = sys.argv[1:4]
resource.setrlimit(resource.RLIMIT_FSIZE, (BYTES, BYTES))
"""


@pytest.mark.parametrize(
    ("limit", "train", "workers"), [(5000, "climb", 0), (5000, "climb", 2), (9000, "heavy_climb", 1)]
)
def test_promise_15_a_full_disk_ends_the_run_with_status_4_and_nothing_lost(
    tmp_path: Path, limit: int, train: str, workers: int
) -> None:
    run_dir = tmp_path / "run"
    command = [sys.executable, "-c", FULL.replace("BYTES", str(limit)) + SCRIPT, str(run_dir), train, str(workers)]
    full = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
    assert full.returncode == 4, full.stderr
    assert len(full.stderr.splitlines()) == 1 and "full" in full.stderr and "nas resume" in full.stderr
    assert (run_dir / "journal.jsonl").read_bytes()[-1:] in (b"", b"\n")
    committed = (run_dir / "journal.jsonl").read_bytes()
    search(run_dir, getattr(fakes, train))
    assert (run_dir / "journal.jsonl").read_bytes().startswith(committed)
    assert history(run_dir) == golden()


# The journal and the folder


def test_promise_3_a_torn_last_line_is_cut_told_and_trained_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    search(tmp_path)
    whole = (tmp_path / "journal.jsonl").read_bytes()
    last = whole.rstrip().rindex(b"\n") + 1
    for torn in {1, 2, 9, 10, (len(whole) - last) // 2, len(whole) - last - 1}:
        caplog.clear()
        (tmp_path / "journal.jsonl").write_bytes(whole[: last + torn])
        search(tmp_path)
        assert history(tmp_path) == golden()
        assert [record.message for record in caplog.records if "half-written last line" in record.message]


def test_promise_4_a_corrupt_middle_is_refused_until_repaired_on_demand(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    search(tmp_path)
    journal = tmp_path / "journal.jsonl"
    content = bytearray(journal.read_bytes())
    start = content.index(b"\n") + 1
    content[start + 100] ^= 4
    journal.write_bytes(content)
    with pytest.raises(Corrupt, match=rf"line 2, byte {start}: the checksum is wrong.*--repair-to 1"):
        search(tmp_path)
    assert main(["verify", str(tmp_path)]) == 3
    assert f"line 2, byte {start}: the checksum is wrong" in capsys.readouterr().out
    assert journal.read_bytes() == bytes(content)
    main(["verify", str(tmp_path), "--repair-to", "1"])
    (rest,) = tmp_path.glob("journal.jsonl.cut-at-*")
    assert journal.read_bytes() + rest.read_bytes() == bytes(content)
    search(tmp_path)
    assert history(tmp_path) == golden()
    assert main(["verify", str(tmp_path)]) == 0


@pytest.mark.parametrize("fault", ["flipped", "cut", "deleted"])
def test_promise_16_a_corrupt_or_missing_checkpoint_means_the_same_outcome_from_epoch_0(
    tmp_path: Path, fault: str, capsys: pytest.CaptureFixture[str]
) -> None:
    stopped_at(tmp_path, "journal.synced:8")
    states = [path for path in (tmp_path / "checkpoints").glob("*/*/*") if path.stat().st_size]
    assert len(states) > 1
    for path in states:
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content if fault == "flipped" else content[:-3])
        if fault == "deleted":
            path.unlink()
    if fault == "flipped":
        assert main(["verify", str(tmp_path)]) == 3
        assert "the digest is not that of trial" in capsys.readouterr().out
    search(tmp_path)
    assert history(tmp_path) == golden()


def test_promise_17_a_second_engine_is_refused_and_told_who_the_first_is(tmp_path: Path) -> None:
    first = started(tmp_path, "sleep_forever")
    until(lambda: (tmp_path / "engine").exists() and (tmp_path / "engine").read_text(), first)
    with pytest.raises(InUse, match=f"in use by process {first.pid} on {socket.gethostname()}"):
        search(tmp_path, slow_climb)
    second = started(tmp_path)
    _, errors = second.communicate(timeout=PATIENCE)
    assert second.returncode == 5 and len(errors.splitlines()) == 1
    first.kill()
    first.communicate()
    search(tmp_path)
    assert history(tmp_path) == golden()


HOSTILE: dict[str, Any] = {
    "a path as an id": {"id": "../../../etc"},
    "an id of another kind": {"id": 7},
    "a long id": {"id": "g" + "1" * 1000 + ".b0.0"},
    "no configuration": {"config": [1, 2]},
}


@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE)
def test_promise_23_a_hostile_journal_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    search(tmp_path)
    journal = tmp_path / "journal.jsonl"
    first, rest = journal.read_bytes().split(b"\n", 1)
    record = json.loads(first[9:])
    record["job"]["trial"] |= change
    journal.write_bytes(_encode(record) + rest)
    with pytest.raises(Corrupt, match="line 1 is no result of a trial"):
        search(tmp_path)


@pytest.mark.parametrize("line", [b'{"accuracy":NaN}', b"[" * 100_000, b'"text"', b"{" + b" " * (1 << 24) + b"}"])
def test_promise_23_a_hostile_line_is_refused(tmp_path: Path, line: bytes) -> None:
    search(tmp_path)
    (tmp_path / "journal.jsonl").write_bytes(b"%08x %s\n" % (zlib.crc32(line), line))
    with pytest.raises(Corrupt, match="line 1"):
        search(tmp_path)


def test_promise_23_a_pickle_in_place_of_a_checkpoint_is_never_read(tmp_path: Path) -> None:
    bomb = b"cos\nsystem\n(S'touch " + str(tmp_path / "exploded").encode() + b"'\ntR."
    task = ImageTask("digits", None, "cnn", 2, 0, 9, "cpu", 1)
    (tmp_path / "t@1").write_bytes(bomb)
    task(NETWORK, epochs=2, start=1, seed=0, checkpoint=tmp_path / "t@1")
    assert not (tmp_path / "exploded").exists()
    for path in (ROOT / "nas").rglob("*.py"):
        assert "torch.load(" not in path.read_text() and "pickle.load(" not in path.read_text()


def test_promise_24_a_run_goes_on_only_as_what_it_was_begun(tmp_path: Path) -> None:
    search(tmp_path)
    spec = tmp_path / "spec.json"
    spec.write_text(spec.read_text().replace('"eta": 2', '"eta": 3'))
    with pytest.raises(nas.UserError, match="eta 3, now 2"):
        search(tmp_path, eta=2)


# Workers


def test_promise_5_a_worker_that_is_killed_costs_only_time(tmp_path: Path) -> None:
    found = search(tmp_path, die_once, workers=2)
    assert {result.status for result in found.trials} == {Status.OK}
    assert len(list(tmp_path.glob("tried-*"))) == len(found.trials)  # each killed its first worker
    assert max(result.attempts for result in found.trials) == 2  # 1 where it died before it was known to have the job
    assert history(tmp_path) == golden()


def test_promise_5_a_trial_that_always_breaks_its_worker_is_crashed_after_three_attempts() -> None:
    found = nas.search(fates("fine", "kill"), segfault, max_trials=6, max_epochs=1, min_epochs=1, workers=2)
    broken = [result for result in found.trials if result.config["fate"] == "kill"]
    assert broken and {(result.status, result.attempts) for result in broken} == {(Status.CRASHED, 3)}
    assert all("exit code -11" in result.error for result in broken)
    assert {result.status for result in found.trials if result not in broken} == {Status.OK}


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("way", ["exit", "exit quietly", "TimeoutError"])
def test_promise_5_a_trainer_that_ends_its_process_fails_alone(way: str, workers: int) -> None:
    if way == "exit quietly" and not workers:
        pytest.skip("in this process it would end the tests")
    found = nas.search(fates("fine", way), leave, max_trials=5, max_epochs=1, min_epochs=1, workers=workers, seed=1)
    statuses = {(result.config["fate"], result.status) for result in found.trials}
    assert statuses == {("fine", Status.OK), (way, Status.CRASHED)}
    assert found.stopped == "limit on trials or epochs"


def test_promise_6_workers_end_with_the_engine(tmp_path: Path) -> None:
    engine = started(tmp_path, "halting_climb", workers=2)
    wait_for_lines(tmp_path / "journal.jsonl", 2, engine)
    workers = workers_of(engine.pid)
    assert len(workers) == 2
    engine.kill()
    engine.communicate()
    wait_until_gone(workers)


def test_promises_7_and_12_a_trial_that_hangs_is_ended_with_all_it_started(tmp_path: Path) -> None:
    began = time.monotonic()
    nas.search(hills(), look_up, max_trials=4, max_epochs=1, min_epochs=1, workers=2)
    pace = time.monotonic() - began  # of this machine, now: two workers start and do something
    found = search(tmp_path, hang_once, workers=2, trial_timeout=2 * pace)
    sleepers = [int(path.name.removeprefix("sleeper")) for path in tmp_path.glob("sleeper*")]
    assert sleepers
    wait_until_gone(sleepers)
    assert {result.attempts for result in found.trials} == {1, 2}
    assert history(tmp_path) == golden()


@pytest.mark.parametrize("workers", [0, 1])
def test_promise_12_a_trial_that_never_ends_is_a_timeout(workers: int) -> None:
    found = nas.search(
        hills(), sleep_forever, max_trials=1, max_epochs=1, min_epochs=1, trial_timeout=2, workers=workers
    )
    (result,) = found.trials
    assert (result.status, found.best) == (Status.TIMEOUT, None)
    assert "2 s" in result.error


def test_promise_8_a_gpu_out_of_memory_is_a_result_and_not_tried_again(tmp_path: Path) -> None:
    tried = []

    def greedy(config: dict[str, Any], **job: Any) -> dict[str, Any]:
        tried.append(config)
        raise torch.OutOfMemoryError("CUDA out of memory")

    found = nas.search(hills(), greedy, max_trials=3, max_epochs=1, min_epochs=1)
    assert {result.status for result in found.trials} == {Status.OOM}
    assert len(tried) == 3


def test_promise_9_a_trial_that_wants_more_memory_than_there_is_ends_alone() -> None:
    found = nas.search(fates("fine", "kill"), eat_memory, max_trials=6, max_epochs=1, min_epochs=1, workers=1)
    greedy = [result for result in found.trials if result.config["fate"] == "kill"]
    assert greedy and {result.status for result in greedy} == {Status.OOM}
    assert {result.status for result in found.trials if result not in greedy} == {Status.OK}


def test_promise_10_what_is_not_a_number_is_worst_and_never_promoted() -> None:
    found = nas.search(fates("fine", "nan", "diverge"), meet_fate, max_trials=40, max_epochs=9, min_epochs=1, eta=3)
    failed = [result for result in found.trials if result.status is Status.DIVERGED]
    assert failed and {result.job.start for result in failed} == {0}
    assert ranking.best(found.trials, len(found.trials))[-len(failed) :] == failed
    assert found.best and found.best.config["fate"] == "fine"


# Executors that do their worst


class Clumsy(Inline):
    """Runs each job as often as it likes, as late as it likes, and loses some."""

    slots = 4

    def __init__(self, train: Any, seed: int, lost: float = 0.0, twice: float = 0.0) -> None:
        super().__init__(train)
        self.random, self.lost, self.twice = random.Random(seed), lost, twice
        self.losses = Counter[tuple[str, int]]()

    async def run(self, job: Job, states: Any) -> Any:
        for _ in range(self.random.randrange(5)):
            await asyncio.sleep(0)
        result = await super().run(job, states)
        if self.random.random() < self.twice:
            result = await super().run(job, states)
        if self.random.random() < self.lost and (self.lost == 1 or self.losses[job.key] < 2):
            self.losses[job.key] += 1
            raise JobLost("it was here a moment ago")
        self.slots = self.random.randrange(1, 6)
        return result


@pytest.fixture
def clumsy(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """Let the next searches run on a Clumsy executor of these properties."""
    properties: dict[str, Any] = {"seed": 0}
    monkeypatch.setattr("nas.asked.Machine.executor", lambda _, train: Clumsy(train, **properties))
    return properties


@pytest.mark.parametrize("budget", ["halving", "asha"])
def test_promises_18_to_21_jobs_run_twice_out_of_order_or_lost_on_any_number_of_workers_change_nothing(
    tmp_path: Path, clumsy: dict[str, Any], budget: str
) -> None:
    expected = golden()
    if budget == "asha":
        search(tmp_path / "calm", budget=budget, seed=3)
        expected = history(tmp_path / "calm")
    for seed in range(20):
        clumsy |= {"seed": seed, "twice": 0.3, "lost": 0.1}
        folder = tmp_path / f"{seed}"
        search(folder, budget=budget, **({"seed": 3} if budget == "asha" else {}))
        assert history(folder) == expected


def test_promise_18_a_second_outcome_of_a_job_is_told_and_the_first_counts(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    search(tmp_path)
    first = nas.search(hills(), look_up, max_trials=1, max_epochs=1, min_epochs=1)
    ledger = Ledger(first.spec, Journal())
    result = ledger.commit(first.trials[0])
    other = result.__class__(result.job, Status.OK, {"accuracy": 0.123})
    assert ledger.commit(other) == result
    assert "NONDETERMINISM" in caplog.text and "0.123" in caplog.text
    assert ledger.committed == [result]


def test_promise_20_an_executor_that_loses_everything_ends_the_run_not_the_trial(
    tmp_path: Path, clumsy: dict[str, Any]
) -> None:
    clumsy["lost"] = 1.0
    with pytest.raises(ClusterLost, match=r"lost 3 times.*nas resume"):
        search(tmp_path / "run")
    clumsy["lost"] = 0.0
    search(tmp_path / "run")
    assert history(tmp_path / "run") == golden()


def test_promise_22_a_tracker_that_raises_or_dawdles_changes_nothing(tmp_path: Path) -> None:
    def tracker(lab: Any, result: Any) -> None:
        time.sleep(0.01)
        raise RuntimeError("no network")

    search(tmp_path, trackers=[tracker])
    assert history(tmp_path) == golden()


# Limits and signals


def test_promise_13_a_run_that_was_out_of_time_goes_on_with_more(tmp_path: Path) -> None:
    for limit in growing(0.3):
        found = search(tmp_path, climb_and_sleep(5), max_time=limit)
        assert found.stopped == "time limit"
        if found.trials:
            break
    assert len(found.trials) < golden().count(b"\n")
    again = search(tmp_path, max_time=limit)
    assert again.trials == found.trials  # the limit is for all parts of a run together
    search(tmp_path, max_time=PATIENCE)
    assert history(tmp_path) == golden()


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("name", ["SIGTERM", "SIGUSR1", "SIGUSR2"])
def test_promise_25_a_batch_system_is_heard_at_the_next_commit(tmp_path: Path, name: str, workers: int) -> None:
    process = started(tmp_path, "halting_climb", workers)
    wait_for_lines(tmp_path / "journal.jsonl", 3, process)
    os.killpg(process.pid, signal.Signals[name])
    (tmp_path / "go").touch()
    output, errors = process.communicate(timeout=PATIENCE)
    assert output.split()[0] == name, errors
    assert process.returncode == 128 + signal.Signals[name]
    committed = (tmp_path / "journal.jsonl").read_bytes()
    search(tmp_path)
    assert (tmp_path / "journal.jsonl").read_bytes().startswith(committed)
    assert history(tmp_path) == golden()


def test_promise_25_workers_leave_the_signals_of_a_batch_system_to_the_engine(tmp_path: Path) -> None:
    """SLURM signals every process of a job: the result at hand is still committed, by the first worker."""
    process = started(tmp_path, "halting_climb", 1)
    wait_for_lines(tmp_path / "journal.jsonl", 3, process)
    for each in (*workers_of(process.pid), process.pid):
        os.kill(each, signal.SIGTERM)
    (tmp_path / "go").touch()
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 143, errors
    lines = (tmp_path / "journal.jsonl").read_bytes().splitlines()
    assert {json.loads(line[9:])["attempts"] for line in lines} == {1}


def test_promise_25_asha_does_not_wait_for_the_virtually_first_trial(tmp_path: Path) -> None:
    """A lane that never ends in real time does not keep the others from stopping at their next result."""
    code = SCRIPT.replace("workers=int(sys.argv[3])", "workers=2, budget='asha', measure=fakes.macs_of_tortoises")
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path), "tortoise", "2"], cwd=ROOT,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # fmt: skip
    wait_for_lines(tmp_path / "journal.jsonl", 2, process)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 143, errors


def test_promise_25_a_second_signal_ends_the_run_at_once(tmp_path: Path) -> None:
    process = started(tmp_path, "doze_off", 1)
    until((tmp_path / "asleep").exists, process)
    process.send_signal(signal.SIGTERM)
    time.sleep(0.5)
    assert process.poll() is None  # the job at hand may end
    until(lambda: process.send_signal(signal.SIGTERM) or process.poll() is not None)
    process.communicate()
    assert process.returncode == -signal.SIGTERM


def test_promise_26_what_cannot_be_met_ends_with_what_came_nearest() -> None:
    with pytest.raises(nas.UserError, match="0 of 1000 samples meet params<=1; the smallest seen has"):
        nas.search(hills(), climb, measure={"params": lambda config: 5.0 + config["depth"]}, constraints=["params<=1"],
                   max_trials=5)  # fmt: skip
    found = nas.search(hills(), climb, constraints=["accuracy>=9"], max_trials=10, max_epochs=4, min_epochs=1)
    assert found.best and not found.best.feasible
    full = [result for result in found.trials if result.epochs == 4]
    assert found.best.score.feasibility == max(result.score.feasibility for result in full)


@pytest.mark.parametrize("asset", [Path(__file__).parent / "assets/v1"], ids=["v1"])
def test_promise_28_the_folder_of_every_released_format_stays_readable(asset: Path, tmp_path: Path) -> None:
    run_dir = tmp_path / asset.name
    run_dir.mkdir()
    for path in asset.iterdir():
        (run_dir / path.name).write_bytes(path.read_bytes())
    assert main(["verify", str(run_dir)]) == 0
    before = history(run_dir)
    found = search(run_dir, sleep_forever, budget="hyperband")  # as was the default then
    assert found.best and history(run_dir) == before


def test_perform_lets_what_is_wrong_with_the_run_through(tmp_path: Path) -> None:
    def full(config: dict[str, Any], **job: Any) -> dict[str, Any]:
        raise RuntimeError("Error while serializing: I/O error: No space left on device (os error 28)")

    job = Job(Trial("g0.b0.0", Config(()), 0), 0, 1)
    with pytest.raises(nas.UserError, match="full"):
        perform(full, job, States(tmp_path / "a", "", tmp_path / "b"))
