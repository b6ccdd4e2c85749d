"""Tables answer many workers at once, in a time that nobody waits for."""

from pathlib import Path
from unittest import mock

import pytest

import nas
from benchmarks.tables.hpolib import hpolib
from benchmarks.virtual import VirtualWorkers
from nas.core.types import Job


@pytest.mark.parametrize("strategy", ["random", "evolution"])
def test_a_table_is_searched_by_many_workers_in_the_run_time_that_it_knows(strategy: str, tmp_path: Path) -> None:
    table = hpolib("naval_propulsion")

    def seconds(job: Job) -> float:
        return table.metrics(job.trial.config.values, job.stop)["train_time"]

    def search(workers: int) -> tuple[nas.Run, VirtualWorkers]:
        pool = VirtualWorkers(workers, table.metrics, seconds)
        with mock.patch("nas.asked.Machine.executor", lambda *_: pool):
            return nas.search(
                table.space, table, measure=table.cheap, objective=table.objective, maximize=table.maximize,
                constraints=["params<=5000", "train_time<=100"], strategy=strategy, max_epochs=table.max_epochs,
                budget="full", max_trials=40, offspring=10, run_dir=tmp_path / str(workers),
            ), pool  # fmt: skip

    (one, alone), (five, together) = search(1), search(5)
    assert [(each.job.key, each.metrics) for each in one.trials] == [(e.job.key, e.metrics) for e in five.trials]
    assert one.best and one.best.metrics["train_time"] <= 100 and one.best.metrics["params"] <= 5000
    assert alone.now == pytest.approx(alone.busy) and together.busy == pytest.approx(alone.busy)
    assert together.busy / 5 <= together.now < alone.now / 3
