"""How does a tower of optimizers over a few numbers learn? Each level learns what the level below it is set by.

A level is a plain dict of numbers and text, so that it is kept as such. Level 0 moves the weights, level k + 1 what
level k learns; the top learns nothing. Slopes go from the bottom up, by what every level remembers of its latest step;
then every level is moved, from the top down.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from nas.training.optimizers.hyper.forms import LOGARITHM, LOGIT, Form
from nas.training.optimizers.hyper.guards import Guards
from nas.training.optimizers.hyper.rules import RULES, Values

Level = Mapping[str, Any]
Slopes = Mapping[str, float] | None  # of the loss by what a level learns; None where it has moved nothing yet
_EPS = {"sgd": 0.0, "adam": 1e-8, "adagrad": 1e-10, "rmsprop": 1e-8}
_GUARDED_EPS = 1e-30  # what the levels of a guarded tower see has no scale


def tower_of(bottom: str, values: Values, tower: str, learn: str, guarded: bool) -> list[Level]:
    """Return the levels, `bottom` with its `values` and above it those of the text, such as "adam:0.1/sgd:0.01".

    Raises ValueError for a level or value that there is not.
    """
    described = [(bottom, dict(values)), *(_read(each) for each in tower.split("/") if tower)]
    levels, below = list[Level](), tuple[str, ...]()
    for number, (name, given) in enumerate(described):
        checked(f"the tower, level {number}: {name}" if number else "", given)
        others = tuple(other for other in RULES[name].defaults if learn == "all" and given[other] > 0)
        learns = ("rate", *others) if number < len(described) - 1 else ()
        raw = {each: form(name, each, guarded).raw(given[each]) for each in learns}
        memory = {each: dict.fromkeys(RULES[name].names(learns), 0.0) for each in below}
        levels.append({"rule": name, "values": given, "raw": raw, "first": raw, "memory": memory, "steps": 0})
        below = learns
    return levels


def checked(where: str, values: Values) -> None:
    """Raise ValueError for a rate that is not above 0, or another hyperparameter that is not in 0 .. 1."""
    start = f"{where}: " if where else ""
    for name, value in values.items():
        if name == "rate" and not 0 < value < math.inf:
            raise ValueError(f"{start}the rate is {value:g}, but must be above 0")
        if name != "rate" and not 0 <= value < 1:
            raise ValueError(f"{start}{name} is {value:g}, but must be at least 0 and below 1")


def form(rule: str, name: str, guarded: bool) -> Form:
    """Return in which form a hyperparameter is learned."""
    if guarded:
        return LOGARITHM if name == "rate" else LOGIT
    return RULES[rule].forms[name]


def learned(levels: Sequence[Level], slopes: Slopes, guards: Guards | None) -> list[Level]:
    """Return the levels after a step on the slopes of the loss by what level 0 learns."""
    found = [slopes]
    for below, level in pairwise(levels):
        found.append(_slopes(below, level, found[-1], guards))
    moved = list(levels)
    for number in range(len(levels) - 1, 0, -1):
        above, below, by = moved[number], levels[number - 1], found[number - 1]
        if by is not None:
            moved[number], moved[number - 1] = _step(above, below, by, guards, lowest=number == 1)
    return moved


def _slopes(below: Level, level: Level, by: Slopes, guards: Guards | None) -> Slopes:
    """Return the slopes by what `level` learns, of which the step before this one moved what `below` learns."""
    if by is None or not level["steps"] or not level["raw"]:
        return None
    rule, values, steps = RULES[level["rule"]], level["values"], level["steps"]
    eps, found = _eps(level, guards), dict[str, float]()
    for name in level["raw"]:
        ways = {each: rule.way(name, memory, values, steps, eps) for each, memory in level["memory"].items()}
        found[name] = -sum(by[each] * way for each, way in ways.items())
        if guards is None:
            scale = 1.0 if name == "rate" else values["rate"]
            found[name] *= scale * form(level["rule"], name, False).slope(level["raw"][name])
        else:
            found[name] = cosine(found[name], sum(x * x for x in by.values()), sum(x * x for x in ways.values()))
    return found


def cosine(product: float, one: float, other: float) -> float:
    """Return the cosine of the angle between two vectors, given product and squares; 0 where one of them is 0."""
    lengths = math.sqrt(one) * math.sqrt(other)
    return product / lengths if lengths else 0.0


def _step(
    above: Level, below: Level, by: Mapping[str, float], guards: Guards | None, lowest: bool
) -> tuple[Level, Level]:
    """Return `above` having taken in the slopes by what `below` learns, and `below` moved by it."""
    rule, steps = RULES[above["rule"]], above["steps"] + 1
    memory, raw, values = (
        {name: dict(each) for name, each in above["memory"].items()},
        dict(below["raw"]),
        dict(below["values"]),
    )
    for name, slope in by.items():
        rule.remember(memory[name], slope, above["values"])
        way = rule.direction(memory[name], above["values"], steps, _eps(above, guards))
        if guards is None:
            raw[name] -= above["values"]["rate"] * way
        else:
            raw[name] = _guarded(
                name, raw[name] - above["values"]["rate"] * _clipped(way, guards, name), below, guards, lowest
            )
        values[name] = form(below["rule"], name, guards is not None).value(raw[name])
    return {**above, "memory": memory, "steps": steps}, {**below, "raw": raw, "values": values}


def _clipped(way: float, guards: Guards, name: str) -> float:
    held = min(max(way, -guards.clip), guards.clip)
    return held if name == "rate" else held * guards.share


def _guarded(name: str, raw: float, below: Level, guards: Guards, lowest: bool) -> float:
    """Return the raw form, within a factor of where it began; the rate of the weights goes where it likes."""
    if name == "rate" and lowest:
        return raw
    near, first = math.log(guards.span), below["first"][name]
    return float(min(max(raw, first - near), first + near))


def _eps(level: Level, guards: Guards | None) -> float:
    return _EPS[level["rule"]] if guards is None else _GUARDED_EPS


def _read(text: str) -> tuple[str, dict[str, float]]:
    """Return rule and values of a level, as "adam:0.1" or "sgd:0.01:0.9", the momentum or betas last."""
    name, *numbers = text.strip().split(":")
    if name not in RULES:
        raise ValueError(f"the tower has a level {name!r}, but may be made of {', '.join(RULES)}")
    names = ("rate", *RULES[name].defaults)
    try:
        given = [float(each) for each in numbers]
    except ValueError:
        given = []
    if not given or len(given) > len(names):
        raise ValueError(f"the tower's level {text.strip()!r} must be such as {name}:{':'.join(map(str.upper, names))}")
    return name, {"rate": 0.0, **RULES[name].defaults, **dict(zip(names, given, strict=False))}
