"""`nas compare`: strategies on several seeds under one budget, every incumbent tested, the differences judged."""

import time
from argparse import Namespace
from dataclasses import replace
from pathlib import Path

from rich.console import Console as Terminal

from nas.cli.arguments import found
from nas.cli.asked import Asked
from nas.cli.commands.naming import fresh
from nas.cli.commands.outcome import write_best
from nas.cli.commands.plan import Plan
from nas.cli.commands.progress import bar
from nas.cli.commands.say import note, say, warn
from nas.cli.commands.search import run_search
from nas.cli.commands.table import for_terminal, shown
from nas.core.errors import UserError
from nas.core.words import quoted
from nas.engine.signals import exit_status
from nas.report.comparison.contest import Contest, alone, folder_of, read
from nas.report.comparison.judging import judge
from nas.report.comparison.page import write
from nas.report.comparison.statistics import Entry, contrast_table, contrasts, spec_of, summary
from nas.runs.earlier import parameters_begun
from nas.runs.folder import read_end
from nas.runs.stored import open_run
from nas.trackers import mode
from nas.trackers.child import Child
from nas.training.evaluation import UNFINISHED, Evaluator


def compare(flags: Namespace) -> int:
    """Run what is missing, test every incumbent, print and report. Whatever ends it, nas resume goes on."""
    if "run" in flags:
        with alone(flags.run):
            contest = read(flags.run)
            begun = Asked.of_kept(contest.asked, flags.run) if contest.asked else flags.read(contest.words)
            return _go_on(flags.run, contest, found(replace(begun, **flags.now)))
    asked: Asked = flags.asked
    contest = Contest(tuple(flags.strategies), tuple(flags.seeds), flags.test_seeds, tuple(asked.words()), asked.kept())
    directory = flags.run_dir / (flags.name or fresh("compare"))
    for _, seed, own in contest.entries():
        if seed == contest.seeds[0]:
            Plan(replace(asked, **own))  # bad flags are told before anything starts
    with alone(directory):
        contest.save(directory)
        return _go_on(directory, contest, replace(asked, quiet=flags.quiet))


def _go_on(directory: Path, contest: Contest, asked: Asked) -> int:
    """Do what is left of the comparison in `directory`, each of whose searches is `asked` for what it has in common."""
    terminal = Terminal(stderr=True, quiet=asked.quiet)
    entries, everything = list[Entry](), list(contest.entries())
    try:
        for number, (name, seed, own) in enumerate(everything, 1):
            terminal.rule(f"{name}, seed {seed} ({number} of {len(everything)})", align="left")
            folders = (directory / folder_of(name, each) for each in contest.seeds)
            begun = (parameters_begun(folder, own["strategy"], own["scheduler"]) for folder in folders)
            alike = next(filter(None, begun), {})  # every seed is searched as the first was
            plan = Plan(replace(asked, **own, run_dir=directory, parameters={**alike, **asked.parameters}))
            stopped = _searched(plan, name)
            if exit_status(stopped):
                return _interrupted(directory, stopped)
            entries += [_judged(plan, contest, name, seed)] if stopped else []
    except KeyboardInterrupt:
        return _interrupted(directory, "interrupted")
    if not entries:
        raise UserError(f"{directory}: no strategy could be run")
    contrasted, objective = contrasts(entries), spec_of(entries).objective
    print(shown(for_terminal(summary(entries))))
    if contrasted:
        print(shown(for_terminal(contrast_table(contrasted, objective))))
    say(f"saved as {write(contest, entries, contrasted, directory / 'comparison.html')}")
    return 0


def _interrupted(directory: Path, stopped: str) -> int:
    warn(f"{stopped}; go on by python -m nas.main resume {quoted(directory)}")
    return exit_status(stopped)


def _searched(plan: Plan, name: str) -> str:
    """Search unless that has come to its end; return what ended it, or nothing where the default may not be trained."""
    stopped, _ = read_end(plan.directory)
    if stopped and not exit_status(stopped):
        return stopped
    try:
        with Child(
            plan.directory, mode.decided(plan.asked.wandb), plan.asked.wandb_project, plan.asked.quiet
        ) as tracker:
            run = run_search(plan, time.monotonic(), [tracker])
            if run.best:
                write_best(plan, run, run.best, None)
    except UserError as error:
        if plan.strategy.endless or error.exit_status != UserError.exit_status:
            raise
        warn(f"{name} is left out: {error}")
        return ""
    return run.stopped


def _judged(plan: Plan, contest: Contest, name: str, seed: int) -> Entry:
    flags, run = plan.asked, open_run(plan.directory)
    saved = run.saved("best.json")
    if not saved:
        return Entry(name, seed, run, ())
    progress = bar(f"testing {folder_of(name, seed)}", flags.quiet)
    evaluator = Evaluator(
        plan.space, flags.data, flags.image_size, plan.device_here, flags.threads, progress,
        plan.directory / f"best.{UNFINISHED}", note(flags.quiet),
    )  # fmt: skip
    try:
        return Entry(name, seed, run, tuple(judge(saved, plan.directory, contest.test_seeds, evaluator)))
    except (UserError, KeyboardInterrupt):
        raise
    except Exception as error:  # one network that cannot be trained shall not cost the others
        warn(f"testing {folder_of(name, seed)} failed: {type(error).__name__}: {error}")
        return Entry(name, seed, run, ())
