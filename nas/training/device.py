"""On which device is trained, and what may a process take of it?"""

import gc
import os

import torch

from nas.core.errors import UserError

_SHARED = 0.9  # of a GPU's memory; every process takes some for itself


def choose_device(name: str) -> str:
    """Return "cpu" or "cuda"; auto means a GPU where there is one. Raises UserError where it is asked for in vain."""
    available = torch.cuda.is_available()
    if name == "cuda" and not available:
        raise UserError("--device cuda: torch sees no GPU here; use --device cpu or install a CUDA build of torch")
    return name if name != "auto" else "cuda" if available else "cpu"


def visible_gpus() -> tuple[str, ...]:
    """Return the GPUs that this process may use, each as CUDA_VISIBLE_DEVICES names it."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    return tuple(named.split(",")) if named else tuple(str(i) for i in range(torch.cuda.device_count()))


def be_deterministic() -> None:
    """Make torch give the same bits on the same GPU model, driver and version; to be called before CUDA is used."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False


def share_memory(processes: int) -> None:
    """Take no more of a GPU than one of so many `processes` may: it must not depend on the others what has room."""
    if torch.cuda.is_available():
        torch.cuda.set_per_process_memory_fraction(_SHARED / processes)


def free_memory() -> None:
    """Give back what an ended trial held."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
