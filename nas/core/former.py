"""How did versions of before write what was asked? With the parameters of all parts side by side."""

from collections.abc import Mapping
from typing import Any

_MOVED = {
    "strategy", "budget", "model", "population", "offspring", "mutation_rate", "max_epochs", "min_epochs", "eta",
    "lanes",
}  # fmt: skip


def with_parts(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return what spec.json holds, its parts as they are written now. Raises KeyError where one is missing."""
    if "scheduler" in data:
        return dict(data)
    strategies: dict[str, dict[str, Any]] = {
        "evolution": {
            "population": data["population"], "offspring": data["offspring"], "mutation_rate": data["mutation_rate"],
            "model": data.get("model", "forest"),
        },
        "random": {"offspring": data["offspring"]},
        "default": {},
    }  # fmt: skip
    scheduler = {"name": data["budget"], "max_epochs": data["max_epochs"]}
    if data["budget"] != "full":
        scheduler |= {"min_epochs": data["min_epochs"], "eta": data["eta"]}
    if data["budget"] == "asha":
        scheduler["lanes"] = data.get("lanes") or 1
    rest = {name: value for name, value in data.items() if name not in _MOVED}
    return {**rest, "strategy": {"name": data["strategy"], **strategies[data["strategy"]]}, "scheduler": scheduler}
