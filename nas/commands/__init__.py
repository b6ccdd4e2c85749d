"""What does each command of the command line do?"""

from argparse import Namespace
from collections.abc import Callable

from nas.commands.compare import compare
from nas.commands.evaluate import evaluate
from nas.commands.export import export
from nas.commands.listing import data, spaces
from nas.commands.predict import predict
from nas.commands.report import report
from nas.commands.search import search
from nas.commands.track import track
from nas.commands.verify import verify

COMMANDS: dict[str, Callable[[Namespace], int]] = {
    "search": search,
    "resume": search,
    "compare": compare,
    "report": report,
    "verify": verify,
    "track": track,
    "evaluate": evaluate,
    "export": export,
    "predict": predict,
    "spaces": spaces,
    "data": data,
}
