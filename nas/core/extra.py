"""Is the optional package there?"""

from importlib import import_module
from types import ModuleType

from nas.core.errors import UserError


def extra(name: str, group: str = "export") -> ModuleType:
    """Return the package `name`. Raises UserError, with the extra that installs it, where it is missing."""
    try:
        return import_module(name)
    except ImportError:
        raise UserError(f"this needs {name}: pip install 'constrained-nas[{group}]'") from None
