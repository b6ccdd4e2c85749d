"""How do tests run? Repeatably, on one thread, in memory where there is room, with no time limit per example."""

import os
import shutil
import signal
import tempfile
from pathlib import Path

from hypothesis import settings

# A shell starts background jobs deaf to Ctrl-C, and their children with them.
signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.load_profile("repeatable")
os.environ["WANDB_MODE"] = "disabled"  # whoever runs them may have a key
os.environ.setdefault("OMP_NUM_THREADS", "1")  # tests run side by side, and threads that wait for each other spin

# Each result of a run is synced to disk before it counts: in memory that takes no time, and it is the same calls.
MEMORY, ROOM = Path("/dev/shm"), 4 << 30
if "TMPDIR" not in os.environ and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM:
    os.environ["TMPDIR"] = str(MEMORY)
    tempfile.tempdir = None  # it is asked for anew
