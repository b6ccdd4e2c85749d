"""Is this a configuration of the space?"""

from collections.abc import Mapping
from typing import Any

from ConfigSpace import Configuration, ConfigurationSpace

from nas.errors import UserError
from nas.types import Config


def checked_config(space: ConfigurationSpace, values: Mapping[str, Any], source: str) -> Config:
    unknown = sorted(set(values) - set(space))
    if unknown:
        raise UserError(f"{source}: unknown {unknown}")
    try:
        Configuration(space, values=dict(values))
    except Exception as error:
        raise UserError(f"{source}: {error}") from None
    return Config.of(values)
