"""Which space are curves of? One that is searched here, or LCBench's, which is only remembered."""

from dataclasses import dataclass

from ConfigSpace import ConfigurationSpace

from nas.core.described import described, digest
from nas.history import lcbench


@dataclass(frozen=True)
class Known:
    """A space as a history knows it."""

    name: str
    digest: str
    space: ConfigurationSpace


def known(name: str) -> Known:
    """Return the space called `name`, or that of the file there. Raises UserError where there is none."""
    if name == lcbench.NAME:
        space = lcbench.space()
    else:
        from nas.spaces.space import load

        space = load(name).space
    return Known(name, digest(described(space)), space)
