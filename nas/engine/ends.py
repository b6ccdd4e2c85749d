"""Why did a search end?"""

from nas.engine.signals import exit_status

TIME = "time limit"
LIMIT = "limit on trials or epochs"
NOTHING = "nothing left to try"
CALLBACK = "callback"  # asked to stop
CLOSED = "closed"  # by who asks and tells, before the search was done
INTERRUPTED = "interrupted"  # by Ctrl-C


class Stop:
    """Who asks the search to end at its next result: a signal, a callback, Ctrl-C. Of several the first counts."""

    def __init__(self) -> None:
        self.reason = ""

    def ask(self, reason: str) -> None:
        """Ask for it."""
        self.reason = self.reason or reason


def goes_on(stopped: str) -> bool:
    """Return whether a run that was stopped so can be resumed with more to do."""
    return stopped in (TIME, CALLBACK, CLOSED) or exit_status(stopped) != 0
