"""What was decided by the phases that are over? Written once: later phases go on from it, whatever becomes of time."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nas.core.errors import Corrupt, UserError
from nas.core.plain import readable
from nas.runs.disk import write_atomically
from nas.runs.folder import read_json

DECISIONS = "decisions.json"


def decided(directory: Path, phase: str) -> Mapping[str, Any] | None:
    """Return what a phase has decided; None where it is not over. Raises UserError where the file is something else."""
    file = directory / DECISIONS
    if not file.exists():
        return None
    content = read_json(file).get(phase)
    if content is not None and not isinstance(content, dict):
        raise Corrupt(f"{file}: {phase} is no decision")
    return content


def decide(directory: Path, phase: str, decision: Mapping[str, Any]) -> None:
    """Write what a phase has decided."""
    file = directory / DECISIONS
    before = read_json(file) if file.exists() else {}
    write_atomically(file, readable({**before, phase: dict(decision)}))


def of(directory: Path, phase: str, kind: type[Any]) -> Any:
    """Return what a phase has decided as a value of this dataclass; None where it is not over."""
    found = decided(directory, phase)
    try:
        return None if found is None else kind(**found)
    except TypeError as error:
        raise UserError(f"{directory / DECISIONS} is not what a reproduction writes: {error}") from None
