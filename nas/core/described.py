"""How is a space written down? What makes it the space it is, in JSON's terms."""

from collections.abc import Mapping
from copy import deepcopy
from hashlib import blake2b
from typing import Any

from ConfigSpace import ConfigurationSpace

from nas.core.plain import canonical
from nas.core.values import check


def described(space: ConfigurationSpace) -> dict[str, Any]:
    """Return what makes `space` the space it is, in JSON's terms: not its name, nor the version of ConfigSpace.

    Raises UserError for a choice that JSON cannot give back.
    """
    check(space)
    description = space.to_serialized_dict()
    return {key: description[key] for key in ("hyperparameters", "conditions", "forbiddens")}


def digest(description: Mapping[str, Any]) -> str:
    """Return the hash of what `described` returns: 16 hexadecimal digits, by which a space is known."""
    return blake2b(canonical(description).encode(), digest_size=8).hexdigest()


def rebuilt(description: Mapping[str, Any]) -> ConfigurationSpace:
    """Return the space that `described` described."""
    own = deepcopy(dict(description))  # decoding takes it apart
    return ConfigurationSpace.from_serialized_dict({"name": None, "format_version": 0.4, **own})
