"""How did the learning rate go in a training, and its kin? What an optimizer learns itself, what a policy tries."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

POINTS = 200  # of a training, the most
TRIED = 400  # rates of a training, the most; whole stages are left out
STEPS, RATE, TRIALS = "steps", "rate", "tried"
Columns = dict[str, list[float]]  # by name, of equal length: the steps done, and what stood after them


class Watched(Protocol):
    """What is seen of a training."""

    @property
    def optimizer(self) -> Any: ...
    @property
    def policy(self) -> Any: ...
    @property
    def position(self) -> int: ...  # in steps
    @property
    def steps_per_epoch(self) -> int: ...
    @property
    def epochs(self) -> int: ...  # of a full training


def add_point(training: Watched, points: Columns) -> None:
    """Add to the `points` how things stand at the end of an epoch, if anything learns or is tried in this training."""
    epoch = training.position // training.steps_per_epoch
    if watched(training) and _kept(epoch, training.epochs):
        for name, value in {STEPS: training.position, **standing(training.optimizer)}.items():
            points.setdefault(name, []).append(value)


def trajectory_of(training: Watched, points: Columns) -> dict[str, Any]:
    """Return the trajectory as a result has it, to six digits; what is not finite is None. Nothing of other trainings.

    `steps` are those done at the end of an epoch. `rate` is what was in force there of the first group of weights;
    what else it learned has its own name: `momentum`, `beta1`, `beta2`, `gamma`. `tried` is what the policy tried.
    """
    if not watched(training):
        return {}
    found: dict[str, Any] = {name: [_short(value) for value in points.get(name, [])] for name in (STEPS, RATE)}
    found |= {name: [*map(_short, values)] for name, values in points.items() if name not in found}
    if hasattr(training.policy, "tried"):
        found[TRIALS] = [
            {name: _short(value) for name, value in each.items()} for each in _few(training.policy.tried())
        ]
    return found


def watched(training: Watched) -> bool:
    """Return whether the optimizer learns hyperparameters, or the policy tries learning rates."""
    return hasattr(training.optimizer, "hyperparameters") or hasattr(training.policy, "tried")


def _kept(epoch: int, epochs: int) -> bool:
    """Return whether this epoch, counted from 1, is among the points: they lie evenly, and the last is one."""
    return epochs <= POINTS or epoch * POINTS // epochs > (epoch - 1) * POINTS // epochs


def standing(optimizer: Any) -> dict[str, float]:
    """Return what the first group of weights has now; an optimizer that learns its hyperparameters tells them."""
    learned = optimizer.hyperparameters()[0] if hasattr(optimizer, "hyperparameters") else {}
    return {RATE: float(optimizer.param_groups[0]["lr"])} | {name: float(value) for name, value in learned.items()}


def _few(tried: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """Return the rates of so many stages, evenly, that they are not too many; the last stage is among them."""
    if len(tried) <= TRIED:
        return tried
    kept = stages(tried)[:: -math.ceil(len(tried) / TRIED)]
    return [each for stage in reversed(kept) for each in stage]


def _short(value: Any) -> Any:
    if not isinstance(value, float):
        return value
    return float(f"{value:.6g}") if math.isfinite(value) else None


def well_formed(value: object) -> list[Mapping[str, Any]]:
    """Return the trajectories that a result keeps; none where somebody keeps something else under their name."""
    return [*value] if isinstance(value, list) and all(map(_well_formed, value)) else []


def _well_formed(value: object) -> bool:
    if not isinstance(value, Mapping) or not {STEPS, RATE} <= value.keys():
        return False
    columns, tried = [value[name] for name in value if name != TRIALS], value.get(TRIALS, [])
    if not all(isinstance(each, list) for each in [*columns, tried]) or len({*map(len, columns)}) > 1:
        return False
    numbers = [number for column in columns for number in column if number is not None]
    for each in tried:
        if not isinstance(each, Mapping) or not {"step", "rate", "steps", "forecast", "chosen"} <= each.keys():
            return False
        numbers += [each["step"], each["rate"], each["steps"]]
    return all(isinstance(number, (int, float)) for number in [*numbers, *value[STEPS]])


def stages(tried: Sequence[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """Return the tried rates by stage: trials of one follow one another without a step between."""
    found, end = list[list[Mapping[str, Any]]](), -1
    for each in tried:
        if each["step"] > end:
            found.append([])
        found[-1].append(each)
        end = each["step"] + each["steps"]
    return found


def choices(tried: Sequence[Mapping[str, Any]]) -> list[tuple[int, float]]:
    """Return at which steps which rates were chosen: when the last trial of a stage was over."""
    return [
        (stage[-1]["step"] + stage[-1]["steps"], each["rate"])
        for stage in stages(tried)
        for each in stage
        if each["chosen"]
    ]


def learned(trajectory: Mapping[str, Any]) -> list[str]:
    """Return what was learned besides the rate, the momentum first."""
    return sorted(trajectory.keys() - {STEPS, RATE, TRIALS}, key=lambda name: (name != "momentum", name))


def summary(trajectory: Mapping[str, Any]) -> str:
    """Return in words where it ended: "rate 0.0021, momentum 0.93 after 1,200 steps; 8 rates tried, ..."."""
    names = [name for name in (RATE, *learned(trajectory)) if trajectory[name]]
    ended = ", ".join(f"{name} {number(trajectory[name][-1])}" for name in names)
    parts = [f"{ended} after {trajectory[STEPS][-1]:,.0f} steps"] if names else []
    tried = trajectory.get(TRIALS)
    return "; ".join([*parts, _of_trials(tried)] if tried else parts)


def _of_trials(tried: Sequence[Mapping[str, Any]]) -> str:
    """Return in words what came of the last stage."""
    apart = stages(tried)
    last, given_up = apart[-1], sum(each["forecast"] is None for each in apart[-1])
    parts = [f"{len(last)} rate{'s' * (len(last) > 1)} tried" + (" in the last stage" if len(apart) > 1 else "")]
    parts += [f"{given_up} given up"] if given_up else []
    parts += [f"{number(rate)} chosen at step {step:,.0f}" for step, rate in choices(last)] or ["none chosen"]
    return ", ".join(parts)


def number(value: float | None) -> str:
    """Return a hyperparameter as people read it."""
    return "no number" if value is None else f"{value:.3g}"
