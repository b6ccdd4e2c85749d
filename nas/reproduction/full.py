"""How does the full training go? One loop, judged after every epoch, kept now and then, ended by what was asked."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Any

import torch

from nas.core import faults
from nas.core.constraints import Constraint, total_violation
from nas.core.errors import Diverged, UserError
from nas.core.plain import canonical
from nas.core.types import Config
from nas.core.units import duration
from nas.deploy import trained
from nas.engine.ends import INTERRUPTED as CTRL_C
from nas.engine.ends import Stop
from nas.reproduction.files import TRAINING as FOLDER
from nas.reproduction.files import Full, Point, path_of
from nas.spaces.space import Space, load
from nas.training.device import be_deterministic
from nas.training.evaluation import Evaluation, Progress
from nas.training.keeper import Keeper, ctrl_c_noted
from nas.training.official import JUDGED, pieces
from nas.training.pieces import TRAINING, Piece
from nas.training.recipe import check, overruled, settings
from nas.training.together import sharing
from nas.training.training import Training
from nas.training.trajectory import standing

EPOCHS, DIVERGED = "epochs", "diverged"  # after which nothing is left
TARGET, TIME, INTERRUPTED = "target", "time", "interrupted"  # after which a training can go on
_LOOK = 10  # steps, after which several processes ask the first whether they are to stop


@dataclass(frozen=True)
class FullTask:
    """The full training of one configuration: on which images, for how long, and when it may end before.

    `recipe` are the settings beside those of the space of that name. Of two epochs the one is better that misses the
    `constraints` less, then the one with more of the `metric`, or less where not `maximize`. `target` is the value that
    ends the training where it is reached by a network that meets them, if any does. State, curve and best network lie
    in the folder of the reproduction, `directory`; the state is kept every `save_every` seconds, every `save_steps`
    steps, and when it ends. Sent to other processes, each of which loads its images.
    """

    space_name: str
    recipe: Mapping[str, Any]
    values: Mapping[str, Any]
    data: str
    image_size: int | None
    epochs: int
    metric: str
    maximize: bool
    directory: Path
    device: str = "cpu"
    threads: int = 1
    deterministic: bool = False
    decoders: int = 0
    target: float | None = None
    save_every: float = 300.0
    save_steps: int | None = None
    constraints: tuple[Constraint, ...] = ()  # on metrics that are known after training only

    @cached_property
    def space(self) -> Space:
        """The space with the whole recipe. Raises UserError for one that could train nothing."""
        space = overruled(load(self.space_name), self.recipe)
        check(space)
        return space

    @cached_property
    def config(self) -> Config:
        return Config.of(self.values)

    @cached_property
    def pieces(self) -> dict[str, Piece]:
        """The images to train on, and those that judge."""
        return pieces(self.data, self.image_size, self.device, decoders=self.decoders)

    def __getstate__(self) -> dict[str, Any]:
        """Leave the loaded images behind."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    def network(self, seed: int) -> Path:
        """Return where the best network by a seed is kept."""
        return self.directory / FOLDER / f"seed{seed}{trained.SUFFIX}"

    def __call__(
        self, seed: int, left: float, progress: Progress, stop: Stop, told: Callable[[str], None] = lambda text: None
    ) -> Full:
        """Train by a seed for at most so many seconds that are `left`; return how it went, which its file says, too.

        Goes on from what was kept. What has ended by its epochs or its target comes back as it is. At Ctrl-C, and
        where something asks to `stop`, the step at hand is finished and the state kept.
        """
        before = sharing().from_first(lambda: Full.read(self.directory, seed))
        if before and before.of != self.of:
            others = "another recipe, other images or another version of torch"
            raise UserError(f"{path_of(self.directory, seed)} is of {others}: choose another --name")
        if before and self._over(before):
            return before
        torch.set_num_threads(self.threads)
        if self.deterministic:
            be_deterministic()
        running = _Running(self, seed, before, left, stop, told)
        if running.training.position:
            told(f"seed {seed}: going on after {running.training.position} of {running.until} steps")
        return running.to_the_end(progress)

    def _over(self, full: Full) -> bool:
        """Return whether nothing is left of a training."""
        reached = self.target is not None and any(self.reached(point) for point in full.curve)
        done = full.epochs == self.epochs and full.ended in (EPOCHS, DIVERGED)
        return done or (full.ended == TARGET and reached)

    def reached(self, point: Point) -> bool:
        """Return whether the target was reached there."""
        if self.target is None or total_violation(self.constraints, point.metrics):
            return False
        value = point.metrics[self.metric]
        return value >= self.target if self.maximize else value <= self.target

    def better(self, point: Point, other: Point | None) -> bool:
        """Return whether the network was better there than at the `other` point, if there is one."""
        return other is None or self._merit(point) > self._merit(other)

    def _merit(self, point: Point) -> tuple[float, float]:
        value = point.metrics[self.metric]
        return -total_violation(self.constraints, point.metrics), value if self.maximize else -value

    @cached_property
    def of(self) -> str:
        """A digest of what must be the same for a training to go on."""
        images, space = self.pieces[TRAINING].images, self.space
        decisive = [self.config.values, self.epochs, images.digest, images.shape, space.digest, space.source]
        whole = canonical([*decisive, settings(space), torch.__version__])
        return blake2b(whole.encode(), digest_size=8).hexdigest()


class _Running:
    """The training by one seed at work, with its curve so far."""

    def __init__(
        self, task: FullTask, seed: int, before: Full | None, left: float, stop: Stop, told: Callable[[str], None]
    ) -> None:
        self.task, self.seed, self.began, self.left, self.stop = task, seed, time.monotonic(), left, stop
        self.told: Callable[[str], None] | None = told
        self.training = Training.begin(
            task.space, task.config.values, task.pieces, (seed, "final"), task.epochs, task.device
        )
        folder = task.directory / FOLDER
        if sharing().first:
            folder.mkdir(exist_ok=True)
        self.keeper = Keeper(folder / f"seed{seed}.training", task.of, task.save_every)
        self.keeper.resume(self.training)
        done = self.training.position // self.training.steps_per_epoch
        curve = tuple(point for point in before.curve if point.epoch <= done) if before else ()
        stopped = before is not None and before.ended in (TIME, INTERRUPTED)
        # What came after the last point is done again where nothing stopped the training but a kill.
        self.spent = before.seconds if before and stopped else curve[-1].seconds if curve else 0.0
        self.curve = curve

    @property
    def until(self) -> int:
        """All steps."""
        return self.task.epochs * self.training.steps_per_epoch

    @property
    def seconds(self) -> float:
        return self.spent + time.monotonic() - self.began

    def to_the_end(self, progress: Progress) -> Full:
        """Train until something ends it."""
        try:
            ended = self._judged_before() or self._trained(progress)
        except Diverged:
            ended = DIVERGED
        return self._end(ended)

    def _trained(self, progress: Progress) -> str:
        """Train on; return what has ended it."""
        training, ended = self.training, ""
        with ctrl_c_noted() as pressed:
            for batch in progress(training.batches(self.until), self.until, training.position):
                training.step(batch)
                ended = self._judged() if training.between_epochs else ""
                self._kept()
                faults.point("step.trained")
                if pressed():
                    self.stop.ask(CTRL_C)
                if training.between_epochs or sharing().count == 1 or training.position % _LOOK == 0:
                    ended = ended or sharing().from_first(self._stopped)
                if ended and training.position < self.until:
                    return ended
        return ended if ended == TARGET else EPOCHS

    def _stopped(self) -> str:
        """Return what stops the training from outside, if anything does."""
        late = time.monotonic() - self.began > self.left
        return INTERRUPTED if self.stop.reason else TIME if late else ""

    def _kept(self) -> None:
        if self.task.save_steps and self.training.position % self.task.save_steps == 0:
            self.keeper.save(self.training)
        else:
            self.keeper.now_and_then(self.training)

    def _judged_before(self) -> str:
        """Judge an epoch whose end was kept before it was judged; return what ends the training then."""
        known = self.curve[-1].epoch if self.curve else 0
        late = self.training.between_epochs and self.training.position > known * self.training.steps_per_epoch
        return self._judged() if late else ""

    def _judged(self) -> str:
        """Judge the network after an epoch, keep it where it is the best so far; return what ends the training."""
        task, training = self.task, self.training
        metrics = training.validate(JUDGED)
        point = Point(
            training.position // training.steps_per_epoch, self.seconds, training.losses[-1],
            standing(training.optimizer)["rate"], metrics,
        )  # fmt: skip
        best = self._best()
        self.curve = (*self.curve, point)
        if task.better(point, best):
            self._keep_network(metrics)
        self._write("")
        self._tell_pace(point)
        return TARGET if task.reached(point) else ""

    def _tell_pace(self, point: Point) -> None:
        """Tell once how long the rest will take, by the second epoch: the first has more to do."""
        left = self.task.epochs - point.epoch
        if self.told and left and len(self.curve) > 1:
            epoch = point.seconds - self.curve[-2].seconds
            self.told(f"an epoch takes {duration(epoch)}; {left} more take {duration(left * epoch)} at this pace")
            self.told = None

    def _best(self) -> Point | None:
        best: Point | None = None
        for point in self.curve:
            best = point if self.task.better(point, best) else best
        return best

    def _keep_network(self, metrics: dict[str, float]) -> None:
        if not sharing().first:
            return
        task, classes = self.task, self.training.pieces[TRAINING].images.classes
        tested = Evaluation(JUDGED, metrics, [], classes, self.training)
        trained.keep(task.network(self.seed), tested, task.space, task.config, task.data, task.epochs, self.seed)

    def _write(self, ended: str) -> Full:
        best, training = self._best(), self.training
        full = Full(
            self.seed, self.task.epochs, training.position // training.steps_per_epoch, ended,
            best.epoch if best else None, self.seconds, len(training.pieces[TRAINING]), self.curve, self.task.of,
        )  # fmt: skip
        if sharing().first:
            full.write(self.task.directory)
        return full

    def _end(self, ended: str) -> Full:
        """Keep what can go on, delete what cannot."""
        over = ended in (EPOCHS, DIVERGED)
        if not over:
            self.keeper.save(self.training)
        full = self._write(ended)
        if sharing().first and over:
            self.keeper.path.unlink(missing_ok=True)
        self.training.release()
        return full
