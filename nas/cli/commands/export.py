"""`nas export SOURCE --format F`: the winner, or all results, for other tools."""

from argparse import Namespace
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rich.console import Console as Terminal
from rich.progress import track

from nas.cli.commands.say import say
from nas.core.errors import UserError
from nas.core.words import quoted
from nas.deploy import formats, study, trained
from nas.runs import frame
from nas.runs.disk import replacing
from nas.runs.stored import open_run

_NETWORKS = {"onnx": ".onnx", "torchscript": ".torchscript", "safetensors": trained.SUFFIX}
_RESULTS = {"optuna": "optuna.db", "csv": "history.csv", "parquet": "history.parquet"}
_CONVERT = {"onnx": formats.onnx, "torchscript": formats.torchscript}
_TABLES = {"csv": frame.csv, "parquet": frame.parquet}


def export(flags: Namespace) -> int:
    """Write what was asked for beside its source, or where told, and print where."""
    return _network(flags) if flags.format in _NETWORKS else _results(flags)


def _network(flags: Namespace) -> int:
    source = trained.find(flags.source)
    path = flags.output or source.path.with_suffix(_NETWORKS[flags.format])
    if path.resolve() == source.path.resolve():
        if flags.format != "safetensors":
            raise UserError(f"--output {path} is what it would be made of: give another file")
        say(f"{path} is that file, whole; --output FILE copies it")
        return 0
    _check(path)
    if flags.format == "safetensors":
        _write(path, source.path.read_bytes())
        return 0
    model, shape = source.network(flags.space), source.description.shape
    content, difference = _CONVERT[flags.format](model, shape, source.metadata())
    say(f"input float32 {['batch', *shape]}, scaled to {source.metadata()['pixel_range']}; output logits")
    say(f"the outputs differ from torch's by at most {difference:.2g} on random images")
    _write(path, content)
    return 0


def _results(flags: Namespace) -> int:
    if not flags.source.is_dir():
        raise UserError(f"--format {flags.format} holds the results of a run: give its folder, not {flags.source}")
    run = open_run(flags.source)
    if not run.committed:
        raise UserError(f"{flags.source} has no result yet: let it go on by nas resume {quoted(flags.source)}")
    path = flags.output or flags.source / _RESULTS[flags.format]
    _check(path)
    if flags.format == "optuna":
        _write(path, study.database(run, flags.source.resolve().name, _bar))
        url = quoted(f"sqlite:///{path}")
        say(f"to look at it: pip install optuna-dashboard; optuna-dashboard {url}")
    else:
        _write(path, _TABLES[flags.format](run))
    return 0


def _bar(trials: list[Any]) -> Iterable[Any]:
    """Show how many trials are written, on a terminal: Optuna takes some hundredths of a second for each."""
    terminal = Terminal(stderr=True)
    return track(trials, "exporting", console=terminal, disable=not terminal.is_terminal, transient=True)


def _check(path: Path) -> None:
    """Raise UserError where no file can be written at `path`, before the work is done."""
    if path.is_dir():
        raise UserError(f"--output {path} is a folder: give a file")
    if not path.parent.is_dir():
        raise UserError(f"--output {path}: the folder {path.parent} does not exist")


def _write(path: Path, content: bytes) -> None:
    with replacing(path) as temporary:
        temporary.write_bytes(content)
    say(f"saved as {path}")
