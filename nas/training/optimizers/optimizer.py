"""What is an optimizer to a training? Its own parameters, and a torch.optim.Optimizer made of them."""

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, make_dataclass
from types import NoneType, UnionType
from typing import Any, ClassVar, Literal, Protocol, Union, get_args, get_origin, get_type_hints

import torch
from torch import nn

from nas.core.errors import UserError
from nas.core.parameters import parameter
from nas.core.parts import Part

# What the recipe gives, what is the training's affair, and what would turn learning round.
_NOT_OWN = ("lr", "weight_decay", "momentum", "foreach", "fused", "capturable", "differentiable", "maximize")
_ARGUMENT = re.compile(r"^ *(?::param )?(\w+)(?: \([^\n]*\))? ?:\s+((?:[^\n]+)(?:\n {6,}[^\n]+)*)", re.MULTILINE)
MOMENTUM = 0.9  # of sgd where the recipe does not say
_OF_BEFORE = ("adam", "adamw")  # in whose files a recipe says this momentum, too


class Rates(Protocol):
    """What an optimizer takes from a recipe; None is its own."""

    @property
    def learning_rate(self) -> float: ...
    @property
    def weight_decay(self) -> float | None: ...
    @property
    def momentum(self) -> float | None: ...


@dataclass(frozen=True)
class Optimizer(Part):
    """The parameters of an optimizer besides the recipe's: learning rate, weight decay and momentum."""

    constructor: ClassVar[Callable[..., torch.optim.Optimizer]]
    closure: ClassVar[bool] = False  # it asks for the loss itself
    create_graph: ClassVar[bool] = False  # it derives the gradients once more
    contiguous: ClassVar[bool] = False  # it takes weights in plain rows only, not with channels last
    grouped: ClassVar[bool] = False  # it treats matrices and other weights apart
    fixed: ClassVar[Mapping[str, Any]] = {}  # arguments that are other than the constructor's own

    @property
    def finds_rate(self) -> bool:
        """Whether it learns its learning rate."""
        return hasattr(self.constructor, "hyperparameters")

    @property
    def memory_format(self) -> torch.memory_format:
        """How the weights are to lie in memory."""
        return torch.contiguous_format if self.contiguous else torch.channels_last

    def make(self, weights: list[nn.Parameter], recipe: Rates, recorded: bool = False) -> torch.optim.Optimizer:
        """Return the optimizer of `weights`, all on one device; where steps are `recorded`, one that allows it.

        Raises UserError for what it cannot train, or not with these parameters.
        """
        given = {each.name: getattr(self, each.name) for each in fields(self)}
        given |= {**self.fixed, **self._of_recipe(recipe), **(self._capturable() if recorded else {})}
        try:
            return self.constructor(_groups(weights) if self.grouped else weights, **given)
        except (ValueError, TypeError, AssertionError, NotImplementedError, KeyError, IndexError) as error:
            raise UserError(f"the optimizer {self.name}: {' '.join(str(error).split())}") from None

    def takes(self, setting: str) -> bool:
        """Return whether it takes this setting of a recipe, "weight_decay" or "momentum".

        The momentum of one that has betas only is the first of them, unless they are other than by default.
        """
        has_first = setting == "momentum" and bool(self._betas) and self.parameters()["betas"] == self._betas
        return has_first or setting in inspect.signature(self.constructor).parameters

    @property
    def _betas(self) -> tuple[float, ...]:
        """Its betas by default, none where it has none."""
        found: tuple[float, ...] = getattr(type(self), "betas", ())
        return found

    def _of_recipe(self, recipe: Rates) -> dict[str, Any]:
        """Return the settings of the recipe as it takes them. Raises UserError for one that it does not take."""
        given = {"weight_decay": recipe.weight_decay, "momentum": recipe.momentum}
        if self.name in _OF_BEFORE and recipe.momentum == MOMENTUM:
            del given["momentum"]
        taken: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        for name in taken:
            if not self.takes(name):
                other = " but its betas, which are given" if name == "momentum" and self._betas else ""
                told = f"has no {name.replace('_', ' ')}{other}: leave that out of the recipe"
                raise UserError(f"the optimizer {self.name} {told}")
        if "momentum" in taken and "momentum" not in inspect.signature(self.constructor).parameters:
            taken["betas"] = (taken.pop("momentum"), *self._betas[1:])
        return {"lr": recipe.learning_rate, **taken}

    def _capturable(self) -> dict[str, Any]:
        """Return what lets its step be recorded. Raises UserError where nothing does."""
        if "capturable" in inspect.signature(self.constructor).parameters:
            return {"capturable": True}
        if self.name == "sgd":  # it counts no steps
            return {}
        raise UserError(f"the steps of the optimizer {self.name} cannot be recorded: leave --cuda-graphs out")


def _groups(weights: list[nn.Parameter]) -> list[dict[str, Any]]:
    """Return the weights in the two groups of Muon and its kin: matrices and kernels, and the others."""
    groups = [
        {"params": [weight for weight in weights if (weight.ndim >= 2) == large], "use_muon": large}
        for large in (True, False)
    ]
    return [group for group in groups if group["params"]]


def derived(constructor: type[torch.optim.Optimizer], module: str, **facts: Any) -> type[Optimizer]:
    """Return the part of an optimizer for `module`, its parameters read off the signature of its constructor.

    `facts` are the class's own, such as `closure`. Arguments that are neither numbers, text nor lists of numbers
    keep their defaults.
    """
    own, told_of = list[Any](), _helps(constructor)
    for name, argument in inspect.signature(constructor).parameters.items():
        annotation, choices = _annotation(get_type_hints(constructor.__init__).get(name), argument.default)
        if name in _NOT_OWN or annotation is None:
            continue
        if argument.default is argument.empty:
            own.insert(0, (name, annotation))
        else:
            own.append((name, annotation, parameter(argument.default, told_of.get(name, ""), choices=choices)))
    about = (constructor.__doc__ or "").strip().partition("\n")[0]
    told = {"constructor": staticmethod(constructor), "__doc__": about, "__module__": module, **facts}
    return make_dataclass(constructor.__name__, own, bases=(Optimizer,), frozen=True, namespace=told)


def _helps(constructor: type[torch.optim.Optimizer]) -> dict[str, str]:
    """Return the first sentence that its documentation says of each argument, defaults aside."""
    told = dict[str, str]()
    for text in (inspect.getdoc(constructor), inspect.getdoc(constructor.__init__)):
        for name, words in _ARGUMENT.findall(text or ""):
            sentence = " ".join(words.split()).partition(". ")[0].partition(" (default")[0]
            told.setdefault(name, sentence.replace("`_", "`").rstrip("."))
    return told


def _annotation(hint: Any, default: Any) -> tuple[Any, tuple[str, ...]]:
    """Return of which type a parameter is, None where it can be told in no JSON, and the words to choose from."""
    kinds = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    optional = NoneType in kinds
    for kind in kinds:
        if get_origin(kind) is Literal and all(isinstance(word, str) for word in get_args(kind)):
            return (str | None if optional else str), get_args(kind)
        if get_origin(kind) is tuple and isinstance(default, tuple):
            inner = float | None if None in default else float
            return tuple[(inner,) * len(default)], ()  # type: ignore[misc]
        if kind in (bool, int, float, str) and not (kind is bool and isinstance(default, str)):
            return (kind | None if optional else kind), ()
    return None, ()
