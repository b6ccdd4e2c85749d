"""How is a Python file of the user's imported? By its path, and known again by the digest of what it says."""

import importlib.util
import os
import sys
from hashlib import blake2b
from pathlib import Path
from types import ModuleType

from nas.core.errors import UserError


def imported(path: Path, what: str) -> ModuleType:
    """Return the module in the file at `path`; `what` names it in errors, such as "the space file".

    Raises UserError where it is not there or cannot be imported.
    """
    if not path.is_file():
        raise UserError(f"{what} {path} does not exist")
    place = blake2b(os.fsencode(path.resolve()), digest_size=4).hexdigest()  # two files may have one name
    specification = importlib.util.spec_from_file_location(f"nas_own_{path.stem}_{place}", path)
    assert specification and specification.loader
    module = importlib.util.module_from_spec(specification)
    sys.modules[specification.name] = module
    try:
        specification.loader.exec_module(module)
    except Exception as error:
        raise UserError(f"{what} {path} cannot be imported: {type(error).__name__}: {error}") from None
    return module


def digest_of(module: ModuleType) -> str:
    """Return the digest of the module's file: 16 hexadecimal digits."""
    return blake2b(Path(str(module.__file__)).read_bytes(), digest_size=8).hexdigest()
