"""Does torchvision import quietly, whatever torch it is beside?"""

import subprocess
import sys

import torch

from nas.data.torchvision_compat import _native_library_loads, import_torchvision


def test_a_fresh_process_imports_it_without_a_sound() -> None:
    code = (
        "from nas.data.torchvision_compat import import_torchvision; "
        "tv = import_torchvision(); import_torchvision(); "
        "from torchvision.transforms import v2; tv.datasets.ImageFolder, v2.RandAugment()"
    )
    done = subprocess.run([sys.executable, "-W", "always", "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_operators_that_torchvision_expects_exist() -> None:
    import_torchvision()
    assert hasattr(torch.ops.torchvision, "nms")


def test_no_kernel_is_faked() -> None:
    """Beside a CPU-only torch boxes cannot be suppressed: an error, never a wrong answer."""
    torchvision = import_torchvision()
    boxes, scores = torch.tensor([[0.0, 0, 1, 1], [0, 0, 1, 1]]), torch.tensor([1.0, 0.5])
    try:
        kept = torchvision.ops.nms(boxes, scores, 0.5).tolist()
    except (RuntimeError, NotImplementedError):
        assert not _native_library_loads()
    else:
        assert kept == [0]
