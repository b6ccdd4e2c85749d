"""`nas evaluate FILE`: retrain a saved configuration and test it, or cross-validate it."""

import os
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nas.cli.asked import as_word, recipe_of
from nas.cli.commands.progress import bar
from nas.cli.commands.say import note, say
from nas.cli.commands.table import comparison, confusion, shown
from nas.core.constraints import parse
from nas.core.errors import UserError
from nas.core.numbers import spoken, whole
from nas.core.plain import readable
from nas.core.slug import slug
from nas.core.types import Config
from nas.deploy import trained
from nas.runs import origin, saved
from nas.runs.disk import write_atomically
from nas.runs.origin import Origin
from nas.runs.saved import Saved
from nas.spaces.space import load_for
from nas.training.device import choose_device
from nas.training.evaluation import UNFINISHED, Evaluation, Evaluator
from nas.training.official import OFFICIAL
from nas.training.recipe import check, overruled, setting_of
from nas.training.trajectory import summary

_WIDEST = 20  # classes whose confusion matrix fits a terminal


@dataclass(frozen=True)
class Asked:
    """What is evaluated: the saved configuration `content` of `file`, trained from `origin`; its folds with `cv`.

    `recipe` are settings of the trainer in place of the saved ones.
    """

    file: Path
    content: Saved
    origin: Origin
    folds: int
    cv: bool
    recipe: Mapping[str, Any]

    def unlike(self) -> list[str]:
        """Return in words what is not as it was saved."""
        told = self.origin.unlike(origin.of_saved(self.content, self.file))
        told += [
            f"{spoken(name)} {as_word(value)}, not {as_word(self._saved(name))}" for name, value in self._changed()
        ]
        other = self.cv and self.folds != self.content.folds
        return [*told, f"folds {self.folds}, not {self.content.folds}"] if other else told

    def _changed(self) -> list[tuple[str, Any]]:
        return [(name, value) for name, value in self.recipe.items() if value != self._saved(name)]

    def _saved(self, name: str) -> Any:
        return setting_of(self.content.recipe, name)

    def record(self, own: bool) -> Path:
        """Return where the metrics are written."""
        return self._path("cross_validation.json" if self.cv else "evaluation.json", own)

    def network(self, own: bool) -> Path:
        """Return where the trained network is written."""
        return self._path(trained.SUFFIX[1:], own)

    def unfinished(self, own: bool) -> Path:
        """Return the folder of what is trained and not done: asked for once more it goes on from there."""
        return self._path(UNFINISHED, own)

    def _path(self, kind: str, own: bool) -> Path:
        """Return a file beside the saved one: `own` to it, or of this evaluation and others that are alike only."""
        return self.file.with_suffix(f".{kind}" if own else f".evaluated-{self._name()}.{kind}")

    def _name(self) -> str:
        """Return a name that says what is different, and ends in a digest of all of it."""
        content, asked = self.content, self.origin
        differences = {
            Path(asked.data).resolve().name: asked.data != content.data,
            f"size{asked.image_size}": asked.image_size != content.image_size,
            f"epochs{asked.epochs}": asked.epochs != content.epochs,
            f"seed{asked.seed}": asked.seed != content.seed,
            f"folds{self.folds}": self.cv and self.folds != content.folds,
        }
        words = [word for word, different in differences.items() if different]
        words += [str(value.get("name") if isinstance(value, dict) else value) for _, value in self._changed()]
        more = [*([self.folds] if self.cv else []), *([self.recipe] if self._changed() else [])]
        return f"{slug('-'.join(words or ['again']))}-{asked.digest(*more)}"


def evaluate(flags: Namespace) -> int:
    """Print the metrics of a saved configuration after retraining and save them beside its file.

    Its own network and metrics give way to what was trained as the file says only; all else has files of its own.
    What was stopped or killed goes on from where it was when the same is asked for again.
    """
    content = saved.read(flags.file)
    evaluator, config = _evaluator(flags, content)
    digest = evaluator.digest_like(origin.of_saved(content, flags.file).data_digest)
    images, epochs = evaluator.images("train"), flags.epochs or content.epochs
    for each in images.notes:
        note(flags.quiet)(each)
    seed, folds = content.seed if flags.seed is None else flags.seed, flags.folds or content.folds
    space, data = evaluator.space, evaluator.data
    trained_from = Origin(config.values, space.digest, space.source, data, evaluator.image_size, digest, epochs, seed)
    asked = Asked(flags.file, content, trained_from, folds, flags.cv, recipe_of(flags))
    unlike = asked.unlike()
    _check(asked.record(not unlike), *([] if flags.cv else [asked.network(not unlike)]))
    evaluator = replace(evaluator, kept=asked.unfinished(not unlike))
    try:
        result = (
            evaluator.cross_validate(config, epochs, seed, folds) if flags.cv else evaluator.test(config, epochs, seed)
        )
    except UserError:
        raise
    except Exception as error:
        say(f"training the configuration of {flags.file} failed: {type(error).__name__}: {error}")
        return 1
    trained_for = f"{evaluator.until} of {epochs}" if evaluator.until else epochs
    say(f"{flags.file}: {trained_for} epochs on {data}, {'x'.join(map(str, images.shape))} pixels, seed {seed}")
    _show(result, content)
    unlike = unlike or _unlike_its_test(asked, result)
    if unlike:
        say(f"not the network of {flags.file}, whose files stay as they are: {'; '.join(unlike)}")
    _keep(asked, result, not unlike, evaluator, config)
    return 0


def _evaluator(flags: Namespace, content: Saved) -> tuple[Evaluator, Config]:
    """Return what trains, on the images and by the space that the flags name, else those of the saved file."""
    source, name = content.evidence.get("space_source"), flags.space or content.space
    space, config = load_for(content.config, name, content.space_digest, source, flags.file)
    size, device = flags.image_size or content.image_size, choose_device(flags.device)
    space = overruled(replace(space, recipe=content.recipe), recipe_of(flags))
    check(space)
    data, progress = flags.data or content.data, bar("training", flags.quiet)
    official, until = content.evidence.get("judged") == OFFICIAL, _until(flags, content)
    return Evaluator(
        space, data, size, device, flags.threads, progress, told=note(flags.quiet), official=official, until=until
    ), config


def _until(flags: Namespace, content: Saved) -> int | None:
    """Return the epoch after which the file says that its network was taken, unless other epochs are asked for."""
    until = content.evidence.get("until")
    if until is None or (flags.epochs or content.epochs) != content.epochs:
        return None
    if whole("until", until, 1) > content.epochs:
        raise UserError(f"{flags.file}: until is {until}, but there are {content.epochs} epochs")
    return int(until)


def _check(*files: Path) -> None:
    """Raise UserError, before anything is trained, where a file cannot be written."""
    for file in files:
        if file.is_dir():
            raise UserError(f"{file} is a folder, and a file of that name is to be written: move it away")
        if not os.access(file.parent, os.W_OK):
            raise UserError(f"{file} cannot be written: its folder is not yours to write to")


def _unlike_its_test(asked: Asked, result: Evaluation) -> list[str]:
    """Return that the kept network was tested otherwise, if so; one that is not the file's own is deleted."""
    network, before = asked.network(own=True), asked.content.evidence.get("test")
    if not result.training or (before or {}).items() <= result.metrics.items():
        return []
    trained.drop_stale(network, asked.content, asked.file)
    return ["other test metrics, as from another machine or version"] if network.exists() else []


def _show(result: Evaluation, content: Saved) -> None:
    """Print the metrics, which classes are taken for which where that fits, and where hyperparameters ended."""
    constraints = [parse(text) for text in content.evidence.get("constraints", [])]
    print(shown(comparison({result.part: result.metrics}, content.evidence.get("objective", "accuracy"), constraints)))
    if len(result.classes) <= _WIDEST:
        print(shown(confusion(result.classes, result.confusion)))
    if result.trajectories:
        first = f"of the first of {len(result.trajectories)} folds, " if len(result.trajectories) > 1 else ""
        say(f"{first}{summary(result.trajectories[0])}")


def _keep(asked: Asked, result: Evaluation, own: bool, evaluator: Evaluator, config: Config) -> None:
    """Write the metrics and, after a test, the network; say where."""
    known, record, network = asked.origin, asked.record(own), asked.network(own)
    told = {"config": config.values, "data": known.data, "data_digest": known.data_digest, "seed": known.seed}
    told |= {"epochs": known.epochs, "image_size": known.image_size, "versions": saved.versions()}
    write_atomically(record, readable({**result.to_json(), **told}))
    say(f"saved as {record}")
    if result.training:
        trained.keep(network, result, evaluator.space, config, known.data, known.epochs, known.seed)
        say(f"trained network saved as {network}")
