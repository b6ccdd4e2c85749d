"""Who decodes image files while others compute? Processes without torch, which end with the one that started them.

They are none of `multiprocessing`: a worker process may have them, too, and nobody's script is imported again.
"""

from __future__ import annotations

import atexit
import json
import math
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from io import BufferedIOBase
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from nas.core.errors import UserError
from nas.data.paths import names_of
from nas.data.picture import Assumed, pixels
from nas.data.pixels import Ranges
from nas.data.shared import Shared

_SERVE = "import sys; sys.path[:] = sys.argv[2:]; from nas.data.decoders import serve; serve(int(sys.argv[1]))"
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
_REQUESTS = 2**18  # bytes of requests that wait for a process without anybody's waiting for it: of 2,000 files
_HEAD = 4  # bytes of an answer: how long the text of an error is that follows, 0 where all went well

Pixels = np.ndarray[Any, np.dtype[np.uint8]]


@dataclass(frozen=True)
class Task:
    """What image files become: uint8 of `shape` (channels, height, width)."""

    shape: tuple[int, int, int]
    ranges: Ranges
    assumed: Assumed | None = None


class Team:
    """Processes that share every batch. They leave its pixels in shared memory: so none waits for who fetches them."""

    def __init__(self, count: int) -> None:
        self._memory = Shared.new()
        self._members = [_started(self._memory.file) for _ in range(count)]

    def __len__(self) -> int:
        return len(self._members)

    def ask(self, task: Task, paths: Sequence[Path], place: int) -> None:
        """Let them decode files to the bytes of their memory from `place` on, which must have been fetched."""
        each = math.prod(task.shape)
        self._memory.grow(place + len(paths) * each)
        for member, part in zip(self._members, self._parts(len(paths)), strict=True):
            self._send(member, task, paths[part], place + part.start * each)

    def fetch(self, into: Pixels, place: int) -> None:
        """Write the pixels that were asked for at `place` into `into`: those first that were asked for first.

        Raises UserError for a file that cannot be decoded, RuntimeError where a process has died.
        """
        for member in self._members:
            self._wait_for(member)
        into.reshape(-1)[:] = self._memory.bytes(place, into.size)

    def rest(self) -> None:
        """Give back the memory; all must have been fetched."""
        self._memory.empty()

    def end(self) -> None:
        """End the processes, whatever they are at."""
        self._memory.close()
        for member in self._members:
            member.kill()
        for member in self._members:
            with suppress(OSError):  # of a pipe that they no longer read
                member.communicate()

    def _parts(self, count: int) -> list[slice]:
        """Return which of `count` images each process has."""
        ends = [number * count // len(self) for number in range(len(self) + 1)]
        return [slice(start, stop) for start, stop in pairwise(ends)]

    def _send(self, member: subprocess.Popen[bytes], task: Task, paths: Sequence[Path], place: int) -> None:
        request = {**asdict(task), "files": names_of(paths), "place": place}
        try:
            _pipe(member.stdin).write(json.dumps(request).encode() + b"\n")
            _pipe(member.stdin).flush()
        except BrokenPipeError:
            raise _dead(member) from None

    def _wait_for(self, member: subprocess.Popen[bytes]) -> None:
        head = _pipe(member.stdout).read(_HEAD)
        told = int.from_bytes(head, "big")
        if told:
            raise UserError(_pipe(member.stdout).read(told).decode("utf-8", "surrogateescape"))
        if len(head) < _HEAD:
            raise _dead(member)


_idle = list[Team]()  # what they were started for is done: starting one takes as long as decoding 100 images


@contextmanager
def lent(count: int) -> Iterator[Team]:
    """Yield `count` processes. Where the block ends in the midst of a batch they are ended."""
    waiting = next((team for team in _idle if len(team) == count), None)
    if waiting:
        _idle.remove(waiting)
    team = waiting or Team(count)
    try:
        yield team
    except BaseException:
        team.end()
        raise
    team.rest()
    _idle.append(team)


@atexit.register
def _end_all() -> None:
    while _idle:
        _idle.pop().end()


os.register_at_fork(after_in_child=_idle.clear)  # they go on working for the parent alone


def _started(memory: int) -> subprocess.Popen[bytes]:
    """Return a new process, deaf to Ctrl-C, which is for the one that started it to hear."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])  # it inherits the mask
    try:
        return subprocess.Popen(
            [sys.executable, "-c", _SERVE, str(memory), *map(str, sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=[memory],
            pipesize=_REQUESTS,
            env={**os.environ, **_ONE_THREAD},
        )
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _dead(member: subprocess.Popen[bytes]) -> RuntimeError:
    return RuntimeError(f"a process that decodes images died with exit status {member.wait()}")


def _pipe(end: Any) -> BufferedIOBase:
    assert isinstance(end, BufferedIOBase), "pipes of a process are buffered"
    return end


def serve(file: int) -> None:
    """Decode what standard input asks for to shared memory, until it ends, as it does with the process that asks."""
    answers, memory = os.fdopen(os.dup(1), "wb"), Shared(file)
    os.dup2(2, 1)  # nothing that is printed may come between
    with suppress(BrokenPipeError):
        for line in sys.stdin.buffer:
            _answer(json.loads(line), answers, memory)


def _answer(request: dict[str, Any], answers: BinaryIO, memory: Shared) -> None:
    shape, place, assumed = request["shape"], request["place"], _assumed(request["assumed"])
    each = math.prod(shape)
    try:
        for index, file in enumerate(request["files"]):
            decoded = pixels(Path(file), (shape[1], shape[2]), None, request["ranges"], assumed)
            memory.bytes(place + index * each, each)[:] = decoded.reshape(-1)
    except UserError as error:
        told = str(error).encode("utf-8", "surrogateescape")
        answers.write(len(told).to_bytes(_HEAD, "big") + told)
    else:
        answers.write(bytes(_HEAD))
    answers.flush()


def _assumed(told: dict[str, Any] | None) -> Assumed | None:
    return Assumed(**{**told, "size": told["size"] and tuple(told["size"])}) if told else None
