"""`nas report RUN [OTHER ...]`: one page with figures on what a search found."""

from argparse import Namespace
from pathlib import Path

from nas.cli.commands.say import say
from nas.report.page import write
from nas.runs.stored import open_run


def report(flags: Namespace) -> int:
    """Write the report on the first run beside the others; print where it is."""
    runs = [open_run(folder) for folder in (flags.run, *flags.other)]
    path: Path = flags.output or flags.run / "report.html"
    say(f"saved as {write(runs, path)}")
    return 0
