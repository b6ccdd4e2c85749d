"""Does a search on more images than are read without need go on, and only on the same ones, and tell what is broken?"""

import os
from pathlib import Path
from typing import Any

import pytest

from nas.cli.commands import plan
from nas.data import images, survey
from nas.main import main
from nas.runs.folder import read_spec
from tests.cli.commands.test_command_line import DENSE, QUICK
from tests.data.conftest import MakeFolder, cache, make_folder

__all__ = ["cache", "make_folder"]

MUCH, LITTLE = 10**9, 1  # bytes of memory: all images are kept, or none


@pytest.fixture
def remember(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function that sets how much memory there is; a set of five files is large."""
    monkeypatch.setattr(survey, "SAMPLE", 4)

    def set_memory(size: int) -> None:
        monkeypatch.setattr(plan, "available_memory", lambda: size)
        monkeypatch.setattr(images, "available_memory", lambda: size)

    return set_memory


@pytest.fixture
def begun(tmp_path: Path, make_folder: MakeFolder) -> list[str]:
    """The words of a search on ten images."""
    (tmp_path / "dense.py").write_text(DENSE)
    where = ("--space", str(tmp_path / "dense.py"), "--run-dir", str(tmp_path), "--name", "run")
    return [*where, "--data", str(make_folder()), *QUICK[2:], "2", "--workers", "0", "--strategy", "random"]


@pytest.mark.parametrize(("first", "then"), [(MUCH, LITTLE), (LITTLE, MUCH)])
def test_a_run_goes_on_whether_its_images_fit_in_memory_or_not(
    tmp_path: Path, begun: list[str], remember: Any, first: int, then: int
) -> None:
    remember(first)
    assert main(begun) == 0
    before = read_spec(tmp_path / "run").details["data_digest"]
    assert before.startswith("listing-") == (first == LITTLE)
    remember(then)
    assert main(["resume", str(tmp_path / "run"), "--max-trials", "4"]) == 0
    assert read_spec(tmp_path / "run").details["data_digest"] == before
    assert main(["verify", str(tmp_path / "run")]) == 0
    assert main(["evaluate", str(tmp_path / "run" / "best.json"), "--quiet"]) == 0
    assert not list((tmp_path / "run").glob("best.evaluated-*"))  # they are those that the search trained on
    image = tmp_path / "pets/train/dog/3.png"
    image.write_bytes((image.parent / "2.png").read_bytes())
    assert main(["evaluate", str(tmp_path / "run" / "best.json"), "--quiet"]) == 0
    assert list((tmp_path / "run").glob("best.evaluated-*"))


def test_images_of_other_times_or_sizes_are_told(
    tmp_path: Path, begun: list[str], remember: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    remember(LITTLE)
    assert main(begun) == 0
    image = tmp_path / "pets/train/dog/3.png"
    os.utime(image, (1, 1))
    assert main(["resume", str(tmp_path / "run")]) == 2
    assert "copy them with their times (cp -p, rsync -t), or begin a new run" in capsys.readouterr().err
    image.write_bytes((tmp_path / "pets/train/dog/2.png").read_bytes() + b"more")
    assert main(["resume", str(tmp_path / "run")]) == 2
    assert "is another data set than" in capsys.readouterr().err


def test_a_broken_image_in_the_midst_ends_the_search_and_is_named(
    tmp_path: Path, begun: list[str], remember: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    remember(LITTLE)
    image = tmp_path / "pets/train/dog/3.png"
    image.write_bytes(image.read_bytes()[:100])
    assert main([*begun, "--workers", "1"]) == 2
    err = capfd.readouterr().err
    assert err.count(f"{image}: broken image (") == 1 and "Traceback" not in err
    assert "run folder" in err and not (tmp_path / "run/journal.jsonl").exists()  # it began, and no trial is to blame
