"""Does streaming stay exact, quiet and clear with worker processes, in daemons and on broken files?"""

import multiprocessing
from pathlib import Path

import pytest
import torch

from nas.core.errors import UserError
from nas.data import load
from nas.data import stream as stream_module
from nas.data.images import Images


@pytest.fixture(params=[0, 2], ids=["in-process", "two-workers"])
def workers(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_module, "_worker_count", lambda images: request.param)


def streamed(folder: Path) -> Images:
    return load(str(folder), resident_bytes=0)


@pytest.mark.usefixtures("workers")
def test_workers_change_neither_order_nor_pixels(flowers: Path) -> None:
    order = torch.randperm(1020)[:200]
    kept = list(load(str(flowers)).batches(order, 64, "cpu"))
    for (a, x), (b, y) in zip(streamed(flowers).batches(order, 64, "cpu"), kept, strict=True):
        assert torch.equal(a, b)
        assert torch.equal(x, y)


@pytest.mark.usefixtures("workers")
def test_a_broken_file_is_named_in_one_line(make_folder) -> None:
    folder = make_folder()
    broken = folder / "train" / "dog" / "2.png"
    broken.write_bytes(broken.read_bytes()[:100])
    images = streamed(folder)  # too big to decode ahead, so not noticed yet
    with pytest.raises(UserError) as error:
        list(images.batches(torch.arange(10), 4, "cpu"))
    assert str(error.value).startswith(f"{broken}: broken image (")
    assert "\n" not in str(error.value)


@pytest.mark.usefixtures("workers")
def test_streaming_leaves_the_training_s_random_numbers_alone(make_folder) -> None:
    images = streamed(make_folder())
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    list(images.batches(torch.arange(10), 4, "cpu"))
    assert torch.equal(torch.rand(3), expected)


def test_worker_processes_only_for_many_images() -> None:
    assert stream_module._worker_count(10) == 0
    assert stream_module._worker_count(10**6) == min(stream_module.cores(), 8)


def test_many_images_are_decoded_by_worker_processes(make_folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_module, "WORTH_WORKERS", 10)
    images = streamed(make_folder())
    few, many = (images.batches(torch.arange(count), 1, "cpu") for count in (9, 10))
    before = set(multiprocessing.active_children())  # other tests' processes may still be ending
    next(few)
    assert not set(multiprocessing.active_children()) - before
    next(many)
    assert len(set(multiprocessing.active_children()) - before) == min(stream_module.cores(), 8)


def _sum_in_daemon(folder: str, queue: "multiprocessing.Queue[int]") -> None:
    stream_module.WORTH_WORKERS = 1
    images = load(folder, resident_bytes=0)
    queue.put(sum(int(pixels.sum()) for pixels, _ in images.batches(torch.arange(10), 4, "cpu")))


def test_a_daemon_process_streams_without_children(make_folder) -> None:
    folder = make_folder()
    queue: multiprocessing.Queue[int] = multiprocessing.Queue()
    daemon = multiprocessing.Process(target=_sum_in_daemon, args=(str(folder), queue), daemon=True)
    daemon.start()
    total = queue.get(timeout=30)
    daemon.join()
    pixels = load(str(folder)).pixels
    assert pixels is not None
    assert total == int(pixels.sum())
