"""A run lives where it is put: other folders, other locales, names that are no UTF-8, no home, closed streams."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from nas.main import main
from tests.cli.commands.test_command_line import DENSE, ROOT, image_folder, refused
from tests.processes import PATIENCE

QUICK = ("--epochs", "2", "--eta", "2", "--min-epochs", "1", "--folds", "1", "--workers", "0", "--max-trials", "4",
         "--max-macs", "none", "--quiet")  # fmt: skip
WHOLE = {**os.environ, "PYTHONPATH": str(ROOT)}
PLAIN = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Path:
    """Return a run of images and a space that were named by relative paths; the folder with all is the current one."""
    monkeypatch.chdir(tmp_path)
    image_folder(tmp_path / "images")
    Path("dense.py").write_text(DENSE)
    assert main(["--data", "images", "--space", "dense.py", "--run-dir", "runs", "--name", "run", *QUICK]) == 0
    capfd.readouterr()
    return tmp_path / "runs/run"


def test_a_run_goes_on_from_any_folder_and_with_its_data_and_space_moved(
    run: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    root, history = run.parents[1], (run / "history.jsonl").read_bytes()
    shutil.copytree(run, root / "before")
    for file in ("command.json", "spec.json", "best.json"):  # as they were written before
        text = (run / file).read_text().replace(f"{root}/images", "images").replace(f"{root}/dense.py", "dense.py")
        (root / "before" / file).write_text(text)
    assert '"images"' in (root / "before/spec.json").read_text()
    assert main(["resume", "before", "--quiet"]) == 0
    monkeypatch.chdir("/")
    for words in (["resume", str(run), "--quiet"], ["evaluate", str(run / "best.json")], ["report", str(run)]):
        assert main(words) == 0
    (root / "images").rename(root / "moved")
    (root / "dense.py").rename(root / "thin.py")
    capfd.readouterr()
    assert f"{root}/images of the run are not there: say by --data" in refused(capfd, "resume", run)
    asked = ["--data", str(root / "moved")]
    assert "say by --space" in refused(capfd, "resume", run, *asked)
    for folder in (run, root / "before"):
        assert main(["resume", str(folder), *asked, "--space", str(root / "thin.py"), "--quiet"]) == 0
        assert (folder / "history.jsonl").read_bytes() == history
    assert json.loads((run / "best.json").read_text())["data"] == str(root / "moved")
    assert main(["resume", str(run), "--quiet"]) == 0  # it is told once
    capfd.readouterr()
    other = refused(capfd, "resume", run, "--data", "digits", "--space", root / "thin.py", "--quiet")
    assert f"--data digits is another data set than {run} was begun with" in other
    (root / "thin.py").write_text(DENSE + "# changed\n")
    changed = refused(capfd, "resume", run, *asked, "--space", root / "thin.py", "--quiet")
    assert f"{root}/thin.py is another space than {run} was begun with" in changed


def test_a_run_of_another_version_says_how_to_go_on(run: Path, capfd: pytest.CaptureFixture[str]) -> None:
    spec = json.loads((run / "spec.json").read_text())
    now = spec["details"]["versions"]["torch"]
    spec["details"]["versions"]["torch"] = "1.13.1"
    (run / "spec.json").write_text(json.dumps(spec))
    told = f"was begun with torch 1.13.1, now {now}: go on after pip install torch==1.13.1, or begin a new run"
    assert told in refused(capfd, "resume", run, "--quiet")


def test_every_command_works_without_utf8_in_a_folder_of_any_name(run: Path) -> None:
    odd = Path(os.fsdecode(b"caf\xe9 'x' $HOME"))
    run.rename(odd)
    script = (
        "import os\nfrom nas.cli import streams\nfrom nas.main import main\nstreams.prepare()\n"
        "odd = os.fsdecode(b\"caf\\xe9 'x' $HOME\")\n"
        "for words in (['report', odd], ['verify', odd], ['export', odd, '--format', 'csv'], ['resume', odd],\n"
        "              ['predict', odd, 'images/train/class0/0.png'], ['evaluate', odd + '/best.json'], ['spaces']):\n"
        "    assert main(words) == 0, words\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, env=WHOLE | PLAIN, timeout=PATIENCE)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.isascii() and ended.stderr.isascii()
    assert rb"saved as caf\udce9 'x' $HOME/report.html" in ended.stdout and b"| cnn" in ended.stdout
    assert "│" in (odd / "summary.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("encoding", "expected"), [("ascii", rb"| \xe9 +-5 \U0001f600"), ("latin-1", b"| \xe9 \xb15 \\U0001f600")]
)
def test_what_an_encoding_lacks_is_drawn_alike_or_escaped(encoding: str, expected: bytes) -> None:
    assert printed("print('│ é ±5 😀')", "cat", {"PYTHONIOENCODING": encoding}) == (0, expected + b"\n", b"")


def test_output_that_nobody_reads_ends_in_silence_and_a_full_disk_is_told() -> None:
    much = "for number in range(10**5): print(number)"
    assert printed(much, "head -1") == (0, b"0\n", b"")
    told = b"nas: standard output cannot be written: No space left on device\n"
    assert printed(much, "cat", redirected="> /dev/full") == (4, b"", told)
    assert printed(much, "cat", redirected=">&-") == (0, b"", b"")


def printed(
    code: str, reader: str, environment: dict[str, str] | None = None, redirected: str = ""
) -> tuple[int, bytes, bytes]:
    """Return the status of a process with our streams that prints by `code`, what `reader` takes of it, its errors."""
    script = f"import sys\nfrom nas.cli import streams\nstreams.prepare()\n{code}\nsys.exit(streams.concluded(0))"
    piped = f'{sys.executable} -c "$1" {redirected} | {reader}; exit ${{PIPESTATUS[0]}}'
    ended = subprocess.run(
        ["bash", "-c", piped, "bash", script], capture_output=True, env=WHOLE | (environment or {}), timeout=PATIENCE
    )
    return ended.returncode, ended.stdout, ended.stderr


def test_unnamed_runs_of_the_same_second_have_folders_of_their_own(run: Path) -> None:
    words = ["--data", "images", "--space", "dense.py", "--run-dir", "both", *QUICK]
    assert (main(words), main(words)) == (0, 0)
    both = [folder / "history.jsonl" for folder in Path("both").iterdir()]
    assert len(both) == 2 and both[0].read_bytes() == both[1].read_bytes()


def test_a_search_runs_with_its_streams_closed(run: Path) -> None:
    words = f"--data images --space dense.py --run-dir runs --name closed {' '.join(QUICK)}"
    ended = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m nas.main {words} >&- 2>&- <&-"],
        env=WHOLE,
        timeout=PATIENCE,
    )
    assert ended.returncode == 0
    assert (run.parent / "closed/history.jsonl").read_bytes() == (run / "history.jsonl").read_bytes()
    assert main(["verify", str(run.parent / "closed")]) == 0


def test_who_has_no_home_is_given_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from nas.cli import home

    def unknown() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", unknown)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("HOME", "")
    home.prepare()
    assert Path(os.environ["HOME"]) == tmp_path / f"nas-{os.getuid()}"
    assert Path(os.environ["HOME"]).stat().st_mode & 0o777 == 0o700


def test_runs_and_spaces_whose_names_are_no_utf8_are_kept_and_compared(
    run: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    odd, space = os.fsdecode(b"caf\xe9"), Path(os.fsdecode(b"d\xe9.py"))
    space.write_text(DENSE)
    words = ["--data", "images", "--space", str(space), "--run-dir", "runs", "--name", odd, *QUICK]
    assert main(words) == 0
    assert "trained network saved as" in capfd.readouterr().out
    assert main(["report", f"runs/{odd}", str(run)]) == 0
    assert r"caf\udce9" in Path("runs", odd, "report.html").read_text(encoding="utf-8")
    assert main(["verify", f"runs/{odd}"]) == 0
