"""Is memory counted as what a process may take: with caches that would be given up, within its container?"""

from pathlib import Path

import pytest

from nas.data.memory import available_memory

GIB = 2**30
FILES = {
    "proc/meminfo": "MemTotal: 16777216 kB\nMemFree: 1048576 kB\nMemAvailable: 8388608 kB\n",
    "proc/self/cgroup": "0::/user/job\n",
    "sys/fs/cgroup/user/job/memory.max": "max\n",
    "sys/fs/cgroup/user/job/memory.current": f"{GIB}\n",
}


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, 8 * GIB),
        ({"sys/fs/cgroup/user/job/memory.max": f"{3 * GIB}\n"}, 2 * GIB),
        ({"sys/fs/cgroup/user/memory.max": f"{4 * GIB}\n", "sys/fs/cgroup/user/memory.current": f"{3 * GIB}\n"}, GIB),
        (
            {
                "sys/fs/cgroup/user/job/memory.max": f"{3 * GIB}\n",
                "sys/fs/cgroup/user/job/memory.stat": f"anon 5\ninactive_file {GIB // 2}\n",
            },
            2 * GIB + GIB // 2,
        ),
        ({"sys/fs/cgroup/user/job/memory.max": f"{GIB // 2}\n"}, 0),
        (
            {
                "proc/self/cgroup": "5:cpu:/x\n4:memory:/job\n",
                "sys/fs/cgroup/memory/job/memory.limit_in_bytes": f"{2 * GIB}\n",
                "sys/fs/cgroup/memory/job/memory.usage_in_bytes": f"{GIB}\n",
            },
            GIB,
        ),
        ({"proc/self/cgroup": "4:memory:/job\n",
          "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n"}, 8 * GIB),
    ],
)  # fmt: skip
def test_the_least_of_machine_and_container_counts(tmp_path: Path, changed: dict[str, str], expected: int) -> None:
    for name, text in {**FILES, **changed}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert available_memory(tmp_path) == expected


def test_where_nothing_is_told_the_system_is_asked(tmp_path: Path) -> None:
    assert available_memory(tmp_path) > 0 and available_memory() > 0
