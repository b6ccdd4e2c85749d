"""What is known of a part whose program is not here? What was written down of it, so that its run can be read."""

from collections.abc import Mapping
from typing import Any, ClassVar

from nas.core import parts
from nas.core.errors import UserError
from nas.core.parts import Part


class Foreign(Part):
    """A strategy or scheduler of somebody's, as spec.json has it. It cannot be run, only looked at."""

    endless: ClassVar[bool] = True
    partial: ClassVar[bool] = False
    at_a_time: ClassVar[str] = ""

    def __init__(self, kind: str, given: Mapping[str, Any]) -> None:
        self.__dict__.update(kind=kind, **given)
        self.__dict__["_given"] = dict(given)

    def described(self) -> dict[str, Any]:
        """Return what was written down."""
        return dict(self.__dict__["_given"])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Part) and other.described() == self.described()

    def __hash__(self) -> int:
        return hash(str(self.described()))

    def __call__(self, *_: Any) -> Any:
        raise UserError(f"the {self.kind} {self.name} is not known here: import what defines it")

    run = __call__


def remembered(kind: str, given: Any) -> Any:
    """Return the part that was written down as `given`, or what is known of it where its program is not here.

    Raises UserError for parameters that the part may not have.
    """
    name = given.get("name") if isinstance(given, Mapping) else None
    if isinstance(name, str) and "digest" in given and name not in parts.of_kind(kind):
        return Foreign(kind, given)
    return parts.made(kind, given)
