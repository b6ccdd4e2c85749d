"""Which class does a trained network see in an image, whatever file it is kept in?"""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from nas.core.errors import UserError
from nas.core.extra import extra
from nas.deploy import trained
from nas.runs.description import Description
from nas.training.inputs import scaled

Predict = Callable[[Tensor], Tensor]  # images as bytes, [n, channels, height, width]: probabilities, [n, classes]
_ARCHIVE = b"PK\x03\x04"  # of zip, which torch.save and torch.jit.save write


def load(model: Path, space: str | None) -> tuple[Description, Predict]:
    """Return what the network takes and gives, and the network. `model` is a run's folder, a .safetensors or an .onnx.

    Raises UserError for anything else, TorchScript and pickles above all: to load one is to run the code in it.
    """
    if model.suffix == ".onnx" and model.is_file():
        return _onnx(model)
    if model.is_file() and _begins_with(model, _ARCHIVE):
        raise UserError(
            f"{model} is TorchScript or a pickle, and to load one is to run the code in it: "
            "give the run's folder, its best.safetensors or the .onnx made of it"
        )
    return _safetensors(trained.find(model), space)


def _safetensors(found: trained.Trained, space: str | None) -> tuple[Description, Predict]:
    known = found.description
    network = found.network(space).to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @torch.inference_mode()
    def predict(pixels: Tensor) -> Tensor:
        logits: Tensor = network(scaled(pixels, known.centred))
        return logits.float().softmax(1)

    return known, predict


def _onnx(path: Path) -> tuple[Description, Predict]:
    """Return the same of an ONNX file, which neither its space nor torch's layers are needed for."""
    runtime = extra("onnxruntime")
    options = runtime.SessionOptions()
    options.log_severity_level = 4  # it raises what it has to say
    try:
        content = path.read_bytes()  # a model in memory cannot have weights in files elsewhere
        session = runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has an exception of its own for every fault
        reason = " ".join(str(error).split())
        raise UserError(f"{path} is no whole ONNX file ({reason}): was it cut, or is it something else?") from None
    known = Description.of(session.get_modelmeta().custom_metadata_map, path)
    name = session.get_inputs()[0].name

    def predict(pixels: Tensor) -> Tensor:
        images = scaled(pixels, known.centred).contiguous().numpy()
        try:
            logits = torch.from_numpy(session.run(None, {name: images})[0])
            return logits.reshape(len(pixels), len(known.classes)).softmax(1)
        except Exception as error:
            raise UserError(f"{path} does not do what it says: {' '.join(str(error).split())}") from None

    return known, predict


def _begins_with(path: Path, magic: bytes) -> bool:
    with path.open("rb") as file:
        return file.read(len(magic)) == magic
