"""Which trial trains next, and how far? One short coroutine a strategy; each sees the lab only."""

from nas.engine import Strategy
from nas.strategies.default import default
from nas.strategies.evolution import evolution
from nas.strategies.random import random

STRATEGIES: dict[str, Strategy] = {"evolution": evolution, "random": random, "default": default}
