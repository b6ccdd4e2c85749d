"""`nas history`: keep what was learned from earlier tasks, and look at it."""

from argparse import Namespace
from collections.abc import Collection, Iterator
from itertools import groupby

from nas.cli.commands.say import say, warn
from nas.cli.commands.table import Table, shown
from nas.core.errors import DiskFull, UserError
from nas.core.words import quoted, unknown
from nas.history.history import History
from nas.history.sources.found import Found
from nas.history.sources.layout import Columns
from nas.history.sources.source import PUBLISHED, Told, found
from nas.history.summary import Ranked, epochs, facts, metrics, ranking
from nas.history.values import Curve, Task

_EPOCHS = 12  # of a curve, at most, are shown
_WHAT = {"add": "what to add, such as the folder of a run", "show": "a task", "remove": "a task"}


def history(flags: Namespace) -> int:
    """Do what is asked for. Raises UserError for a file that is no whole history, and a task that it does not have."""
    if flags.action == "list":
        if flags.what:
            raise UserError(f"nas history list takes no word: nas history show {quoted(flags.what[0])} shows a task")
        return _list(flags)
    if not flags.what:
        raise UserError(f"nas history {flags.action} needs to be told {_WHAT[flags.action]}")
    return {"add": _add, "show": _show, "remove": _remove}[flags.action](flags)


def _add(flags: Namespace) -> int:
    """Add every source, each of its runs and spaces as a whole; what cannot be added is told, and the others are."""
    if flags.folder and not set(flags.what) <= {*PUBLISHED}:
        raise UserError(f"--from {flags.folder} goes with {' or '.join(PUBLISHED)}")
    if flags.history.exists():
        with History(flags.history, create=True):
            pass  # what is wrong with it is told before anything is read
    columns = Columns(flags.task_column, flags.seed_column, flags.epoch_column, tuple(flags.metric_columns))
    told, status = Told(flags.task, flags.space, flags.folder, columns, flags.allow_gaps), 0
    for word in flags.what:
        if len(flags.what) > 1 and word.endswith(".md"):  # runs/* names the README beside the runs, too
            say(f"{word}: a text, left out")
            continue
        try:
            for each in found(word, told):
                _add_one(each, flags)
        except DiskFull:
            raise
        except UserError as error:
            warn(error)
            status = status or error.exit_status
    return status


def _add_one(each: Found, flags: Namespace) -> None:
    with History(flags.history, create=True) as file:
        added = each.add_to(file)
    tasks = f"{len(each.tasks)} tasks" if len(each.tasks) != 1 else f"task {each.tasks[0].name}"
    longer = f"{added.longer} longer, " if added.longer else ""
    say(f"{each.source}: {tasks} of space {each.space}; {added.new} curves new, {longer}{added.known} known")
    for note in each.notes:
        say(f"  {note}")


def _list(flags: Namespace) -> int:
    table = Table("task", "space", "configurations", "curves", "epochs", "images", "classes", "family")
    with History(flags.history) as file:
        for space, task, curves in _tasks(file, flags):
            counts = (len({curve.config for curve in curves}), len(curves), epochs(curves))
            known = (task.images or "", task.classes or "", "" if task.family == task.name else task.family)
            table.add_row(task.name, space, *counts, *known)
    if not table.row_count:
        say(f"{flags.history} has no curves yet: nas history add brings some")
        return 0
    print(shown(table))
    return 0


def _show(flags: Namespace) -> int:
    """Show what is known of each task: its data, the best configurations, the curve of the best."""
    with History(flags.history) as file:
        tasks = list(_tasks(file, flags))
    _check_known(flags, {task.name for _, task, _ in tasks})
    for space, task, curves in tasks:
        if task.name in flags.what:
            say(f"{task.name}: {facts(task)}")
            _show_best(space, curves, flags)
    return 0


def _show_best(space: str, curves: list[Curve], flags: Namespace) -> None:
    configs = {curve.config for curve in curves}
    say(f"space {space}: {len(curves)} curves of {len(configs)} configurations, at epochs {epochs(curves)}")
    if not curves:
        return
    metric = flags.metric or metrics(curves)[0]
    ranked = ranking(curves, metric.removeprefix("-"), not metric.startswith("-"))
    table = Table(f"best {metric.removeprefix('-')}", "curves", "configuration")
    for each in ranked[: flags.top]:
        table.add_row(
            f"{each.value:.4f}", len(each.curves), ", ".join(f"{name} {value}" for name, value in each.config.items)
        )
    print(shown(table))
    say(f"the best curve, seed {ranked[0].best.seed}:")
    print(shown(_curve(ranked[0])))


def _curve(best: Ranked) -> Table:
    """Return the curve of the best as a table: first, last and best epoch, and some between."""
    at = list(best.best.points)
    step = max(1, -(-len(at) // _EPOCHS))
    chosen = sorted({*at[::step], at[-1], best.epoch})
    names = metrics([best.best])
    table = Table("epoch", *names)
    for epoch in chosen:
        point = best.best.points[epoch]
        table.add_row(epoch, *(f"{point[name]:.4f}" if name in point else "" for name in names))
    return table


def _remove(flags: Namespace) -> int:
    """Forget each task, in every space or in the one that is named."""
    with History(flags.history) as file:
        held = {digest: file.tasks(digest) for digest in _spaces(file, flags)}
        _check_known(flags, {name for tasks in held.values() for name in tasks})
        for word in dict.fromkeys(flags.what):
            removed = sum(file.remove(word, digest) for digest, tasks in held.items() if word in tasks)
            say(f"{word}: {removed} curves removed")
    return 0


def _tasks(file: History, flags: Namespace) -> Iterator[tuple[str, Task, list[Curve]]]:
    """Yield the space, what is known, and the curves of each task, by name."""
    for digest, space in _spaces(file, flags).items():
        curves = {name: list(each) for name, each in groupby(file.curves(digest), lambda curve: curve.task)}
        yield from ((space, task, curves.get(name, [])) for name, task in file.tasks(digest).items())


def _spaces(file: History, flags: Namespace) -> dict[str, str]:
    """Return the spaces by digest, only those that --space names. Raises UserError where it names none."""
    spaces = file.spaces()
    chosen = {digest: name for digest, name in spaces.items() if flags.space in (None, digest, name)}
    if spaces and not chosen:
        raise UserError(f"{flags.history} has nothing of the space {flags.space}, but of {', '.join(spaces.values())}")
    return chosen


def _check_known(flags: Namespace, tasks: Collection[str]) -> None:
    for word in flags.what:
        if word not in tasks:
            raise UserError(
                f"{flags.history}: {unknown('task', word, sorted(tasks))}"
                if tasks
                else f"{flags.history} has no task yet"
            )
