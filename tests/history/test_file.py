"""Is a file that is no whole history told in one line, and left as it was? Do writers live side by side, and die?"""

import os
import random
import signal
import sqlite3
import struct
import subprocess
from pathlib import Path

import pytest

from nas.core.errors import Corrupt, UserError
from nas.history.history import History
from nas.history.values import Task
from tests.fakes import python
from tests.history.curves import DIGEST, SPACE, block, curve
from tests.processes import until

ADD = """
import sys
from pathlib import Path
from nas.history.history import History
from tests.history.curves import DIGEST, SPACE, block
path, task, times, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
for each in range(times):
    with History(path, create=True) as history:
        added = history.add(SPACE, DIGEST, [], block(f"{task}{each}", count), task)
        print(added.new, flush=True)
"""


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    path = tmp_path / "history.db"
    with History(path, create=True) as history:
        history.add(SPACE, DIGEST, [], block("cats", 300), "test")
    return path


def told(path: Path, kind: type[UserError] = UserError) -> str:
    """Return what is said of a file that is no whole history, by reading and by adding; it stays as it was."""
    before, said = path.read_bytes(), set[str]()
    for create in (False, True):
        with pytest.raises(kind) as raised, History(path, create=create) as history:
            history.curves(DIGEST)
        said.add(str(raised.value))
    assert path.read_bytes() == before and list(path.parent.iterdir()) == [path]
    (one,) = said
    assert one.startswith(str(path)) and "\n" not in one
    return one


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"there is no history .*gone\.db: nas history add makes one"):
        History(tmp_path / "gone.db")
    with pytest.raises(UserError, match="there is no folder"):
        History(tmp_path / "gone" / "history.db", create=True)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_file_is_no_history_and_becomes_one(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    path.touch()
    with pytest.raises(UserError, match="it is empty"):
        History(path)
    with History(path, create=True) as history:
        history.add(SPACE, DIGEST, [], [curve()], "test")
    with History(path) as history:
        assert history.curves(DIGEST) == [curve()]


def test_a_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="it is a folder"):
        History(tmp_path, create=True)


@pytest.mark.parametrize("content", [b"task,seed\n", b"\0" * 5000, b"x"])
def test_a_file_of_another_kind(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    told(path)


def test_a_file_of_another_program(tmp_path: Path) -> None:
    path = tmp_path / "optuna.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE trials (id)")
    other.close()
    assert "SQLite file of something else" in told(path)


@pytest.mark.parametrize("share", [0.001, 0.01, 0.3, 0.5, 0.9, 0.999])
def test_a_file_that_was_cut(whole: Path, share: float) -> None:
    os.truncate(whole, int(whole.stat().st_size * share))
    told(whole)


def test_a_newer_version(whole: Path) -> None:
    with sqlite3.connect(whole) as other:
        other.execute("PRAGMA user_version = 2")
    other.close()
    assert "written by a newer version" in told(whole)


def test_whatever_changes_on_the_disk_is_told_or_changes_nothing(tmp_path: Path) -> None:
    path, draw, told = tmp_path / "history.db", random.Random(0), 0
    with History(path, create=True) as history:
        history.add(SPACE, DIGEST, [Task("cats", 10, per_class=(4, 6))], block("cats", 50), "test")
        expected = repr((history.spaces(), history.tasks(DIGEST), history.curves(DIGEST)))
    content = path.read_bytes()
    for _ in range(300):
        changed = bytearray(content)
        for _ in range(draw.choice((1, 8, 64))):
            changed[draw.randrange(len(content))] = draw.randrange(256)
        path.write_bytes(changed)
        path.with_name("history.db-journal").unlink(missing_ok=True)
        try:
            with History(path) as history:
                assert repr((history.spaces(), history.tasks(DIGEST), history.curves(DIGEST))) == expected
        except UserError:
            told += 1
    assert 30 < told < 300


def test_a_value_that_has_changed_on_the_disk(whole: Path) -> None:
    content = bytearray(whole.read_bytes())
    content[content.index(struct.pack("<d", 0.123))] ^= 1
    whole.write_bytes(content)
    assert "it does not hold what was written" in told(whole, Corrupt)


def test_a_file_that_may_not_be_written(whole: Path) -> None:
    if not os.geteuid():
        pytest.skip("root may write everywhere")
    whole.chmod(0o400)
    with History(whole) as history, pytest.raises(UserError, match="cannot be used"):
        history.add(SPACE, DIGEST, [], [curve()], "test")


def test_writers_side_by_side_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    writers = [python(ADD, path, task, 8, 20) for task in ("cats", "dogs", "cats")]
    new = sum(int(line) for writer in writers for line in writer.communicate()[0].split())
    assert [writer.returncode for writer in writers] == [0, 0, 0]
    with History(path) as history:
        tasks = [f"{task}{each}" for task in ("cats", "dogs") for each in range(8)]
        expected = [each for task in tasks for each in block(task, 20)]
        found = history.curves(DIGEST)
    assert new == len(found) == len(expected) and {*map(repr, found)} == {*map(repr, expected)}


def test_a_writer_that_is_killed_before_the_end_has_added_nothing(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    with History(path, create=True) as history:
        history.add(SPACE, DIGEST, [], block("cats", 5), "test")
    killed = python(
        ADD.replace("import sys", "import os, sys; os.environ['NAS_FAULT'] = 'history.written:2:kill'", 1),
        path,
        "dogs",
        3,
        4000,
    )
    assert killed.wait() == -signal.SIGKILL
    with History(path) as history:
        assert {*history.tasks(DIGEST)} == {"cats", "dogs0"} and len(history.curves(DIGEST)) == 4005
        assert history.add(SPACE, DIGEST, [], block("dogs1", 7), "test").new == 7


def test_a_writer_that_is_killed_at_any_moment_leaves_whole_additions(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    for turn in range(4):
        writer: subprocess.Popen[str] = python(ADD, path, f"turn{turn}", 1000, 50)
        size = path.stat().st_size if path.exists() else 0
        until(lambda: path.exists() and path.stat().st_size > size + 20_000 * (turn + 1), writer)  # noqa: B023
        os.killpg(writer.pid, signal.SIGKILL)
        done = len(writer.communicate()[0].split())
        with History(path) as history:
            tasks = history.tasks(DIGEST) if history.spaces() else {}
            counts = [len(history.curves(DIGEST, tasks=[task])) for task in tasks]
            own = [task for task in tasks if task.startswith(f"turn{turn}")]
        assert {*counts} <= {50} and len(own) in (done, done + 1)
