"""`nas track RUN`: send a whole run to Weights & Biases, as a new run there."""

import threading
from argparse import Namespace
from pathlib import Path

from nas.cli.commands.say import say, warn
from nas.core.errors import UserError
from nas.runs.stored import open_run
from nas.trackers.mode import PROJECT, decided
from nas.trackers.tracking import Tracking, read
from nas.trackers.wandb import alone, told
from nas.trackers.wandb import track as send

_CONNECT = 90.0  # seconds


def track(flags: Namespace) -> int:
    """Send it and print where it went. Exit status 1 where W&B fails."""
    directory: Path = flags.run
    if not open_run(directory).committed:
        raise UserError(f"{directory} has no result yet: there is nothing to send")
    mode, over = decided(flags.wandb or "auto"), threading.Event()
    if mode == "disabled":
        raise UserError("W&B is off here: wandb login, or --wandb offline")
    over.set()
    before = read(directory)
    project = flags.wandb_project or (before.project if before else PROJECT)
    try:
        with alone(directory, wait=False):
            sent = send(directory, Tracking(project), mode, over, _CONNECT)
    except UserError:
        raise
    except Exception as error:
        warn(f"W&B failed: {told(error)}")
        return 1
    say(f"{sent.sent} results sent: {sent.where}")
    return 0
