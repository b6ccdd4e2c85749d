"""What do the flags and the defaults ask for? Checked before anything is trained."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from nas.asked import Limits, Machine, Search, parts_of
from nas.cli.asked import Asked
from nas.cli.commands.naming import fresh
from nas.core import defaults, parts
from nas.core.constraints import Constraint
from nas.core.digests import is_listed
from nas.core.errors import UserError
from nas.core.parts import Part
from nas.core.slug import slug
from nas.core.spec import CONFIRMATION, Scheduler, Strategy, idle, most_repetitions
from nas.core.types import Config
from nas.core.units import duration
from nas.core.words import unknown
from nas.data import check_test_part
from nas.data.catalog import read_training
from nas.data.files import Checked
from nas.data.images import Images
from nas.data.memory import available_memory
from nas.data.parallel import cores, spare
from nas.data.remarks import remarks
from nas.engine.cheap import Measures
from nas.history.experience import Experience, experience
from nas.runs.command import Command
from nas.runs.earlier import as_begun, parameters_begun
from nas.runs.folder import SPEC, read_spec
from nas.runs.saved import Saved, versions
from nas.spaces.initial import checked
from nas.spaces.initial import read as read_initial
from nas.spaces.space import load as load_space
from nas.training import recipe
from nas.training.device import choose_device, visible_gpus
from nas.training.task import CHEAP, ImageTask

_NOMINAL_LIMIT = 300.0  # seconds that --max-macs auto and the budgets suit when no time limit is given


class Plan:
    """The main job as asked for. Raises UserError for bad flags, data and spaces.

    What is `known` of earlier tasks need not be read again. `official` is as of `ImageTask`.
    """

    def __init__(self, asked: Asked, known: Experience | None = None, official: bool = False) -> None:
        self.asked, self.space = asked, recipe.overruled(load_space(asked.space), asked.recipe)
        recipe.check(self.space)
        self.maximize, self.objective = not asked.objective.startswith("-"), asked.objective.removeprefix("-")
        self.limit = asked.max_time
        self.device_here = choose_device("auto" if asked.cluster else asked.device)
        self.device = asked.device if asked.cluster and asked.device != "auto" else self.device_here
        self.search_seconds = defaults.search_seconds(self.limit) if self.limit else None
        self.strategy, self.scheduler, self.folds = self._how()
        self.epochs = self.scheduler.max_epochs
        if asked.max_total_epochs and asked.max_total_epochs < self.epochs and not self.strategy.partial:
            told = f"less than one training of {self.epochs} epochs"
            raise UserError(f"--max-total-epochs {asked.max_total_epochs} is {told}")
        if asked.cuda_graphs and self.device != "cuda":
            raise UserError(
                "--cuda-graphs: there are none on a CPU; leave it out, or give --device cuda where a GPU is"
            )
        self.gpus = visible_gpus() if self.device == "cuda" and not asked.cluster else ()
        self.workers = self._workers()
        self.task = ImageTask(
            asked.data, asked.image_size, asked.space, self.folds, asked.seed, self.epochs,
            self.device, asked.threads, available_memory() // (4 * (self.workers + 1)), asked.deterministic,
            asked.diverge_above, recorded=asked.cuda_graphs,
            workers_per_gpu=math.ceil(self.workers / len(self.gpus)) if self.gpus else 1,
            decoders=0 if asked.cluster else spare(self.workers, asked.threads), recipe=asked.recipe, official=official,
        )  # fmt: skip
        self.constraints = self._constraints()
        _known((self.objective, *(c.metric for c in self.constraints)))
        self.here = replace(self.task, device=self.device_here)  # a cluster may have GPUs where we have none
        subject = f"{Path(asked.data).resolve().name}-{slug(self.strategy.name)}-seed{asked.seed}"
        self.directory: Path = asked.run_dir / (asked.name or fresh(subject))
        self.images, _ = self._images(), self.here.splits  # bad data is told before anything starts
        self.macs_bound = self._macs_bound()
        if self.macs_bound:
            seconds = defaults.SHARE * (self.limit or _NOMINAL_LIMIT)
            self.constraints += [
                Constraint("macs", "<=", self.macs_bound),
                Constraint("train_seconds", "<=", round(seconds, 3)),
            ]
        self.details = as_begun(self.directory, self._details())
        self.experience = known or experience(asked.history, self.space.space, self.directory)
        self.initial = self._initial()
        # A broken test part is told before anything starts.
        images = self.images
        test = Checked() if self._begun else check_test_part(asked.data, images.ranges, images.assumed, official)
        self.remarks = remarks(self.images, self.folds, test)

    def _how(self) -> tuple[Strategy, Scheduler, int]:
        """Return strategy, scheduler and folds: as asked for, and else what suits the device and the time."""
        asked, suited = self.asked, vars(defaults.sizes(self.device, self.limit or _NOMINAL_LIMIT))
        before = asked.run_dir / asked.name if asked.name else None
        parameters = {**suited, **parameters_begun(before, asked.strategy, asked.scheduler), **asked.parameters}
        if "min_epochs" not in asked.parameters:
            parameters["min_epochs"] = min(parameters["min_epochs"], parameters["max_epochs"])
        return *parts_of(asked.strategy, asked.scheduler, parameters), asked.folds or suited["folds"]

    def _images(self) -> Images:
        """Return the training images: known by their contents where those of the run that goes on were."""
        images, before = self.here.images, self._digest_before()
        if before and is_listed(images.digest) and not is_listed(before):
            read_training(self.asked.data)
            self.here = replace(self.here)  # without the images that it has loaded
            images = self.here.images
        return images

    def _digest_before(self) -> str:
        return str(read_spec(self.directory).details.get("data_digest", "")) if self._begun else ""

    def _initial(self) -> Sequence[dict[str, Any]]:
        """Return the configurations to begin with: of a run that goes on, those that it began with."""
        if self.asked.initial:
            return checked(self.space.space, read_initial(self.asked.initial))
        return read_spec(self.directory).initial if self._begun else ()

    @property
    def _begun(self) -> bool:
        return (self.directory / SPEC).exists()

    def _workers(self) -> int:
        """Return as many as asked for, else one or more a GPU, or as many as our cores have room for."""
        asked = self.asked
        if asked.workers_per_gpu and not self.gpus:
            raise UserError(f"--workers-per-gpu {asked.workers_per_gpu}: the device is {self.device}; give --workers N")
        if asked.workers is not None:
            return int(asked.workers)
        if self.gpus:
            return len(self.gpus) * int(asked.workers_per_gpu or 1)
        return max(1, min(8, cores() // int(asked.threads)))

    def _where(self) -> str:
        return f"cluster {self.asked.cluster}" if self.asked.cluster else f"{self.workers} workers"

    def _constraints(self) -> list[Constraint]:
        given = [*self.asked.constraints]
        if isinstance(self.asked.max_macs, int):
            given.append(Constraint("macs", "<=", self.asked.max_macs))
        for constraint in given:
            if _is_share(constraint.metric) and constraint.relation == ">=" and constraint.bound > 1:
                raise UserError(f"constraint {constraint} cannot be met: {constraint.metric} lies between 0 and 1")
            if constraint.relation == "<=" and constraint.bound < 0:
                raise UserError(f"constraint {constraint} cannot be met: {constraint.metric} is never below 0")
        return given

    def _macs_bound(self) -> int | None:
        if self.asked.max_macs != "auto" or not self.strategy.endless:
            return None
        seen = defaults.images_seen(len(self.images), self.epochs, self.folds)
        return defaults.max_macs(self.limit or _NOMINAL_LIMIT, seen, self.device, self.asked.threads)

    def measures(self) -> Measures:
        """Return the cheap metrics by name; latency only where a constraint or the objective asks for it."""
        asked = {self.objective, *(c.metric for c in self.constraints)} | {"params", "macs"}
        if "latency_ms" in asked and self.device_here != self.device:
            raise UserError(
                f"latency_ms is measured here, on {self.device_here}, not on the {self.device} of the cluster"
            )
        return {name: function for name, function in self.here.measures().items() if name in asked}

    def search(self) -> Search:
        """Return what is asked of the engine."""
        asked, resources = self.asked, {"GPU": 1} if self.device == "cuda" else None
        return Search(
            self.space.space, self.task, self.measures(), self.objective, self.maximize, self.constraints,
            self.strategy, self.scheduler,
            Limits(self.search_seconds, asked.max_trials, asked.max_total_epochs), asked.confirm,
            Machine(self.workers, self.gpus, asked.cluster, resources, asked.trial_timeout), asked.seed,
            self.initial, self.space.default, self.details, self.experience,
        )  # fmt: skip

    def _details(self) -> dict[str, object]:
        """Return what decides the run's history besides the search's own settings."""
        return {
            "data": self.asked.data,
            "data_digest": self.images.digest_like(self._digest_before()),
            "image_size": self.asked.image_size,
            "space": self.asked.space,
            "space_source": self.space.source,
            "recipe": recipe.settings(self.space),
            "folds": self.folds,
            "device": self.device,
            "threads": self.asked.threads,
            "deterministic": self.asked.deterministic,
            "diverge_above": self.asked.diverge_above,
            **({"cuda_graphs": True} if self.asked.cuda_graphs else {}),
            **({"official": True} if self.task.official else {}),
            "versions": versions(recipe.extras(self.space)),
        }

    def command(self) -> Command:
        """Return what asks for the same run again, every default that was chosen filled in."""
        chosen = [part for part in (self.strategy, self.scheduler) if isinstance(part, Part) and not part.hidden]
        parameters = {name: value for part in chosen for name, value in part.parameters().items()}
        filled = replace(
            self.asked, parameters=parameters, folds=self.folds, constraints=tuple(self.constraints), max_macs="none",
            device=self.device,
        )  # fmt: skip
        return Command(filled.words(), filled.kept())

    def announcement(self) -> str:
        """Return in a few lines what will be done."""
        images, asked = self.images, self.asked
        subject = " and ".join(str(c) for c in self.constraints) or "no constraint"
        lines = [
            f"{asked.data}: {len(images)} training images {'x'.join(map(str, images.shape))}, "
            f"{len(images.classes)} classes; space {asked.space}, {len(self.space.space)} hyperparameters",
            *self.remarks,
            f"{'maximise' if self.maximize else 'minimise'} {self.objective} subject to {subject}",
            f"{self.strategy.name} with scheduler {self.scheduler.name}: {self._sizes()}folds {self.folds}, "
            f"seed {asked.seed}; {self._where()} x {asked.threads} threads on {self.device}"
            + (f", {duration(self.limit)}" if self.limit else ""),
            *self._idle(),
        ]
        if self.experience.given:
            lines.append(self.experience.told(asked.space))
        again = most_repetitions(asked.confirm, asked.max_trials, asked.max_total_epochs, self.epochs)
        if again and self.strategy.endless:
            best = f"the best {asked.confirm} are trained again, up to {again} times in all"
            lines.append(f"at the end {best}, in at most {CONFIRMATION:.0%} of the limits")
        if self.macs_bound:
            limit = duration(self.limit or _NOMINAL_LIMIT)
            lines.append(
                f"candidates above {self.macs_bound:.3g} MACs, or with steps that come to the same, are left out: "
                f"their full training would take more than {defaults.SHARE:.0%} of {limit} at nominal speed "
                f"(--max-macs none lifts this)"
            )
        return "\n".join([*lines, f"run folder {self.directory}"])

    def _sizes(self) -> str:
        """Return the parameters that matter most, those that the parts have."""
        known = {**vars(self.strategy), **vars(self.scheduler)}
        rungs = f" from {known['min_epochs']}, eta {known['eta']}" if "eta" in known else ""
        others = "".join(f"{name} {known[name]}, " for name in ("lanes", "population", "offspring") if name in known)
        return f"{self.epochs} epochs{rungs}, {others}"

    def _idle(self) -> Iterator[str]:
        """Yield a line where there are more workers than trainings at a time."""
        flag, most = idle(self.strategy, self.scheduler, self.workers)
        if flag and not self.asked.cluster:
            advice = f"--{flag} {self.workers} keeps all at work"
            yield f"{self.workers} workers, but {most} training{'s' * (most > 1)} at a time: {advice}"

    def saved(self, config: Config, evidence: dict[str, object]) -> Saved:
        """Return `config` with all that it takes to train it again."""
        asked = self.asked
        return Saved(
            config.values, asked.space, self.space.digest, asked.data, asked.image_size,
            self.epochs, asked.seed, self.folds, recipe.settings(self.space), evidence,
        )  # fmt: skip


def _known(metrics: Iterable[str]) -> None:
    for name in metrics:
        known = (*CHEAP, *parts.names("metric"))
        if name not in known:
            raise UserError(unknown("metric", name, known))


def _is_share(metric: str) -> bool:
    """Return whether it lies between 0 and 1."""
    return metric in parts.names("metric") and bool(getattr(parts.get("metric", metric), "is_share", False))
