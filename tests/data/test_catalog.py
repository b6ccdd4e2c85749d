"""Are data sets found by name, listed honestly, and unknown ones refused, all without a slow import?"""

import subprocess
import sys
from pathlib import Path

import pytest

from nas.core.errors import UserError
from nas.data import load, sources


def test_listing_names_costs_no_heavy_import() -> None:
    code = (
        "import sys; from nas.data import sources; [each.present() for each in sources()]; "
        "print({'torch', 'torchvision', 'sklearn', 'scipy', 'PIL'} & set(sys.modules))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "set()"


def test_what_the_listing_tells() -> None:
    assert {each.name: each.classes for each in sources()} == {
        "digits-m": 10, "digits": 10, "flowers17": 17, "flowers102": 102, "cifar10": 10, "fashion-mnist": 10,
    }  # fmt: skip
    assert all(each.description and "\n" not in each.description for each in sources())


def test_only_the_bundled_data_sets_are_present_before_a_download() -> None:
    assert [each.name for each in sources() if each.present()] == ["digits", "digits-m"]


def test_present_data_sets_have_the_classes_listed() -> None:
    for each in sources():
        if each.present():
            assert len(load(each.name).classes) == each.classes


@pytest.mark.parametrize("name", ["digit", "no/such/directory", __file__])
def test_an_unknown_name_is_told_with_the_known_ones(name: str) -> None:
    known = "cifar10, digits, digits-m, fashion-mnist, flowers102, flowers17"
    with pytest.raises(UserError) as error:
        load(name)
    assert str(error.value) == f"unknown data set {name!r}: give a directory or one of {known}"


def test_a_directory_of_a_data_set_s_name_needs_a_slash(
    make_folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_folder().rename(tmp_path / "digits")
    monkeypatch.chdir(tmp_path)
    assert load("digits").classes == tuple("0123456789")
    assert load("./digits").classes == ("cat", "dog")


def test_odd_parts_and_sizes_are_told() -> None:
    with pytest.raises(UserError, match="unknown part 'val' of a data set: give train or test"):
        load("digits", "val")
    with pytest.raises(UserError, match="image size 0 is too small: give at least 1 pixel"):
        load("digits", image_size=0)
