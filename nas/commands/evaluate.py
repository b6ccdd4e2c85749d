"""`nas evaluate FILE`: retrain a saved configuration and test it, or cross-validate it."""

import sys
from argparse import Namespace
from dataclasses import replace
from pathlib import Path

from nas import saved
from nas.commands.progress import epoch_bar
from nas.commands.table import comparison, confusion, shown
from nas.constraints import parse
from nas.disk import write_atomically
from nas.errors import UserError
from nas.evaluate import Evaluator
from nas.spaces import load as load_space
from nas.training.fit import choose_device
from nas.types import readable

_WIDEST = 20  # classes whose confusion matrix fits a terminal


def evaluate(flags: Namespace) -> int:
    """Print the metrics of a saved configuration after retraining and save them beside its file."""
    content = saved.read(flags.file)
    space = load_space(flags.space or content.space)
    config = space.config(content.config, str(flags.file))
    if space.digest != content.space_digest:
        raise UserError(f"{flags.file} was saved with another version of space {content.space}: give --space FILE.py")
    if space.source != content.evidence.get("space_source", space.source):
        print(f"note: {content.space} has changed since {flags.file} was saved", file=sys.stderr)
    space = replace(space, recipe=content.recipe)
    data, epochs = flags.data or content.data, flags.epochs or content.epochs
    size = flags.image_size or (content.image_size if not flags.data else None)
    seed = content.seed if flags.seed is None else flags.seed
    device, progress = choose_device(flags.device), epoch_bar("training", flags.quiet)
    evaluator = Evaluator(space, data, size, device, flags.threads, progress)
    try:
        if flags.cv:
            result = evaluator.cross_validate(config, epochs, seed, flags.folds or content.folds)
        else:
            result = evaluator.test(config, epochs, seed)
    except UserError:
        raise
    except Exception as error:
        print(f"training the configuration of {flags.file} failed: {type(error).__name__}: {error}")
        return 1
    constraints = [parse(text) for text in content.evidence.get("constraints", [])]
    table = comparison({result.part: result.metrics}, content.evidence.get("objective", "accuracy"), constraints)
    print(f"{flags.file}: {epochs} epochs on {data}, seed {seed}\n{shown(table)}")
    if len(result.classes) <= _WIDEST:
        print(shown(confusion(result.classes, result.confusion)))
    path = _destination(flags.file, flags.cv)
    record = {**result.to_json(), "config": config.values, "data": data, "epochs": epochs, "seed": seed}
    write_atomically(path, readable({**record, "versions": saved.versions()}))
    print(f"saved as {path}")
    return 0


def _destination(file: Path, cross_validated: bool) -> Path:
    return file.with_suffix(".cross_validation.json" if cross_validated else ".evaluation.json")
