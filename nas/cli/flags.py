"""Which flags has each command?"""

import argparse
import textwrap
from pathlib import Path

from nas.cli.flag_parser import Parser, Version
from nas.cli.flag_values import add_choice, data, path, plain_name, space, value
from nas.cli.history_flags import add_history
from nas.cli.part_flags import add_recipe
from nas.cli.recommend_flags import add_recommend
from nas.cli.reproduce_flags import add_reproduce
from nas.cli.search_flags import add_machine, add_search, add_wandb, add_workers
from nas.cli.study_flags import add_lr_study
from nas.core.units import count, positive, seconds
from nas.trackers.mode import PROJECT, project

COMMANDS = (
    "search", "resume", "compare", "report", "export", "predict", "track", "verify", "evaluate", "spaces", "data",
    "parts", "lr-study", "recommend", "history", "reproduce",
)  # fmt: skip
FORMATS = ("onnx", "torchscript", "safetensors", "optuna", "csv", "parquet")
USAGE = """search (when no command is named)  find the best network that meets the constraints
  resume RUN                         go on with a search that was stopped or killed
  compare --strategies A B ...       search by several strategies on several seeds, test who is better
  lr-study                           train by several optimizers and policies at equal steps
  reproduce --model M --data D       reach a published metric: race of optimizers, tuning, full training
  recommend --history FILE           say which configurations suit a task, by earlier ones
  report RUN [OTHER ...]             make a page with figures of what a search found
  verify RUN                         check what a search has left
  track RUN                          send a run to Weights & Biases, as a new run there
  evaluate FILE                      retrain a saved configuration and test it
  export SOURCE --format FORMAT      the trained winner as ONNX, ..., the results as CSV, Optuna, ...
  predict MODEL IMAGE...             what the trained winner sees in images
  spaces                             list the search spaces
  data                               list the data sets
  history ACTION [WHAT ...]          keep the learning curves of earlier searches, to begin later ones with
  parts [KIND [NAME]]                list strategies, schedulers, optimizers, ..., and their parameters"""


def parser() -> Parser:
    """Return the parser of all commands."""
    return parsers()[""]


def parsers() -> dict[str, Parser]:
    """Return the parser of each command by its name, and that of all of them as ""."""
    main = Parser(
        prog="nas",
        description="Find the best network under hard constraints, retrained and tested.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    main.add_argument(
        "--version", action=Version, nargs=0, default=argparse.SUPPRESS,
        help="show the versions of this package and of torch",
    )  # fmt: skip
    commands = main.add_subparsers(dest="command", metavar="COMMAND", title="commands", description=USAGE)
    add_search(commands.add_parser("search", allow_abbrev=False, prog="nas search"))
    _add_resume(commands.add_parser("resume", allow_abbrev=False, prog="nas resume"))
    _add_compare(commands.add_parser("compare", allow_abbrev=False, prog="nas compare"))
    add_lr_study(commands.add_parser("lr-study", allow_abbrev=False, prog="nas lr-study"))
    add_reproduce(commands.add_parser("reproduce", allow_abbrev=False, prog="nas reproduce"))
    add_recommend(commands.add_parser("recommend", allow_abbrev=False, prog="nas recommend"))
    _add_report(commands.add_parser("report", allow_abbrev=False, prog="nas report"))
    _add_verify(commands.add_parser("verify", allow_abbrev=False, prog="nas verify"))
    _add_track(commands.add_parser("track", allow_abbrev=False, prog="nas track"))
    _add_evaluate(commands.add_parser("evaluate", allow_abbrev=False, prog="nas evaluate"))
    _add_export(commands.add_parser("export", allow_abbrev=False, prog="nas export"))
    _add_predict(commands.add_parser("predict", allow_abbrev=False, prog="nas predict"))
    commands.add_parser("spaces", allow_abbrev=False, prog="nas spaces")
    _add_data(commands.add_parser("data", allow_abbrev=False, prog="nas data"))
    add_history(commands.add_parser("history", allow_abbrev=False, prog="nas history"))
    _add_parts(commands.add_parser("parts", allow_abbrev=False, prog="nas parts"))
    flags = textwrap.fill(" ".join(commands.choices["search"].flags()), 78, break_on_hyphens=False)
    main.epilog = (
        f"flags of a search (nas search --help says what they mean, nas COMMAND --help those of a command):\n{flags}"
    )
    return {"": main, **commands.choices}


def _add_resume(resume: argparse.ArgumentParser) -> None:
    resume.add_argument("run", type=path, metavar="RUN", help="the folder of a run, such as runs/NAME")
    resume.add_argument(
        "--data", type=data, default=argparse.SUPPRESS, metavar="NAME|DIR", help="where the same data lie now"
    )
    resume.add_argument(
        "--space", type=space, default=argparse.SUPPRESS, metavar="NAME|FILE.py", help="where the same space lies now"
    )
    resume.add_argument(
        "--max-time", type=value(seconds), default=argparse.SUPPRESS, metavar="5m|1h30m|none",
        help="of the whole run, with the time it has had (default: as before)",
    )  # fmt: skip
    for name in ("--max-trials", "--max-total-epochs"):
        resume.add_argument(
            name, type=value(positive), default=argparse.SUPPRESS, metavar="N",
            help="of the whole run, with those it has had; a limit in time that it has reached is lifted",
        )  # fmt: skip
    add_workers(resume, default=argparse.SUPPRESS)
    resume.add_argument("--quiet", action="store_true", help="print the result only")
    add_wandb(resume, argparse.SUPPRESS)


def _add_compare(compare: argparse.ArgumentParser) -> None:
    compare.epilog = "Any other flag of nas search holds for each search: --max-time 10m (testing not included), ..."
    compare.add_argument(
        "--strategies", nargs="+", default=["evolution", "random", "default"], metavar="STRATEGY[+SCHEDULER]",
        help="such as evolution+full random+asha (default: evolution random default)",
    )  # fmt: skip
    compare.add_argument(
        "--seeds",
        nargs="+",
        type=value(count),
        default=[0, 1, 2],
        metavar="N",
        help="of the searches (default: 0 1 2)",
    )
    compare.add_argument(
        "--test-seeds",
        type=value(positive),
        default=3,
        metavar="N",
        help="trainings to test each incumbent by (default 3)",
    )
    compare.add_argument("--run-dir", type=path, default=Path("runs"), metavar="DIR", help="where comparisons land")
    compare.add_argument(
        "--name", type=plain_name, metavar="NAME", help="of the comparison's folder; an unfinished one goes on"
    )
    compare.add_argument("--quiet", action="store_true", help="print the result only")


def _add_report(report: argparse.ArgumentParser) -> None:
    report.add_argument("run", type=path, metavar="RUN", help="the folder of a run, such as runs/NAME")
    report.add_argument("other", type=path, nargs="*", metavar="OTHER", help="runs to compare it with")
    report.add_argument("--output", type=path, metavar="FILE", help="instead of RUN/report.html")


def _add_verify(verify: argparse.ArgumentParser) -> None:
    verify.add_argument("run", type=path, metavar="RUN", help="the folder of a run, such as runs/NAME")
    verify.add_argument(
        "--repair-to", type=value(count), metavar="LINE", help="keep so many lines of the journal, put the rest aside"
    )


def _add_track(track: argparse.ArgumentParser) -> None:
    track.add_argument("run", type=path, metavar="RUN", help="the folder of a run, such as runs/NAME")
    told = "offline: into RUN/wandb, for wandb sync"
    add_choice(track, "--wandb", "mode of W&B", ("online", "offline"), help=told)
    track.add_argument("--wandb-project", type=value(project), metavar="NAME", help=f"as before, or {PROJECT}")


def _add_evaluate(evaluate: argparse.ArgumentParser) -> None:
    evaluate.add_argument("file", type=path, metavar="FILE", help="a saved configuration, such as runs/NAME/best.json")
    evaluate.add_argument("--cv", action="store_true", help="cross-validate on the training part instead of testing")
    evaluate.add_argument("--data", type=data, metavar="NAME|DIR", help="another data set than the saved one")
    evaluate.add_argument("--image-size", type=value(positive), metavar="N")
    evaluate.add_argument("--space", type=space, metavar="NAME|FILE.py", help="where the space's file lies now")
    evaluate.add_argument("--epochs", type=value(positive), metavar="N", help="of the training")
    evaluate.add_argument("--seed", type=value(count), metavar="N", help="of weights and order")
    evaluate.add_argument("--folds", type=value(positive), metavar="N", help="with --cv")
    add_recipe(evaluate)
    add_machine(evaluate)
    evaluate.add_argument("--quiet", action="store_true", help="show no progress")


def _add_export(export: argparse.ArgumentParser) -> None:
    export.add_argument("source", type=path, metavar="SOURCE", help="the folder of a run, or a .safetensors of one")
    told = "the first three: the trained winner; the others: all results"
    add_choice(export, "--format", "format", FORMATS, required=True, help=told)
    export.add_argument("--output", type=path, metavar="FILE", help="(default: beside the source)")
    export.add_argument("--space", type=space, metavar="NAME|FILE.py", help="where the space's file lies now")


def _add_predict(predict: argparse.ArgumentParser) -> None:
    predict.add_argument(
        "model", type=path, metavar="MODEL", help="the folder of a run, a .safetensors or .onnx of one"
    )
    predict.add_argument("images", type=path, nargs="+", metavar="IMAGE", help="image files, or folders of them")
    predict.add_argument("--json", action="store_true", help="one line of JSON an image")
    predict.add_argument("--space", type=space, metavar="NAME|FILE.py", help="where the space's file lies now")


def _add_parts(parts: argparse.ArgumentParser) -> None:
    parts.add_argument("kind", nargs="?", metavar="KIND", help="strategy, scheduler, model, optimizer, policy, ...")
    parts.add_argument("part", nargs="?", metavar="NAME", help="of the part whose parameters are listed")
    parts.add_argument("--markdown", action="store_true", help="as the page of the documentation has them")


def _add_data(parser: argparse.ArgumentParser) -> None:
    told = "a data set whose images are all to be read, and what is known then remembered (default: list the names)"
    parser.add_argument("dataset", type=data, nargs="?", metavar="NAME|DIR", help=told)
    parser.add_argument("--image-size", type=value(positive), metavar="N", help="pixels a side, as a search is given")
