"""What can go wrong that has a meaning of its own?"""

import errno
import re


class UserError(ValueError):
    """Bad input, told in one line: what is wrong, where, and what would be right."""

    exit_status = 2


class Corrupt(UserError):  # noqa: N818 (a state of the run)
    """A file of a run is not what the engine wrote."""

    exit_status = 3


class DiskFull(UserError):  # noqa: N818 (a state of the machine)
    """There is no space left to write; nothing committed is lost."""

    exit_status = 4


class InUse(UserError):  # noqa: N818 (a state of the run)
    """Another engine works on the run."""

    exit_status = 5


class ClusterLost(UserError):  # noqa: N818 (a state of the cluster)
    """The cluster lost a job again and again; the trial is not to blame, and the run can go on."""

    exit_status = 6


UNTESTED = 7  # the exit status of a search whose winner could not be trained or tested: what it found stands


class Unbuildable(UserError):  # noqa: N818 (a property of the configuration)
    """The network of a configuration cannot be built; another configuration is drawn instead."""


class Unmeasurable(Unbuildable):
    """Measuring a configuration failed, as the cause tells; another configuration is drawn instead."""


class StrategyFailed(UserError):  # noqa: N818 (as the strategy's author reads it)
    """A strategy has a mistake in its code; the run can go on once that is mended."""


class Diverged(ArithmeticError):  # noqa: N818 (a fate, not a mistake)
    """A trainer raises this when its loss is NaN or infinite; the trial ends with status DIVERGED, ranked last."""


class JobLost(Exception):  # noqa: N818 (an event)
    """An executor raises this when a job vanished through no fault of its own; the engine submits it again."""


class EndOfJob(BaseException):
    """The engine ends the job at hand, past any `except Exception` in it."""


class Interrupted(EndOfJob):
    """A signal asks to stop, in a form that asyncio's tasks can pass on: KeyboardInterrupt would tear down the loop."""


class OutOfTime(EndOfJob):
    """The time limit of the search has passed."""


class LimitReached(EndOfJob):
    """The limits allow no further training: the strategy ends, past any `except Exception` in it."""


_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def disk_is_full(error: BaseException) -> bool:
    """Return whether `error` says that a disk, quota or file size limit is used up; safetensors says it in words."""
    try:
        told = re.search(r"os error (\d+)", str(error))
    except Exception:  # a trainer's, whose text fails
        told = None
    return (isinstance(error, OSError) and error.errno in _FULL) or (told is not None and int(told[1]) in _FULL)
