"""How does a training that was stopped or killed go on? Its state is kept in a file now and then."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from nas.training import state
from nas.training.together import sharing
from nas.training.training import Training


@dataclass
class Keeper:
    """The file at `path`, which is `owner`'s; `seconds` are the most that a kill costs.

    Of processes that train together the first reads and writes it.
    """

    path: Path
    owner: str
    seconds: float
    _saved: float = field(default_factory=time.monotonic)

    def resume(self, training: Training) -> bool:
        """Bring `training` to where it was when it was kept; return whether that could be."""
        saved = sharing().from_first(lambda: state.load(self.path, self.owner))
        if saved is None:
            return False
        training.load_state_dict(saved)
        return True

    def now_and_then(self, training: Training) -> None:
        """Keep the training between two steps if that was long ago."""
        if time.monotonic() - self._saved > self.seconds:
            self.save(training)

    def save(self, training: Training) -> None:
        """Keep the training as it is."""
        if sharing().first:
            state.save(self.path, training.state_dict(), self.owner)
        self._saved = time.monotonic()


@contextmanager
def ctrl_c_noted() -> Iterator[Callable[[], bool]]:
    """Yield what tells whether Ctrl-C was pressed in the block: the step at hand is finished; the second is at once.

    Main thread only: elsewhere it cannot be heard.
    """
    pressed = list[bool]()
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return

    def note(number: int, frame: FrameType | None) -> None:
        if pressed:
            raise KeyboardInterrupt
        pressed.append(True)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield lambda: bool(pressed)
    finally:
        signal.signal(signal.SIGINT, before)
