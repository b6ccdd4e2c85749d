"""What was appended is there afterwards, also after a crash or on a full disk; or the journal says what is wrong."""

import json
import os
import socket
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nas.core.errors import Corrupt
from nas.runs.disk import write_atomically
from nas.runs.journal import Journal
from tests.fakes import python

RECORDS: list[dict[str, Any]] = [
    {"trial": 0, "accuracy": 0.5, "error": "first\nsecond line \r\u2028"},
    {"trial": 1, "accuracy": 0.25, "details": {"curve": [1, 2, 3]}},
    {"trial": 2, "name": 'naïve \\ "quoted"'},
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "journal.jsonl"
    with Journal(file) as journal:
        for record in RECORDS:
            journal.append(record)
    return file


def read(path: Path) -> list[dict[str, Any]]:
    with Journal(path) as journal:
        return list(journal)


def test_records_survive_reopening_in_the_order_of_their_appending(path: Path) -> None:
    assert read(path) == RECORDS
    with Journal(path) as journal:
        journal.append({"trial": 3})
        assert list(journal) == [*RECORDS, {"trial": 3}]
    assert read(path) == [*RECORDS, {"trial": 3}]


def test_without_a_path_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with Journal() as journal:
        journal.append(RECORDS[0])
        assert list(journal) == []
    assert list(tmp_path.iterdir()) == []


def test_a_last_line_torn_anywhere_is_cut_and_the_rest_kept(path: Path) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    assert len(lines) == len(RECORDS)
    for length in range(len(lines[-1])):
        path.write_bytes(b"".join(lines[:-1]) + lines[-1][:length])
        assert read(path) == RECORDS[:-1]
        assert path.read_bytes() == b"".join(lines[:-1])
    with Journal(path) as journal:
        journal.append(RECORDS[-1])
    assert read(path) == RECORDS


def test_a_flipped_byte_in_a_middle_line_is_refused_naming_the_line(path: Path) -> None:
    whole = path.read_bytes()
    middle = whole.rstrip().rindex(b"\n") + 1
    for place, byte in enumerate(whole[:middle]):
        number = whole[:place].count(b"\n") + 1
        for flipped in {byte ^ 1 << place % 8, *b"\n\r\0"} - {byte}:
            content = whole[:place] + bytes([flipped]) + whole[place + 1 :]
            corrupt = path.with_name(f"{place}-{flipped}.jsonl")
            corrupt.write_bytes(content)
            start = whole.rfind(b"\n", 0, place) + 1
            with pytest.raises(Corrupt, match=rf"line {number}, byte {start}: .* --repair-to {number - 1}$"):
                read(corrupt)
            assert corrupt.read_bytes() == content


def test_a_corrupt_journal_opens_again_once_it_is_restored(path: Path) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"0.5", b"0.9"))
    with pytest.raises(Corrupt, match="line 1, byte 0: the checksum is wrong"):
        read(path)
    path.write_bytes(whole)
    assert read(path) == RECORDS


def test_a_second_process_is_refused_while_the_first_has_the_journal(path: Path) -> None:
    code = "import sys; from pathlib import Path; from nas.runs.journal import Journal; Journal(Path(sys.argv[1]))"
    with Journal(path):
        second = python(code, path)
        _, errors = second.communicate()
        assert second.returncode != 0
        assert "InUse" in errors and f"in use by process {os.getpid()} on {socket.gethostname()}" in errors
    third = python(code, path)
    assert third.wait() == 0, third.communicate()


FILL = """
import resource, sys
from pathlib import Path
from nas.core.errors import DiskFull
from nas.runs.journal import Journal
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
with Journal(Path(sys.argv[1])) as journal:
    for number in range(100):
        try:
            journal.append({"trial": number, "padding": "x" * 50})
        except DiskFull:
            print(number, journal.lines)
            break
"""


def test_a_full_disk_is_told_and_leaves_a_readable_journal(tmp_path: Path) -> None:
    process = python(FILL, tmp_path / "journal.jsonl")
    output, errors = process.communicate()
    assert process.returncode == 0, errors
    written, remembered = map(int, output.split())
    assert written > 5
    assert remembered == written
    assert (tmp_path / "journal.jsonl").read_bytes().endswith(b"\n")
    assert [record["trial"] for record in read(tmp_path / "journal.jsonl")] == list(range(written))


@settings(max_examples=15)
@given(st.text(), st.text())
@example("", "long" * 10_000)
def test_an_atomic_write_replaces_all_and_leaves_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, before: str, after: str
) -> None:
    folder = tmp_path_factory.mktemp("atomic")
    for text in (before, after):
        write_atomically(folder / "spec.json", json.dumps(text))
        assert json.loads((folder / "spec.json").read_text()) == text
    assert [file.name for file in folder.iterdir()] == ["spec.json"]
