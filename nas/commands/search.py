"""`nas search`: from the flags to a run folder with the best network under constraints, retrained and tested."""

import time
from argparse import Namespace
from collections import Counter
from collections.abc import Iterable

from rich.console import Console as Terminal

from nas import api, defaults, trained
from nas.commands.plan import Plan
from nas.commands.progress import epoch_bar
from nas.commands.table import comparison, shown
from nas.disk import write_atomically
from nas.errors import DiskFull, UserError
from nas.evaluate import Evaluation, Evaluator
from nas.signals import exit_status
from nas.trackers.console import Console
from nas.types import Config, Result, Status
from nas.units import duration

_NETWORK = f"best{trained.SUFFIX}"


def search(flags: Namespace) -> int:
    """Search, retrain the incumbent and the default configuration, test both, and leave the run folder."""
    began = time.monotonic()
    plan = Plan(flags)
    terminal = Terminal(stderr=True, quiet=flags.quiet)
    terminal.print(plan.announcement(), highlight=False, soft_wrap=True, markup=False)
    run = _run(plan, began)
    best, columns, notes = run.best, dict[str, dict[str, float]](), _how_it_went(run, began)
    if best is None:
        reason = "no trial could be trained" if run.trials else "no trial finished within the limits"
        print("\n".join([reason, *notes, *_first_error(run.trials)]))
        return exit_status(run.stopped) or 1
    incumbent = plan.saved(best.job.trial.config, _evidence(plan, run, best, None))
    trained.drop_stale(plan.directory / _NETWORK, incumbent)  # of a former incumbent, before this one takes its place
    incumbent.write(plan.directory / "best.json")
    plan.saved(Config.of(plan.space.default), {}).write(plan.directory / "default.json")
    title = "incumbent" if best.feasible else "incumbent (infeasible)"
    columns[f"{title}, validation"] = best.metrics
    notes += _confirmed(run, title, columns)
    status, stopped = exit_status(run.stopped), run.stopped
    try:
        if not status:
            notes += _final(plan, run, best, title, began, columns)
    except KeyboardInterrupt:
        status, stopped = 130, "interrupted"
    if status:
        notes.append(
            f"{stopped}: test it by python -m nas.main evaluate {plan.directory / 'best.json'}, "
            f"go on by python -m nas.main resume {plan.directory}"
        )
    table = shown(comparison(columns, plan.objective, run.spec.constraints))
    summary = "\n".join([table, *notes, f"configuration: {best.config}", f"saved as {plan.directory / 'best.json'}"])
    write_atomically(plan.directory / "summary.txt", summary + "\n")
    print(summary)
    return status


def _final(
    plan: Plan, run: api.Run, best: Result, title: str, began: float, columns: dict[str, dict[str, float]]
) -> list[str]:
    """Retrain and test the incumbent and the default configuration where that fits; return notes on what did not."""
    config, notes = best.job.trial.config, list[str]()
    spent = sum(result.seconds for result in run.trials if result.job.trial == best.job.trial)
    cost = spent / max(1, plan.budgets.folds - 1) * plan.budgets.epochs / best.epochs
    tested = _tested(plan, config, "incumbent", "best.json", cost, began, notes)
    if tested:
        columns[f"{title}, test"] = tested.metrics
        plan.saved(config, _evidence(plan, run, best, tested)).write(plan.directory / "best.json")
        notes.append(_kept(plan, config, tested))
    if plan.flags.strategy != "default":
        default = Config.of(plan.space.default)
        try:
            cost = plan.here.nominal_seconds(default.values, 1)
        except Exception as error:  # the default meets no constraint: it may not even fit the memory
            return [*notes, f"the default configuration cannot be built: {error}"]
        tested = _tested(plan, default, "default configuration", "default.json", cost, began, notes)
        if tested:
            columns["default, test"] = tested.metrics
    return notes


def _run(plan: Plan, began: float) -> api.Run:
    """Search as planned. Loading has used some of the time limit already."""
    flags, sizes, limit = plan.flags, plan.budgets, plan.search_seconds
    with Console(limit, flags.quiet) as console:
        return api.search(
            plan.space.space,
            plan.task,
            measure=plan.measures(),
            objective=plan.objective,
            maximize=plan.maximize,
            constraints=plan.constraints,
            strategy=flags.strategy,
            budget=flags.budget,
            max_epochs=sizes.epochs,
            min_epochs=sizes.min_epochs,
            eta=sizes.eta,
            population=sizes.population,
            offspring=sizes.offspring,
            mutation_rate=flags.mutation_rate,
            seed=flags.seed,
            max_time=max(0.1, limit - (time.monotonic() - began)) if limit else None,
            lanes=flags.lanes,
            confirm=flags.confirm,
            gpus=plan.gpus,
            cluster=flags.cluster,
            cluster_resources={"GPU": 1} if plan.device == "cuda" else None,
            trial_timeout=flags.trial_timeout,
            max_trials=flags.max_trials,
            max_total_epochs=flags.max_total_epochs,
            workers=plan.workers,
            run_dir=plan.directory,
            default=plan.space.default,
            details=plan.details(),
            command=plan.command(),
            trackers=[console],
        )


def _tested(
    plan: Plan, config: Config, title: str, file: str, cost: float, began: float, notes: list[str]
) -> Evaluation | None:
    """Retrain `config` on the whole training part and test it; None, and a note why, where that cannot be."""
    left = plan.limit - (time.monotonic() - began) if plan.limit else defaults.FINAL_AT_MOST
    path = plan.directory / file
    if cost > left:
        notes.append(
            f"training the {title} takes about {duration(cost)}, {duration(max(0, left))} were left; "
            f"for its test metrics: python -m nas.main evaluate {path}"
        )
        return None
    flags, progress = plan.flags, epoch_bar(f"retraining {title}", plan.flags.quiet)
    evaluator = Evaluator(plan.space, flags.data, flags.image_size, plan.device_here, flags.threads, progress)
    try:
        return evaluator.test(config, plan.budgets.epochs, flags.seed)
    except Exception as error:  # the search is done, and its result must not be lost
        notes.append(f"training the {title} failed: {type(error).__name__}: {error}; see {path}")
        return None


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


def _confirmed(run: api.Run, title: str, columns: dict[str, dict[str, float]]) -> list[str]:
    """Add what the incumbent reached when it was trained again, and say how sure its constraints are."""
    best, found = run.best, run.confirmation
    if best is None or not found:
        return []
    columns[f"{title}, mean of {found.count} more"] = found.mean
    spread = f"{run.spec.objective} {found.mean[run.spec.objective]:.4f} +- {found.spread[run.spec.objective]:.4f}"
    known = dict(best.job.trial.cheap)
    sure = [f"{c} with probability {found.probability(c):.2f}" for c in run.spec.constraints if c.metric not in known]
    return [f"trained again {found.count} times with other seeds and folds: " + ", ".join([spread, *sure])]


def _how_it_went(run: api.Run, began: float) -> list[str]:
    """Return counts in words: trials, epochs, failures, redraws."""
    searched = [result for result in run.trials if not result.job.trial.repeats]
    trials = {result.job.trial.id for result in searched}
    full = sum(result.epochs == run.spec.max_epochs for result in searched)
    feasible = sum(result.feasible for result in searched) / max(1, len(searched))
    failures = Counter(str(result.status) for result in run.trials if result.status is not Status.OK)
    lines = [
        f"{len(trials)} trials, {full} of them fully trained, {run.total_epochs} epochs, {feasible:.0%} of results "
        f"feasible; ended by {run.stopped} after {duration(time.monotonic() - began)}"
    ]
    retried = sum(result.attempts - 1 for result in run.trials)
    if run.checkpoint_bytes:
        lines.append(f"checkpoints took at most {run.checkpoint_bytes / 1e6:.3g} MB at a time")
    if retried:
        lines.append(f"{retried} times a worker died or hung and its job was tried again")
    if failures:
        lines.append("failed: " + ", ".join(f"{count} {status}" for status, count in sorted(failures.items())))
    if run.redraws:
        lines.append("redrawn: " + ", ".join(f"{n} for {reason}" for reason, n in sorted(run.redraws.items())))
    return lines


def _first_error(results: Iterable[Result]) -> list[str]:
    errors = [f"{result.job.trial.id}: {result.error}" for result in results if result.error]
    return errors[:1]
