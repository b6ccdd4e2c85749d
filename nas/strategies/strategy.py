"""Which strategy is meant? One of `nas/strategies/` by name, the user's own coroutine, or one in a file of theirs."""

import inspect
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from nas.core import parts
from nas.core.errors import UserError
from nas.core.imported import imported
from nas.core.numbers import shown
from nas.core.parameters import parameter
from nas.core.parts import Part, part

if TYPE_CHECKING:
    from nas.strategies.lab import Lab

Coroutines = Callable[[Any], Coroutine[Any, Any, None]]  # of a Lab


@dataclass(frozen=True)
class Strategy(Part):
    """Which configurations are tried."""

    endless: ClassVar[bool] = True  # whether it goes on for as long as the limits allow
    partial: ClassVar[bool] = False  # whether less than a full training is of use to it

    async def __call__(self, lab: "Lab") -> None:
        """Have trials trained by `lab` until it allows none."""
        raise NotImplementedError


@part("strategy", "own")
@dataclass(frozen=True)
class Own(Strategy):
    """A strategy of the user's: `async def mine(lab)`, known by where it is defined and by the digest of that file."""

    hidden: ClassVar[bool] = True

    where: str = parameter("", "FILE.py:NAME, or the name of the function")
    source: str = parameter("", "digest of its file")
    function: Coroutines | None = field(default=None, compare=False, repr=False)

    async def __call__(self, lab: "Lab") -> None:
        if self.function is None:
            told = "is a program of yours: give it by strategy=, or by --strategy FILE.py:NAME"
            raise UserError(f"the strategy {self.where} {told}")
        await self.function(lab)

    def described(self) -> dict[str, Any]:
        """Return where it is defined, and the digest of that file."""
        return {"name": self.name, "where": self.where, "source": self.source}


def strategy(given: object) -> Strategy:
    """Return the strategy that `given` names: a name or a mapping, "FILE.py:NAME", or a coroutine function.

    Raises UserError where there is none.
    """
    if isinstance(given, Strategy):
        return given
    if isinstance(given, str) and ".py:" in given:
        return _in_file(given)
    if callable(given):
        return _own(given, f"{_module_of(given)}.{getattr(given, '__qualname__', type(given).__qualname__)}")
    found: Strategy = parts.made("strategy", given)
    return found


def _in_file(given: str) -> Strategy:
    """Return the strategy NAME of the file FILE.py."""
    path, _, name = given.rpartition(":")
    module = imported(Path(path), f"the strategy {given}: the file")
    found = getattr(module, name, None)
    if not callable(found):
        raise UserError(f"the strategy {given}: {path} has no function {name}")
    if inspect.isclass(found):
        found = found()
    return _own(found, given)


def _own(given: Any, where: str) -> Own:
    function = given if inspect.isroutine(given) else type(given).__call__
    if not inspect.iscoroutinefunction(function):
        raise UserError(f"strategy is {shown(given)}, but must be a name, or a function: async def mine(lab)")
    try:
        file = inspect.getsourcefile(function)
        digest = blake2b(Path(file or "").read_bytes(), digest_size=8).hexdigest()
    except (TypeError, OSError):
        digest = ""
    return Own(where, digest, given)


def _module_of(given: object) -> str:
    return str(getattr(given, "__module__", ""))
