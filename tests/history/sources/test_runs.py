"""Does a run's folder give its curves: every epoch that is known, of validation, by the seed of the trial?"""

import math
import shutil
from pathlib import Path
from typing import Any

import pytest

import nas
from nas.core.described import described, digest
from nas.core.errors import Diverged, UserError
from nas.core.types import Status
from nas.history.history import History
from nas.history.sources import runs
from nas.runs.stored import open_run
from tests.fakes import hill, hills, params


def told(config: dict[str, Any], *, epochs: int, start: int, **job: Any) -> dict[str, Any]:
    """Return metrics and a curve of every epoch; some trials fail, some values are not known."""
    if config["depth"] == 3 and epochs > 1:
        raise Diverged("the loss is inf")
    points = [{"epoch": epoch, **hill(config, epoch)} for epoch in range(start + 1, epochs + 1)]
    points[0]["precision"] = math.nan
    return {**hill(config, epochs), "test_accuracy": 1.0, "recall": math.nan, "curve": points}


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a search of the library, whose trainer tells curves."""
    run = tmp_path_factory.mktemp("runs") / "library"
    nas.search(
        hills(), told, measure=lambda config: {"params": params(config)}, max_trials=30, seed=3, run_dir=run,
        strategy="random", max_epochs=9, min_epochs=1, eta=3, workers=0,
    )  # fmt: skip
    return run


def test_a_curve_has_every_epoch_that_is_known_of_validation(searched: Path) -> None:
    (found,) = runs.found(searched, "hills")
    stored = open_run(searched)
    trials = {result.job.trial.id: result.job.trial for result in stored.history}
    failed = {result.job.trial.id for result in stored.history if result.status is not Status.OK}
    fine = {result.job.trial.id: result.job.stop for result in stored.history if result.job.trial.id not in failed}
    assert failed and len(found.curves) == len(fine) and set(fine.values()) == {1, 3, 9}
    assert found.digest == digest(described(hills()))
    for curve, (trial, stop) in zip(found.curves, fine.items(), strict=True):
        assert (curve.config, curve.seed) == (trials[trial].config, trials[trial].seed)
        assert list(curve.points) == list(range(1, stop + 1)) and curve.full_epochs == 9
        for epoch, point in curve.points.items():
            assert point["accuracy"] == hill(curve.config.values, epoch)["accuracy"]
            assert set(point) <= {"accuracy", "precision"}
        assert "precision" in curve.points[stop] and curve.cheap == {"params": params(curve.config.values)}
        assert list(curve.seconds) == [rung for rung in (1, 3, 9) if rung <= stop]
        assert sorted(curve.seconds.values()) == list(curve.seconds.values())


def test_failed_trials_are_left_out_and_told(searched: Path) -> None:
    (found,) = runs.found(searched, "hills")
    assert all(curve.config.values["depth"] != 3 or list(curve.points) == [1] for curve in found.curves)
    (note,) = found.notes
    assert note.startswith("failed trials are left out: ") and note.endswith("DIVERGED")


def test_a_run_without_data_needs_a_name_for_its_task(searched: Path) -> None:
    with pytest.raises(UserError, match="does not say what data it trained on: name the task by --task"):
        runs.found(searched)


def test_a_run_that_went_on_makes_its_curves_longer(searched: Path, tmp_path: Path) -> None:
    part = tmp_path / "run"
    shutil.copytree(searched, part)
    (part / "history.jsonl").unlink()
    journal = part / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[: len(lines) // 2]))
    with History(tmp_path / "history.db", create=True) as history:
        runs.found(part, "hills")[0].add_to(history)
        added = runs.found(searched, "hills")[0].add_to(history)
        assert added.new and added.longer
    with History(tmp_path / "other.db", create=True) as other, History(tmp_path / "history.db") as history:
        (whole,) = runs.found(searched, "hills")
        whole.add_to(other)
        assert {*map(repr, other.curves(whole.digest))} <= {*map(repr, history.curves(whole.digest))}


def test_images_of_another_size_are_another_task() -> None:
    from nas.history.sources.data import name_of

    assert name_of({"data": "/home/me/photos", "image_size": 32}) == "photos@32"
    assert name_of({"data": "digits-m", "image_size": None}) == "digits-m"


def test_a_comparison_gives_each_of_its_runs(searched: Path, tmp_path: Path) -> None:
    for name in ("evolution-seed0", "random-seed0"):
        shutil.copytree(searched, tmp_path / name)
    (tmp_path / "comparison.json").write_text('{"strategies": []}')
    assert [Path(each.source).name for each in runs.found(tmp_path, "hills")] == ["evolution-seed0", "random-seed0"]


@pytest.mark.parametrize(
    ("content", "says"), [("{}", "a comparison that has no run yet"), ('{"policies": []}', "a study of learning rates")]
)
def test_a_folder_that_has_no_curves_is_told(tmp_path: Path, content: str, says: str) -> None:
    (tmp_path / "comparison.json").write_text(content)
    with pytest.raises(UserError, match=says):
        runs.found(tmp_path, "hills")


def test_a_run_without_a_result_or_cut_is_told(searched: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(searched, run)
    (run / "history.jsonl").unlink()
    content = (run / "journal.jsonl").read_bytes()
    (run / "journal.jsonl").write_bytes(content[: len(content) // 2])
    with pytest.raises(UserError, match=r"journal\.jsonl, line \d+, byte \d+: the line has no end"):
        runs.found(run, "hills")
    (run / "journal.jsonl").write_bytes(b"")
    with pytest.raises(UserError, match="has no result of a training yet"):
        runs.found(run, "hills")
