"""How does the full training go? One loop, judged after every epoch, kept now and then, ended by what was asked."""

import time
from collections.abc import Callable

import torch

from nas.core import faults
from nas.core.errors import Diverged, UserError
from nas.core.units import duration
from nas.deploy import trained
from nas.engine.ends import INTERRUPTED as CTRL_C
from nas.engine.ends import Stop
from nas.reproduction.task import FullTask
from nas.runs.reproduced import TRAINING as FOLDER
from nas.runs.reproduced import Full, Point, path_of
from nas.training.device import be_deterministic
from nas.training.evaluation import Evaluation, Progress
from nas.training.keeper import Keeper, ctrl_c_noted
from nas.training.official import JUDGED
from nas.training.pieces import TRAINING
from nas.training.together import sharing
from nas.training.training import Training
from nas.training.trajectory import standing

EPOCHS, DIVERGED = "epochs", "diverged"  # after which nothing is left
TARGET, TIME, INTERRUPTED = "target", "time", "interrupted"  # after which a training can go on
_LOOK = 10  # steps, after which several processes ask the first whether they are to stop


def train(task: FullTask, seed: int, left: float, progress: Progress, stop: Stop, told: Callable[[str], None]) -> Full:
    """Train by a seed for at most so many seconds that are `left`; return how it went, which its file says, too.

    Goes on from what was kept. What has ended by its epochs or its target comes back as it is. At Ctrl-C, and where
    something asks to `stop`, the step at hand is finished and the state kept. Raises UserError where another training
    has that file.
    """
    before = sharing().from_first(lambda: Full.read(task.directory, seed))
    if before and before.of != task.of:
        others = "another recipe, other images or another version of torch"
        raise UserError(f"{path_of(task.directory, seed)} is of {others}: choose another --name")
    if before and _over(task, before):
        return before
    torch.set_num_threads(task.threads)
    if task.deterministic:
        be_deterministic()
    running = _Running(task, seed, before, left, stop, told)
    if running.training.position:
        told(f"seed {seed}: going on after {running.training.position} of {running.until} steps")
    return running.to_the_end(progress)


def _over(task: FullTask, full: Full) -> bool:
    """Return whether nothing is left of a training."""
    reached = task.target is not None and any(map(task.reached, full.curve))
    done = full.epochs == task.epochs and full.ended in (EPOCHS, DIVERGED)
    return done or (full.ended == TARGET and reached)


class _Running:
    """The training by one seed at work, with its curve so far."""

    def __init__(
        self, task: FullTask, seed: int, before: Full | None, left: float, stop: Stop, told: Callable[[str], None]
    ) -> None:
        self.task, self.seed, self.began, self.left, self.stop = task, seed, time.monotonic(), left, stop
        self.told: Callable[[str], None] | None = told
        self.judged = 0  # epochs, by this process
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
            self.keeper.save(training)  # first: a network of an epoch that is not trained again would be nobody's
            self._keep_network(metrics)
        self._write("")
        self._tell_pace(point)
        return TARGET if task.reached(point) else ""

    def _tell_pace(self, point: Point) -> None:
        """Tell once how long the rest will take, by the second epoch: the first has more to do."""
        left, self.judged = self.task.epochs - point.epoch, self.judged + 1
        if self.told and left and self.judged > 1:
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
