"""Is this a configuration of the space?"""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

import numpy as np
from ConfigSpace import Configuration, ConfigurationSpace
from ConfigSpace.exceptions import ForbiddenValueError

from nas.core.errors import UserError
from nas.core.types import Config, Value
from nas.core.values import legal, to_vector


def checked_config(space: ConfigurationSpace, values: Mapping[str, Any], source: str) -> Config:
    """Return the configuration of `values`, which come from `source`, every value of the type that the space has.

    Raises one UserError that names all that is wrong with it.
    """
    if not isinstance(values, Mapping):
        raise UserError(f"{source} is {type(values).__name__}, but must be a dict of hyperparameters and their values")
    chosen = dict[str, Value]()
    unknown = [str(name) for name in values if name not in space]
    faults = [*([_unknown(space, unknown)] if unknown else []), *_faults(space, values, chosen)]
    if not faults and space.forbidden_clauses:
        try:
            Configuration(space, values=chosen)
        except ForbiddenValueError as error:
            faults.append(" ".join(str(error).split()))
    if faults:
        raise UserError(f"{source}: not a configuration of the space: {'; '.join(faults)}")
    return Config.of(chosen)


def default_config(space: ConfigurationSpace) -> Config:
    """Return the default configuration of `space`."""
    default = space.get_default_configuration()
    return Config.of({name: legal(space[name], value) for name, value in default.items()})


def _faults(space: ConfigurationSpace, values: Mapping[str, Any], chosen: dict[str, Value]) -> Iterator[str]:
    """Yield what is wrong with the values of known names; those that are right go to `chosen`.

    What depends on a wrong value is passed over: whether it is active cannot be said.
    """
    vector, open_questions = np.full(len(space), np.nan), set[str]()
    for name, hyperparameter in space.items():  # parents come before their children
        conditions = space.parent_conditions_of[name]
        parents = [parent.name for condition in conditions for parent in _parents(condition)]
        if open_questions.intersection(parents):
            open_questions.add(name)
        elif not all(condition.satisfied_by_vector(vector) for condition in conditions):
            if name in values:
                where = ", ".join(f"{parent} {chosen.get(parent, 'inactive')!r}" for parent in dict.fromkeys(parents))
                yield f"{name} is inactive with {where}: leave it out"
        elif name not in values:
            open_questions.add(name)
            yield f"{name} is missing"
        else:
            try:
                chosen[name] = legal(hyperparameter, values[name])
                vector[space.index_of[name]] = to_vector(hyperparameter, [chosen[name]])[0]
            except ValueError as error:
                open_questions.add(name)
                yield f"{name} is {_shown(values[name])}, but {error}"


def _parents(condition: Any) -> list[Any]:
    inner = getattr(condition, "components", None)
    return [parent for each in inner for parent in _parents(each)] if inner else [condition.parent]


def _unknown(space: ConfigurationSpace, names: list[str]) -> str:
    near = [match for name in names for match in get_close_matches(name, list(space), 1)]
    hint = f", did you mean {', '.join(near)}?" if near else ""
    return f"the space has no hyperparameter {', '.join(sorted(names))}{hint}"


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
