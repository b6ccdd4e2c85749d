"""Is Weights & Biases on? Answered without importing it: a search without a key shall not wait for it."""

import configparser
import netrc
import os
from pathlib import Path
from urllib.parse import urlsplit

from nas.core.errors import UserError

MODES = ("auto", "online", "offline", "disabled")
PROJECT = "constrained-nas"
_HOST = "https://api.wandb.ai"
_OTHER_WORDS = {"run": "online", "dryrun": "offline"}  # that WANDB_MODE knows


def decided(asked: str) -> str:
    """Return "online", "offline" or "disabled". Raises UserError for "online" without a key."""
    if asked == "online" and not has_key():
        raise UserError("--wandb online needs a key of W&B: wandb login, or WANDB_API_KEY; --wandb offline needs none")
    if asked != "auto":
        return asked
    return "disabled" if _wanted() == "online" and not has_key() else _wanted()


def hint(asked: str, mode: str) -> str:
    """Return what to tell of a tracker that is off though nobody said so, or nothing."""
    unasked = asked == "auto" and mode == "disabled" and _wanted() == "online"
    return "W&B is off, no key is configured: wandb login, or --wandb offline" if unasked else ""


def has_key() -> bool:
    """Return whether W&B would find credentials for its host: in the environment, in netrc or in its settings."""
    if os.environ.get("WANDB_API_KEY") or os.environ.get("WANDB_IDENTITY_TOKEN_FILE"):
        return True
    settings = _settings()
    host = urlsplit(os.environ.get("WANDB_BASE_URL") or settings.get("base_url") or _HOST).netloc
    return bool(settings.get("api_key")) or _in_netrc(host)


def project(text: str) -> str:
    """Return `text` as the name of a project. Raises UserError for one that W&B refuses."""
    if not 0 < len(text) <= 128 or set(text) & set("/\\#?%:"):
        raise UserError(f"{text!r} is no name of a project: up to 128 characters without / \\ # ? % :")
    return text


def _wanted() -> str:
    word = os.environ.get("WANDB_MODE") or _settings().get("mode") or "online"
    word = _OTHER_WORDS.get(word, word)
    return word if word in ("offline", "disabled") else "online"


def _settings() -> dict[str, str]:
    """Return what `wandb login` and the like have left; nothing where that cannot be read."""
    folder = Path(os.environ.get("WANDB_CONFIG_DIR") or "~/.config/wandb").expanduser()
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read(folder / "settings")
        return dict(parser["default"]) if "default" in parser else {}
    except (OSError, ValueError, configparser.Error):
        return {}


def _in_netrc(host: str) -> bool:
    files = [os.environ["NETRC"]] if os.environ.get("NETRC") else ["~/.netrc", "~/_netrc"]
    for file in files:
        try:
            found = netrc.netrc(Path(file).expanduser()).authenticators(host)
        except (OSError, ValueError, netrc.NetrcParseError):
            continue
        if found and found[2]:
            return True
    return False
