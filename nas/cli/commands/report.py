"""`nas report RUN [OTHER ...]`: one page with figures on what a search found."""

from argparse import Namespace
from pathlib import Path

from nas.cli.commands.say import say
from nas.report.page import write
from nas.report.reproduction import page as reproduction
from nas.runs.folder import REPRODUCTION
from nas.runs.stored import open_run


def report(flags: Namespace) -> int:
    """Write the report on the first run beside the others, or the page of a reproduction; print where it is."""
    if (flags.run / REPRODUCTION).exists() and not flags.other:
        page = flags.output or flags.run / "reproduction.html"
        say(f"saved as {reproduction.write(flags.run, page)}")
        return 0
    runs = [open_run(folder) for folder in (flags.run, *flags.other)]
    path: Path = flags.output or flags.run / "report.html"
    say(f"saved as {write(runs, path)}")
    return 0
