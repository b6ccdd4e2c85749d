"""What do the words of a command line ask for? The command, with the values of all its flags."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from nas.cli.asked import Asked
from nas.cli.flag_values import is_data
from nas.cli.flags import COMMANDS, parsers
from nas.core.errors import UserError
from nas.core.units import seconds
from nas.core.words import unknown
from nas.spaces.name import file_of


def arguments(argv: Sequence[str]) -> argparse.Namespace:
    """Return the parsed arguments; `search` is understood, and `--objective -loss` is a value, not a flag."""
    known, words = parsers(), list(argv)
    main = known[""]
    if not words or (words[0].startswith("-") and words[0] not in ("-h", *main.flags())):
        words.insert(0, "search")
    if words[0] not in (*COMMANDS, "-h", *main.flags()):
        main.error(unknown("command", words[0], COMMANDS))
    parsed, rest = main.parse_known_args(_joined(words, {f for each in known.values() for f in each.flags(True)}))
    if parsed.command == "compare":
        return _compared(parsed, rest)
    if rest:
        known[parsed.command].refuse(rest)
    if parsed.command == "resume":
        return _resumed(parsed)
    if parsed.command == "evaluate" and parsed.folds and not parsed.cv:
        main.error("--folds goes with --cv")
    return argparse.Namespace(command="search", asked=_asked(parsed)) if parsed.command == "search" else parsed


def _asked(parsed: argparse.Namespace) -> Asked:
    if not hasattr(parsed, "max_time"):
        parsed.max_time = None if parsed.max_trials or parsed.max_total_epochs else seconds("5m")
    return Asked.of(parsed)


def _joined(words: Sequence[str], with_value: set[str]) -> list[str]:
    """Return the words with a value that begins with a dash made part of its flag."""
    joined = list[str]()
    for word in words:
        if joined and joined[-1] in with_value and word[:1] == "-" and word[:2] != "--" and word != "-h":
            joined[-1] += f"={word}"
        else:
            joined.append(word)
    return joined


def _searched(words: Sequence[str]) -> Asked:
    """Return what the words of `nas search` ask for."""
    asked: Asked = arguments(["search", *words]).asked
    return asked


def _compared(asked: argparse.Namespace, words: list[str]) -> argparse.Namespace:
    """Return the arguments of a comparison with what all of its searches are asked for."""
    own, main = ("--strategy", "--scheduler", "--budget", "--seed"), parsers()[""]
    for word in words:
        if word.partition("=")[0] in own:
            main.error(f"{word}: a comparison has --strategies, such as evolution+full, and --seeds")
    return argparse.Namespace(**vars(asked), asked=_searched(words), words=words)


def _resumed(given: argparse.Namespace) -> argparse.Namespace:
    """Return what a run was begun with; what is given now counts. Raises UserError for another folder."""
    from nas.runs.folder import COMPARISON, REPRODUCTION, is_study

    folder = given.run.absolute() if given.run.name in ("", "..") else given.run
    now = {name: value for name, value in vars(given).items() if name not in ("command", "run")}
    if (folder / REPRODUCTION).exists():
        return argparse.Namespace(command="reproduce", run=folder, now=now)
    if (folder.parent / REPRODUCTION).exists():
        raise UserError(f"{folder} holds a phase of the reproduction {folder.parent}: resume that")
    if (folder / COMPARISON).exists():
        if set(now) - {"quiet", "data", "space"}:
            parsers()[""].error(
                f"{folder} is a comparison: it goes on as it was begun, without other flags than --data and --space"
            )
        command = "lr-study" if is_study(folder) else "compare"
        return argparse.Namespace(command=command, run=folder, now=now, quiet=given.quiet, read=_searched)
    if (folder.parent / COMPARISON).exists() and is_study(folder.parent):
        raise UserError(f"{folder} holds the trainings of the study {folder.parent}: resume that")
    begun = remembered(folder)
    if "workers" in now:
        begun = replace(begun, cluster=None)  # it goes on here, wherever it began
    begun = replace(_lifted(begun, folder, now), **now, run_dir=folder.parent, name=folder.name)
    return argparse.Namespace(command="search", asked=found(begun))


def remembered(folder: Path) -> Asked:
    """Return what the run in `folder` was begun with; runs of before have kept the words of it."""
    from nas.runs import command as runs

    command = runs.remembered(folder)
    return Asked.of_kept(command.asked, folder / runs.FILE) if command.asked else _searched(command.words)


def _lifted(begun: Asked, folder: Path, now: Mapping[str, Any]) -> Asked:
    """Return it without the limit in time that has ended the run, where a count is asked for: more is wanted."""
    from nas.runs.folder import read_end

    counted = "max_trials" in now or "max_total_epochs" in now
    return replace(begun, max_time=None) if counted and read_end(folder)[0] == "time limit" else begun


def found(begun: Asked) -> Asked:
    """Return what a run that goes on was asked for. Raises UserError where its data or its space have moved away."""
    if not is_data(begun.data):
        raise UserError(f"the data {begun.data} of the run are not there: say by --data where they lie now")
    file = file_of(begun.space)
    if file and not file.is_file():
        raise UserError(f"the space {begun.space} of the run is not there: say by --space where it lies now")
    return begun
