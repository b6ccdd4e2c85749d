"""Which flags has a recommendation? The new task, the history, how many epochs it may cost."""

import argparse

from nas.cli.flag_values import history, value
from nas.cli.history_flags import DEFAULT
from nas.cli.part_flags import add_parameters, add_recipe
from nas.cli.search_flags import add_output, add_task
from nas.core.units import count, positive

TOP = 5


def add_recommend(recommend: argparse.ArgumentParser) -> None:
    """Add all of them."""
    add_task(recommend, macs="none")
    how = recommend.add_argument_group("how to recommend")
    told = f"of earlier tasks, as nas history add makes it (default: {DEFAULT})"
    how.add_argument("--history", type=history, default=str(DEFAULT), metavar="FILE", help=told)
    how.add_argument(
        "--epochs", type=value(count), default=0, metavar="N",
        help="that it may cost in all (default 0: what earlier tasks say, at once)",
    )  # fmt: skip
    how.add_argument("--top", type=value(positive), default=TOP, metavar="K", help=f"so many are named (default {TOP})")
    how.add_argument(
        "--full-epochs", type=value(positive), metavar="N", help="of a full training (default: as in the history)"
    )
    add_parameters(how, ("batch", "fresh", "belief"))
    add_recipe(how)
    how.add_argument("--folds", type=value(positive), metavar="N", help="of cross-validation; 1 is one hold-out split")
    how.add_argument("--seed", type=value(count), default=0, metavar="N")
    add_output(recommend)
