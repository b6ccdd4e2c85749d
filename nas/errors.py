"""What can go wrong that has a meaning of its own?"""


class UserError(ValueError):
    """Bad input, told in one line with exit status 2: what is wrong, where, and what would be right."""


class Unbuildable(UserError):  # noqa: N818 (a property of the configuration)
    """The network of a configuration cannot be built; another configuration is drawn instead."""


class Diverged(ArithmeticError):  # noqa: N818 (a fate, not a mistake)
    """A trainer raises this when its loss is NaN or infinite; the trial ends with status DIVERGED, ranked last."""


class Interrupted(BaseException):
    """Ctrl-C inside a job, in a form that tasks of asyncio can pass on: KeyboardInterrupt would tear down the loop."""


class OutOfTime(BaseException):
    """The time limit of the search has passed; raised inside a job to end it, past any `except Exception`."""
