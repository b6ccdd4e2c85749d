"""Does a download arrive whole or not at all, and does no archive write outside its place?"""

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from nas.core.errors import UserError
from nas.data.download import cache_dir, fetch, unpack


def tar_of(members: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


ARCHIVE = tar_of({"jpg/a.txt": b"first", "jpg/b.txt": b"second" * 9999})


def everything_in(directory: Path) -> list[str]:
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*"))


def failure(url: str, md5: str, destination: Path) -> str:
    with pytest.raises(UserError) as error:
        fetch(url, md5, destination)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_download_arrives_whole_and_alone(serve, cache: Path) -> None:
    url, md5 = serve.offer("a.tgz", ARCHIVE)
    fetch(url, md5, cache / "deep" / "a.tgz")
    assert (cache / "deep" / "a.tgz").read_bytes() == ARCHIVE
    assert everything_in(cache) == ["deep", "deep/a.tgz"]


def test_the_second_time_needs_no_network(serve, cache: Path) -> None:
    url, md5 = serve.offer("a.tgz", ARCHIVE)
    fetch(url, md5, cache / "a.tgz")
    fetch(url, md5, cache / "a.tgz")
    assert serve.asked == ["/a.tgz"]
    fetch("http://127.0.0.1:9/a.tgz", md5, cache / "a.tgz")


def test_a_file_put_by_hand_needs_no_network(serve, cache: Path) -> None:
    _, md5 = serve.offer("a.tgz", ARCHIVE)
    cache.mkdir()
    (cache / "a.tgz").write_bytes(ARCHIVE)
    fetch("http://127.0.0.1:9/a.tgz", md5, cache / "a.tgz")


def test_a_damaged_file_is_downloaded_again(serve, cache: Path) -> None:
    url, md5 = serve.offer("a.tgz", ARCHIVE)
    cache.mkdir()
    (cache / "a.tgz").write_bytes(ARCHIVE[:-5])
    fetch(url, md5, cache / "a.tgz")
    assert (cache / "a.tgz").read_bytes() == ARCHIVE


def test_an_answer_that_ends_early_is_refused(serve, cache: Path) -> None:
    url, md5 = serve.offer("a.tgz", ARCHIVE)
    serve.cut = 7
    told = failure(url, md5, cache / "a.tgz")
    assert told == (
        f"{url}: cannot be downloaded (the answer ended 7 bytes early): "
        f"try again, or put the file at {cache / 'a.tgz'} by hand"
    )
    assert everything_in(cache) == []


def test_an_answer_with_another_sum_is_refused(serve, cache: Path) -> None:
    url, _ = serve.offer("a.tgz", ARCHIVE)
    told = failure(url, "0" * 32, cache / "a.tgz")
    assert told.startswith(f"{url}: damaged: MD5 ")
    assert f"instead of {'0' * 32}" in told
    assert everything_in(cache) == []


def test_a_failed_download_spares_what_was_there(serve, cache: Path) -> None:
    url, md5 = serve.offer("a.tgz", ARCHIVE)
    serve.cut = 7
    cache.mkdir()
    (cache / "a.tgz").write_bytes(b"older")
    failure(url, md5, cache / "a.tgz")
    assert (cache / "a.tgz").read_bytes() == b"older"


@pytest.mark.parametrize("reason", ["Not Found", "Connection refused"])
def test_a_network_failure_tells_address_reason_and_way_out(serve, cache: Path, reason: str) -> None:
    url = serve.url + "none.tgz" if reason == "Not Found" else "http://127.0.0.1:9/none.tgz"
    told = failure(url, "0" * 32, cache / "a.tgz")
    assert told.startswith(f"{url}: cannot be downloaded (")
    assert reason in told
    assert f"put the file at {cache / 'a.tgz'} by hand" in told
    assert everything_in(cache) == []


def test_a_cache_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    told = failure("http://127.0.0.1:9/a.tgz", "0" * 32, tmp_path / "file" / "a.tgz")
    assert told.startswith(f"{tmp_path / 'file'}: cannot be written to (")
    assert told.endswith("set NAS_DATA_DIR to a directory that can")


def test_the_cache_follows_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NAS_DATA_DIR", str(tmp_path))
    assert cache_dir() == tmp_path
    monkeypatch.delenv("NAS_DATA_DIR")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache_dir() == tmp_path / "home" / ".cache" / "nas"


def test_an_archive_unpacks_into_its_directory_alone(tmp_path: Path) -> None:
    (tmp_path / "a.tgz").write_bytes(ARCHIVE)
    unpack(tmp_path / "a.tgz", tmp_path / "out" / "images")
    assert everything_in(tmp_path / "out") == ["images", "images/jpg", "images/jpg/a.txt", "images/jpg/b.txt"]
    assert (tmp_path / "out" / "images" / "jpg" / "a.txt").read_bytes() == b"first"


def test_what_is_unpacked_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "a.tgz").write_bytes(ARCHIVE)
    (tmp_path / "images").mkdir()
    unpack(tmp_path / "a.tgz", tmp_path / "images")
    assert everything_in(tmp_path) == ["a.tgz", "images"]


@pytest.mark.parametrize("member", ["../x", "jpg/../../x", "../../x"])
def test_a_member_that_would_land_outside_is_refused(tmp_path: Path, member: str) -> None:
    archive = tmp_path / "a.tgz"
    archive.write_bytes(tar_of({"jpg/good.txt": b"good", member: b"evil"}))
    with pytest.raises(UserError) as error:
        unpack(archive, tmp_path / "out" / "images")
    assert str(error.value) == f"{archive}: unsafe member {member!r}: get the archive from elsewhere"
    assert everything_in(tmp_path) == ["a.tgz", "out"]


def test_a_link_that_leads_outside_is_refused(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tgz", "w:gz") as tar:
        link = tarfile.TarInfo("jpg/link")
        link.type, link.linkname = tarfile.SYMTYPE, "../../../secrets"
        tar.addfile(link)
    with pytest.raises(UserError, match="unsafe member 'jpg/link'"):
        unpack(tmp_path / "a.tgz", tmp_path / "images")
    assert everything_in(tmp_path) == ["a.tgz"]


@pytest.mark.parametrize("content", [ARCHIVE[:-40], b"no archive", b""])
def test_a_broken_archive_is_named_and_leaves_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.tgz").write_bytes(content)
    with pytest.raises(UserError) as error:
        unpack(tmp_path / "a.tgz", tmp_path / "images")
    assert str(error.value).startswith(f"{tmp_path / 'a.tgz'}: cannot be unpacked (")
    assert everything_in(tmp_path) == ["a.tgz"]
