"""What do the words of a command line ask for? The command, with the values of all its flags."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from nas.cli.flag_values import is_data, is_file_of_space
from nas.cli.flags import COMMANDS, parsers
from nas.core.errors import UserError
from nas.core.units import seconds
from nas.core.words import unknown


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
    if parsed.command == "search" and not hasattr(parsed, "max_time"):
        parsed.max_time = None if parsed.max_trials or parsed.max_total_epochs else seconds("5m")
    return parsed


def _joined(words: Sequence[str], with_value: set[str]) -> list[str]:
    """Return the words with a value that begins with a dash made part of its flag."""
    joined = list[str]()
    for word in words:
        if joined and joined[-1] in with_value and word[:1] == "-" and word[:2] != "--" and word != "-h":
            joined[-1] += f"={word}"
        else:
            joined.append(word)
    return joined


def _searched(words: Sequence[str]) -> argparse.Namespace:
    return arguments(["search", *words])


def _compared(asked: argparse.Namespace, words: list[str]) -> argparse.Namespace:
    """Return the arguments of a comparison with those of its searches, which are checked."""
    own, main = ("--strategy", "--budget", "--seed"), parsers()[""]
    for word in words:
        if word.partition("=")[0] in own:
            main.error(f"{word}: a comparison has --strategies, such as evolution+full, and --seeds")
    searched = _searched(words)
    places = {"--data": searched.data, "--space": searched.space}
    return argparse.Namespace(**vars(asked), words=_placed(words, places), parse=_searched)


def _placed(words: Sequence[str], places: dict[str, str]) -> list[str]:
    """Return the words of a search with data and space where they lie, for it to go on from any folder."""
    placed, flag = list[str](), ""
    for word in words:
        name = word.partition("=")[0]
        placed.append(places[flag] if flag else f"{name}={places[name]}" if name in places and "=" in word else word)
        flag = word if word in places else ""
    return placed


def _resumed(asked: argparse.Namespace) -> argparse.Namespace:
    """Return the arguments that a run was begun with; those given now count. Raises UserError for another folder."""
    from nas.runs.folder import COMPARISON, remembered

    main = parsers()[""]
    folder = asked.run.absolute() if asked.run.name in ("", "..") else asked.run
    places = [f"--{name}={getattr(asked, name)}" for name in ("data", "space") if name in asked]
    if (folder / COMPARISON).exists():
        if set(vars(asked)) - {"command", "run", "quiet", "data", "space"}:
            main.error(
                f"{folder} is a comparison: it goes on as it was begun, without other flags than --data and --space"
            )
        return argparse.Namespace(
            command="compare", run=folder, quiet=asked.quiet, parse=lambda words: _found(_searched([*words, *places]))
        )
    begun = main.parse_args(["search", *remembered(folder)])
    if "workers" in asked:
        begun.cluster = None  # it goes on here, wherever it began
    _lift(begun, folder, asked)
    return _found(argparse.Namespace(**{**vars(begun), **vars(asked), "run_dir": folder.parent, "name": folder.name}))


def _lift(begun: argparse.Namespace, folder: Path, asked: argparse.Namespace) -> None:
    """Lift the limit in time where it has ended the run and a count is asked for: more is wanted, not nothing."""
    from nas.runs.folder import read_end

    if read_end(folder)[0] == "time limit" and ("max_trials" in asked or "max_total_epochs" in asked):
        begun.max_time = None


def _found(begun: argparse.Namespace) -> argparse.Namespace:
    """Return the arguments of a run that goes on. Raises UserError where its data or its space have moved away."""
    if not is_data(begun.data):
        raise UserError(f"the data {begun.data} of the run are not there: say by --data where they lie now")
    if is_file_of_space(begun.space) and not Path(begun.space).is_file():
        raise UserError(f"the space {begun.space} of the run is not there: say by --space where it lies now")
    return begun
