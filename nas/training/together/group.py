"""Which processes train together, and how does the first make the others do what it does?"""

import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NoReturn, ParamSpec, TypeVar

import cloudpickle
import torch
from torch import distributed
from torch.distributed.distributed_c10d import PrefixStore
from torch.distributed.rendezvous import rendezvous

from nas.core.errors import Diverged, UserError

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

_VARIABLES = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")  # of torchrun
_UNTIL_CALLED = timedelta(days=20)  # gloo counts milliseconds in 32 bits
PATIENCE = timedelta(seconds=60)  # for the others to fail as this process did


@dataclass(eq=False)
class Together:
    """The processes that torchrun started, as one of them sees them, or a process alone."""

    rank: int = 0
    count: int = 1
    at_work: bool = False  # in a call, where all do the same
    lost: bool = False  # one has left a call that the others are still in
    calls: int = 0  # so far
    messages: Any = None  # the process group that calls go through, apart from what trains
    store: Any = None  # what any process can read whenever another has written it

    @property
    def first(self) -> bool:
        """Whether this process leads, and is the one that writes."""
        return self.rank == 0

    def call(self, function: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        """Return function(*args, **kwargs), which every process calls; alone, and in a call, it is just called.

        An error that all raise alike, such as Diverged, goes on to the caller here, and the others wait for the next
        call. Any other ends the process, by which torchrun ends the rest: they could never meet again.
        """
        if self.count == 1 or self.at_work:
            return function(*args, **kwargs)
        if self.lost:
            _end(UserError("the processes cannot train together any more, since one was stopped in a call"))
        self._tell([cloudpickle.dumps(function), cloudpickle.dumps((args, kwargs))])
        with self._working():
            return function(*args, **kwargs)

    def follow(self) -> None:
        """Do all that the first process calls, until it dismisses the others; Ctrl-C is left to the first."""
        before, function = b"", cloudpickle.loads  # of no call yet
        with _deaf_to_ctrl_c():
            while told := self._tell([]):
                if told[0] != before:  # else it is called again with what it has loaded, such as images
                    before, function = told[0], cloudpickle.loads(told[0])
                args, kwargs = cloudpickle.loads(told[1])
                with suppress(Exception), self._working():  # none but what the first tells its caller
                    function(*args, **kwargs)
        _leave()

    def dismiss(self) -> None:
        """Let the others go; nothing where there are none, or where they cannot hear of it any more."""
        if self.count > 1 and not self.lost:
            self._tell([])
            _leave()

    def from_first(self, function: Callable[[], Result]) -> Result:
        """Return in every process what `function` returns in the first, which alone calls it.

        What depends on files, clocks and signals is decided so. A UserError is raised in all.
        """
        if not self.at_work:
            return function()
        found: list[Any] = [None, None]
        if self.first:
            try:
                found[0] = function()
            except UserError as error:
                found[1] = error
        found = self._tell(found)
        if found[1] is not None:
            raise found[1]
        result: Result = found[0]
        return result

    def _tell(self, message: list[Any]) -> list[Any]:
        """Return the message of the first process."""
        told = [message]
        try:
            distributed.broadcast_object_list(told, src=0, group=self.messages)
        except RuntimeError as error:
            _end(UserError(f"the processes have lost each other: {str(error).partition(chr(10))[0]}"))
        return told[0]

    @contextmanager
    def _working(self) -> Iterator[None]:
        self.at_work, self.calls = True, self.calls + 1
        try:
            yield
        except Exception as error:
            if not self._all_raise(error):
                _end(error)
            raise
        except BaseException as error:  # such as Ctrl-C
            self.lost = True
            self._leave_word(error)
            raise
        finally:
            self.at_work = False

    def _all_raise(self, error: Exception) -> bool:
        """Return whether every process has left the call with this error, which they all do at the same place."""
        self._leave_word(error)
        keys = [self._key(rank) for rank in range(self.count)]
        with suppress(RuntimeError):  # the others are still in it
            self.store.wait(keys, PATIENCE)
            return len({self.store.get(key) for key in keys}) == 1
        return False

    def _leave_word(self, error: BaseException) -> None:
        """Let the others know how this process has left the call."""
        with suppress(RuntimeError):  # what kept the words is gone, and torchrun with it
            self.store.set(self._key(self.rank), repr(error))

    def _key(self, rank: int) -> str:
        return f"{self.calls}/{rank}"


_ALONE = Together()
_current = _ALONE


def current() -> Together:
    """Return the processes that were begun with this one."""
    return _current


def sharing() -> Together:
    """Return the processes that share the training at hand: those begun with this one in a call, else it is alone."""
    return _current if _current.at_work else _ALONE


def begin(device: str) -> Together:
    """Return the processes that torchrun started, once they have all come; this one alone where it started none.

    They speak by gloo on "cpu", and by nccl on "cuda", where each has the GPU of its number on its machine. Raises
    UserError where there is no such GPU, and where variables of torchrun are missing.
    """
    global _current
    if int(os.environ.get("WORLD_SIZE", "1")) == 1 or _current.count > 1:
        return _current
    if missing := [name for name in _VARIABLES if name not in os.environ]:
        raise UserError(f"WORLD_SIZE is set, but {', '.join(missing)} are not: start the processes by torchrun")
    on_gpu = torch.device(device).type == "cuda"
    if on_gpu:
        _take_gpu(int(os.environ["LOCAL_RANK"]))
    shared, rank, count = next(rendezvous("env://"))
    store = PrefixStore(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0"), shared)  # apart from what killed ones wrote
    distributed.init_process_group("nccl" if on_gpu else "gloo", store=store, rank=rank, world_size=count)
    messages = distributed.new_group(backend="gloo", timeout=_UNTIL_CALLED)
    _current = Together(rank, count, messages=messages, store=store)
    return _current


def _take_gpu(number: int) -> None:
    if number >= torch.cuda.device_count():
        raise UserError(
            f"there are more processes than the {torch.cuda.device_count()} GPUs of this machine: "
            "torchrun --nproc-per-node is to be that number at most"
        )
    torch.cuda.set_device(number)


def _leave() -> None:
    global _current
    _current = _ALONE
    distributed.destroy_process_group()


def _end(error: Exception) -> NoReturn:
    """End this process with the error, past whoever would catch it: the others wait for what it cannot do any more."""
    if isinstance(error, UserError | Diverged):
        print(f"error: {error}", file=sys.stderr)
    else:
        traceback.print_exception(error)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(getattr(error, "exit_status", 1))


@contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
