"""Which configurations found a search? Those that earlier tasks recommend."""

from typing import TYPE_CHECKING

from nas.core.types import Config
from nas.strategies.recalling.candidates import lacks, pool
from nas.strategies.recalling.knots import knots_for

if TYPE_CHECKING:
    from nas.strategies.lab import Lab

MOST = 10


def founders(lab: "Lab") -> list[Config]:
    """Return the configurations that are to be among the first, the best first; none where something was trained."""
    if lacks(lab) or lab.results:
        return []
    from nas.strategies.recalling.adviser import Adviser  # here, for --help to stay quick

    adviser = Adviser(lab, pool(lab), knots_for(lab.spec.scheduler), "mixture")
    return [adviser.configs[place] for place in adviser.ranking(MOST)]
