"""Which flags has a search? What to find, how, within which limits, on what machine."""

import argparse
from pathlib import Path
from typing import Any

from nas.cli.flag_values import add_choice, choice, count_or, data, history, path, plain_name, space, value, word
from nas.cli.part_flags import add_parameters, add_part, add_recipe
from nas.core.parts import names
from nas.core.units import count, factor, number, positive, seconds
from nas.trackers.mode import MODES, PROJECT, project


def add_search(search: argparse.ArgumentParser) -> None:
    """Add all of them."""
    add_task(search, macs="auto")
    _add_how(search)
    _add_limits(search)
    add_output(search)


def add_task(search: argparse.ArgumentParser, macs: str) -> None:
    task = search.add_argument_group("what to find")
    task.add_argument(
        "--data", type=data, default="digits-m", metavar="NAME|DIR", help="a data set (nas data) or an image folder"
    )
    task.add_argument(
        "--space",
        type=space,
        default="cnn",
        metavar="NAME|FILE.py",
        help="a known space or model (nas spaces), or your own",
    )
    task.add_argument(
        "--objective", type=word, default="accuracy", metavar="METRIC", help="maximised; -METRIC is minimised"
    )
    task.add_argument("--constraint", action="append", default=[], metavar='"METRIC>=BOUND"', help="repeatable")
    task.add_argument("--min-precision", type=value(number), metavar="X", help='short for --constraint "precision>=X"')
    task.add_argument("--max-params", type=value(positive), metavar="N", help='short for --constraint "params<=N"')
    task.add_argument(
        "--max-macs", type=count_or("auto", "none"), default=macs, metavar="N|auto|none",
        help=f"multiply-accumulates of a candidate; auto leaves out what would eat the time limit (default: {macs})",
    )  # fmt: skip
    task.add_argument(
        "--max-latency-ms", type=value(number), metavar="X", help="of one image through the untrained network"
    )
    task.add_argument("--image-size", type=value(positive), metavar="N", help="resize and centre-crop to N x N")


def _add_how(search: argparse.ArgumentParser) -> None:
    how = search.add_argument_group("how to search (defaults suit the time limit and the device, and are printed)")
    add_part(how, "strategy", "evolution", "which configurations are tried, or a coroutine of yours", own=True)
    add_part(how, "scheduler", "halving", "how long each trains (--budget is its name of before)")
    how.add_argument("--budget", dest="scheduler", type=choice("scheduler", names("scheduler")), help=argparse.SUPPRESS)
    add_parameters(how)
    add_recipe(how)
    how.add_argument("--folds", type=value(positive), metavar="N", help="of cross-validation; 1 is one hold-out split")
    how.add_argument(
        "--confirm", type=value(count), default=3, metavar="K",
        help="train the K best again, at most 3 times and in 15%% of the limits, and let all decide (3; 0 not)",
    )  # fmt: skip
    how.add_argument(
        "--diverge-above", type=value(factor), metavar="K",
        help="give up a training whose loss exceeds K times that of its first epoch (default: only one not finite)",
    )  # fmt: skip
    how.add_argument(
        "--initial", type=Path, metavar="FILE", help="configurations to train first: a best.json, or one a line"
    )
    how.add_argument(
        "--history", type=history, metavar="FILE", help="of earlier tasks (nas history), from which the search begins"
    )
    how.add_argument("--seed", type=value(count), default=0, metavar="N")


def _add_limits(search: argparse.ArgumentParser) -> None:
    limits = search.add_argument_group("limits")
    limits.add_argument(
        "--max-time", type=value(seconds), default=argparse.SUPPRESS, metavar="5m|1h30m|none",
        help="of searching, retraining and testing (default 5m; none when a count is given)",
    )  # fmt: skip
    limits.add_argument("--max-trials", type=value(positive), metavar="N")
    limits.add_argument("--max-total-epochs", type=value(positive), metavar="N")


def add_output(search: argparse.ArgumentParser) -> None:
    machine = search.add_argument_group("machine and output")
    add_workers(machine)
    add_machine(machine)
    machine.add_argument("--deterministic", action="store_true", help="the same history on a GPU too, at some cost")
    machine.add_argument("--cuda-graphs", action="store_true", help="launch a training step on a GPU as a whole")
    machine.add_argument("--run-dir", type=path, default=Path("runs"), metavar="DIR", help="where runs land")
    machine.add_argument(
        "--name", type=plain_name, metavar="NAME", help="of the run's folder; an unfinished one goes on"
    )
    machine.add_argument("--quiet", action="store_true", help="print the result only")
    add_wandb(machine, "auto")
    machine.add_argument("--wandb-project", type=value(project), default=PROJECT, metavar="NAME", help=f"({PROJECT})")


def add_wandb(group: Any, default: str) -> None:
    told = "Weights & Biases: auto (default) is online where a key is configured, else disabled"
    add_choice(group, "--wandb", "mode of W&B", MODES, default=default, help=told)


def add_workers(group: Any, default: Any = None) -> None:
    group.add_argument(
        "--workers", type=value(count), default=default, metavar="N", help="processes; 0 trains in this one"
    )
    group.add_argument(
        "--workers-per-gpu", type=value(positive), default=default, metavar="N", help="that share each GPU (default 1)"
    )
    group.add_argument(
        "--cluster",
        type=word,
        default=default,
        metavar="ADDRESS",
        help="of a Dask scheduler (tcp://HOST:8786), or local:N",
    )
    group.add_argument(
        "--trial-timeout", type=value(seconds), default=default, metavar="10m", help="a job that takes longer has hung"
    )


def add_machine(group: Any) -> None:
    group.add_argument("--threads", type=value(positive), default=1, metavar="N", help="per training (default 1)")
    add_choice(group, "--device", "device", ("auto", "cpu", "cuda"), default="auto")
