"""Is a network that was judged by val/ after some of its epochs trained again to the same figures, and to the bit?"""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from nas.core.types import Config
from nas.deploy import trained
from nas.main import main
from nas.runs.saved import Saved
from nas.spaces.space import load
from nas.training.evaluation import Evaluation
from nas.training.official import JUDGED, OFFICIAL, judged_by, pieces
from nas.training.pieces import TRAINING
from nas.training.recipe import settings
from nas.training.training import Training
from tests.cli.commands.test_command_line import refused
from tests.training.test_training import SMALL

EPOCHS, UNTIL, SEED = 5, 3, 4


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    draw = np.random.default_rng(0)
    for part in ("train", "val"):
        for label, name in enumerate("ab"):
            (tmp_path / "data" / part / name).mkdir(parents=True)
            for number in range(10):
                pixels = np.clip(draw.normal(110 + 40 * label, 60, (12, 12, 3)), 0, 255).astype(np.uint8)
                Image.fromarray(pixels).save(tmp_path / "data" / part / name / f"{number}.png")
    return tmp_path / "data"


@pytest.fixture
def best(folder: Path, tmp_path: Path) -> Path:
    """A file as a reproduction leaves it, with its network: the one after the epoch UNTIL, by val/."""
    torch.set_num_threads(1)
    space, found, config = load("cnn"), pieces(str(folder), None, "cpu"), SMALL | {"batch_size": 8}
    training = Training.begin(space, config, found, (SEED, "final"), EPOCHS)
    for batch in training.batches(UNTIL * training.steps_per_epoch):
        training.step(batch)
        if training.between_epochs:
            metrics = training.validate(JUDGED)
    evidence = {
        "test": metrics, "judged": OFFICIAL, "until": UNTIL, "objective": "accuracy", "constraints": [],
        "data_digest": found[TRAINING].images.digest, "space_source": space.source,
    }  # fmt: skip
    file = tmp_path / "run" / "best.json"
    file.parent.mkdir()
    Saved(config, "cnn", space.digest, str(folder), None, EPOCHS, SEED, 1, settings(space), evidence).write(file)
    tested = Evaluation(JUDGED, metrics, [], found[TRAINING].images.classes, training)
    network = file.with_suffix(".safetensors")
    trained.keep(network, tested, space, Config.of(config), str(folder), EPOCHS, SEED)
    return file


def test_the_same_figures_and_weights_come_again(best: Path, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    before = load_file(best.with_suffix(".safetensors"))
    assert main(["evaluate", str(best), "--threads", "1", "--quiet"]) == 0
    out = capfd.readouterr().out
    assert f"{UNTIL} of {EPOCHS} epochs on {folder}" in out and "not the network of" not in out
    record = json.loads(best.with_name("best.evaluation.json").read_text())
    told = json.loads(best.read_text())["evidence"]["test"]
    assert record["part"] == judged_by(str(folder)) == f"val/ of {folder}"
    assert {name: record["metrics"][name] for name in told} == told
    after = load_file(best.with_suffix(".safetensors"))
    assert before.keys() == after.keys() and all(torch.equal(before[name], after[name]) for name in before)


def test_other_epochs_are_trained_to_their_end(best: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(best), "--epochs", "2", "--quiet"]) == 0
    out = capfd.readouterr().out
    assert ": 2 epochs on" in out and f"epochs 2, not {EPOCHS}" in out


def test_its_network_predicts_and_leaves_like_any_other(best: Path, folder: Path, tmp_path: Path) -> None:
    assert main(["predict", str(best.parent), str(folder / "val" / "a")]) == 0
    exported = tmp_path / "model.safetensors"
    assert main(["export", str(best.parent), "--format", "safetensors", "--output", str(exported)]) == 0
    assert exported.read_bytes() == best.with_suffix(".safetensors").read_bytes()


@pytest.mark.parametrize(("until", "told"), [(EPOCHS + 1, "until is 6"), ("3", "until is '3'"), (0, "at least 1")])
def test_an_epoch_that_there_is_not_is_refused(
    best: Path, until: object, told: str, capfd: pytest.CaptureFixture[str]
) -> None:
    content = json.loads(best.read_text())
    content["evidence"]["until"] = until
    best.write_text(json.dumps(content))
    assert told in refused(capfd, "evaluate", best)
