"""Phase 3: the full training, once a seed, and what it leaves: best.json and best.safetensors."""

import shutil
import time
from collections.abc import Mapping
from typing import Any

from nas.cli.commands.phases.planned import Planned
from nas.cli.commands.phases.tuning import Tuned
from nas.cli.commands.progress import bar
from nas.cli.commands.say import note
from nas.core.types import Config
from nas.deploy.trained import SUFFIX
from nas.engine.ends import Stop
from nas.engine.signals import stop_requests
from nas.reproduction.files import Full
from nas.reproduction.full import INTERRUPTED, TIME, FullTask
from nas.reproduction.target import shown
from nas.runs.disk import replacing
from nas.runs.saved import Saved
from nas.spaces.space import Space, load
from nas.training.official import OFFICIAL
from nas.training.recipe import check, overruled, settings

POLICY = {"name": "step", "period": 30, "gamma": 0.1}  # as it was published


def task(planned: Planned, tuned: Tuned) -> FullTask:
    """Return the full training. Raises UserError for a recipe that could train nothing."""
    wanted, here = planned.wanted, planned.usual.here
    space = _space(planned, tuned)
    return FullTask(
        space, Config.of(tuned.config), wanted.data, planned.pieces, wanted.epochs, planned.metric, planned.maximize,
        planned.directory, here.device, wanted.threads, wanted.deterministic,
        planned.target if wanted.stop_at_target else None, wanted.checkpoint_every, wanted.checkpoint_steps,
    )  # fmt: skip


def _space(planned: Planned, tuned: Tuned) -> Space:
    own = tuned.policy if tuned.policy != "constant" else POLICY
    given = {**planned.shared, "optimizer": tuned.optimizer, "policy": planned.wanted.recipe.get("policy", own)}
    space = overruled(load(tuned.space), given)
    check(space)
    return space


def run(planned: Planned, full: FullTask, left: float | None, stop: Stop) -> list[Full]:
    """Return how the trainings went, those that there was time for within so many seconds that are `left`.

    SIGTERM and its kin stop them as Ctrl-C does; `stop` says then by what.
    """
    began, found, wanted = time.monotonic(), list[Full](), planned.wanted
    for seed in range(wanted.seed, wanted.seed + wanted.seeds):
        remains = float("inf") if left is None else left - (time.monotonic() - began)
        if remains <= 0:
            break
        title = f"training, seed {seed}" if wanted.seeds > 1 else "training"
        with stop_requests(stop.ask):
            done = full(seed, remains, bar(title, wanted.quiet), stop, note(wanted.quiet))
        found.append(done)
        best = done.at_best
        if best:
            value = shown(best.metrics[planned.metric], planned.metric)
            note(wanted.quiet)(f"seed {seed}: {planned.metric} {value} at epoch {best.epoch} of {done.epochs}")
        if done.ended in (TIME, INTERRUPTED):
            break
    return found


def keep(planned: Planned, tuned: Tuned, full: FullTask, first: Full) -> Saved | None:
    """Write best.json and the network of the first seed; None where no epoch was judged."""
    best, wanted = first.at_best, planned.wanted
    if best is None:
        return None
    reached = best.metrics[planned.metric]
    reproduction = {
        "target": planned.target, "reached": reached, "share": reached / planned.target if planned.target else None,
        "epoch": best.epoch, "seconds": best.seconds,
    }  # fmt: skip
    evidence: Mapping[str, Any] = {
        "space_source": full.space.source, "objective": planned.metric,
        "constraints": [str(constraint) for constraint in wanted.constraints], **tuned.evidence,
        "test": best.metrics, "judged": OFFICIAL, "until": best.epoch, "reproduction": reproduction,
    }  # fmt: skip
    saved = Saved(
        full.config.values, tuned.space, full.space.digest, wanted.data, planned.image_size, wanted.epochs, first.seed,
        1, settings(full.space), evidence,
    )  # fmt: skip
    network = planned.directory / f"best{SUFFIX}"
    with replacing(network) as temporary:
        shutil.copyfile(full.network(first.seed), temporary)
    saved.write(planned.directory / "best.json")
    return saved
