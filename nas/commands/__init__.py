"""What does each command of the command line do?"""

from argparse import Namespace
from collections.abc import Callable

from nas.commands.evaluate import evaluate
from nas.commands.listing import data, spaces
from nas.commands.search import search

COMMANDS: dict[str, Callable[[Namespace], int]] = {
    "search": search,
    "evaluate": evaluate,
    "spaces": spaces,
    "data": data,
}
