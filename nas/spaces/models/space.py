"""What is searched where the network is known? How it is trained: learning rate, weight decay and momentum."""

from ConfigSpace import ConfigurationSpace, Float

from nas.core.described import digest
from nas.core.errors import UserError
from nas.core.numbers import number, spoken
from nas.spaces.known import Space
from nas.spaces.models.building import Build
from nas.spaces.models.find import TRAINED, find
from nas.spaces.models.pretrained import pretrained
from nas.spaces.name import Name, parse

DEFAULT = {"learning_rate": 0.001, "weight_decay": 0.001, "momentum": 0.9}
# A setting that ends in "?" is given to optimizers that take it only.
_SETTINGS = {"learning_rate": "learning_rate", "weight_decay": "weight_decay?", "momentum": "momentum?"}


def space_of(text: str, what: str = "space") -> Space:
    """Return the space of the model that `text` names: its values that are given are fixed, the others searched.

    Raises UserError for an unknown `what`, and for parameters that the model cannot have.
    """
    name = parse(text)
    model, fixed = find(name, what), _fixed(name)
    given = name.parameters.get("pretrained")
    weights = None if given is None else pretrained(given, model)
    searched = [each for each in TRAINED if each not in fixed]
    return Space(
        str(name), _space(searched), Build(model, weights), {each: DEFAULT[each] for each in searched},
        {_SETTINGS[each]: each for each in searched},
        {"policy": "constant", **{_SETTINGS[each]: value for each, value in fixed.items()}},
        digest({"model": model.digest, "pretrained": weights.digest}) if weights else model.digest,
        one_network=True,
    )  # fmt: skip


def _space(searched: list[str]) -> ConfigurationSpace:
    """Return the hyperparameters, the same for every model: what one has learned of them another may use."""
    found = ConfigurationSpace(name="model")
    ranges = {
        "learning_rate": Float("learning_rate", (1e-4, 0.1), log=True, default=DEFAULT["learning_rate"]),
        "weight_decay": Float("weight_decay", (0.001, 0.05), log=True, default=DEFAULT["weight_decay"]),
        "momentum": Float("momentum", (0.0, 0.999), default=DEFAULT["momentum"]),
    }
    found.add(*(ranges[each] for each in searched))
    return found


def _fixed(name: Name) -> dict[str, float]:
    """Return the values that are given, which need not be in the ranges that are searched."""
    fixed = {each: number(each, name.parameters[each]) for each in TRAINED if each in name.parameters}
    for each, value in fixed.items():
        least = value > 0 if each == "learning_rate" else value >= 0
        if not least or value >= (1 if each == "momentum" else float("inf")):
            ranges = {"learning_rate": "above 0", "weight_decay": "at least 0", "momentum": "at least 0 and below 1"}
            raise UserError(f"{name}: {spoken(each)} is {value:g}, but must be {ranges[each]}")
    return fixed
