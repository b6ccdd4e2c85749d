"""How long does each trial train? Integer rungs and brackets of successive halving and Hyperband (Li et al. 2018)."""

from dataclasses import dataclass
from itertools import pairwise

from nas.core.errors import UserError


@dataclass(frozen=True)
class Rung:
    """`trials` of them have been trained for `epochs` in all when they are compared."""

    epochs: int
    trials: int


Bracket = tuple[Rung, ...]


def halvings(max_epochs: int, min_epochs: int, eta: int) -> int:
    """Return s_max, the largest s with min_epochs * eta**s <= max_epochs.

    By an integer loop: floor(log(R)/log(eta)) loses a rung on exact powers such as 243 = 3**5.
    """
    if not 1 <= min_epochs <= max_epochs:
        raise UserError(f"min epochs {min_epochs} must lie between 1 and the {max_epochs} epochs of a full training")
    if eta < 2:
        raise UserError(f"eta {eta} must be at least 2: each rung keeps one trial in eta")
    s = 0
    while min_epochs * eta ** (s + 1) <= max_epochs:
        s += 1
    return s


def bracket(max_epochs: int, eta: int, s: int, trials: int) -> Bracket:
    """Return successive halving of `trials` over s halvings, the last rung being exactly `max_epochs`."""
    return tuple(Rung(max_epochs // eta ** (s - i), max(1, trials // eta**i)) for i in range(s + 1))


def hyperband(max_epochs: int, min_epochs: int, eta: int) -> tuple[Bracket, ...]:
    """Return the brackets of one Hyperband round, from the most aggressive to none (s = s_max .. 0).

    n = ceil((s_max + 1) / (s + 1) * eta**s) trials start at R / eta**s epochs; floor(n / eta**i) reach rung i.
    """
    s_max = halvings(max_epochs, min_epochs, eta)
    sizes = {s: -(-(s_max + 1) * eta**s // (s + 1)) for s in range(s_max, -1, -1)}
    return tuple(bracket(max_epochs, eta, s, n) for s, n in sizes.items())


def epochs(bracket: Bracket) -> int:
    """Return how many epochs the bracket trains in all, survivors continuing from their checkpoint."""
    steps = pairwise((Rung(0, 0), *bracket))
    return sum(rung.trials * (rung.epochs - before.epochs) for before, rung in steps)


def trim(planned: Bracket, eta: int, max_trials: float, max_epochs: float) -> Bracket | None:
    """Return the bracket with as many of its trials as both limits allow, or None when not even one fits."""
    top, s = planned[-1].epochs, len(planned) - 1
    for trials in range(int(min(planned[0].trials, max_trials)), 0, -1):
        trimmed = bracket(top, eta, s, trials)
        if epochs(trimmed) <= max_epochs:
            return trimmed
    return None
