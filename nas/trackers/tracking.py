"""What of a run has gone to W&B? tracking.json in its folder, which a resumed search goes on from."""

import json
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path

from nas.core.plain import readable
from nas.runs.disk import read_text, write_atomically
from nas.runs.journal import checksum

FILE = "tracking.json"


@dataclass(frozen=True)
class Tracking:
    """The W&B run of a search. `sent` lines of the journal went to it, `checksum` is that of the last of them."""

    project: str
    id: str = field(default_factory=lambda: secrets.token_hex(4))
    sent: int = 0
    checksum: str = ""
    where: str = ""  # its address, or the folder of an offline run

    def write(self, directory: Path) -> None:
        """Replace tracking.json."""
        write_atomically(directory / FILE, readable(asdict(self)))


def read(directory: Path) -> Tracking | None:
    """Return what tracking.json tells; None where it is not there, or is none."""
    try:
        return Tracking(**json.loads(read_text(directory / FILE)))
    except (OSError, ValueError, TypeError):
        return None


def begun(directory: Path, project: str) -> Tracking:
    """Return the W&B run to go on with, or a new one: also where the journal is not the one that was sent."""
    known = read(directory)
    if known and known.checksum == checksum(directory / "journal.jsonl", known.sent):
        return known
    return Tracking(project)
