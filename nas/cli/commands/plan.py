"""What do the flags and the defaults ask for? Checked before anything is trained."""

import math
from argparse import Namespace
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from nas.api import asked, executor_for
from nas.cli.commands.naming import fresh
from nas.core import defaults
from nas.core.brackets import hyperband
from nas.core.constraints import Constraint, parse
from nas.core.digests import is_listed
from nas.core.errors import UserError
from nas.core.spec import CONFIRMATION, RunSpec, most_repetitions
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
from nas.engine.executors import Executor
from nas.runs.earlier import as_begun
from nas.runs.folder import SPEC, read_spec
from nas.runs.saved import Saved, versions
from nas.spaces.initial import checked
from nas.spaces.initial import read as read_initial
from nas.spaces.space import load as load_space
from nas.training.fit import choose_device, visible_gpus
from nas.training.metrics import NAMES
from nas.training.task import CHEAP, ImageTask

_RATIOS = tuple(name for name in NAMES if name != "loss")
_NOMINAL_LIMIT = 300.0  # seconds that --max-macs auto and the budgets suit when no time limit is given


class Plan:
    """The main job as asked for. Raises UserError for bad flags, data and spaces."""

    def __init__(self, flags: Namespace) -> None:
        self.flags, self.space = flags, load_space(flags.space)
        self.maximize, self.objective = not flags.objective.startswith("-"), flags.objective.removeprefix("-")
        self.limit: float | None = flags.max_time
        self.device_here = choose_device("auto" if flags.cluster else flags.device)
        self.device = flags.device if flags.cluster and flags.device != "auto" else self.device_here
        self.search_seconds = defaults.search_seconds(self.limit) if self.limit else None
        suited = defaults.budgets(self.device, self.limit or _NOMINAL_LIMIT)
        asked = {name: getattr(flags, name) for name in suited.__dict__ if getattr(flags, name) is not None}
        self.budgets = replace(suited, **asked)
        if flags.min_epochs is None:
            self.budgets = replace(self.budgets, min_epochs=min(self.budgets.min_epochs, self.budgets.epochs))
        if flags.max_total_epochs and flags.max_total_epochs < self.budgets.epochs:
            full = self.budgets.epochs
            raise UserError(f"--max-total-epochs {flags.max_total_epochs} is less than one training of {full} epochs")
        if flags.budget != "full":
            hyperband(self.budgets.epochs, self.budgets.min_epochs, self.budgets.eta)  # told before anything starts
        if flags.cuda_graphs and self.device != "cuda":
            raise UserError(
                "--cuda-graphs: there are none on a CPU; leave it out, or give --device cuda where a GPU is"
            )
        self.gpus = visible_gpus() if self.device == "cuda" and not flags.cluster else ()
        self.workers = self._workers()
        self.task = ImageTask(
            flags.data, flags.image_size, flags.space, self.budgets.folds, flags.seed, self.budgets.epochs,
            self.device, flags.threads, available_memory() // (4 * (self.workers + 1)), flags.deterministic,
            flags.diverge_above, recorded=flags.cuda_graphs,
            workers_per_gpu=math.ceil(self.workers / len(self.gpus)) if self.gpus else 1,
            decoders=0 if flags.cluster else spare(self.workers, flags.threads),
        )  # fmt: skip
        self.constraints = self._constraints()
        _known((self.objective, *(c.metric for c in self.constraints)))
        self.here = replace(self.task, device=self.device_here)  # a cluster may have GPUs where we have none
        subject = f"{Path(flags.data).resolve().name}-{flags.strategy}-seed{flags.seed}"
        self.directory: Path = flags.run_dir / (flags.name or fresh(subject))
        self.images, _ = self._images(), self.here.splits  # bad data is told before anything starts
        self.macs_bound = self._macs_bound()
        if self.macs_bound:
            seconds = defaults.SHARE * (self.limit or _NOMINAL_LIMIT)
            self.constraints += [
                Constraint("macs", "<=", self.macs_bound),
                Constraint("train_seconds", "<=", round(seconds, 3)),
            ]
        self.details = as_begun(self.directory, self._details())
        self.initial = self._initial()
        # A broken test part is told before anything starts.
        images = self.images
        test = Checked() if self._begun else check_test_part(flags.data, images.ranges, images.assumed)
        self.remarks = remarks(self.images, self.budgets.folds, test)

    def _images(self) -> Images:
        """Return the training images: known by their contents where those of the run that goes on were."""
        images, before = self.here.images, self._digest_before()
        if before and is_listed(images.digest) and not is_listed(before):
            read_training(self.flags.data)
            self.here = replace(self.here)  # without the images that it has loaded
            images = self.here.images
        return images

    def _digest_before(self) -> str:
        return str(read_spec(self.directory).details.get("data_digest", "")) if self._begun else ""

    def _initial(self) -> Sequence[dict[str, Any]]:
        """Return the configurations to begin with: of a run that goes on, those that it began with."""
        if self.flags.initial:
            return checked(self.space.space, read_initial(self.flags.initial))
        return read_spec(self.directory).initial if self._begun else ()

    @property
    def _begun(self) -> bool:
        return (self.directory / SPEC).exists()

    def _workers(self) -> int:
        """Return as many as asked for, else one or more a GPU, or as many as our cores have room for."""
        flags = self.flags
        if flags.workers_per_gpu and not self.gpus:
            raise UserError(f"--workers-per-gpu {flags.workers_per_gpu}: the device is {self.device}; give --workers N")
        if flags.workers is not None:
            return int(flags.workers)
        if self.gpus:
            return len(self.gpus) * int(flags.workers_per_gpu or 1)
        return max(1, min(8, cores() // int(flags.threads)))

    def _where(self) -> str:
        return f"cluster {self.flags.cluster}" if self.flags.cluster else f"{self.workers} workers"

    def _constraints(self) -> list[Constraint]:
        flags = self.flags
        given = [parse(text) for text in flags.constraint]
        short = (
            ("precision", ">=", flags.min_precision),
            ("params", "<=", flags.max_params),
            ("latency_ms", "<=", flags.max_latency_ms),
            ("macs", "<=", flags.max_macs if isinstance(flags.max_macs, int) else None),
        )
        given += [Constraint(metric, relation, bound) for metric, relation, bound in short if bound is not None]
        for constraint in given:
            if constraint.metric in _RATIOS and constraint.relation == ">=" and constraint.bound > 1:
                raise UserError(f"constraint {constraint} cannot be met: {constraint.metric} lies between 0 and 1")
            if constraint.relation == "<=" and constraint.bound < 0:
                raise UserError(f"constraint {constraint} cannot be met: {constraint.metric} is never below 0")
        return given

    def _macs_bound(self) -> int | None:
        if self.flags.max_macs != "auto" or self.flags.strategy == "default":
            return None
        seen = defaults.images_seen(len(self.images), self.budgets.epochs, self.budgets.folds)
        return defaults.max_macs(self.limit or _NOMINAL_LIMIT, seen, self.device, self.flags.threads)

    def measures(self) -> Measures:
        """Return the cheap metrics by name; latency only where a constraint or the objective asks for it."""
        asked = {self.objective, *(c.metric for c in self.constraints)} | {"params", "macs"}
        if "latency_ms" in asked and self.device_here != self.device:
            raise UserError(
                f"latency_ms is measured here, on {self.device_here}, not on the {self.device} of the cluster"
            )
        return {name: function for name, function in self.here.measures().items() if name in asked}

    def spec(self) -> RunSpec:
        """Return what decides the history of the run."""
        flags, sizes = self.flags, self.budgets
        return asked(
            self.space.space,
            objective=self.objective,
            maximize=self.maximize,
            constraints=self.constraints,
            strategy=flags.strategy,
            budget=flags.budget,
            max_epochs=sizes.epochs,
            min_epochs=sizes.min_epochs,
            eta=sizes.eta,
            population=sizes.population,
            offspring=sizes.offspring,
            mutation_rate=flags.mutation_rate,
            model=flags.model,
            seed=flags.seed,
            max_trials=flags.max_trials,
            max_total_epochs=flags.max_total_epochs,
            lanes=flags.lanes,
            confirm=flags.confirm,
            initial=self.initial,
            default=self.space.default,
            details=self.details,
        )

    def executor(self) -> Executor:
        """Return where trials train."""
        flags, resources = self.flags, {"GPU": 1} if self.device == "cuda" else None
        return executor_for(self.task, self.workers, self.gpus, flags.cluster, resources, flags.trial_timeout)

    def _details(self) -> dict[str, object]:
        """Return what decides the run's history besides the search's own settings."""
        return {
            "data": self.flags.data,
            "data_digest": self.images.digest_like(self._digest_before()),
            "image_size": self.flags.image_size,
            "space": self.flags.space,
            "space_source": self.space.source,
            "recipe": self.space.settings,
            "folds": self.budgets.folds,
            "device": self.device,
            "threads": self.flags.threads,
            "deterministic": self.flags.deterministic,
            "diverge_above": self.flags.diverge_above,
            **({"cuda_graphs": True} if self.flags.cuda_graphs else {}),
            "versions": versions(),
        }

    def command(self) -> list[str]:
        """Return the words that ask for the same run again, every default that was chosen filled in."""
        short = (
            "command", "run", "run_dir", "name", "quiet", "initial", "min_precision", "max_params", "max_latency_ms"
        )  # fmt: skip
        given = {name: value for name, value in vars(self.flags).items() if name not in short}
        chosen = {"constraint": self.constraints, "max_macs": "none", "max_time": self.limit or "none"}
        words = list[str]()
        for name, value in {**given, **self.budgets.__dict__, **chosen, "device": self.device}.items():
            flag = f"--{name.replace('_', '-')}"
            if isinstance(value, list):
                words += [f"{flag}={each}" for each in value]
            elif value is True:
                words.append(flag)
            elif value is not None and value is not False:
                words.append(f"{flag}={value}")
        return words

    def announcement(self) -> str:
        """Return in a few lines what will be done."""
        images, flags, sizes = self.images, self.flags, self.budgets
        subject = " and ".join(str(c) for c in self.constraints) or "no constraint"
        lines = [
            f"{flags.data}: {len(images)} training images {'x'.join(map(str, images.shape))}, "
            f"{len(images.classes)} classes; space {flags.space}, {len(self.space.space)} hyperparameters",
            *self.remarks,
            f"{'maximise' if self.maximize else 'minimise'} {self.objective} subject to {subject}",
            f"{flags.strategy} with budget {flags.budget}: {sizes.epochs} epochs from {sizes.min_epochs}, "
            f"eta {sizes.eta}, population {sizes.population}, offspring {sizes.offspring}, folds {sizes.folds}, "
            f"seed {flags.seed}; {self._where()} x {flags.threads} threads on {self.device}"
            + (f", {duration(self.limit)}" if self.limit else ""),
        ]
        again = most_repetitions(flags.confirm, flags.max_trials, flags.max_total_epochs, sizes.epochs)
        if again and flags.strategy != "default":
            best = f"the best {flags.confirm} are trained again, up to {again} times in all"
            lines.append(f"at the end {best}, in at most {CONFIRMATION:.0%} of the limits")
        if self.macs_bound:
            limit = duration(self.limit or _NOMINAL_LIMIT)
            lines.append(
                f"candidates above {self.macs_bound:.3g} MACs, or with steps that come to the same, are left out: "
                f"their full training would take more than {defaults.SHARE:.0%} of {limit} at nominal speed "
                f"(--max-macs none lifts this)"
            )
        return "\n".join([*lines, f"run folder {self.directory}"])

    def saved(self, config: Config, evidence: dict[str, object]) -> Saved:
        """Return `config` with all that it takes to train it again."""
        flags, sizes = self.flags, self.budgets
        return Saved(
            config.values, flags.space, self.space.digest, flags.data, flags.image_size,
            sizes.epochs, flags.seed, sizes.folds, self.space.settings, evidence,
        )  # fmt: skip


def _known(metrics: Iterable[str]) -> None:
    for name in metrics:
        if name not in (*CHEAP, *NAMES):
            raise UserError(unknown("metric", name, (*CHEAP, *NAMES)))
