"""Which strategy is asked for?"""

from functools import partial

from nas.core.spec import RunSpec
from nas.engine.lab import Strategy
from nas.strategies.asha import asha
from nas.strategies.default import default
from nas.strategies.evolution import evolution
from nas.strategies.random import random


def strategy_of(spec: RunSpec) -> Strategy:
    """Return the strategy that `spec` asks for. ASHA knows no generations: it breeds child by child."""
    if spec.budget == "asha" and spec.strategy != "default":
        return partial(asha, evolve=spec.strategy == "evolution")
    return {"evolution": evolution, "random": random, "default": default}[spec.strategy]
