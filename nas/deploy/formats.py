"""How does a trained network become ONNX or TorchScript that computes the same, for any batch size?"""

import json
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from io import BytesIO
from typing import Any

import torch
from torch import Tensor, nn

from nas.core.errors import UserError
from nas.core.extra import extra

INPUT, OUTPUT = "images", "logits"
METADATA = "metadata.json"  # TorchScript's extra file
TOLERANCE = 1e-4  # of the outputs, relative to the largest where that exceeds 1
_BATCHES = (1, 2, 7)


def onnx(model: nn.Module, shape: tuple[int, ...], metadata: Mapping[str, str]) -> tuple[bytes, float]:
    """Return `model` as ONNX with `metadata`, and how far onnxruntime's outputs lie from torch's at most.

    Raises UserError where they differ, or torch cannot express the network.
    """
    helper = extra("onnx").helper
    extra("onnxscript")
    run = extra("onnxruntime")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch about itself
        program = _told(
            "ONNX",
            lambda: torch.onnx.export(
                model, (_images(2, shape),), dynamo=True, verbose=False, input_names=[INPUT], output_names=[OUTPUT],
                dynamic_shapes=({0: torch.export.Dim("batch")},),
            ),
        )  # fmt: skip
    proto = program.model_proto
    for part in (*proto.graph.node, *proto.graph.input, *proto.graph.output, *proto.graph.value_info):
        del part.metadata_props[:]  # stack traces, with paths of this machine
    for part in proto.graph.initializer:
        del part.metadata_props[:]
    helper.set_model_props(proto, dict(metadata))
    proto.graph.input[0].doc_string = metadata["preprocessing"]
    proto.graph.output[0].doc_string = metadata["output"]
    content: bytes = proto.SerializeToString()
    session = run.InferenceSession(content, providers=["CPUExecutionProvider"])
    return content, _difference(
        model, lambda images: torch.from_numpy(session.run(None, {INPUT: images.numpy()})[0]), shape, "ONNX"
    )


def torchscript(model: nn.Module, shape: tuple[int, ...], metadata: Mapping[str, str]) -> tuple[bytes, float]:
    """Return `model` as TorchScript, traced, with `metadata` as an extra file, and the largest difference likewise."""
    content = BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TorchScript is deprecated; whether it computes the same is checked below
        traced: Any = _told("TorchScript", partial(torch.jit.trace, model, _images(2, shape)))
        torch.jit.save(traced, content, _extra_files={METADATA: json.dumps(metadata)})
    return content.getvalue(), _difference(model, traced, shape, "TorchScript")


def _told(what: str, convert: Callable[[], Any]) -> Any:
    """Return what `convert` does; torch raises whatever it likes, over many lines."""
    try:
        return convert()
    except Exception as error:
        reason = next(iter(str(error).strip().splitlines()), "")
        raise UserError(f"torch cannot express this network as {what}: {type(error).__name__}: {reason}") from None


@torch.inference_mode()
def _difference(model: nn.Module, other: Callable[[Tensor], Tensor], shape: tuple[int, ...], what: str) -> float:
    """Return the largest difference of the outputs on random images. Raises UserError where that is no rounding."""
    largest, scale = 0.0, 1.0
    for images in (_images(count, shape) for count in _BATCHES):
        expected, got = model(images), _told(what, partial(other, images))
        apart = (got - expected).abs().nan_to_num(nan=torch.inf).max() if got.shape == expected.shape else torch.inf
        largest, scale = max(largest, float(apart)), max(scale, float(expected.abs().max()))
    if not largest <= TOLERANCE * scale:
        raise UserError(
            f"as {what} this network computes something else: the outputs differ by up to {largest:.2g}, "
            f"in batches of {', '.join(map(str, _BATCHES))}; nothing was written"
        )
    return largest


def _images(count: int, shape: tuple[int, ...]) -> Tensor:
    """Return random images, -1 .. 1, of which nobody else's random numbers are disturbed."""
    return torch.rand(count, *shape, generator=torch.Generator().manual_seed(count)) * 2 - 1
