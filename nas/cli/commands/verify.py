"""`nas verify RUN`: is the folder of a run what the engine wrote?"""

from argparse import Namespace
from pathlib import Path

from nas.cli.commands.say import say
from nas.core.errors import Corrupt
from nas.core.words import one_line, quoted
from nas.report.verify import faults_of, repair

_SHOWN = 20


def verify(flags: Namespace) -> int:
    """Print every fault, or that there is none; cut the journal where asked to. Exit status 3 with faults left."""
    folder: Path = flags.run
    if flags.repair_to is not None:
        rest = repair(folder, flags.repair_to)
        say(f"{folder / 'journal.jsonl'} now ends with line {flags.repair_to}, what came after it lies in {rest}")
        say(f"nas resume {quoted(folder)} trains it again")
    found = list(faults_of(folder))
    for fault in found[:_SHOWN]:
        say(one_line(fault))
    if len(found) > _SHOWN:
        say(f"and {len(found) - _SHOWN} more")
    say(f"{folder}: {f'{len(found)} faults' if found else 'every checksum, digest and id is right'}")
    return Corrupt.exit_status if found else 0
