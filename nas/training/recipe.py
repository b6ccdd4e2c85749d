"""What are the trainer's own hyperparameters? TRAINER of a space names those that it searches, RECIPE fixes others."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ConfigSpace import CategoricalHyperparameter

from nas.core.errors import UserError
from nas.core.numbers import number, truth, whole
from nas.core.parts import get, late, made, parted
from nas.spaces.space import Source, Space
from nas.training.augmenting import Augmentation
from nas.training.optimizers.optimizer import MOMENTUM, Optimizer
from nas.training.policies.policy import Policy

# As they are kept in files; "policy" is the newer name of "schedule".
DEFAULTS: dict[str, Any] = {
    "learning_rate": 1e-3,
    "batch_size": 64,
    "optimizer": "adamw",
    "weight_decay": None,
    "momentum": None,
    "label_smoothing": 0.0,
    "schedule": "linear",
    "centred": True,
    "bfloat16": False,
}
# In files only where they are given.
_LATER: dict[str, Any] = {
    "gradient_clipping": None, "augmentation": "none", "mixup": None, "ema": None, "micro_batch": None,
}  # fmt: skip
IF_TAKEN = "?"  # ends the name of a setting that only an optimizer gets which takes it
_OF_BEFORE = {"adam", "adamw", "sgd"}
_PARTS = ("optimizer", "policy", "augmentation")
_OPTIMIZERS = ("weight_decay", "momentum")  # settings that an optimizer may take or not


@dataclass(frozen=True)
class Recipe:
    """The trainer's hyperparameters."""

    learning_rate: float
    batch_size: int
    optimizer: Optimizer
    weight_decay: float | None  # None: the optimizer's own, which is 0.01 of adamw and none of most others
    momentum: float | None  # None: the optimizer's own, which is 0.9 of sgd; the first of the betas of its kin
    label_smoothing: float
    policy: Policy  # what sets the learning rate
    centred: bool  # pixels in -1 .. 1, else in 0 .. 1
    bfloat16: bool  # steps on a CPU, too; on a GPU they always are
    gradient_clipping: float | None  # the largest norm of all gradients together
    augmentation: Augmentation  # of the images of a batch
    mixup: float | None  # alpha of the distribution of the shares in which two images are mixed
    ema: float | None  # decay of the mean of the weights that is judged and kept
    micro_batch: int | None  # images at a time, whose gradients are added up to those of a batch

    @classmethod
    def of(cls, config: Mapping[str, Any], trainer: Mapping[str, Source], fixed: Mapping[str, Any]) -> "Recipe":
        """Return the `fixed` settings, with those of `config` that `trainer` maps settings to.

        It maps one to the name of a hyperparameter, or to a function of the configuration. Those that are inactive, and
        what a function returns as None, are left as they are fixed.
        Optimizer and policy are a name, or a mapping of a name and parameters; "optimizer.nesterov" is a parameter.
        "momentum?" and "weight_decay?" are left out with an optimizer that does not take them.
        Raises UserError for a setting or parameter that there is not, and for a value that one may not have.
        """
        searched = dict(_searched(config, trainer))
        given = sorted([*_known(fixed).items(), *searched.items()], key=lambda each: "." in each[0])
        values: dict[str, Any] = {_current(name): value for name, value in (DEFAULTS | _LATER).items()}
        for setting, value in given:
            name, _, of_part = _current(setting).partition(".")
            values[name] = {**_mapping(values[name]), of_part: value} if of_part else value
        for name, check in _CHECKS.items():
            if values[name] is not None or (DEFAULTS | _LATER)[name] is not None:
                values[name] = check(name, values[name])
        values |= {kind: made(kind, values[kind]) for kind in _PARTS}
        for setting, _ in given:
            if setting.endswith(IF_TAKEN) and not values["optimizer"].takes(_current(setting)):
                values[_current(setting)] = None
        return cls(**values)


def _searched(config: Mapping[str, Any], trainer: Mapping[str, Source]) -> Iterator[tuple[str, Any]]:
    """Yield the settings that the configuration has, with their values."""
    for setting, source in _known(trainer).items():
        if callable(source):
            if (value := source(config)) is not None:
                yield setting, value
        elif source in config:
            yield setting, config[source]


def settings(space: Space) -> dict[str, Any]:
    """Return the trainer's settings that `space` does not search, defaults included, as files keep them."""
    fixed = {"schedule" if name == "policy" else name: value for name, value in _known(space.recipe).items()}
    if_taken = {_current(setting) for setting in (*fixed, *space.trainer) if setting.endswith(IF_TAKEN)}
    everything = {name: value for name, value in DEFAULTS.items() if name not in if_taken} | fixed
    if everything.get("momentum", "") is None and _optimizers(space, everything["optimizer"]) <= _OF_BEFORE:
        everything["momentum"] = MOMENTUM  # as files say it since the time when there were no others
    searched = {"schedule" if name == "policy" else name for name in space.trainer}
    return {name: value for name, value in everything.items() if name not in searched}


def setting_of(kept: Mapping[str, Any], name: str) -> Any:
    """Return a setting by its present name out of those that a file keeps, or as it is where the file does not say."""
    said = {_current(each): value for each, value in {**DEFAULTS, **_LATER, **kept}.items()}
    return said[name]


def overruled(space: Space, given: Mapping[str, Any]) -> Space:
    """Return the space with the settings `given` in place of those that its RECIPE fixes.

    Raises UserError for a setting that the space searches.
    """
    names = [_whole(name) for name in given]
    for name in names:
        if name in map(_whole, space.trainer):
            flag = f"--{name.replace('_', '-')}"
            raise UserError(f"the space {space.name} searches the {name.replace('_', ' ')}: leave {flag} out")
    others = {setting: value for setting, value in space.recipe.items() if _whole(setting) not in names}
    before = _optimizers(space, {**DEFAULTS, **space.recipe}["optimizer"])
    if "optimizer" in given and others.get("momentum") == MOMENTUM and before <= _OF_BEFORE:
        del others["momentum"]  # which files say of these
    return replace(space, recipe={**others, **given})


def prescribed(space: Space, given: Mapping[str, Any]) -> Space:
    """Return the space with the settings `given`, whether it fixes or searches them."""
    names = [_whole(name) for name in given]
    trainer = {setting: source for setting, source in space.trainer.items() if _whole(setting) not in names}
    return overruled(replace(space, trainer=trainer), given)


def _optimizers(space: Space, fixed: Any) -> set[str]:
    """Return the names of the optimizers that a training may have."""
    if "optimizer" in space.trainer:
        source = space.trainer["optimizer"]
        choices = ("?",) if callable(source) else getattr(space.space[source], "choices", ("?",))
        return {str(_mapping(str(choice))["name"]) for choice in choices}
    return {str(_mapping(fixed).get("name"))}


def extras(space: Space) -> tuple[str, ...]:
    """Return the packages besides the usual ones that its trainings depend on."""
    used = _optimizers(space, {**DEFAULTS, **_known(space.recipe)}["optimizer"])
    return ("pytorch-optimizer",) if used & late("optimizer").keys() else ()


def check(space: Space) -> None:
    """Raise UserError for a TRAINER or RECIPE of the space that could train nothing."""
    Recipe.of(space.default, space.trainer, space.recipe)
    for setting, source in space.trainer.items():
        hyperparameter = None if callable(source) else space.space[source]
        if _current(setting) in _PARTS and isinstance(hyperparameter, CategoricalHyperparameter):
            for choice in map(str, hyperparameter.choices):
                made(_current(setting), choice) if ":" in choice else get(_current(setting), choice)


def _known(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings. Raises UserError for one that the trainer lacks, or that is given twice."""
    known = {*DEFAULTS, *_LATER, "policy"}
    for name in given:
        whole_name, _, of_part = name.partition(".")
        if whole_name in (f"{each}{IF_TAKEN}" for each in _OPTIMIZERS) and not of_part:
            continue
        if whole_name not in known or (of_part and _current(whole_name) not in _PARTS):
            raise UserError(f"the trainer has no setting {name!r}: it has {', '.join(sorted(known - {'schedule'}))}")
    if {"schedule", "policy"} <= given.keys():
        raise UserError("the trainer's policy is given twice: schedule is its former name, leave it out")
    for name in _OPTIMIZERS:
        if {name, f"{name}{IF_TAKEN}"} <= given.keys():
            raise UserError(f"the trainer's {name.replace('_', ' ')} is given twice: leave {name}{IF_TAKEN} out")
    return dict(given)


def _current(setting: str) -> str:
    """Return the present name of a setting, without what says who gets it."""
    name, dot, rest = setting.removesuffix(IF_TAKEN).partition(".")
    return ("policy" if name == "schedule" else name) + dot + rest


def _whole(setting: str) -> str:
    """Return the setting that this one is, or is a parameter of."""
    return _current(setting).partition(".")[0]


def _mapping(given: Any) -> dict[str, Any]:
    if isinstance(given, str):
        return parted(given)
    return dict(given) if isinstance(given, Mapping) else {"name": given}


def _positive(name: str, value: object) -> float:
    found = number(name, value)
    if not 0 < found < math.inf:
        raise UserError(f"the {name.replace('_', ' ')} is {found:g}, but must be above 0")
    return found


def _share(name: str, value: object) -> float:
    found = number(name, value)
    if not 0 <= found <= 1:
        raise UserError(f"the {name.replace('_', ' ')} is {found:g}, but must lie between 0 and 1")
    return found


def _decay(name: str, value: object) -> float:
    found = _share(name, value)
    if found == 1:
        raise UserError(f"the {name} is 1, but must be below 1: the mean would stay where it begins")
    return found


_CHECKS: Mapping[str, Callable[[str, object], Any]] = {
    "learning_rate": _positive,
    "batch_size": lambda name, value: whole(name, value, 1),
    "weight_decay": number,
    "momentum": number,
    "label_smoothing": _share,
    "centred": truth,
    "bfloat16": truth,
    "gradient_clipping": _positive,
    "mixup": _positive,
    "ema": _decay,
    "micro_batch": lambda name, value: whole(name, value, 1),
}
