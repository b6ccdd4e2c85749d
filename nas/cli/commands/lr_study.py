"""`nas lr-study`: optimizers and policies on one configuration at equal total steps, each tuned or self-tuned."""

from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

from ConfigSpace import Categorical, ConfigurationSpace
from rich.console import Console as Terminal

from nas.asked import Search
from nas.cli.arguments import found
from nas.cli.asked import Asked
from nas.cli.commands.naming import fresh
from nas.cli.commands.plan import Plan
from nas.cli.commands.say import note, say, warn
from nas.cli.commands.table import for_terminal, shown
from nas.cli.study_flags import EPOCHS
from nas.core.parts import made, parted
from nas.core.types import Result, Status
from nas.core.words import one_line, quoted
from nas.engine.conduct import Search as Work
from nas.engine.conduct import Surroundings, conduct
from nas.engine.signals import exit_status
from nas.engine.watchers import View
from nas.report.comparison.contest import alone
from nas.report.facts import number
from nas.report.lr_study.page import write
from nas.report.lr_study.results import Outcome
from nas.report.lr_study.study import ORACLES, TRAININGS, Study, check, read
from nas.report.lr_study.tables import at_each_rate, remarks, summary
from nas.runs import saved
from nas.runs.folder import read_json
from nas.runs.run import Run
from nas.runs.stored import open_run
from nas.spaces.space import load, load_for
from nas.training.lr_study import ON_TEST, SEED, SETTINGS, StudyTask

_OF_MACHINE = ("workers", "workers_per_gpu", "cluster", "trial_timeout", "threads", "device", "deterministic", "quiet")


def lr_study(flags: Namespace) -> int:
    """Train what is missing, print the tables and write the page. Whatever ends it, nas resume goes on."""
    if "run" in flags:
        with alone(flags.run):
            study = read(flags.run)
            begun = found(replace(Asked.of_kept(study.asked, flags.run), **flags.now))
            return _go_on(flags.run, study, _plan(begun, flags.run))
    lists = ("policies", "optimizers", "rates", "seeds")
    check({name: getattr(flags, name) for name in lists})
    directory = flags.run_dir / (flags.name or fresh("lr-study"))
    asked, config, recipe = _asked(flags)
    plan = _plan(asked, directory)
    study = _study(flags, StudyTask(plan.here, config, recipe), asked)  # what cannot be trained is told here
    with alone(directory):
        study.save(directory)
        return _go_on(directory, study, plan)


def _asked(flags: Namespace) -> tuple[Asked, Mapping[str, Any], Mapping[str, Any] | None]:
    """Return the search that makes the trainings, the configuration, and the recipe that its file says, if any."""
    machine = {name: getattr(flags, name) for name in _OF_MACHINE}
    data, name, size, epochs = flags.data, flags.space, flags.image_size, flags.epochs
    config: Mapping[str, Any]
    recipe: Mapping[str, Any] | None = None
    if flags.config and "format" in read_json(flags.config):
        content = saved.read(flags.config)
        data, name, size = data or content.data, name or content.space, size or content.image_size
        epochs, recipe = epochs or content.epochs, content.recipe
        source = content.evidence.get("space_source")
        config = load_for(content.config, name, content.space_digest, source, flags.config)[1].values
    else:
        name = name or "cnn"
        space = load(name)
        values = read_json(flags.config) if flags.config else space.default
        config = space.config(values, str(flags.config)).values
    asked = Asked(
        data or "digits-m", name, size, flags.objective, max_macs="none", strategy="default", scheduler="full",
        parameters={"max_epochs": epochs or EPOCHS}, folds=1, confirm=0, wandb="disabled", **machine,
    )  # fmt: skip
    return asked, config, recipe


def _plan(asked: Asked, directory: Path) -> Plan:
    return Plan(replace(asked, run_dir=directory, name=TRAININGS))


def _study(flags: Namespace, task: StudyTask, asked: Asked) -> Study:
    """Return what is studied; every optimizer is begun with every policy. Raises UserError where one cannot be."""
    own_rate, epochs = flags.learning_rate or task.own_rate, asked.parameters["max_epochs"]
    policies = (*flags.policies, *(each for each in ORACLES if each not in flags.policies))
    left_out = tuple(pair for pair in product(flags.optimizers, policies) if _both_find(*pair))
    for optimizer, policy in left_out:
        note(asked.quiet)(f"left out: {optimizer} with {policy}, which would both find the learning rate")
    study = Study(
        tuple(flags.optimizers), policies, tuple(flags.rates), tuple(flags.seeds), epochs,
        dict(task.config), None if task.recipe is None else dict(task.recipe), own_rate, (), left_out,
        asked=asked.kept(),
    )  # fmt: skip
    self_tuned = tuple(
        (optimizer, policy)
        for optimizer, policy in study.pairs
        if task.tunes_itself(dict(zip((*SETTINGS, SEED), (optimizer, policy, own_rate, 0), strict=True)), epochs)
    )
    return replace(study, self_tuned=self_tuned, words=_words(flags, study))


def _both_find(optimizer: str, policy: str) -> bool:
    return all(made(kind, parted(each)).finds_rate for kind, each in (("optimizer", optimizer), ("policy", policy)))


def _words(flags: Namespace, study: Study) -> tuple[str, ...]:
    """Return a command line that asks for the same, all that matters filled in."""
    single = {"data": study.asked["data"], "space": study.asked["space"], "config": flags.config}
    single |= {"image-size": study.asked["image_size"], "epochs": study.epochs, "objective": flags.objective}
    single |= {"learning-rate": flags.learning_rate}
    several = {"policies": study.policies, "optimizers": study.optimizers, "rates": study.rates, "seeds": study.seeds}
    words = ["python", "-m", "nas.main", "lr-study"]
    words += [f"--{name}={value}" for name, value in single.items() if value is not None]
    for name, values in several.items():
        words += [f"--{name}", *map(str, values)]
    return tuple(words)


def _go_on(directory: Path, study: Study, plan: Plan) -> int:
    """Do what is left of the study in `directory`."""
    quiet, trainings = plan.asked.quiet, [*study.trainings()]
    for line in (*plan.remarks, f"{len(trainings)} trainings of {study.epochs} epochs; folder {directory}"):
        note(quiet)(line)
    run = _trained(study, plan, trainings)
    outcome = Outcome(study, run.trials, plan.objective, plan.maximize)
    if run.trials:
        print(shown(for_terminal(summary(outcome))))
        if at_each_rate(outcome).rows:
            print(shown(for_terminal(at_each_rate(outcome))))
        say("\n".join(remarks(outcome)))
    status = exit_status(run.stopped)
    if status:
        warn(f"{run.stopped}; go on by python -m nas.main resume {quoted(directory)}")
        return status
    say(f"saved as {write(outcome, open_run(plan.directory), directory / 'comparison.html')}")
    return 0 if any(result.status is Status.OK for result in run.trials) else 1


def _trained(study: Study, plan: Plan, trainings: Sequence[dict[str, Any]]) -> Run:
    """Return the run that holds a trial for each training: those that it has already are not repeated."""
    first, *others = trainings
    task = StudyTask(plan.task, study.config, study.recipe)
    details = {**plan.details, "config": study.config, "recipe": study.recipe or plan.details["recipe"]}
    asked: Search = replace(
        plan.search(), space=_space(study), train=task, measure=None, initial=others, default=first, details=details
    )
    executor = asked.machine.executor(task)
    around = Surroundings(directory=plan.directory, trackers=[_Told(len(trainings), plan.asked.quiet)])
    return conduct(Work(asked.spec(), asked.space, asked.measures, executor), around)


def _space(study: Study) -> ConfigurationSpace:
    """Return the space of the trainings; in it lie more than are asked for."""
    rates = dict.fromkeys(rate for pair in study.pairs for rate in study.rates_of(pair))
    values: list[Sequence[Any]] = [study.optimizers, study.policies, [*rates], study.seeds]
    space = ConfigurationSpace()
    space.add(*(Categorical(name, [*each]) for name, each in zip((*SETTINGS, SEED), values, strict=True)))
    return space


class _Told:
    """Tells each training in a line."""

    def __init__(self, due: int, quiet: bool) -> None:
        self._due, self._terminal = due, Terminal(stderr=True, quiet=quiet, emoji=False)

    def __call__(self, lab: View, result: Result) -> None:
        config, objective = result.config, lab.spec.objective
        how = f"{config['optimizer']}, {config['policy']}, rate {config['learning_rate']:g}, seed {config[SEED]}"
        outcome = str(result.status)
        if result.status is Status.OK:
            validated, tested = (number(objective, result.metrics[f"{part}{objective}"]) for part in ("", ON_TEST))
            outcome = f"{objective} {validated}, test {tested}"
        line = one_line(f"{len(lab.history)} of {self._due}  {how}: {outcome}")
        self._terminal.print(line, highlight=False, soft_wrap=True, markup=False)
