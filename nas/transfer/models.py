"""Which model learns from earlier tasks? The mixture of them, or AT2 as it was published."""

from collections.abc import Callable

from nas.core.errors import UserError
from nas.transfer.belief import Belief
from nas.transfer.past import Past


def learn(past: Past, model: str = "mixture") -> Belief:
    """Return what `past` teaches: by the "mixture" of old tasks, or by "at2", the Gaussian process of Xiao et al. 2021.

    Raises UserError for another model.
    """
    if model not in _MODELS:
        raise UserError(f"unknown model {model!r} of earlier tasks: choose one of {', '.join(_MODELS)}")
    return _MODELS[model](past)


def _mixture(past: Past) -> Belief:
    from nas.transfer.mixture import Mixture  # here, since each needs another library

    return Mixture.of(past)


def _at2(past: Past) -> Belief:
    from nas.transfer.at2.belief import AT2

    return AT2.of(past)


_MODELS: dict[str, Callable[[Past], Belief]] = {"mixture": _mixture, "at2": _at2}
