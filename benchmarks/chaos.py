"""python -m benchmarks.chaos: a real training run, killed at random again and again, must end with the same history.

An engine with 2 workers trains networks on digits-m. At random moments kill -9 hits the engine or one of its workers;
a killed engine is started again. At the end the history is compared with that of an undisturbed run. The networks are
small, so that hardly a job meets three kills: it would rightly be CRASHED.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from nas.core.units import positive
from nas.runs.journal import read
from tests.processes import alive, workers_of

Deaths = list[tuple[float, int]]
ROOT = Path(__file__).resolve().parents[1]
FLAGS = ("--data", "digits-m", "--seed", "123", "--min-precision", "0.39", "--workers", "2", "--quiet")
SIZE = ("--epochs", "9", "--folds", "2", "--max-time", "none", "--max-macs", "2e5", "--constraint", "train_seconds<=3")


def engine(folder: Path, epochs: int) -> "subprocess.Popen[bytes]":
    """Start the run in `folder`, or go on with it."""
    command = [sys.executable, "-m", "nas.main"]
    if (folder / "command.json").exists() and (folder / "spec.json").exists():
        command += ["resume", str(folder), "--quiet"]
    else:
        command += [*FLAGS, *SIZE, "--max-total-epochs", str(epochs), "--run-dir", str(folder.parent)]
        command += ["--name", folder.name]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=sys.stderr, start_new_session=True)


def results(folder: Path) -> list[dict[str, Any]]:
    """Return the committed results, whole lines only."""
    path = folder / "journal.jsonl"
    return [record for _, _, record in read(path) if isinstance(record, dict)] if path.exists() else []


def disturbed(folder: Path, epochs: int, kills: int, every: float, rng: random.Random) -> tuple[Counter[str], Deaths]:
    """Run until the end, killing at random moments; return how many were killed, and (moment, process) of each."""
    count, deaths, process = Counter[str](), list[tuple[float, int]](), engine(folder, epochs)
    while process.poll() is None or process.returncode < 0:
        if process.returncode is not None:
            process = engine(folder, epochs)
        while process.poll() is None and not workers_of(process.pid):
            time.sleep(0.02)  # it still starts
        wait_until(process, time.monotonic() + rng.uniform(0.2, 2) * every)
        if count["engine"] + count["worker"] >= kills or process.poll() is not None:
            process.wait()
            continue
        committed = results(folder)
        victim = process.pid if rng.random() < 0.3 else rng.choice(workers_of(process.pid) or [process.pid])
        kind = "engine" if victim == process.pid else "worker"
        if alive(victim):
            os.kill(victim, signal.SIGKILL)
            deaths.append((time.monotonic(), victim))
            count[kind] += 1
            if kind == "engine":
                process.wait()
                count["lost results"] += committed != results(folder)[: len(committed)]
    return count, deaths


def repeated(log: Path, deaths: Deaths) -> float:
    """Return the seconds that processes had spent on jobs when they died with them, or their engine did."""
    begun, last = dict[int, float](), dict[int, float]()
    for line in log.read_text().splitlines():
        point, process, moment = line.split()
        last[int(process)] = float(moment)
        if point.startswith("job.prepared"):
            begun[int(process)] = float(moment)
        elif point.startswith("job.trained"):
            begun.pop(int(process), None)
    ends = {process: moment for moment, process in deaths}
    moments = sorted(ends.values())
    return sum(
        ends.get(process, next((moment for moment in moments if moment >= last[process]), last[process])) - start
        for process, start in begun.items()
    )


def wait_until(process: "subprocess.Popen[bytes]", moment: float) -> None:
    while time.monotonic() < moment and process.poll() is None:
        time.sleep(0.02)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=positive, default=50)
    parser.add_argument("--epochs", type=positive, default=1300, help="of training in all")
    parser.add_argument("--every", type=float, default=5.0, help="seconds between kills, on average")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        quiet, hurt = Path(name) / "quiet", Path(name) / "hurt"
        began = time.monotonic()
        if engine(quiet, asked.epochs).wait():
            return 1
        undisturbed = time.monotonic() - began
        os.environ["NAS_FAULT_LOG"] = str(Path(name) / "points")
        count, deaths = disturbed(hurt, asked.epochs, asked.kills, asked.every, random.Random(asked.seed))
        elapsed = time.monotonic() - began - undisturbed
        same = (quiet / "history.jsonl").read_bytes() == (hurt / "history.jsonl").read_bytes()
        found = results(hurt)
        retries = sum(result["attempts"] - 1 for result in found)
        failed = sum(result["status"] != "OK" for result in found)
        print(f"{count['engine']} engines and {count['worker']} workers killed; {len(found)} results, {failed} failed")
        print(f"{retries} jobs tried again within a run; lost results: {count['lost results']}")
        print(f"training repeated: {repeated(Path(name) / 'points', deaths):.0f} s")
        print(f"{undisturbed:.0f} s undisturbed, {elapsed:.0f} s with kills and starting again")
        print("identical history" if same else "ANOTHER HISTORY")
        return 0 if same and not count["lost results"] else 1


if __name__ == "__main__":
    sys.exit(main())
