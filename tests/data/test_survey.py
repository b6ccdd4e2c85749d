"""Is a set of many files used without reading all, and is what the sample did not show told, never guessed?"""

import os
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from nas.core.digests import is_listed, only_times_differ
from nas.core.errors import UserError
from nas.data import check_test_part, load
from nas.data import stream as stream_module
from nas.data import survey as survey_module
from nas.data.catalog import read_training
from nas.data.images import Images
from nas.data.remarks import remarks
from nas.main import main

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four files are what a thousand are otherwise, and worth a process."""
    monkeypatch.setattr(survey_module, "SAMPLE", 4)
    monkeypatch.setattr(stream_module, "WORTH_PROCESSES", 1)


def streamed(folder: Path, part: str = "train", processes: int = 0) -> Images:
    return load(str(folder), part, resident_bytes=0, decoders=processes)


def pixels_of(images: Images) -> torch.Tensor:
    return torch.cat([pixels for pixels, _ in images.batches(torch.arange(len(images)), 3, "cpu")])


def make_links(root: Path, count: int) -> Path:
    """Write an image folder of `count` training and as many test files, links to ten."""
    (root / "some").mkdir(parents=True)
    draw = np.random.RandomState(7)
    for number in range(10):
        noise = draw.randint(0, 256, (70, 70, 3), dtype=np.uint8)
        Image.fromarray(noise).save(root / "some" / f"{number}.jpg")
    for part in ("train", "test"):
        for name in ("cat", "dog"):
            (root / part / name).mkdir(parents=True)
        for number in range(count):
            os.link(root / "some" / f"{number % 10}.jpg", root / part / ("cat", "dog")[number % 2] / f"{number}.jpg")
    return root


COUNTING = """
import os, sys
opened = 0

def count(event, arguments):
    global opened
    opened += event == "open" and str(arguments[0]).endswith(".jpg")

sys.addaudithook(count)
from nas.cli.commands import plan
from nas.training import task
from nas.data.images import Images
from nas.main import main

def first(self, *arguments):
    batch = next(zip(*[decoded(self, *arguments)]))
    print("opened", opened, "of", len(self), flush=True)
    os._exit(0)

decoded, Images.batches = Images.batches, first
plan.available_memory = lambda: 10**6
main(sys.argv[1:])
"""


def test_a_search_begins_to_train_before_it_has_opened_all_files(tmp_path: Path) -> None:
    folder = make_links(tmp_path / "pets", 6000)
    words = ("--data", folder, "--run-dir", tmp_path, "--workers", "0", "--epochs", "1", "--folds", "1")
    found = subprocess.run(
        [sys.executable, "-c", COUNTING, *map(str, words)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    told = re.search(r"opened (\d+) of 6000", found.stdout)
    assert told, found.stderr
    sample, batch = 1024, 512
    assert sample <= int(told[1]) <= 3 * sample + batch  # the plan's and the task's, those of the test part, a batch
    assert "1,024 of 6,000 training images were looked at, by their headers" in found.stderr


@given(st.integers(0, 5000))
def test_a_sample_is_spread_evenly_over_the_files(count: int) -> None:
    chosen = [int(path.name) for path in survey_module.sampled([Path(str(number)) for number in range(count)])]
    gaps = {after - before for before, after in pairwise(chosen)}
    assert len(chosen) == min(count, survey_module.SAMPLE)
    assert not gaps or max(gaps) - min(gaps) <= 1
    assert not chosen or (chosen[0] == 0 and chosen[-1] >= count - max(gaps, default=1))


def save_odd(path: Path, kind: str) -> None:
    """Write an image that is not like those of `make_folder`."""
    values = np.arange(144, dtype=np.uint16).reshape(12, 12)
    if kind == "broken":
        path.write_bytes(path.read_bytes()[:100])
    elif kind == "size":
        Image.new("RGB", (10, 14), "red").save(path)
    elif kind == "16-bit":
        Image.fromarray(values * 28).save(path)
    else:
        Image.fromarray(values.astype(np.float32)).save(path, format="TIFF")


ODD = {
    "broken": r": broken image \(.*\): replace or remove it",
    "size": r": its size is 10x14, and all of the 4 files that were looked at are 12x12: give --image-size, or have",
    "16-bit": r": its pixels are 16-bit values, which none of the 4 files that were looked at has: convert it to bytes",
    "float": r": its pixels are float values, which none of the 4 files that were looked at has: convert it to bytes",
}


@pytest.mark.usefixtures("few_are_many")
@pytest.mark.parametrize("processes", [0, 2])
@pytest.mark.parametrize("kind", ODD)
def test_what_the_sample_did_not_show_is_told_when_it_is_met(make_folder: Any, kind: str, processes: int) -> None:
    folder = make_folder()
    save_odd(folder / "train/cat/4.png", kind)
    images = streamed(folder, processes=processes)  # of 0, 2, 5 and 7 the headers were looked at
    with pytest.raises(UserError, match=re.escape(str(folder / "train/cat/4.png")) + ODD[kind]):
        pixels_of(images)


@pytest.mark.usefixtures("few_are_many")
@pytest.mark.parametrize("kind", ["size", "16-bit", "float"])
def test_once_all_files_are_read_such_a_set_is_what_it_would_be_in_memory(make_folder: Any, kind: str) -> None:
    folder = make_folder()
    for place in ("train/cat/4.png", "test/dog/1.png"):
        save_odd(folder / place, kind)
    sampled = streamed(folder)
    read_training(str(folder))
    for part in ("train", "test"):
        kept, known = load(str(folder), part), streamed(folder, part)
        assert kept.pixels is not None and torch.equal(pixels_of(known), kept.pixels)
        assert (known.ranges, known.assumed) == (kept.ranges, None)
    kept, known = load(str(folder)), streamed(folder)
    assert (known.digest, known.contents, known.notes) == (kept.digest, kept.contents, kept.notes)
    assert is_listed(sampled.digest) and not is_listed(known.digest)


@pytest.mark.usefixtures("few_are_many")
@pytest.mark.parametrize("kind", ["size", "16-bit", "float"])
def test_a_sample_that_is_not_enough_has_all_files_read_once(
    make_folder: Any, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_folder()
    save_odd(folder / "train/cat/2.png", kind)  # of the sample
    kept, known = load(str(folder)), streamed(folder)
    assert kept.pixels is not None and torch.equal(pixels_of(known), kept.pixels)
    if kind == "size":
        assert known.assumed is not None and is_listed(known.digest)  # 64 x 64, whatever the others are
        return
    assert (known.ranges, known.digest, known.notes) == (kept.ranges, kept.digest, kept.notes)
    monkeypatch.setattr(survey_module, "read_all", None)
    assert streamed(folder).ranges == kept.ranges
    os.utime(folder / "train/dog/3.png", (1, 1))
    with pytest.raises(TypeError):  # they are others now, and would be read again
        streamed(folder)


@pytest.mark.usefixtures("few_are_many")
def test_sixteen_bits_that_the_sample_uses_up_need_no_reading(make_folder: Any) -> None:
    folder = make_folder()
    for number, path in enumerate(sorted((folder / "train").glob("*/*"))):
        Image.fromarray(np.arange(144, dtype=np.uint16).reshape(12, 12) * (450 if number % 5 == 0 else 3)).save(path)
    kept, known = load(str(folder)), streamed(folder)
    assert is_listed(known.digest) and kept.pixels is not None
    assert torch.equal(pixels_of(known), kept.pixels)


@pytest.mark.usefixtures("few_are_many")
def test_what_is_remembered_and_damaged_is_read_again(make_folder: Any, cache: Path) -> None:
    folder = make_folder()
    read_training(str(folder))
    known = streamed(folder)
    (file,) = (cache / "surveys").iterdir()
    for damaged in (file.read_text()[:-9], "[]", '{"contents": "", "count": 0}', ""):
        file.write_text(damaged)
        assert is_listed(streamed(folder).digest)
    read_training(str(folder))
    assert streamed(folder).digest == known.digest


@pytest.mark.usefixtures("few_are_many")
def test_broken_headers_of_the_sample_are_told_before_anything_else(make_folder: Any) -> None:
    folder = make_folder()
    for place in ("cat/0.png", "dog/0.png"):
        (folder / "train" / place).write_bytes(b"broken")
    with pytest.raises(UserError, match=r"2 images: .*0\.png.*0\.png"):
        streamed(folder)


@pytest.mark.usefixtures("few_are_many")
def test_a_test_part_of_many_is_sampled_as_well(make_folder: Any) -> None:
    folder = make_folder()
    images = streamed(folder)
    assert len(check_test_part(str(folder), images.ranges, images.assumed).contents) == 4
    assert len(check_test_part(str(folder), images.ranges).contents) == 10
    save_odd(folder / "test/cat/0.png", "16-bit")
    with pytest.raises(UserError, match="16-bit values, which none of the 4 files"):
        check_test_part(str(folder), images.ranges, images.assumed)


@pytest.mark.usefixtures("few_are_many")
def test_a_digest_by_listing_tells_names_sizes_and_times_wherever_the_files_lie(make_folder: Any) -> None:
    folder = make_folder()
    before, kept = streamed(folder).digest, load(str(folder))
    assert is_listed(before) and not is_listed(kept.digest)
    assert kept.digest_like(before) == before and kept.digest_like(kept.digest) == kept.digest
    folder = folder.rename(folder.parent / "elsewhere")
    assert streamed(folder).digest == before
    changed = folder / "train/dog/3.png"
    os.utime(changed, (1, 1))
    assert only_times_differ(before, streamed(folder).digest)
    Image.new("RGB", (12, 12)).save(changed)
    assert is_listed(streamed(folder).digest) and not only_times_differ(before, streamed(folder).digest)
    assert not only_times_differ(before, before) and not only_times_differ(kept.digest, kept.digest[:-1])


@pytest.mark.usefixtures("few_are_many")
def test_nas_data_reads_all_and_tells_of_it(make_folder: Any, capsys: pytest.CaptureFixture[str]) -> None:
    folder = make_folder()
    os.link(folder / "train/cat/0.png", folder / "train/dog/copy.png")
    assert main(["data", str(folder)]) == 0
    out, kept = capsys.readouterr().out, load(str(folder))
    assert f"{folder}: 11 training images 3x12x12, 2 classes" in out
    assert [line for line in remarks(kept, 1, check_test_part(str(folder))) if line in out] != []
    assert f"digest by contents: {kept.digest}\n" in out and f"times: {kept.listing}\n" in out
    (folder / "train/dog/3.png").write_bytes((folder / "train/dog/3.png").read_bytes()[:100])
    assert main(["data", str(folder)]) == 2
    assert "3.png: broken image (" in capsys.readouterr().err
    assert main(["data", "digits"]) == 0 and main(["data", "none"]) == 2
