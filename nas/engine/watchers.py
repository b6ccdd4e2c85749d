"""Who is told of each committed result? Trackers, which must not disturb, and callbacks, which may ask to stop."""

import logging
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Protocol

import numpy as np

from nas.core.spec import RunSpec
from nas.core.types import Result


class View(Protocol):
    """What a tracker may look at."""

    @property
    def spec(self) -> RunSpec:
        """What was asked for."""
        ...

    @property
    def history(self) -> Sequence[Result]:
        """Every result of the run so far, in logical order."""
        ...


class Tracker(Protocol):
    """Is told each committed result; what it raises is logged."""

    def __call__(self, lab: View, result: Result) -> None: ...


Callback = Callable[[Result], object]  # is told each committed result; True asks to stop, an error is the caller's


class Watchers:
    """All who look on."""

    def __init__(self, trackers: Sequence[Tracker] = (), callbacks: Sequence[Callback] = ()) -> None:
        self._trackers, self._callbacks = trackers, callbacks

    def tell(self, lab: View, result: Result) -> bool:
        """Return whether a callback asks to stop; all are told. Raises what a callback raises."""
        for tracker in self._trackers:
            try:
                tracker(lab, result)
            except Exception:  # whoever watches must not disturb
                logging.getLogger(__name__).warning("a tracker failed", exc_info=True)
        answers = [_asks_to_stop(callback, result) for callback in self._callbacks]  # all of them are told
        return any(answers)


def _asks_to_stop(callback: Callback, result: Result) -> bool:
    """Return whether `callback` returns True for `result`, of which it is given a copy: it may change that."""
    own = replace(result, metrics=dict(result.metrics), details=deepcopy(result.details), curve=deepcopy(result.curve))
    answer = callback(own)
    return isinstance(answer, (bool, np.bool_)) and bool(answer)
