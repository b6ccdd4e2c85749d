"""What is predicted for an image file is what the search predicted for it; bad files are told in one line."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from nas.core.plain import readable
from nas.data import load
from nas.data.decode import decode_as
from nas.deploy import predictors
from nas.main import main
from nas.training.evaluation import Evaluator
from tests.cli.commands.conftest import Winner, written
from tests.cli.commands.test_command_line import DENSE, QUICK, refused


def predicted(capfd: pytest.CaptureFixture[str], *words: str | Path) -> list[dict[str, Any]]:
    """Return what nas predict says of every image."""
    capfd.readouterr()
    assert main(["predict", *map(str, words), "--json"]) == 0
    return [json.loads(line) for line in capfd.readouterr().out.splitlines()]


@pytest.mark.parametrize("model", ["", "best.safetensors", "best.onnx"])
def test_image_files_of_the_test_part_are_seen_as_the_search_saw_them(
    winner: Winner, model: str, capfd: pytest.CaptureFixture[str]
) -> None:
    seen = predicted(capfd, winner.run / model, winner.images[0].parent)
    predictions = winner.tested.predictions
    assert predictions and [each["image"] for each in seen] == [str(path) for path in winner.images]
    expected = predictions.logits.softmax(1).topk(3)
    assert [[int(c["class"]) for c in each["classes"]] for each in seen] == expected.indices.tolist()
    probabilities = torch.tensor([[c["probability"] for c in each["classes"]] for each in seen])
    assert torch.allclose(probabilities, expected.values, atol=1e-4)


def test_an_evaluation_keeps_its_network_with_the_recipe_it_had(
    winner: Winner, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    content = json.loads((winner.run / "best.json").read_text())
    content |= {"data": "digits", "image_size": None, "recipe": content["recipe"] | {"centred": True}}
    (tmp_path / "other.json").write_text(readable(content))
    assert main(["evaluate", str(tmp_path / "other.json")]) == 0
    assert f"saved as {tmp_path / 'other.safetensors'}" in capfd.readouterr().out
    confusion = json.loads((tmp_path / "other.evaluation.json").read_text())["confusion"]
    seen = predicted(capfd, tmp_path / "other.safetensors", *written(tmp_path / "grey", "digits"))
    counts = torch.zeros(10, 10, dtype=torch.int64)
    for each, label in zip(seen, load("digits", "test").labels, strict=True):
        counts[label, int(each["classes"][0]["class"])] += 1
    assert counts.tolist() == confusion


def test_one_file_has_the_same_pixels_in_a_search_when_streamed_in_its_test_and_for_every_kept_network(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Floats, whose range only the training images tell, and black on transparent, of which only the alpha tells."""
    draw = np.random.RandomState(1)
    for part, most in (("train", 1.0), ("test", 1.2)):
        for name, low in (("dark", 0.0), ("light", 0.5)):
            (tmp_path / "data" / part / name).mkdir(parents=True)
            for i in range(6):
                values = (draw.rand(8, 8) / 2 + low) * most
                inked = np.zeros((8, 8, 4), np.uint8)
                inked[:, :, 3] = (1 - values).clip(0, 1) * 255
                Image.fromarray(values.astype(np.float32)).save(tmp_path / "data" / part / name / f"{i}.tif")
                Image.fromarray(inked).save(tmp_path / "data" / part / name / f"{i}.png")
    (tmp_path / "dense.py").write_text(DENSE)
    words = ("--space", str(tmp_path / "dense.py"), "--run-dir", str(tmp_path), "--name", "run", *QUICK, "1")
    begun = ["--data", str(tmp_path / "data"), "--epochs", "9", "--workers", "0", "--strategy", "default"]
    assert main([*words, *begun]) == 0
    err = capfd.readouterr().err
    assert "12 images of float values scaled from" in err and "12 images with transparency laid on white" in err
    assert main(["export", str(tmp_path / "run"), "--format", "onnx"]) == 0
    for part in ("train", "test"):
        data, files = str(tmp_path / "data"), sorted((tmp_path / "data" / part).glob("*/*"))
        kept, streamed = load(data, part), load(data, part, resident_bytes=0)
        assert kept.pixels is not None and tuple(streamed.files) == tuple(files)
        [(pixels, labels)] = streamed.batches(torch.arange(len(files)), len(files), "cpu")
        assert torch.equal(pixels, kept.pixels)
        assert pixels[labels == 0].float().mean() < 80 < 160 < pixels[labels == 1].float().mean()
        for network in ("run", "run/best.safetensors", "run/best.onnx"):
            known, _ = predictors.load(tmp_path / network, None)
            seen = torch.stack([decode_as(path, known.shape, known.ranges) for path in files])
            assert torch.equal(seen, kept.pixels)
            classes = [each["classes"][0]["class"] for each in predicted(capfd, tmp_path / network, *files)]
            assert classes == [path.parent.name for path in files]


def test_a_table_shows_the_three_likeliest_classes(winner: Winner, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", str(winner.run), str(winner.images[0])]) == 0
    out = capfd.readouterr().out
    assert out.count("probability") == 3 and str(winner.images[0]) in out


def test_an_unreadable_image_is_told_and_the_others_are_predicted(
    winner: Winner, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken.png").write_bytes(winner.images[0].read_bytes()[:60])
    (tmp_path / "empty").mkdir()
    bad = ("none.png", tmp_path / "broken.png", tmp_path / "empty")
    capfd.readouterr()
    assert main(["predict", str(winner.run), *map(str, (*bad, *winner.images[:2])), "--json"]) == 2
    out, err = capfd.readouterr()
    assert [json.loads(line)["image"] for line in out.splitlines()] == [str(path) for path in winner.images[:2]]
    assert all(line.startswith(f"nas: {path}: ") for line, path in zip(err.splitlines(), bad, strict=True))


def spoilt(winner: Winner, folder: Path) -> dict[str, bytes]:
    whole, onnx = (winner.run / "best.safetensors").read_bytes(), winner.onnx.read_bytes()
    save_file({"weight": torch.zeros(3)}, folder / "foreign")
    save_file({"weight": torch.zeros(3)}, folder / "hollow", {"format": "nas-network-1", "classes": "[1"})
    torch.save({"a": torch.zeros(3)}, folder / "pickle")
    return {
        "cut.safetensors": whole[:-9],
        "head.safetensors": whole[:40],
        "empty.safetensors": b"",
        "flipped.safetensors": whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:],
        "foreign.safetensors": (folder / "foreign").read_bytes(),
        "hollow.safetensors": (folder / "hollow").read_bytes(),
        "pickle.safetensors": (folder / "pickle").read_bytes(),
        "cut.onnx": onnx[: len(onnx) // 2],
        "empty.onnx": b"",
        "text.onnx": b"no network at all",
        "foreign.onnx": onnx.replace(b"nas-network-1", b"abc-network-1"),
        "reshaped.onnx": onnx.replace(b'"channels":3', b'"channels":1'),
        "old.pt": (folder / "pickle").read_bytes(),
        "weights": b"\x80\x04cos\nsystem\n(S'echo no'\ntR.",
    }


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("cut.safetensors", "no whole safetensors file"),
        ("head.safetensors", "no whole safetensors file"),
        ("empty.safetensors", "no whole safetensors file"),
        ("flipped.safetensors", "is damaged"),
        ("foreign.safetensors", "no network that nas wrote"),
        ("hollow.safetensors", "the description of its network is damaged"),
        ("pickle.safetensors", "to load one is to run the code in it"),
        ("cut.onnx", "no whole ONNX file"),
        ("empty.onnx", "no"),
        ("text.onnx", "no whole ONNX file"),
        ("foreign.onnx", "no network that nas wrote"),
        ("reshaped.onnx", "does not do what it says"),
        ("old.pt", "to load one is to run the code in it"),
        ("weights", "no whole safetensors file"),
        ("missing.onnx", "does not exist"),
    ],
)
def test_a_file_that_is_no_whole_network_is_told_in_one_line(
    winner: Winner, tmp_path: Path, name: str, told: str, capfd: pytest.CaptureFixture[str]
) -> None:
    content = spoilt(winner, tmp_path).get(name)
    if content is not None:
        (tmp_path / name).write_bytes(content)
    line = refused(capfd, "predict", tmp_path / name, winner.images[0])
    assert told in line and name in line


def test_torchscript_is_refused_with_what_to_give_instead(
    winner: Winner, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    script = tmp_path / "any.torchscript"
    assert main(["export", str(winner.run), "--format", "torchscript", "--output", str(script)]) == 0
    capfd.readouterr()
    line = refused(capfd, "predict", script, winner.images[0])
    assert "run the code in it" in line and "best.safetensors or the .onnx" in line


def test_onnx_needs_neither_the_space_nor_more_than_onnxruntime(
    winner: Winner, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.move(winner.run.parent / "small.py", tmp_path / "moved.py")
    try:
        assert predicted(capfd, winner.onnx, winner.images[0])
        assert "small.py does not exist" in refused(capfd, "predict", winner.run, winner.images[0])
        assert predicted(capfd, winner.run, winner.images[0], "--space", tmp_path / "moved.py")
    finally:
        shutil.move(tmp_path / "moved.py", winner.run.parent / "small.py")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert "pip install 'constrained-nas[export]'" in refused(capfd, "predict", winner.onnx, winner.images[0])


def test_a_network_of_a_former_incumbent_does_not_stay_beside_another(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "dense.py").write_text(DENSE)
    words = ("--space", str(tmp_path / "dense.py"), "--run-dir", str(tmp_path), *QUICK, "4", "--workers", "0")
    assert main([*words, "--name", "run", "--quiet"]) == 0
    run, kept = tmp_path / "run", tmp_path / "run/best.safetensors"
    assert main(["evaluate", str(run / "default.json")]) == 0
    capfd.readouterr()
    assert main(["verify", str(run)]) == 0

    def fails(*what: object) -> None:
        raise RuntimeError("no power")

    monkeypatch.setattr(Evaluator, "test", fails)
    own = kept.read_bytes()
    assert main(["resume", str(run), "--quiet"]) == 7
    assert kept.read_bytes() == own  # it cannot be retrained, but is the same one still
    shutil.copy(run / "default.safetensors", kept)
    capfd.readouterr()
    assert "another configuration" in refused(capfd, "predict", run, tmp_path)
    assert main(["verify", str(run)]) == 3
    assert "another configuration" in capfd.readouterr().out
    assert main(["resume", str(run), "--quiet"]) == 7
    assert not kept.exists()
    capfd.readouterr()
    assert "nas evaluate" in refused(capfd, "export", run, "--format", "onnx")
