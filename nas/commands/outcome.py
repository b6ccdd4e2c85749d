"""What becomes of the incumbent when a search has ended? Saved, retrained, tested, kept, reported."""

import sys
import time

from rich.console import Console as Terminal

from nas import api, defaults, trained
from nas.commands.plan import Plan
from nas.commands.progress import epoch_bar
from nas.errors import DiskFull, UserError
from nas.evaluate import Evaluation, Evaluator
from nas.stored import open_run
from nas.types import Config, Result
from nas.units import duration
from nas.words import quoted

_NETWORK = f"best{trained.SUFFIX}"


def write_best(plan: Plan, run: api.Run, best: Result, tested: Evaluation | None) -> None:
    """Write best.json: the incumbent with the evidence for it."""
    incumbent = plan.saved(best.job.trial.config, _evidence(plan, run, best, tested))
    trained.drop_stale(plan.directory / _NETWORK, incumbent)  # of a former incumbent, before this one takes its place
    incumbent.write(plan.directory / "best.json")


def _evidence(plan: Plan, run: api.Run, best: Result, tested: Evaluation | None) -> dict[str, object]:
    """Return what best.json says about its configuration besides how to train it."""
    return {
        "trial": best.job.trial.id,
        "space_source": plan.space.source,
        "epochs_trained": best.epochs,
        "objective": run.spec.objective,
        "constraints": [str(c) for c in run.spec.constraints],
        "feasible": best.feasible,
        "validation": best.metrics,
        "confirmation": _evidence_again(run),
        "test": tested.metrics if tested else None,
    }


def _evidence_again(run: api.Run) -> dict[str, object] | None:
    found = run.confirmation
    if not found:
        return None
    sure = {str(c): found.probability(c) for c in run.spec.constraints}
    return {"count": found.count, "mean": found.mean, "spread": found.spread, "probability": sure}


def final(
    plan: Plan, run: api.Run, best: Result, title: str, began: float, columns: dict[str, dict[str, float]]
) -> list[str]:
    """Retrain and test the incumbent and the default configuration where that fits; return notes on what did not."""
    config, notes = best.job.trial.config, list[str]()
    spent = sum(result.seconds for result in run.trials if result.job.trial == best.job.trial)
    cost = spent / max(1, plan.budgets.folds - 1) * plan.budgets.epochs / best.epochs
    tested = _tested(plan, config, "incumbent", cost, began)
    if isinstance(tested, Evaluation):
        columns[f"{title}, test"] = tested.metrics
        write_best(plan, run, best, tested)
        notes.append(_kept(plan, config, tested))
    else:
        notes.append(
            f"{tested}; for its test metrics: python -m nas.main evaluate {quoted(plan.directory / 'best.json')}"
        )
    if plan.flags.strategy != "default":
        default = _default_tested(plan, began)
        if isinstance(default, Evaluation):
            columns["default, test"] = default.metrics
        else:
            file = plan.directory / "default.json"
            notes.append(f"{default}; for its test metrics: python -m nas.main evaluate {quoted(file)}")
    return notes


def _default_tested(plan: Plan, began: float) -> Evaluation | str:
    """Retrain and test the default configuration, write what came of it to default.json; or return why that fails."""
    config = Config.of(plan.space.default)
    try:
        cost = plan.here.nominal_seconds(config.values, 1)
    except Exception as error:  # the default meets no constraint: it may not even fit the memory
        tested: Evaluation | str = f"the default configuration cannot be built: {error}"
    else:
        tested = _tested(plan, config, "default configuration", cost, began)
    evidence: dict[str, object] = {"test": tested.metrics} if isinstance(tested, Evaluation) else {"untested": tested}
    plan.saved(config, evidence).write(plan.directory / "default.json")
    return tested


def _tested(plan: Plan, config: Config, title: str, cost: float, began: float) -> Evaluation | str:
    """Retrain `config` on the whole training part and test it; or return why that cannot be."""
    left = plan.limit - (time.monotonic() - began) if plan.limit else defaults.FINAL_AT_MOST
    if cost > left:
        return f"training the {title} takes about {duration(cost)}, {duration(max(0, left))} were left"
    flags, progress = plan.flags, epoch_bar(f"retraining {title}", plan.flags.quiet)
    evaluator = Evaluator(plan.space, flags.data, flags.image_size, plan.device_here, flags.threads, progress)
    try:
        return evaluator.test(config, plan.budgets.epochs, flags.seed)
    except Exception as error:  # the search is done, and its result must not be lost
        return f"training the {title} failed: {type(error).__name__}: {error}"


def _kept(plan: Plan, config: Config, tested: Evaluation) -> str:
    """Write the trained network beside best.json; return a note where it is, or why it is not."""
    path = plan.directory / _NETWORK
    try:
        trained.keep(path, tested, plan.space, config, plan.flags.data, plan.budgets.epochs, plan.flags.seed)
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
        Terminal(stderr=True, quiet=plan.flags.quiet).print(f"report {path}", highlight=False, soft_wrap=True)
    except (Exception, KeyboardInterrupt) as error:
        again = f"python -m nas.main report {quoted(plan.directory)}"
        print(f"nas: no report ({type(error).__name__}: {error}); try again by {again}", file=sys.stderr)
