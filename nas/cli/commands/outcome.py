"""What becomes of the incumbent when a search has ended? Saved, retrained, tested, kept, reported."""

import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from nas.cli.commands.plan import Plan
from nas.cli.commands.progress import bar
from nas.cli.commands.say import note, say, warn
from nas.core import defaults
from nas.core.errors import UNTESTED, DiskFull, UserError
from nas.core.types import Config, Result
from nas.core.units import duration
from nas.core.words import one_line, quoted
from nas.deploy import trained
from nas.runs import origin, saved
from nas.runs.run import Run
from nas.runs.stored import open_run
from nas.training.evaluation import UNFINISHED, Evaluation, Evaluator

_NETWORK = f"best{trained.SUFFIX}"
_FILES = {"incumbent": "best", "default configuration": "default"}
_OF_TEST = ("test", "trajectories")  # in best.json


@dataclass(frozen=True)
class Untested:
    """Why a configuration was not tested; `failed` where it should have been, and not for want of time."""

    reason: str
    failed: bool = True


def write_best(plan: Plan, run: Run, best: Result, tested: Evaluation | None) -> None:
    """Write best.json: the incumbent with the evidence for it. A test of it before stands until the next."""
    file = plan.directory / "best.json"
    evidence = _evidence(plan, run, best)
    incumbent = plan.saved(best.job.trial.config, evidence)
    evidence |= _of_test(tested) if tested else _tested_before(file, incumbent)
    trained.drop_stale(plan.directory / _NETWORK, incumbent, file)  # of a former incumbent, before this takes its place
    incumbent.write(file)


def _of_test(tested: Evaluation) -> dict[str, object]:
    """Return what best.json says of a test: metrics and, where there is one, the trajectory of the training."""
    return {"test": tested.metrics} | ({"trajectories": tested.trajectories} if tested.trajectories else {})


def _tested_before(file: Path, incumbent: saved.Saved) -> dict[str, object]:
    """Return what best.json says of the test, if it is of the same network."""
    with suppress(UserError):
        before = saved.read(file)
        if not origin.of_saved(before, file).unlike(origin.of_saved(incumbent, file)):
            return {"test": None} | {name: before.evidence[name] for name in _OF_TEST if name in before.evidence}
    return {"test": None}


def _evidence(plan: Plan, run: Run, best: Result) -> dict[str, object]:
    """Return what best.json says about its configuration besides how to train it, but for its test."""
    return {
        "trial": best.job.trial.id,
        "space_source": plan.space.source,
        "epochs_trained": best.epochs,
        "objective": run.spec.objective,
        "constraints": [str(c) for c in run.spec.constraints],
        "feasible": best.feasible,
        "validation": best.metrics,
        "confirmation": _evidence_again(run),
    }


def _evidence_again(run: Run) -> dict[str, object] | None:
    found = run.confirmation
    if not found:
        return None
    sure = {str(c): found.probability(c) for c in run.spec.constraints}
    return {"count": found.count, "mean": found.mean, "spread": found.spread, "probability": sure}


def final(
    plan: Plan, run: Run, best: Result, title: str, began: float, columns: dict[str, dict[str, float]]
) -> tuple[list[str], int]:
    """Retrain and test the incumbent and the default configuration where that fits.

    Returns notes on what did not, and the exit status: UNTESTED where the incumbent failed.
    """
    config, notes, file = best.job.trial.config, list[str](), plan.directory / "best.json"
    spent = sum(result.seconds for result in run.trials if result.job.trial == best.job.trial)
    cost = spent / max(1, plan.folds - 1) * plan.epochs / best.epochs
    tested = _tested(plan, config, "incumbent", cost, began)
    if isinstance(tested, Evaluation):
        columns[f"{title}, test"] = tested.metrics
        write_best(plan, run, best, tested)
        notes.append(_kept(plan, config, tested))
    else:
        notes.append(f"{tested.reason}; for its test metrics: python -m nas.main evaluate {quoted(file)}")
    if plan.strategy.endless:
        default = _default_tested(plan, began)
        if isinstance(default, Evaluation):
            columns["default, test"] = default.metrics
        else:
            file = plan.directory / "default.json"
            notes.append(f"{default.reason}; for its test metrics: python -m nas.main evaluate {quoted(file)}")
    return notes, UNTESTED if isinstance(tested, Untested) and tested.failed else 0


def _default_tested(plan: Plan, began: float) -> Evaluation | Untested:
    """Retrain and test the default configuration, write what came of it to default.json; or return why that fails."""
    config = Config.of(plan.space.default)
    try:
        cost = plan.here.nominal_seconds(config.values, 1)
    except Exception as error:  # the default meets no constraint: it may not even fit the memory
        tested: Evaluation | Untested = Untested(f"the default configuration cannot be built: {one_line(error)}")
    else:
        tested = _tested(plan, config, "default configuration", cost, began)
    known = ("test", tested.metrics) if isinstance(tested, Evaluation) else ("untested", tested.reason)
    plan.saved(config, dict([known])).write(plan.directory / "default.json")
    return tested


def _tested(plan: Plan, config: Config, title: str, cost: float, began: float) -> Evaluation | Untested:
    """Retrain `config` on the whole training part and test it; or return why that cannot be."""
    left = plan.limit - (time.monotonic() - began) if plan.limit else defaults.FINAL_AT_MOST
    if cost > left:
        told = f"training the {title} takes about {duration(cost)}, {duration(max(0, left))} were left"
        return Untested(told, failed=False)
    flags, progress = plan.asked, bar(f"retraining {title}", plan.asked.quiet)
    evaluator = Evaluator(
        plan.space, flags.data, flags.image_size, plan.device_here, flags.threads, progress,
        plan.directory / f"{_FILES[title]}.{UNFINISHED}", note(flags.quiet),
    )  # fmt: skip
    try:
        return evaluator.test(config, plan.epochs, flags.seed)
    except Exception as error:  # the search is done, and its result must not be lost
        return Untested(f"training the {title} failed: {type(error).__name__}: {one_line(error)}")


def _kept(plan: Plan, config: Config, tested: Evaluation) -> str:
    """Write the trained network beside best.json; return a note where it is, or why it is not."""
    path = plan.directory / _NETWORK
    try:
        trained.keep(path, tested, plan.space, config, plan.asked.data, plan.epochs, plan.asked.seed)
    except DiskFull:
        raise
    except UserError as error:
        path.unlink(missing_ok=True)  # of an earlier end of the search, trained anew since
        return str(error)
    return f"trained network saved as {path}"


def write_report(plan: Plan) -> None:
    """Write the report. The search is done: whatever fails here is told, and its result stands."""
    from nas.report.page import write

    try:
        path = write([open_run(plan.directory)], plan.directory / "report.html")
        if not plan.asked.quiet:
            say(f"report {path}", sys.stderr)
    except (Exception, KeyboardInterrupt) as error:
        again = f"python -m nas.main report {quoted(plan.directory)}"
        warn(f"no report ({type(error).__name__}: {error}); try again by {again}")
