"""Is what stands in for ImageNet laid out as it is, and are images a second those after the first batches?"""

from pathlib import Path
from unittest.mock import patch

import pytest

from benchmarks import throughput
from benchmarks.photographs import make_tree
from benchmarks.throughput import IMAGENET, WARM, clocked, told
from nas.training import official
from nas.training.official import JUDGED
from nas.training.pieces import TRAINING


def test_the_made_photographs_are_a_data_set_judged_by_val(tmp_path: Path) -> None:
    make_tree(tmp_path, images=9, validation=3, classes=3)
    found = official.pieces(str(tmp_path), 32, "cpu")
    assert {name: piece.images.labels.tolist() for name, piece in found.items()} == {
        TRAINING: [0, 0, 0, 1, 1, 1, 2, 2, 2], JUDGED: [0, 1, 2],
    }  # fmt: skip
    make_tree(tmp_path / "again", images=9, validation=3, classes=3)
    assert official.pieces(str(tmp_path / "again"), 32, "cpu")[JUDGED].images.digest == found[JUDGED].images.digest


def test_the_first_batches_are_not_on_the_clock() -> None:
    clock, processor = iter([0.0, 100.0, 104.0]), iter([0.0, 9.0, 10.0])  # at the begin, after the warm-up, at the end
    batches = [("pixels", [0] * size) for size in (*[50] * WARM, 8, 8, 4)]
    times = {"perf_counter": lambda: next(clock), "process_time": lambda: next(processor)}
    with patch.multiple(throughput.time, **times):
        assert clocked(batches, lambda batch: None, "cpu") == (20 / 4, 1000 / 20)


def test_a_ratio_is_of_epochs_that_took_turns() -> None:
    own, base = [(20.0, 5.0), (30.0, 4.0), (400.0, 4.0)], [(10.0, 6.0), (10.0, 6.0), (400.0, 4.0)]
    rate, span, faster, processor, cheaper, hours = told(own, base)
    assert (rate, span, faster, processor, cheaper) == ("30.0", "20.0-400.0", "2.00", "4", "1.20")
    assert float(hours) == pytest.approx(IMAGENET / 30 / 3600, abs=0.01)
