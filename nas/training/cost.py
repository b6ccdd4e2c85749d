"""What does a network cost before it is trained? Parameters, multiply-accumulates, latency."""

import statistics
import time
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from nas.spaces.space import Build, Shape


def on_meta(build: Build, config: dict[str, Any], shape: Shape, classes: int) -> nn.Module:
    """Return the network without memory for its weights: a candidate of 1e8 parameters costs milliseconds."""
    with torch.device("meta"):
        return build(config, shape, classes)


def parameters(model: nn.Module) -> int:
    """Return the number of trainable parameters."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def macs(model: nn.Module, shape: Shape) -> float:
    """Return the multiply-accumulates of one image's forward pass; `model` lies on the meta device and is spent.

    By thop, which counts modules only; torch's own counter sees functional calls too, so the larger count is right.
    """
    from thop import profile

    image = torch.empty(1, *shape, device="meta")
    with FlopCounterMode(display=False) as flops:
        counted, _ = profile(model, inputs=(image,), verbose=False)
    return float(max(counted, flops.get_total_flops() / 2))


def latency_ms(model: nn.Module, shape: Shape, device: torch.device, repeats: int = 15) -> float:
    """Return the median time of a forward pass of one image on `device`, in milliseconds, after a warm-up."""
    model = model.to(device).eval()
    image, times = torch.zeros(1, *shape, device=device), list[float]()
    with torch.inference_mode():
        for _ in range(repeats + 5):
            began = time.perf_counter()
            model(image)
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            times.append(time.perf_counter() - began)
    return statistics.median(times[5:]) * 1e3
