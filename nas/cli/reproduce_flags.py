"""Which flags has a reproduction? The model, the images and the target, then each of the three phases."""

import argparse
from pathlib import Path

from nas.cli.flag_values import add_choice, choice, data, history, value, word
from nas.cli.part_flags import add_recipe, part_as_written
from nas.cli.search_flags import add_wandb
from nas.cli.study_flags import add_landing, rate
from nas.core.units import count, number, positive, seconds
from nas.trackers.mode import PROJECT, project

RULES = ("fixed", "halving")
STRATEGIES = ("random", "evolution", "transfer")
LAST = ("phase1", "phase2", "phase3")


def add_reproduce(reproduce: argparse.ArgumentParser) -> None:
    """Add all of them."""
    _add_what(reproduce)
    _add_first(reproduce)
    _add_second(reproduce)
    _add_third(reproduce)
    recipe = reproduce.add_argument_group("settings of the trainer: one that is given is not searched for")
    add_recipe(recipe)
    machine = add_landing(reproduce, "reproductions")
    add_wandb(machine, "disabled")
    machine.add_argument("--wandb-project", type=value(project), default=PROJECT, metavar="NAME", help=f"({PROJECT})")


def _add_what(reproduce: argparse.ArgumentParser) -> None:
    what = reproduce.add_argument_group("what is reproduced")
    told = "a network of torchvision, timm/NAME, FILE.py:function, or a space's default such as cnn or FILE.py:blocks=1"
    what.add_argument("--model", type=_model, required=True, metavar="MODEL", help=told)
    what.add_argument("--pretrained", type=_weights, metavar="FILE|download", help="its weights, a local .safetensors")
    what.add_argument("--data", type=data, required=True, metavar="NAME|DIR", help="a data set or an image folder")
    what.add_argument("--image-size", type=value(positive), metavar="N", help="(default: what the model was made for)")
    what.add_argument(
        "--target", type=value(number), required=True, metavar="X", help="to be reached: a share, or in percent"
    )
    what.add_argument("--metric", type=word, default="accuracy", metavar="METRIC", help="of the target (accuracy)")
    what.add_argument("--constraint", action="append", default=[], metavar='"METRIC>=BOUND"', help="repeatable")
    what.add_argument("--min-precision", type=value(number), metavar="X", help="short for a constraint")
    what.add_argument("--max-params", type=value(positive), metavar="N", help="likewise; checked at once")
    what.add_argument("--max-latency-ms", type=value(number), metavar="X", help="likewise")
    what.add_argument("--seed", type=value(count), default=0, metavar="N", help="of everything")
    what.add_argument("--seeds", type=value(positive), default=1, metavar="K", help="full trainings, seeds N, N+1, ...")
    what.add_argument("--max-time", type=value(seconds), metavar="15h", help="of all phases; they go on by nas resume")
    add_choice(what, "--until", "phase", LAST, default=LAST[-1], help="stop when it is over")


def _add_first(reproduce: argparse.ArgumentParser) -> None:
    first = reproduce.add_argument_group("phase 1, a race of optimizers (--optimizer NAME skips it)")
    told = "fixed: all at rate 0.001; halving: each at several rates, at equal total steps (default: fixed)"
    first.add_argument("--phase1", dest="rule", type=choice("rule", RULES), default="fixed", metavar="RULE", help=told)
    first.add_argument("--steps", type=value(positive), default=100, metavar="N", help="for each optimizer (100)")
    first.add_argument(
        "--optimizers",
        nargs="+",
        type=part_as_written("optimizer"),
        default=(),
        metavar="NAME",
        help="that run (default: all there are)",
    )
    first.add_argument(
        "--rates", nargs="+", type=value(rate), default=(), metavar="R", help="of halving (1e-4 1e-3 1e-2 1e-1)"
    )


def _add_second(reproduce: argparse.ArgumentParser) -> None:
    second = reproduce.add_argument_group("phase 2, tuning of learning rate, weight decay and momentum by ASHA")
    second.add_argument(
        "--trials", type=value(count), default=32, metavar="N", help="(32); 0 skips it: phase 1's values stand"
    )
    second.add_argument("--tuning-epochs", type=value(positive), default=9, metavar="N", help="of the last rung (9)")
    add_choice(second, "--strategy", "strategy", STRATEGIES, default="random", help="(default: random)")
    second.add_argument("--history", type=history, metavar="FILE", help="of earlier tasks, from which it begins")


def _add_third(reproduce: argparse.ArgumentParser) -> None:
    third = reproduce.add_argument_group("phase 3, the full training (its default policy: step, 0.1 every 30 epochs)")
    third.add_argument("--epochs", type=value(positive), default=200, metavar="N", help="(200)")
    third.add_argument("--stop-at-target", action="store_true", help="end when the target is reached")
    third.add_argument(
        "--checkpoint-every", type=value(seconds), default=300.0, metavar="5m", help="the most that a kill costs (5m)"
    )
    third.add_argument("--checkpoint-steps", type=value(positive), metavar="N", help="keep it every N steps, too")


def _model(text: str) -> str:
    """Return a model with the path of its file made absolute: a run may go on from anywhere."""
    path, suffix, rest = word(text).partition(".py")
    return f"{Path(path).absolute()}{suffix}{rest}" if suffix and rest[:1] in ("", ":") else text


def _weights(text: str) -> str:
    return text if word(text) == "download" else str(Path(text).absolute())
