"""Which network does a name mean? One of torchvision or timm, of a function of the user's, or of a space."""

from difflib import get_close_matches
from pathlib import Path

from nas.core.errors import UserError
from nas.spaces import known as spaces
from nas.spaces.models import functions, of_spaces, timm_models, torchvision_models
from nas.spaces.models.model import Model
from nas.spaces.name import FUNCTION, SPACE, TIMM, Name

TRAINED = ("learning_rate", "weight_decay", "momentum")  # what is searched of a model's training, or given
PARAMETERS = ("pretrained", *TRAINED)


def find(name: Name, what: str = "space") -> Model:
    """Return the network that `name` means.

    Raises UserError for one that there is not, as for an unknown `what`, and for parameters that it does not have.
    """
    own = {each: value for each, value in name.given if each not in PARAMETERS}
    if name.source == SPACE:
        return of_spaces.of(name.called, own, str(name))
    if name.source == FUNCTION:
        found: Model | None = functions.of(Path(name.called), name.function)
    elif name.source == TIMM:
        found = timm_models.of(name.called)
    else:
        found = torchvision_models.of(name.called)
    if found is None:
        raise UserError(_unknown(name, what))
    if own:
        raise UserError(f"{found.name} has no parameter {next(iter(own))!r}: it has {', '.join(PARAMETERS)}")
    return found


def _unknown(name: Name, what: str) -> str:
    """Return that there is no such, with the names next to it."""
    if name.called in spaces.names():
        return f"{name}: for the network of a space write model/{name}"
    if name.source == TIMM:
        near = _near(f"timm/{name.called}", [f"timm/{each}" for each in timm_models.names()])
    else:
        near = _near(name.called, [*spaces.names(), *torchvision_models.names()])
    if near:
        return f"unknown {what} {name.called!r}: did you mean {' or '.join(near)}?"
    known = f"{', '.join(spaces.names())}, a FILE.py, a model of torchvision such as resnet18, timm/NAME"
    return f"unknown {what} {name.called!r}: choose one of {known}, or FILE.py:function"


def _near(word: str, known: list[str]) -> list[str]:
    return get_close_matches(word, known, 3)
