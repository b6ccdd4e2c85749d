"""Which network is that of a space? The one of its default configuration, with a few values in place of those."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from ConfigSpace.util import deactivate_inactive_hyperparameters
from torch import nn

from nas.core.described import digest
from nas.core.errors import UserError
from nas.core.numbers import spoken
from nas.core.types import Config
from nas.core.words import unknown
from nas.spaces.known import Shape, Space, is_known, load_known, names
from nas.spaces.models.model import Model


def of(called: str, given: Mapping[str, Any], name: str) -> Model:
    """Return the network of the space `called`. Raises UserError for values that are not of the space."""
    if not is_known(called):
        raise UserError(unknown("space", called, names()))
    space = load_known(called)
    config = _configuration(space, given, name)
    source = digest({"space": space.source, "config": config.values})
    return Model(name, partial(_made, space, config), source)


def _configuration(space: Space, given: Mapping[str, Any], name: str) -> Config:
    """Return the default configuration with the values `given`: what these wake has its own default."""
    trainers = {source: setting for setting, source in space.trainer.items() if isinstance(source, str)}
    for each in given:
        if each in trainers:
            raise UserError(f"{name}: {each} is the {spoken(trainers[each])} of its training, no part of the network")
    values = {**space.default, **given}
    if all(each in space.space for each in given):
        every = {each: hyperparameter.default_value for each, hyperparameter in space.space.items()} | values
        try:
            active = set(deactivate_inactive_hyperparameters(every, space.space))
        except ValueError:  # of a value that is not legal: which one, the check tells
            active = set(values)
        values = {each: value for each, value in every.items() if each in active or each in given}
    return space.config(values, name)


def _made(space: Space, config: Config, shape: Shape, classes: int) -> nn.Module:
    return space.build(config.values, shape, classes)
