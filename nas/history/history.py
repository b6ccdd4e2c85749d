"""What was learned from earlier tasks? Learning curves of any number of tasks and spaces, in one file of the user's."""

import json
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any

from nas.core import faults
from nas.core.errors import UserError
from nas.core.plain import canonical, read_back, written
from nas.core.types import Config
from nas.core.words import nearest
from nas.history.checked import agreed, check, joined
from nas.history.file import errors_told, opened, seal, transaction
from nas.history.packed import Body, Packed, packed, unpacked
from nas.history.values import Added, Curve, Task

_BODY = 'metrics, epochs, "values", seconds, cheap'
_PLACE = "task, config, seed, full_epochs, setting"


class History:
    """The curves of a file, by the digest of their space. Any number of processes may read and add at once.

    A curve is known by task, configuration, seed, epochs of a full training and setting.
    """

    def __init__(self, path: Path, *, create: bool = False) -> None:
        """Open the file, which is made where `create`. Raises UserError where it is no whole history."""
        self.path = path
        self._file = opened(path, create)

    def __enter__(self) -> "History":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, space: str, digest: str, tasks: Iterable[Task], curves: Iterable[Curve], source: str) -> Added:
        """Add all of it or nothing, and return what was new; what is known already stays as it is.

        A known curve may have more epochs now. Raises UserError, naming `source`, for values that are not finite and
        where it disagrees with what is known.
        """
        given, known = list(curves), {task.name: task for task in tasks}
        if not given and not known:
            return Added()
        for curve in given:
            check(curve, source)
        named = [known.get(name) or Task(name) for name in sorted(known.keys() | {curve.task for curve in given})]
        with self._writing():
            self._file.execute("INSERT OR IGNORE INTO space VALUES (?, ?)", (digest, space))
            places = {task.name: self._task(digest, task, source) for task in named}
            return self._curves(given, places, source)

    def spaces(self) -> dict[str, str]:
        """Return the name of each space by its digest."""
        return dict(self._all("SELECT digest, name FROM space ORDER BY name, digest"))

    def tasks(self, digest: str) -> dict[str, Task]:
        """Return the tasks of a space by name, sorted. Raises UserError where the file has nothing of the space."""
        self._check_space(digest)
        rows = self._all("SELECT name, known FROM task WHERE space = ? ORDER BY name", digest)
        return {name: _task_of(name, known) for name, known in rows}

    def curves(self, digest: str, *, tasks: Collection[str] | None = None) -> list[Curve]:
        """Return the curves of a space, or those of some of its `tasks`: always in the same sequence.

        Raises UserError where the file has nothing of the space or of a task.
        """
        known = self.tasks(digest)
        for name in known.keys() if tasks is None else tasks:
            if name not in known:
                raise UserError(self._unknown_task(name, known))
        rows = self._all(
            'SELECT task.name, config.digest, config."values", seed, full_epochs, setting, '
            'metrics, epochs, curve."values", seconds, cheap FROM curve '
            "JOIN task ON task.id = curve.task JOIN config ON config.id = curve.config WHERE task.space = ? "
            "ORDER BY task.name, config.digest, seed, full_epochs, setting",
            digest,
        )
        configs, found = dict[str, Config](), list[Curve]()
        for name, config_digest, values, seed, full, setting, *body in rows:
            if tasks is None or name in tasks:
                if config_digest not in configs:
                    configs[config_digest] = Config.of(read_back(json.loads(values)))
                each = unpacked(_packed(body))
                config = configs[config_digest]
                found.append(Curve(name, config, seed, each.points, each.cheap, each.seconds, full, setting))
        return found

    def remove(self, task: str, digest: str | None = None) -> int:
        """Forget a task, of one space or of all, and return how many curves it had. Raises UserError for another."""
        with self._writing():
            rows = self._file.execute("SELECT id, space, name FROM task").fetchall()
            places = [(place,) for place, space, name in rows if name == task and digest in (None, space)]
            if not places:
                raise UserError(self._unknown_task(task, [name for _, _, name in rows]))
            removed = sum(self._file.execute("DELETE FROM curve WHERE task = ?", place).rowcount for place in places)
            self._file.executemany("DELETE FROM task WHERE id = ?", places)
            self._file.execute("DELETE FROM config WHERE id NOT IN (SELECT config FROM curve)")
            self._file.execute("DELETE FROM space WHERE digest NOT IN (SELECT space FROM task)")
        return removed

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Do all in the block or nothing, alone."""
        with errors_told(self.path), transaction(self._file, "IMMEDIATE"):
            yield
            seal(self._file)
            faults.point("history.written")

    def _task(self, space: str, task: Task, source: str) -> int:
        """Return the row of a task, in which now stands what is known of it. Raises UserError where it is another."""
        row = self._file.execute(
            "SELECT id, known FROM task WHERE space = ? AND name = ?", (space, task.name)
        ).fetchone()
        if row is None:
            values = (space, task.name, _known(task))
            return int(
                self._file.execute("INSERT INTO task (space, name, known) VALUES (?, ?, ?)", values).lastrowid or 0
            )
        place, before = row
        now = _known(agreed(_task_of(task.name, before), task, source))
        if now != before:
            self._file.execute("UPDATE task SET known = ? WHERE id = ?", (now, place))
        return int(place)

    def _curves(self, curves: list[Curve], tasks: dict[str, int], source: str) -> Added:
        """Write the curves that are new or longer."""
        configs, count = self._configs(curves), {"new": 0, "longer": 0, "known": 0}
        before = self._before(tasks.values())
        for curve in curves:
            place = (tasks[curve.task], configs[curve.config.id], curve.seed, curve.full_epochs, curve.setting)
            old, now = before.get(place), packed(Body.of(curve))
            if old is None:
                marks = ", ".join("?" * (len(place) + 1 + len(now)))
                self._file.execute(
                    f"INSERT INTO curve ({_PLACE}, source, {_BODY}) VALUES ({marks})", (*place, source, *now)
                )
            elif old != now:
                now = packed(joined(unpacked(old), curve, source))
                self._file.execute(
                    f"UPDATE curve SET ({_BODY}) = (?, ?, ?, ?, ?) WHERE ({_PLACE}) = (?, ?, ?, ?, ?)",
                    (*now, *place),
                )
            count["new" if old is None else "known" if old == now else "longer"] += 1
            before[place] = now
        return Added(**count)

    def _before(self, tasks: Iterable[int]) -> dict[tuple[Any, ...], Packed]:
        """Return the curves of these tasks by their place."""
        found = dict[tuple[Any, ...], Packed]()
        for task in tasks:
            for row in self._file.execute(f"SELECT {_PLACE}, {_BODY} FROM curve WHERE task = ?", (task,)):
                found[row[:5]] = _packed(row[5:])
        return found

    def _configs(self, curves: Iterable[Curve]) -> dict[str, int]:
        """Return the row of each configuration by its id."""
        values = {curve.config.id: canonical(written(curve.config.values)) for curve in curves}
        self._file.executemany('INSERT OR IGNORE INTO config (digest, "values") VALUES (?, ?)', values.items())
        rows = self._file.execute("SELECT digest, id FROM config").fetchall()
        return {digest: place for digest, place in rows if digest in values}

    def _check_space(self, digest: str) -> None:
        spaces = self.spaces()
        if digest not in spaces:
            held = ", ".join(f"{name} ({each})" for each, name in spaces.items())
            if not held:
                raise UserError(f"{self.path} has no curves yet: nas history add brings some")
            raise UserError(f"{self.path} is the history of another space: it has nothing of {digest}, but {held}")

    def _unknown_task(self, name: str, known: Iterable[str]) -> str:
        meant = nearest(name, list(known))
        told = f"did you mean {meant}?" if meant else "nas history list shows those that it has"
        return f"{self.path} has no task {name!r}: {told}"

    def _all(self, query: str, *values: object) -> list[Any]:
        with errors_told(self.path):
            return self._file.execute(query, values).fetchall()


def _known(task: Task) -> str:
    return canonical({name: value for name, value in asdict(task).items() if name != "name" and value})


def _task_of(name: str, known: str) -> Task:
    found: dict[str, Any] = json.loads(known)
    native: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in found.items()}
    return Task(name, **native)


def _packed(row: Iterable[Any]) -> Packed:
    metrics, epochs, values, seconds, cheap = row
    return metrics, epochs, values, seconds, cheap
