"""Phase 3: the full training, once a seed, and what it leaves: best.json and best.safetensors."""

import math
import os
import shutil
import time
from typing import Any

from nas.cli.commands.phases.planned import Planned
from nas.cli.commands.phases.tuning import Tuned
from nas.cli.commands.progress import bar
from nas.cli.commands.say import note
from nas.core.constraints import total_violation
from nas.data.parallel import spare
from nas.deploy.trained import SUFFIX
from nas.engine.ends import Stop
from nas.engine.signals import stop_requests
from nas.reproduction.full import INTERRUPTED, TIME, train
from nas.reproduction.target import shown
from nas.reproduction.task import FullTask
from nas.runs.disk import replacing
from nas.runs.reproduced import Full, Point
from nas.runs.saved import Saved
from nas.training.official import OFFICIAL
from nas.training.pieces import TRAINING
from nas.training.recipe import settings
from nas.training.task import CHEAP
from nas.training.together import current

POLICY = {"name": "step", "period": 30, "gamma": 0.1}  # as it was published


def task(planned: Planned, tuned: Tuned) -> FullTask:
    """Return the full training. Raises UserError for a recipe that could train nothing."""
    wanted, here = planned.wanted, planned.usual.here
    own = tuned.policy if tuned.policy != "constant" else POLICY
    recipe = {**planned.shared, "optimizer": tuned.optimizer, "policy": wanted.recipe.get("policy", own)}
    full = FullTask(
        tuned.space, recipe, tuned.config, wanted.data, planned.image_size, wanted.epochs, planned.metric,
        planned.maximize, planned.directory, here.device, wanted.threads, wanted.deterministic,
        spare(_side_by_side(), wanted.threads), planned.target if wanted.stop_at_target else None,
        wanted.checkpoint_every or math.inf, wanted.checkpoint_steps,
        tuple(constraint for constraint in wanted.constraints if constraint.metric not in CHEAP),
    )  # fmt: skip
    _ = full.space
    return full


def _side_by_side() -> int:
    """Return how many processes train on this machine."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", "1")) if current().count > 1 else 1


def run(planned: Planned, full: FullTask, left: float | None) -> tuple[list[Full], str]:
    """Return how the trainings went, those that there was time for within so many seconds that are `left`.

    Returns also what stopped them from outside: Ctrl-C, SIGTERM or its kin, or nothing.
    """
    began, found, wanted = time.monotonic(), list[Full](), planned.wanted
    for seed in range(wanted.seed, wanted.seed + wanted.seeds):
        remains = float("inf") if left is None else left - (time.monotonic() - began)
        if remains <= 0:
            before = Full.read(planned.directory, seed)
            found += [before] if before else []
            continue
        done, reason = current().call(_trained, full, seed, remains, wanted.quiet)
        found.append(done)
        if done.at_best:
            value = shown(done.at_best.metrics[planned.metric], planned.metric)
            note(wanted.quiet)(f"seed {seed}: {planned.metric} {value} at epoch {done.best} of {done.epochs}")
        if done.ended in (TIME, INTERRUPTED) or reason:
            return found, reason
    return found, ""


def _trained(full: FullTask, seed: int, left: float, quiet: bool) -> tuple[Full, str]:
    """Return how the training by a seed went, and what stopped it; only the first of several processes speaks."""
    stop, quiet = Stop(), quiet or not current().first
    with stop_requests(stop.ask):
        done = train(full, seed, left, bar(f"training, seed {seed}", quiet), stop, note(quiet))
    return done, stop.reason


def keep(planned: Planned, tuned: Tuned, full: FullTask, first: Full) -> None:
    """Write best.json and the network of the first seed, once an epoch was judged."""
    best = first.at_best
    if best is None:
        return
    network = planned.directory / f"best{SUFFIX}"
    with replacing(network) as temporary:
        shutil.copyfile(full.network(first.seed), temporary)
    saved = Saved(
        full.config.values, tuned.space, full.space.digest, planned.wanted.data, planned.image_size, first.epochs,
        first.seed, 1, settings(full.space), _evidence(planned, tuned, full, best),
    )  # fmt: skip
    saved.write(planned.directory / "best.json")


def _evidence(planned: Planned, tuned: Tuned, full: FullTask, best: Point) -> dict[str, Any]:
    """Return what best.json says besides how to train it again."""
    constraints, costs = planned.wanted.constraints, _costs(planned, full)
    metrics = {**best.metrics, **{name: costs[name] for name in ("params", "macs")}}  # as nas evaluate tells them
    reached, target = best.metrics[planned.metric], planned.target
    reproduction = {
        "target": target, "reached": reached, "share": reached / target if target else None, "epoch": best.epoch,
        "seconds": best.seconds,
    }  # fmt: skip
    return {
        **tuned.evidence, "space_source": full.space.source, "data_digest": full.pieces[TRAINING].images.digest,
        "objective": planned.metric, "constraints": [str(constraint) for constraint in constraints],
        "feasible": not total_violation(constraints, {**best.metrics, **costs}), "test": metrics, "judged": OFFICIAL,
        "until": best.epoch, "reproduction": reproduction,
    }  # fmt: skip


def _costs(planned: Planned, full: FullTask) -> dict[str, float]:
    """Return the parameters and MACs of the network, and what else is bounded."""
    measures, bounded = planned.usual.here.measures(), {constraint.metric for constraint in planned.wanted.constraints}
    return {name: measures[name](full.config.values) for name in CHEAP if name in {"params", "macs", *bounded}}
