"""Do batches come in the asked order, the same ones from memory and from files, on the asked device?"""

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nas.data import load
from nas.data.images import Images, fits_in_memory, resident


def numbered(count: int = 10) -> Images:
    """Images whose pixels are their numbers."""
    pixels = torch.arange(count, dtype=torch.uint8).view(-1, 1, 1, 1).expand(-1, 3, 2, 2).contiguous()
    return resident("numbers", "train", ("even", "odd"), pixels, torch.arange(count) % 2)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(0, 9), max_size=30), st.integers(1, 12))
def test_batches_follow_the_order(order: list[int], batch_size: int) -> None:
    batches = list(numbered().batches(torch.tensor(order, dtype=torch.int64), batch_size, "cpu"))
    assert [len(pixels) for pixels, _ in batches[:-1]] == [batch_size] * (len(batches) - 1)
    assert [int(n) for pixels, _ in batches for n in pixels[:, 0, 0, 0]] == order
    assert [int(label) for _, labels in batches for label in labels] == [n % 2 for n in order]


def test_batches_are_bytes_with_int64_labels() -> None:
    [(pixels, labels)] = numbered().batches(torch.tensor([3, 1]), 8, "cpu")
    assert (pixels.dtype, pixels.shape) == (torch.uint8, (2, 3, 2, 2))
    assert (labels.dtype, labels.shape) == (torch.int64, (2,))


def test_a_number_that_is_no_image_is_an_error() -> None:
    with pytest.raises(IndexError):
        list(numbered().batches(torch.tensor([10]), 8, "cpu"))


@pytest.mark.parametrize("size", [None, 24])
def test_streamed_and_resident_images_are_the_same(flowers: Path, size: int | None) -> None:
    kept = load(str(flowers), image_size=size)
    streamed = load(str(flowers), image_size=size, resident_bytes=0)
    assert kept.pixels is not None
    assert streamed.pixels is None
    assert kept.digest == streamed.digest
    order = torch.randperm(len(kept))[:100]
    for (a, x), (b, y) in zip(kept.batches(order, 32, "cpu"), streamed.batches(order, 32, "cpu"), strict=True):
        assert torch.equal(a, b)
        assert torch.equal(x, y)


def test_the_limit_is_on_the_decoded_bytes(flowers: Path) -> None:
    decoded = 1020 * 3 * 16 * 16
    assert load(str(flowers), resident_bytes=decoded).pixels is not None
    assert load(str(flowers), resident_bytes=decoded - 1).pixels is None


def test_by_default_memory_sets_the_limit() -> None:
    assert fits_in_memory(1000, (3, 64, 64))
    assert not fits_in_memory(10**9, (3, 512, 512))


def test_the_digest_tells_pixels_labels_and_classes() -> None:
    pixels, labels = torch.zeros(4, 1, 2, 2, dtype=torch.uint8), torch.tensor([0, 0, 1, 1])
    other_pixels = pixels.clone()
    other_pixels[3, 0, 1, 1] = 1

    def digest(classes: tuple[str, ...], pixels: torch.Tensor, labels: torch.Tensor) -> str:
        return resident("x", "train", classes, pixels, labels).digest

    digests = [
        digest(("a", "b"), pixels, labels),
        digest(("a", "c"), pixels, labels),
        digest(("a", "b"), other_pixels, labels),
        digest(("a", "b"), pixels, labels.flip(0)),
        digest(("a", "b"), pixels.view(4, 1, 1, 4), labels),
    ]
    assert len(set(digests)) == 5
    assert digests[0] == digest(("a", "b"), pixels, labels)
    assert len(bytes.fromhex(digests[0])) == 16


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_resident_batches_never_make_the_host_wait() -> None:
    images = numbered().to("cuda")
    batches = images.batches(torch.arange(10), 4, "cuda")
    torch.cuda.set_sync_debug_mode("error")
    try:
        taken = list(batches)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert all(tensor.is_cuda for batch in taken for tensor in batch)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_pixels_left_on_the_host_reach_the_gpu_batch_by_batch() -> None:
    for pixels, labels in numbered().batches(torch.arange(10), 4, "cuda"):
        assert pixels.is_cuda
        assert labels.is_cuda
