"""How much memory may a search take? What the machine has available, within the limit of its container."""

import os
from pathlib import Path

_SUPPOSED = 8 * 2**30  # bytes, where the system does not tell
_UNLIMITED = 2**60  # what version 1 of cgroups writes for no limit is larger


def available_memory(root: Path = Path("/")) -> int:
    """Return the bytes of memory available now: caches that the system would give up count as available."""
    return max(0, min([_of_machine(root), *_of_groups(root)]))


def _of_machine(root: Path) -> int:
    available = _fields(root / "proc/meminfo").get("MemAvailable:")
    if available is not None:
        return available * 1024
    if "SC_AVPHYS_PAGES" not in os.sysconf_names:
        return _SUPPOSED
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _of_groups(root: Path) -> list[int]:
    """Return what each control group that this process is in leaves: its limit less what is in use, caches not."""
    left = list[int]()
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, controllers, name = line.split(":", 2)
        if controllers == "":
            left += _left(root / "sys/fs/cgroup", name, "memory.max", "memory.current", "inactive_file")
        elif "memory" in controllers.split(","):
            files = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
            left += _left(root / "sys/fs/cgroup/memory", name, *files)
    return left


def _left(mount: Path, name: str, limit: str, usage: str, cache: str) -> list[int]:
    group, left = mount / name.strip("/"), list[int]()
    while True:  # the limits of the groups above hold, too; in a container only the mount may be there
        most, used = _text(group / limit).strip(), _text(group / usage).strip()
        if most.isdecimal() and used.isdecimal() and int(most) < _UNLIMITED:
            left.append(int(most) - int(used) + _fields(group / "memory.stat").get(cache, 0))
        if group == mount:
            return left
        group = group.parent


def _fields(path: Path) -> dict[str, int]:
    words = (line.split() for line in _text(path).splitlines())
    return {each[0]: int(each[1]) for each in words if len(each) > 1 and each[1].isdecimal()}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
