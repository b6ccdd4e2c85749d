"""What is said of time and memory is of the contestant, not of what measures it."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures.process import BrokenProcessPool

import pytest

from benchmarks.contestants.sampling import random_search
from benchmarks.memory import held
from benchmarks.overhead import Clocked, measure, measured
from benchmarks.processes import alone
from search_spaces import cnn
from tests.processes import PATIENCE, until, wait_until_gone, workers_of


def test_a_suggestion_costs_the_cpu_time_between_two_trainings() -> None:
    meter = Clocked(200, 60)
    meter.problem.lookup.space.seed(0)
    for config in meter.problem.lookup.space.sample_configuration(150):
        until = time.process_time() + 0.003
        while time.process_time() < until:
            pass
        meter(dict(config))
    found = meter.milliseconds(100)
    assert found is not None and 3 <= found < 4.5
    assert meter.milliseconds(151) is None


def test_who_dies_is_shown_as_failed() -> None:
    (told,) = measured("nobody", 1, 1)  # a KeyError, in a process of its own
    assert told.startswith("failed: KeyError")


def test_ctrl_c_ends_work_alone_at_once_and_leaves_what_was_measured() -> None:
    words = [sys.executable, "-m", "benchmarks.overhead", "--contestants", "random search", "random search"]
    benchmark = subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    until(lambda: workers_of(benchmark.pid), benchmark)
    time.sleep(0.3)  # it imports
    workers = workers_of(benchmark.pid)
    os.killpg(benchmark.pid, signal.SIGINT)
    out, errors = benchmark.communicate(timeout=PATIENCE)
    assert benchmark.returncode == 130 and errors.startswith("stopped: ") and "Traceback" not in errors
    assert "CPU ms a suggestion" in out
    wait_until_gone(workers)


def test_who_fails_late_keeps_what_was_measured_before(monkeypatch: pytest.MonkeyPatch) -> None:
    def of_two_sizes(meter: Clocked, seed: int) -> None:
        if meter.budget == 1000:
            raise ValueError("too many for me")
        random_search(meter, seed)

    monkeypatch.setattr("benchmarks.contestants.contestant", lambda name: of_two_sizes)
    first, *others = measure("somebody", 60, 1)
    assert float(first) > 0 and others == ["failed: ValueError: too many for me"]


def test_a_larger_batch_holds_more_and_what_is_held_besides_is_weights() -> None:
    one, two, three = (held({**cnn.DEFAULT, "batch_size": size}) for size in (10, 20, 30))
    assert two[0] - one[0] == three[0] - two[0] > 0
    weights = one[0] - (two[0] - one[0])
    assert weights == 16 * one[1] and one[1] == two[1] == three[1]


def test_work_alone_has_a_process_of_its_own_and_its_errors_come_back() -> None:
    assert alone(os.getpid) != os.getpid() and alone(divmod, 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        alone(divmod, 7, 0)
    with pytest.raises(BrokenProcessPool):
        alone(os._exit, 0)
