"""`nas verify RUN`: is the folder of a run what the engine wrote?"""

from argparse import Namespace
from pathlib import Path

from nas.errors import Corrupt
from nas.verify import faults_of, repair
from nas.words import quoted

_SHOWN = 20


def verify(flags: Namespace) -> int:
    """Print every fault, or that there is none; cut the journal where asked to. Exit status 3 with faults left."""
    folder: Path = flags.run
    if flags.repair_to is not None:
        rest = repair(folder, flags.repair_to)
        print(f"{folder / 'journal.jsonl'} now ends with line {flags.repair_to}, what came after it lies in {rest}")
        print(f"nas resume {quoted(folder)} trains it again")
    found = list(faults_of(folder))
    for fault in found[:_SHOWN]:
        print(fault)
    if len(found) > _SHOWN:
        print(f"and {len(found) - _SHOWN} more")
    print(f"{folder}: {f'{len(found)} faults' if found else 'every checksum, digest and id is right'}")
    return Corrupt.exit_status if found else 0
