"""`nas search`: from the flags to a run folder with the best network under constraints, retrained and tested."""

import sys
import time
from argparse import Namespace
from collections import Counter
from collections.abc import Iterable, Sequence

from nas.cli.asked import Asked
from nas.cli.commands.outcome import final, write_best, write_report
from nas.cli.commands.plan import Plan
from nas.cli.commands.say import plain, say
from nas.cli.commands.table import comparison, shown
from nas.core.types import Config, Result, Status
from nas.core.units import duration
from nas.core.words import one_line, quoted
from nas.engine.conduct import Search, Surroundings, conduct
from nas.engine.signals import exit_status
from nas.engine.watchers import Tracker
from nas.report import facts
from nas.runs.disk import write_atomically
from nas.runs.run import Run
from nas.trackers import mode
from nas.trackers.child import Child
from nas.trackers.console import Console


def search(flags: Namespace) -> int:
    """Search, retrain the incumbent and the default configuration, test both, and leave the run folder."""
    asked: Asked = flags.asked
    began, wandb = time.monotonic(), mode.decided(asked.wandb)
    plan = Plan(asked)
    if not asked.quiet:
        say(plan.announcement(), sys.stderr)
    hint = mode.hint(asked.wandb, wandb)
    if hint and not asked.quiet:
        print(hint, file=sys.stderr)
    with Child(plan.directory, wandb, asked.wandb_project, asked.quiet) as tracker:
        return _search(plan, began, tracker)


def _search(plan: Plan, began: float, tracker: Tracker) -> int:
    run = run_search(plan, began, [tracker])
    best, columns, notes = run.best, dict[str, dict[str, float]](), [*plan.remarks, *_how_it_went(run, began)]
    if best is None:
        reason = "no trial could be trained" if run.trials else "no trial finished within the limits"
        say("\n".join([reason, *notes, *_first_error(run.trials)]))
        if run.trials:
            write_report(plan)
        return exit_status(run.stopped) or 1
    write_best(plan, run, best, None)
    plan.saved(Config.of(plan.space.default), {}).write(plan.directory / "default.json")
    title = "incumbent" if best.feasible else "incumbent (infeasible)"
    columns[f"{title}, validation"] = best.metrics
    notes += _confirmed(run, title, columns)
    status, stopped, untested = exit_status(run.stopped), run.stopped, 0
    try:
        if not status:
            told, untested = final(plan, run, best, title, began, columns)
            notes += told
    except KeyboardInterrupt:
        status, stopped = 130, "interrupted"
    if status:
        notes.append(
            f"{stopped}: test it by python -m nas.main evaluate {quoted(plan.directory / 'best.json')}, "
            f"go on by python -m nas.main resume {quoted(plan.directory)}"
        )
    table = shown(comparison(columns, plan.objective, run.spec.constraints))
    saved_as = f"saved as {plan.directory / 'best.json'}"
    summary = plain("\n".join([table, *notes, f"configuration: {best.config}", saved_as]))
    write_atomically(plan.directory / "summary.txt", summary + "\n")
    print(summary)
    write_report(plan)
    return status or untested


def run_search(plan: Plan, began: float, trackers: Sequence[Tracker] = ()) -> Run:
    """Search as planned. Loading has used some of the time limit already, since `began`."""
    limit = plan.search_seconds
    left = max(0.1, limit - (time.monotonic() - began)) if limit else None
    with Console(limit, plan.asked.quiet) as console:
        around = Surroundings(left, plan.directory, plan.command(), [console, *trackers])
        asked = plan.search()
        executor = asked.machine.executor(asked.train)
        work = Search(asked.spec(), asked.space, asked.measures, executor, asked.experience)
        return conduct(work, around)


def _confirmed(run: Run, title: str, columns: dict[str, dict[str, float]]) -> list[str]:
    """Add what the incumbent reached when it was trained again, and say how sure its constraints are."""
    best, found = run.best, run.confirmation
    overtaken = [facts.overtaken(run.overtaken, run.spec.objective)] if run.overtaken else []
    if best is None or not found:
        if run.repetitions:
            return overtaken or ["the best failed when it was trained again"]
        due = best and best.feasible and run.spec.repetitions_after(0) and not exit_status(run.stopped)
        return ["the best was not trained again: the limits were too short for that"] if due else []
    columns[f"{title}, mean of {found.count} more"] = found.mean
    spread = f"{run.spec.objective} {found.mean[run.spec.objective]:.4f} +- {found.spread[run.spec.objective]:.4f}"
    known = dict(best.job.trial.cheap)
    sure = [f"{c} with probability {found.probability(c):.2f}" for c in run.spec.constraints if c.metric not in known]
    times = "once" if found.count == 1 else f"{found.count} times"
    return [f"trained again {times} with other seeds and folds: " + ", ".join([spread, *sure]), *overtaken]


def _how_it_went(run: Run, began: float) -> list[str]:
    """Return counts in words: trials, epochs, failures, redraws."""
    trials = {result.job.trial.id for result in run.results}
    full = sum(r.epochs == run.spec.max_epochs and r.status is Status.OK for r in run.results)
    feasible = sum(result.feasible for result in run.results) / max(1, len(run.results))
    failures = Counter(str(result.status) for result in run.trials if result.status is not Status.OK)
    lines = [
        f"{len(trials)} trials, {full} of them fully trained, {run.total_epochs} epochs, {feasible:.0%} of results "
        f"feasible; ended by {run.stopped} after {duration(time.monotonic() - began)}"
    ]
    told = facts.learned(run)
    if told:
        lines.append(told)
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
    errors = [one_line(f"{result.job.trial.id}: {result.error}") for result in results if result.error]
    return errors[:1]
