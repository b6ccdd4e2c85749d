"""Random search: every sample is trained to the end."""

from contextlib import suppress

from benchmarks.meter import Meter, Spent


def random_search(meter: Meter, seed: int) -> None:
    """Draw from the space."""
    space = meter.problem.lookup.space
    space.seed(seed)
    with suppress(Spent):
        while True:
            for config in space.sample_configuration(100):
                meter(dict(config))
