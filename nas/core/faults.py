"""Where may a crash be put? Named points, which do nothing unless the environment variable NAS_FAULT arms one.

NAS_FAULT="journal.written:3:kill" kills the process when it comes to that point for the third time; the actions are
kill, full (no space left on the device) and stop (the process stands still). NAS_FAULT_LOG=FILE lists every point as
it is passed, with process and time. The tests crash a run at each of them.
"""

import errno
import os
import signal
import time
from collections import Counter
from pathlib import Path

_passed = Counter[str]()


def point(name: str) -> None:
    """Pass the point `name`, or suffer what NAS_FAULT says."""
    armed, log = os.environ.get("NAS_FAULT"), os.environ.get("NAS_FAULT_LOG")
    if not armed and not log:
        return
    _passed[name] += 1
    if log:
        with Path(log).open("a") as file:
            file.write(f"{name}:{_passed[name]} {os.getpid()} {time.monotonic()}\n")
    at, hit, action = (armed or "::").split(":")
    if (at, hit) == (name, str(_passed[name])):
        _suffer(action)


def _suffer(action: str) -> None:
    if action == "full":
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    os.kill(os.getpid(), {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}[action])
