"""`nas evaluate FILE`: retrain a saved configuration and test it, or cross-validate it."""

from argparse import Namespace
from dataclasses import replace
from pathlib import Path

from nas import saved, trained
from nas.commands.progress import epoch_bar
from nas.commands.table import comparison, confusion, shown
from nas.constraints import parse
from nas.disk import write_atomically
from nas.errors import UserError
from nas.evaluate import Evaluator
from nas.spaces import load_for
from nas.training.fit import choose_device
from nas.types import readable

_WIDEST = 20  # classes whose confusion matrix fits a terminal


def evaluate(flags: Namespace) -> int:
    """Print the metrics of a saved configuration after retraining and save them beside its file."""
    content = saved.read(flags.file)
    space, config = load_for(
        content.config,
        flags.space or content.space,
        content.space_digest,
        content.evidence.get("space_source"),
        flags.file,
    )
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
    if result.fit:
        network = flags.file.with_suffix(trained.SUFFIX)
        trained.keep(network, result, space, config, data, epochs, seed)
        print(f"trained network saved as {network}")
    return 0


def _destination(file: Path, cross_validated: bool) -> Path:
    return file.with_suffix(".cross_validation.json" if cross_validated else ".evaluation.json")
