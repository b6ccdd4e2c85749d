"""What is asked of a search? All of it as one value, which the library, the command line and a comparison compose."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from ConfigSpace import ConfigurationSpace

from nas.core import constraints as bounds
from nas.core import parts
from nas.core.described import described
from nas.core.directions import sensible
from nas.core.errors import UserError
from nas.core.spec import RunSpec, Scheduler, Strategy
from nas.core.units import seconds
from nas.core.words import nearest
from nas.engine.cheap import Measures, measures_of
from nas.engine.executors import Executor
from nas.engine.executors.cluster import Cluster
from nas.engine.executors.inline import Inline
from nas.engine.executors.perform import Train
from nas.engine.executors.workers import Workers, pickled
from nas.history.experience import NOTHING, Experience
from nas.spaces.initial import checked, named
from nas.strategies.evolution import Evolution
from nas.strategies.schedulers.halving import Halving
from nas.strategies.strategy import strategy

Measure = Callable[[dict[str, Any]], Mapping[str, float]] | Measures | None


@dataclass(frozen=True)
class Limits:
    """How much a search may take in all its parts: `time` in seconds or such as "5m", trials, epochs of all trials."""

    time: float | str | None = None
    trials: int | None = None
    epochs: int | None = None


@dataclass(frozen=True)
class Machine:
    """Where trials train: in this process, or in so many `workers`, which take turns on `gpus`.

    `gpus` are values for CUDA_VISIBLE_DEVICES. `cluster` is the address of a Dask scheduler, or "local:N", and
    `cluster_resources` what a job needs of its workers. A job that takes longer than `trial_timeout`, in seconds or
    such as "10m", ends as TIMEOUT.
    """

    workers: int = 0
    gpus: Sequence[str] = ()
    cluster: str | None = None
    cluster_resources: Mapping[str, float] | None = None
    trial_timeout: float | str | None = None

    def executor(self, train: Train) -> Executor:
        """Return where jobs of `train` run: on a cluster, in workers, or here."""
        timeout = seconds(self.trial_timeout)
        if self.cluster:
            return Cluster(train, self.cluster, self.cluster_resources, timeout)
        if self.workers:
            gpus = [{"CUDA_VISIBLE_DEVICES": gpu} for gpu in self.gpus] or [{}]
            environments = [gpus[i % len(gpus)] for i in range(self.workers)]
            return Workers(pickled(train), environments, timeout)
        return Inline(train, timeout)


@dataclass(frozen=True)
class Search:
    """What `nas.search` takes, as one value: `dataclasses.replace` makes another of it.

    `initial` configurations are trained first. `default` is the one that the strategy of that name trains. `details` is
    written to spec.json beside what decides the history. `experience` is what is known of earlier tasks.
    """

    space: ConfigurationSpace
    train: Train
    measure: Measure = None
    objective: str = "accuracy"
    maximize: bool = True
    constraints: Iterable[str | bounds.Constraint] = ()
    strategy: Strategy = field(default_factory=Evolution)
    scheduler: Scheduler = field(default_factory=Halving)
    limits: Limits = Limits()
    confirm: int = 0
    machine: Machine = Machine()
    seed: int = 0
    initial: Iterable[Mapping[str, Any]] = ()
    default: Mapping[str, Any] | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    experience: Experience = NOTHING

    def spec(self) -> RunSpec:
        """Return what decides the history. Raises UserError where it makes no sense."""
        learned = {"history": self.experience.described()} if self.experience.given else {}
        return RunSpec(
            space=described(self.space),
            objective=self.objective,
            maximize=self.maximize,
            constraints=sensible(bounds.given(self.constraints), self.objective, self.maximize),
            strategy=self.strategy,
            scheduler=self.scheduler,
            seed=self.seed,
            max_trials=self.limits.trials,
            max_total_epochs=self.limits.epochs,
            confirm=self.confirm,
            initial=checked(self.space, named(self.initial, None)),
            default=dict(self.default or {}),
            details={**self.details, **learned},
        )

    @property
    def measures(self) -> Measures:
        """The cheap metrics by name."""
        return measures_of(self.measure, self.space)


def parts_of(
    strategy_given: object, scheduler_given: object, parameters: Mapping[str, Any]
) -> tuple[Strategy, Scheduler]:
    """Return strategy and scheduler, each with those of the `parameters` that it has.

    One that only another part has is left alone: the same call may be made with every strategy.
    """
    return (
        strategy(with_parameters("strategy", strategy_given, parameters)),
        parts.made("scheduler", with_parameters("scheduler", scheduler_given, parameters)),
    )


def with_parameters(kind: str, given: object, parameters: Mapping[str, Any]) -> object:
    """Return `given` with the `parameters` that its part has, unless it names them itself."""
    written = {"name": given} if isinstance(given, str) else given
    name = str(written.get("name")) if isinstance(written, Mapping) else ""
    if not isinstance(written, Mapping) or not (name in parts.names(kind) or (".py:" in name and kind != "strategy")):
        return given
    known = {each.name for each in fields(parts.get(kind, name))}
    return {**{name: value for name, value in parameters.items() if name in known}, **written}


def check_names(given: Iterable[str], known: Iterable[str], what: str) -> None:
    """Raise UserError for the first of the `given` names that is neither `known` nor a parameter of a part."""
    names = [*known, *parts.parameters_by_name()]
    for name in given:
        if name not in names:
            meant = nearest(name, names)
            told = f"did you mean {meant}?" if meant else f"it has {', '.join(names)}"
            raise UserError(f"{what} has no argument {name}: {told}")
