"""A search that begins from earlier tasks: what it finds, what it keeps to, and how it tells that they do not help."""

import logging
import os
import signal
from collections.abc import Callable
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
from ConfigSpace import ConfigurationSpace

import nas
from nas.core.errors import UserError
from nas.core.types import Config, Result
from nas.history.history import History
from tests.fakes import python
from tests.processes import wait_for_lines
from tests.strategies.earlier import SHORT, hill, plane, remembered

TOP = (0.3, 0.7)
NEAR = {"one": (0.31, 0.7), "two": (0.29, 0.72)}


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return remembered(tmp_path_factory.mktemp("earlier") / "near.sqlite", NEAR)


def search(history: Path | None, **asked: Any) -> nas.Run:
    """Search the hill with its top at TOP."""
    return nas.search(plane(), hill(*TOP), history=history, **{"strategy": "transfer", **SHORT, **asked})


def results(run: nas.Run) -> list[dict[str, Any]]:
    """Return what equal runs have in common."""
    return [result.to_history() for result in run.trials]


def lines(folder: Path) -> list[str]:
    return (folder / "history.jsonl").read_text().splitlines()


def accuracy(run: nas.Run) -> float:
    assert run.best
    return run.best.metrics["accuracy"]


def pool(history: Path) -> list[Config]:
    with History(history) as file:
        (digest,) = file.spaces()
        return list({curve.config: None for curve in file.curves(digest)})


def height(config: Config) -> float:
    """Return the accuracy of a full training."""
    return hill(*TOP)(config.values, epochs=9)["accuracy"]


def after(results: int) -> Callable[[Result], bool]:
    """Return what stops a search after so many results."""
    seen = list[Result]()

    def stop(result: Result) -> bool:
        seen.append(result)
        return len(seen) >= results

    return stop


def test_it_finds_at_once_what_evolution_looks_for(history: Path) -> None:
    limits = {"max_total_epochs": 30}
    found = fmean(accuracy(search(history, seed=seed, **limits)) for seed in range(3))
    alone = fmean(accuracy(search(None, strategy="evolution", seed=seed, **limits)) for seed in range(3))
    assert found > alone


@pytest.mark.parametrize("epochs", [9, 10, 40, 100])
def test_the_recommended_configuration_is_fully_trained_within_the_limits(history: Path, epochs: int) -> None:
    run = search(history, max_total_epochs=epochs)
    assert run.total_epochs <= epochs
    assert run.best
    assert run.best.epochs == 9
    assert len({r.job.trial.config for r in run.trials}) == len({r.job.trial.id for r in run.trials})


def test_fewer_epochs_than_a_full_training_are_spent_where_they_say_most(history: Path) -> None:
    run = search(history, max_total_epochs=5)
    assert 3 <= run.total_epochs <= 5
    assert len(run.trials) > 1


def test_candidates_are_of_the_history_and_new(history: Path) -> None:
    known = {result.job.trial.operator for result in search(history, max_total_epochs=200).trials}
    assert "recall" in known
    assert known & {"sample", "mutate"}
    alone = search(history, strategy={"name": "transfer", "fresh": 0}, max_total_epochs=100)
    assert {result.job.trial.operator for result in alone.trials} == {"recall"}


def test_what_breaks_a_cheap_constraint_is_never_trained(history: Path) -> None:
    bounds = {"measure": {"width": lambda config: config["x"]}, "constraints": ["width<=0.25"]}
    run = search(history, max_total_epochs=60, **bounds)
    assert len(run.trials) > 5
    assert all(result.config["x"] <= 0.25 for result in run.trials)


def test_what_only_training_tells_is_met_by_what_earlier_tasks_foretell(history: Path) -> None:
    run = search(history, max_total_epochs=60, constraints=["precision>=0.5"])
    assert run.best
    assert run.best.feasible
    assert fmean(result.config["x"] >= 0.5 for result in run.trials) > 0.5


def test_configurations_known_to_be_good_come_first(history: Path) -> None:
    run = search(history, max_total_epochs=40, initial=[{"x": 0.5, "y": 0.5}])
    first = [result for result in run.trials if result.job.trial.operator == "initial"]
    assert [result.epochs for result in first] == [1, 3, 9]
    assert list(run.trials[:3]) == first


@pytest.mark.parametrize("stop", [1, 4, 9])
def test_stopped_it_goes_on_as_if_it_had_not_been(history: Path, tmp_path: Path, stop: int) -> None:
    whole = search(history, max_total_epochs=60, run_dir=tmp_path / "whole")
    assert len(whole.trials) > 9
    search(history, max_total_epochs=60, run_dir=tmp_path / "cut", callbacks=[after(stop)])
    search(history, max_total_epochs=60, run_dir=tmp_path / "cut")
    assert lines(tmp_path / "cut") == lines(tmp_path / "whole")


KILLED = """
import sys
import time
from tests.strategies.earlier import SHORT, hill, nas, plane
def slowly(config, **job):
    time.sleep(0.03)
    return hill(0.3, 0.7)(config, **job)
nas.search(plane(), slowly, strategy="transfer", history=sys.argv[1], max_total_epochs=60, run_dir=sys.argv[2], **SHORT)
"""


def test_killed_it_goes_on_as_if_it_had_not_been(history: Path, tmp_path: Path) -> None:
    process = python(KILLED, history, tmp_path / "killed")
    wait_for_lines(tmp_path / "killed" / "journal.jsonl", 6, process)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert not (tmp_path / "killed" / "history.jsonl").exists()
    for folder in ("killed", "whole"):
        search(history, max_total_epochs=60, run_dir=tmp_path / folder)
    assert lines(tmp_path / "killed") == lines(tmp_path / "whole")


def test_a_limit_on_trials_is_kept_and_the_best_of_them_fully_trained(history: Path) -> None:
    run = search(history, max_trials=7)
    assert len({result.job.trial.id for result in run.trials}) == 7
    assert run.best
    assert run.best.epochs == 9


def test_any_number_of_workers_gives_the_same_history(history: Path, tmp_path: Path) -> None:
    for workers in (0, 2):
        search(history, max_total_epochs=40, workers=workers, run_dir=tmp_path / str(workers))
    assert lines(tmp_path / "0") == lines(tmp_path / "2")


def test_more_epochs_go_on_from_the_history_that_was(history: Path, tmp_path: Path) -> None:
    search(history, max_total_epochs=20, run_dir=tmp_path)
    before = lines(tmp_path)
    run = search(history, max_total_epochs=60, run_dir=tmp_path)
    assert lines(tmp_path)[: len(before)] == before
    assert 50 < run.total_epochs <= 60


def test_a_history_that_has_grown_meanwhile_is_told_and_changes_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    grown = remembered(tmp_path / "own.sqlite", {"one": NEAR["one"]})
    whole = search(grown, max_total_epochs=40, run_dir=tmp_path / "whole")
    search(grown, max_total_epochs=40, run_dir=tmp_path / "cut", callbacks=[after(3)])
    remembered(tmp_path / "own.sqlite", {"other": (0.9, 0.1)})
    with caplog.at_level(logging.WARNING, "nas"):
        search(grown, max_total_epochs=40, run_dir=tmp_path / "cut")
    assert "has changed since" in caplog.text
    assert lines(tmp_path / "cut") == lines(tmp_path / "whole")
    grown.unlink()  # nor is it needed
    assert results(search(grown, max_total_epochs=40, run_dir=tmp_path / "cut")) == results(whole)


def test_who_asks_and_tells_has_the_same_history(history: Path) -> None:
    train = hill(*TOP)
    with nas.AskTell(plane(), history=history, strategy="transfer", max_total_epochs=40, **SHORT) as asked:
        while job := asked.ask():
            asked.tell(job, train(job.config, epochs=job.epochs))
    assert results(asked.close()) == results(search(history, max_total_epochs=40))


# Where earlier tasks do not help


def test_without_a_history_it_says_so_and_searches(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "nas"):
        run = search(None, max_total_epochs=60)
    assert "no history was given: the search goes on by the strategy evolution" in caplog.text
    assert results(run) == results(search(None, strategy="evolution", max_total_epochs=60))


def test_with_a_history_of_another_space_it_says_so_and_searches(
    history: Path, caplog: pytest.LogCaptureFixture
) -> None:
    space = ConfigurationSpace({"x": (0.0, 2.0), "y": (0.0, 1.0)})
    asked: dict[str, Any] = {"max_total_epochs": 40, "history": history, **SHORT}
    with caplog.at_level(logging.WARNING, "nas"):
        run = nas.search(space, hill(*TOP), strategy="transfer", **asked)
    assert "the history has nothing of this space" in caplog.text
    assert results(run) == results(nas.search(space, hill(*TOP), **asked))


def test_after_many_trainings_here_it_says_so_and_goes_on(
    history: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nas.strategies.transfer.SPOKEN", 10)
    with caplog.at_level(logging.WARNING, "nas"):
        run = search(history, max_trials=40)
    assert "configurations of this task say more than earlier tasks: the search goes on by" in caplog.text
    assert {result.job.trial.id[0] for result in run.trials} == {"t", "g"}


def test_where_no_earlier_task_is_alike_it_says_so_and_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    far = remembered(tmp_path / "far.sqlite", {"one": (0.95, 0.05), "two": (0.9, 0.1)})
    with caplog.at_level(logging.WARNING, "nas"):
        run = search(far, max_total_epochs=150, run_dir=tmp_path / "run")
    assert "no earlier task is like this one" in caplog.text
    ids = [result.job.trial.id for result in run.trials]
    assert any(each.startswith("t") for each in ids)
    assert any(each.startswith("g0.") for each in ids)
    search(far, max_total_epochs=150, run_dir=tmp_path / "cut", callbacks=[after(len(ids) - 5)])
    search(far, max_total_epochs=150, run_dir=tmp_path / "cut")
    assert lines(tmp_path / "cut") == lines(tmp_path / "run")


@pytest.mark.parametrize("content", [None, b"", b"no history" * 100])
def test_what_is_no_history_is_told_in_a_line(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "h").write_bytes(content)
    with pytest.raises(UserError, match=str(tmp_path / "h")):
        search(tmp_path / "h", max_trials=3)


def test_it_is_not_its_own_way_out() -> None:
    with pytest.raises(UserError, match="another strategy"):
        search(None, strategy={"name": "transfer", "otherwise": "transfer"}, max_trials=3)


# Other strategies are founded by what is recommended


@pytest.mark.parametrize(("strategy", "scheduler"), [("evolution", "halving"), ("random", "full"), ("random", "asha")])
def test_recommendations_found_a_search(history: Path, strategy: str, scheduler: str) -> None:
    run = search(history, strategy=strategy, scheduler=scheduler, max_total_epochs=100)
    begun = [result.job.trial for result in run.trials if not result.job.start]
    recalled = [trial.config for trial in begun if trial.operator == "recall"]
    assert 3 <= len(recalled) <= 10
    assert fmean(map(height, recalled)) > fmean(map(height, pool(history)))
    assert scheduler == "asha" or any(trial.operator == "sample" for trial in begun)


def test_a_founded_evolution_goes_on_after_a_stop(history: Path, tmp_path: Path) -> None:
    asked: dict[str, Any] = {"strategy": "evolution", "max_total_epochs": 120}
    search(history, run_dir=tmp_path / "whole", **asked)
    search(history, run_dir=tmp_path / "cut", callbacks=[after(7)], **asked)
    search(history, run_dir=tmp_path / "cut", **asked)
    assert lines(tmp_path / "cut") == lines(tmp_path / "whole")


def test_a_run_keeps_what_it_has_read(history: Path, tmp_path: Path) -> None:
    search(history, max_total_epochs=20, run_dir=tmp_path)
    with History(history) as given, History(tmp_path / "experience.sqlite") as kept:
        (digest,) = kept.spaces()
        assert kept.curves(digest) == given.curves(digest)
        assert kept.tasks(digest) == given.tasks(digest)
