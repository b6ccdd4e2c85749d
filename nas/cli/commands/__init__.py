"""What does each command of the command line do?"""

from argparse import Namespace
from collections.abc import Callable

from nas.cli.commands.compare import compare
from nas.cli.commands.data import data
from nas.cli.commands.evaluate import evaluate
from nas.cli.commands.export import export
from nas.cli.commands.history import history
from nas.cli.commands.listing import spaces
from nas.cli.commands.lr_study import lr_study
from nas.cli.commands.parts import parts
from nas.cli.commands.predict import predict
from nas.cli.commands.recommend import recommend
from nas.cli.commands.report import report
from nas.cli.commands.reproduce import reproduce
from nas.cli.commands.search import search
from nas.cli.commands.track import track
from nas.cli.commands.verify import verify

COMMANDS: dict[str, Callable[[Namespace], int]] = {
    "search": search,
    "resume": search,
    "compare": compare,
    "lr-study": lr_study,
    "recommend": recommend,
    "reproduce": reproduce,
    "report": report,
    "verify": verify,
    "track": track,
    "evaluate": evaluate,
    "export": export,
    "predict": predict,
    "spaces": spaces,
    "data": data,
    "parts": parts,
    "history": history,
}
