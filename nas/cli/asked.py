"""What does a command line ask a search for? One value, which a run's folder keeps and a resumption changes."""

from argparse import Namespace
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from nas.cli.part_flags import flag_of, parameters_of
from nas.core.constraints import Constraint, parse
from nas.core.errors import UserError
from nas.core.words import unknown

# Settings of the trainer that have flags.
RECIPE = (
    "policy", "optimizer", "learning_rate", "weight_decay", "momentum", "batch_size", "augmentation",
    "label_smoothing", "mixup", "ema", "micro_batch",
)  # fmt: skip
NOT_KEPT = ("run_dir", "name", "quiet", "initial")  # where a run lies, how it speaks, and what its spec.json holds


@dataclass(frozen=True)
class Asked:
    """The images, the space, what is to be found and how, and on what machine.

    `objective` is maximised, or minimised where it begins with a dash. `strategy` and `scheduler` are names or
    mappings; `parameters` are given to those of the two that have them. The settings of RECIPE stand in place of what
    the space fixes.
    """

    data: str = "digits-m"
    space: str = "cnn"
    image_size: int | None = None
    objective: str = "accuracy"
    constraints: tuple[Constraint, ...] = ()
    max_macs: int | str = "auto"
    strategy: Any = "evolution"
    scheduler: Any = "halving"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    policy: Any = None
    optimizer: Any = None
    learning_rate: float | None = None
    weight_decay: float | None = None
    momentum: float | None = None
    batch_size: int | None = None
    augmentation: Any = None
    label_smoothing: float | None = None
    mixup: float | None = None
    ema: float | None = None
    micro_batch: int | None = None
    folds: int | None = None
    confirm: int = 3
    diverge_above: float | None = None
    initial: Path | None = None
    history: str | None = None
    seed: int = 0
    max_time: float | None = None
    max_trials: int | None = None
    max_total_epochs: int | None = None
    workers: int | None = None
    workers_per_gpu: int | None = None
    cluster: str | None = None
    trial_timeout: float | None = None
    threads: int = 1
    device: str = "auto"
    deterministic: bool = False
    cuda_graphs: bool = False
    run_dir: Path = Path("runs")
    name: str | None = None
    quiet: bool = False
    wandb: str = "auto"
    wandb_project: str = ""

    @classmethod
    def of(cls, parsed: Namespace) -> "Asked":
        """Return what the parsed words of `nas search` ask for."""
        given = vars(parsed)
        values = {each.name: given[each.name] for each in fields(cls) if each.name in given}
        return cls(**{**values, "constraints": constraints_of(parsed), "parameters": parameters_of(parsed)})

    @property
    def recipe(self) -> dict[str, Any]:
        """The settings of the trainer that were given."""
        return recipe_of(self)

    def kept(self) -> dict[str, Any]:
        """Return what a run's folder keeps of it, as JSON."""
        left = (*NOT_KEPT, *(name for name in (*RECIPE, "history") if getattr(self, name) is None))
        values = {each.name: getattr(self, each.name) for each in fields(self) if each.name not in left}
        return {**values, "constraints": [str(constraint) for constraint in self.constraints]}

    @classmethod
    def of_kept(cls, kept: Mapping[str, Any], file: Path) -> "Asked":
        """Return what `kept` described, read from `file`. Raises UserError for anything else."""
        known = [each.name for each in fields(cls)]
        for name in kept:
            if name not in known:
                raise UserError(f"{file}: {unknown('setting', name, known)}")
        constraints = tuple(map(parse, kept.get("constraints", ())))
        return cls(**{**kept, "constraints": constraints})

    def words(self) -> list[str]:
        """Return the words of a command line that asks for the same."""
        values = {**self.kept(), "max_time": self.max_time or "none"}
        del values["constraints"], values["parameters"]
        words = [f"--constraint={constraint}" for constraint in self.constraints]
        for name, value in {**values, **_flags(self.parameters)}.items():
            flag = f"--{name.replace('_', '-')}"
            if value is True:
                words.append(flag)
            elif value is not None and value is not False:
                words.append(f"{flag}={as_word(value)}")
        return words


def recipe_of(given: object) -> dict[str, Any]:
    """Return the settings of the trainer that were given, by name."""
    return {name: getattr(given, name) for name in RECIPE if getattr(given, name) is not None}


def constraints_of(parsed: Namespace) -> tuple[Constraint, ...]:
    """Return those given by --constraint, then those that have flags of their own."""
    short = (
        ("precision", ">=", parsed.min_precision), ("params", "<=", parsed.max_params),
        ("latency_ms", "<=", parsed.max_latency_ms),
    )  # fmt: skip
    given = [Constraint(metric, relation, bound) for metric, relation, bound in short if bound is not None]
    return (*map(parse, parsed.constraint), *given)


def _flags(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters by the names of their flags."""
    return {flag_of(name): value for name, value in parameters.items()}


def as_word(value: Any) -> str:
    """Return the value of a flag as it is written: of a part, its name with the parameters."""
    if isinstance(value, Mapping):
        if value.get("name") == "own":
            return str(value["where"])
        own = ",".join(f"{name}={as_word(each)}" for name, each in value.items() if name != "name")
        return f"{value['name']}:{own}" if own else str(value["name"])
    return "none" if value is None else str(value)
