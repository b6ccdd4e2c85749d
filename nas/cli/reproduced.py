"""What does a command line ask of a reproduction? One value, which its folder keeps."""

from argparse import Namespace
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from nas.cli.asked import Asked, as_word, constraints_of, recipe_of
from nas.core.constraints import Constraint, parse
from nas.core.errors import UserError
from nas.core.words import unknown
from nas.trackers.mode import PROJECT

TUNED = ("learning_rate", "weight_decay", "momentum")  # settings that phase 2 tunes unless they are given
MACHINE = ("workers", "workers_per_gpu", "trial_timeout", "threads", "device", "deterministic", "quiet", "wandb",
           "wandb_project")  # fmt: skip
PHASES = ("phase1", "phase2", "phase3")


@dataclass(frozen=True)
class Wanted:
    """The model by the name of its space, the images, the target as it was written, and how each phase goes.

    `recipe` holds the settings of the trainer that were given, those that are TUNED and the policy of the full training
    among them. `max_time` and `checkpoint_every` are in seconds.
    """

    model: str
    data: str
    target: float
    metric: str = "accuracy"
    image_size: int | None = None
    pretrained: str | None = None
    constraints: tuple[Constraint, ...] = ()
    recipe: Mapping[str, Any] = field(default_factory=dict)
    rule: str = "fixed"
    steps: int = 100
    optimizers: tuple[str, ...] = ()
    rates: tuple[float, ...] = ()
    trials: int = 32
    tuning_epochs: int = 9
    strategy: str = "random"
    history: str | None = None
    epochs: int = 200
    seed: int = 0
    seeds: int = 1
    stop_at_target: bool = False
    checkpoint_every: float | None = 300.0
    checkpoint_steps: int | None = None
    until: str = "phase3"
    max_time: float | None = None
    workers: int | None = None
    workers_per_gpu: int | None = None
    trial_timeout: float | None = None
    threads: int = 1
    device: str = "auto"
    deterministic: bool = False
    quiet: bool = False
    wandb: str = "disabled"
    wandb_project: str = PROJECT

    @classmethod
    def of(cls, parsed: Namespace) -> "Wanted":
        """Return what the parsed words of `nas reproduce` ask for."""
        given = vars(parsed)
        values = {each.name: given[each.name] for each in fields(cls) if each.name in given}
        lists = {name: tuple(values[name]) for name in ("optimizers", "rates")}
        return cls(**{**values, **lists, "constraints": constraints_of(parsed), "recipe": recipe_of(parsed)})

    def kept(self) -> dict[str, Any]:
        """Return what its folder keeps, as JSON."""
        values = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "quiet"}
        return {**values, "constraints": [str(constraint) for constraint in self.constraints]}

    @classmethod
    def of_kept(cls, kept: Mapping[str, Any], file: Path) -> "Wanted":
        """Return what `kept` described, read from `file`. Raises UserError for anything else."""
        known = [each.name for each in fields(cls)]
        for name in kept:
            if name not in known:
                raise UserError(f"{file}: {unknown('setting', name, known)}")
        try:
            lists = {name: tuple(kept[name]) for name in ("optimizers", "rates")}
            return cls(**{**kept, **lists, "constraints": tuple(map(parse, kept["constraints"]))})
        except (KeyError, TypeError) as error:
            raise UserError(f"{file} is not what a reproduction writes: {error!r}") from None

    def changed(self, now: Mapping[str, Any]) -> "Wanted":
        """Return it with what a resumption says. Raises UserError for what it cannot change."""
        known = {each.name for each in fields(self)}
        for name in now:
            if name not in known:
                raise UserError(f"a reproduction has no --{name.replace('_', '-')}: leave it out")
        return replace(self, **now)

    def words(self) -> list[str]:
        """Return the words of a command line that asks for the same."""
        values = {"phase1" if name == "rule" else name: value for name, value in self.kept().items()}
        usual = {each.name: each.default for each in fields(self)}
        recipe = values.pop("recipe")
        lists = {name: values.pop(name) for name in ("optimizers", "rates", "constraints")}
        words = [f"--constraint={text}" for text in lists.pop("constraints")]
        for name, value in {**values, **recipe}.items():
            flag = f"--{name.replace('_', '-')}"
            if value is True:
                words.append(flag)
            elif name == "checkpoint_every" and value is None:
                words.append(f"{flag}=none")
            elif value is not None and value is not False and value != usual.get("rule" if name == "phase1" else name):
                words.append(f"{flag}={as_word(value)}")
        for name, several in lists.items():
            words += [f"--{name}", *map(str, several)] if several else []
        return words

    @property
    def fixed(self) -> dict[str, float]:
        """The settings that are given and would be tuned otherwise."""
        return {name: self.recipe[name] for name in TUNED if name in self.recipe}

    @property
    def tuned(self) -> tuple[str, ...]:
        """The settings that are left to phase 2."""
        return tuple(name for name in TUNED if name not in self.recipe)

    @property
    def shared(self) -> dict[str, Any]:
        """The settings that were given for all phases."""
        return {name: value for name, value in self.recipe.items() if name not in (*TUNED, "optimizer", "policy")}

    @property
    def optimizer(self) -> Any:
        """The optimizer, where phase 1 is skipped."""
        return self.recipe.get("optimizer")

    def search(
        self, space: str, image_size: int | None, directory: Path, name: str, settings: Mapping[str, Any]
    ) -> Asked:
        """Return the search of phase 2 over `space`, with the `settings` of the trainer."""
        machine = {each: getattr(self, each) for each in MACHINE}
        scheduler = {"name": "asha", "max_epochs": self.tuning_epochs, "min_epochs": 1, "eta": 3}
        return Asked(
            self.data, space, image_size, self.metric, self.constraints, "none", self.strategy, scheduler,
            folds=1, confirm=0, history=self.history, seed=self.seed, max_trials=max(1, self.trials),
            run_dir=directory, name=name, **{**machine, **settings},
        )  # fmt: skip
