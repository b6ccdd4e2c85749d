"""`python -m nas.main`: the command line, and nothing else."""

import argparse
import sys
from collections.abc import Sequence

from nas.errors import UserError
from nas.flags import COMMANDS, parser
from nas.units import seconds


def arguments(argv: Sequence[str]) -> argparse.Namespace:
    """Return the parsed arguments; `search` is understood, and `--objective -loss` is a value, not a flag."""
    words = list(argv)
    if not words or (words[0] not in COMMANDS and words[0] not in ("-h", "--help")):
        words.insert(0, "search")
    for i in range(len(words) - 1, 0, -1):
        if words[i - 1] == "--objective":
            words[i - 1 : i + 1] = [f"--objective={words[i]}"]
    parsed, rest = parser().parse_known_args(words)
    if parsed.command == "compare":
        return _compared(parsed, rest)
    if rest:
        parser().error(f"unrecognized arguments: {' '.join(rest)}")
    if parsed.command == "resume":
        return _resumed(parsed)
    if parsed.command == "evaluate" and parsed.folds and not parsed.cv:
        parser().error("--folds goes with --cv")
    if parsed.command == "search" and not hasattr(parsed, "max_time"):
        parsed.max_time = None if parsed.max_trials or parsed.max_total_epochs else seconds("5m")
    return parsed


def _searched(words: Sequence[str]) -> argparse.Namespace:
    return arguments(["search", *words])


def _compared(asked: argparse.Namespace, words: list[str]) -> argparse.Namespace:
    """Return the arguments of a comparison with those of its searches, which are checked."""
    own = ("--strategy", "--budget", "--seed")
    for word in words:
        if word.partition("=")[0] in own:
            parser().error(f"{word}: a comparison has --strategies, such as evolution+full, and --seeds")
    _searched(words)
    return argparse.Namespace(**vars(asked), words=words, parse=_searched)


def _resumed(asked: argparse.Namespace) -> argparse.Namespace:
    """Return the arguments that a run was begun with; those given now count. Raises UserError for another folder."""
    from nas.folder import COMPARISON, remembered

    folder = asked.run.absolute() if asked.run.name in ("", "..") else asked.run
    if (folder / COMPARISON).exists():
        if set(vars(asked)) - {"command", "run", "quiet"}:
            parser().error(f"{folder} is a comparison: it goes on as it was begun, without other flags")
        return argparse.Namespace(command="compare", run=folder, quiet=asked.quiet, parse=_searched)
    begun = parser().parse_args(["search", *remembered(folder)])
    if "workers" in asked:
        begun.cluster = None  # it goes on here, wherever it began
    return argparse.Namespace(**{**vars(begun), **vars(asked), "run_dir": folder.parent, "name": folder.name})


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status.

    0; 1 nothing found; 2 bad input; 3 corrupt run; 4 disk full; 5 run in use; 6 cluster lost; 130 interrupted; 143 and
    so on for other signals.
    """
    try:
        parsed = arguments(sys.argv[1:] if argv is None else argv)
        from nas import commands

        return commands.COMMANDS[parsed.command](parsed)
    except UserError as error:
        print(f"nas: {error}", file=sys.stderr)
        return error.exit_status
    except OSError as error:
        print(f"nas: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("nas: interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
