"""Where does randomness come from? From here alone: every draw has a seed named by its logical place in the run."""

import hashlib
import json

import numpy as np


def seed(*path: int | str) -> int:
    """Return a seed in [0, 2**63) that depends on `path` only, such as (run seed, "g", 3, "b", 1, 7).

    Equal paths give equal seeds on every machine and in any order of calls, so no generator state is ever carried.
    """
    digest = hashlib.blake2b(json.dumps(path).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def generator(*path: int | str) -> np.random.RandomState:
    """Return a fresh generator for `path`; the class is the one ConfigSpace draws from."""
    return np.random.RandomState(np.random.PCG64(seed(*path)))
