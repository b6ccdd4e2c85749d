"""What exactly was trained, and how is it done again, taken home, or learned from?"""

import shlex

from nas.core.words import quoted
from nas.report.facts import Table
from nas.report.reproduction.found import Found
from nas.runs.folder import read_json

_NAS = "python -m nas.main"
_DETAILS = ("data_digest", "device", "threads", "deterministic")


def settings(found: Found) -> Table | None:
    """Return the values of the answer, and the settings of the trainer; None where there is no answer yet."""
    if not found.best:
        return None
    chosen = {**found.best.config, **found.best.recipe}
    rows = tuple((name, _shown(value)) for name, value in chosen.items() if value is not None)
    return Table(("setting", "value"), rows)


def _shown(value: object) -> str:
    if isinstance(value, dict):
        others = ", ".join(f"{name} {_shown(each)}" for name, each in value.items() if name != "name")
        return f"{value.get('name', '')}{': ' if others else ''}{others}"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def command(found: Found) -> str:
    """Return the command that asks for the same."""
    words = found.asked.words
    told = shlex.join(words)
    return told if not words or words[0] == "python" else f"{_NAS} {told}"


def afterwards(found: Found) -> list[str]:
    """Return the commands that repeat the training, take the network home, and learn from it; else what goes on."""
    if not found.best:
        return [f"{_NAS} resume {quoted(found.directory)}"]
    file, network = (found.directory / name for name in ("best.json", "best.safetensors"))
    return [
        f"{_NAS} evaluate {quoted(file)}  # trains it again",
        f"{_NAS} export {quoted(network)} --format onnx  # takes the network home",
        f"{_NAS} history add {quoted(found.directory)}  # later searches learn from it",
    ]


def circumstances(found: Found) -> Table:
    """Return what else decides the result: images, seeds, versions."""
    asked, run = found.asked, found.tuning or found.race
    details = run.spec.details if run else {}
    size = f"{asked.image_size} pixels" if asked.image_size else "as they are"
    rows = [
        ("model", asked.model), ("space", asked.space), ("data", asked.data), ("image size", size),
        ("seeds", ", ".join(map(str, asked.seeds))),
    ]  # fmt: skip
    if found.best:
        rows.append(("space_digest", found.best.space_digest))
    rows += [(name, str(details[name])) for name in _DETAILS if details.get(name) is not None]
    kept = read_json(found.directory / "best.json").get("versions") if found.best else details.get("versions")
    rows += [(name, str(version)) for name, version in dict(kept or {}).items()]
    return Table(("what", "which"), tuple(rows))
