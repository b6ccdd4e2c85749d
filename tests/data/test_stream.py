"""Does streaming stay exact, quiet and clear with decoding processes, in daemons, when ended and on broken files?"""

import multiprocessing
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from nas.core.errors import UserError
from nas.data import decoders as decoders_module
from nas.data import load
from nas.data import stream as stream_module
from nas.data.images import Images
from nas.data.parallel import spare
from tests.processes import alive, children, wait_until_gone

PROCESSES = [0, 1, 3]


@pytest.fixture(autouse=True)
def worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """However few the images are, processes decode them."""
    monkeypatch.setattr(stream_module, "WORTH_PROCESSES", 1)


def streamed(folder: Path, processes: int) -> Images:
    return load(str(folder), resident_bytes=0, decoders=processes)


def idle() -> list[int]:
    """The decoding processes that wait for work."""
    return [member.pid for team in decoders_module._idle for member in team._members]


@pytest.mark.parametrize("processes", PROCESSES)
@pytest.mark.parametrize("size", [1, 64, 500])
def test_the_number_of_processes_changes_neither_order_nor_pixels(flowers: Path, processes: int, size: int) -> None:
    order = torch.randperm(1020)[:130]
    kept = list(load(str(flowers)).batches(order, size, "cpu"))
    for (a, x), (b, y) in zip(streamed(flowers, processes).batches(order, size, "cpu"), kept, strict=True):
        assert torch.equal(a, b)
        assert torch.equal(x, y)


@pytest.mark.parametrize("processes", PROCESSES)
def test_a_broken_file_is_named_in_one_line(make_folder, processes: int) -> None:
    folder = make_folder()
    broken = folder / "train" / "dog" / "2.png"
    broken.write_bytes(broken.read_bytes()[:100])
    images = streamed(folder, processes)  # too big to decode ahead, so not noticed yet
    with pytest.raises(UserError) as error:
        list(images.batches(torch.arange(10), 4, "cpu"))
    assert str(error.value).startswith(f"{broken}: broken image (")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("processes", PROCESSES)
def test_names_that_are_no_text_are_found(make_folder, processes: int) -> None:
    folder = make_folder()
    odd = Path(os.fsdecode(os.fsencode(folder / "train" / "dog") + b"/new\nline \xff.png"))
    (folder / "train" / "dog" / "2.png").rename(odd)
    images = streamed(folder, processes)
    assert len(list(images.batches(torch.arange(10), 4, "cpu"))) == 3
    odd.unlink()
    with pytest.raises(UserError, match="cannot be read"):
        list(images.batches(torch.arange(10), 4, "cpu"))


@pytest.mark.parametrize("processes", PROCESSES)
def test_streaming_leaves_the_training_s_random_numbers_alone(make_folder, processes: int) -> None:
    images = streamed(make_folder(), processes)
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    list(images.batches(torch.arange(10), 4, "cpu"))
    assert torch.equal(torch.rand(3), expected)


def test_few_images_are_decoded_here(make_folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_module, "WORTH_PROCESSES", 10)
    monkeypatch.setattr(decoders_module, "Team", None)  # none can be started
    images = streamed(make_folder(), 2)
    assert len(list(images.batches(torch.arange(9), 4, "cpu"))) == 3


def test_there_are_no_more_processes_than_cores_that_no_training_uses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nas.data.parallel.cores", lambda: 8)
    assert [spare(trainings, threads) for trainings, threads in ((1, 1), (2, 1), (8, 1), (1, 8), (0, 2))] == [
        7, 3, 0, 0, 6
    ]  # fmt: skip


def test_processes_wait_for_the_next_epoch_and_two_streams_at_once_have_their_own(make_folder) -> None:
    images = streamed(make_folder(), 2)
    kept = [pixels for pixels, _ in load(images.name).batches(torch.arange(10), 3, "cpu")]
    list(images.batches(torch.arange(10), 3, "cpu"))
    before = idle()
    for (pixels, _), expected in zip(images.batches(torch.arange(10), 3, "cpu"), kept, strict=True):
        assert torch.equal(pixels, expected)
        inner = [pixels for pixels, _ in images.batches(torch.arange(10), 3, "cpu")]
        assert all(map(torch.equal, inner, kept))
    assert before and set(before) <= set(idle()) and len(idle()) == len(before) + 2


def test_a_stream_that_is_given_up_ends_its_processes(make_folder) -> None:
    images = streamed(make_folder(), 2)
    list(images.batches(torch.arange(10), 3, "cpu"))
    waiting = idle()
    batches = images.batches(torch.arange(10), 3, "cpu")
    next(batches)
    at_work = set(waiting) - set(idle())
    del batches
    assert len(at_work) == 2
    wait_until_gone(list(at_work))


def at_work() -> list[int]:
    """The decoding processes of this one that do not wait for work."""
    return [child for child in children(os.getpid()) if is_decoder(child) and child not in idle()]


def is_decoder(process: int) -> bool:
    return alive(process) and b"nas.data.decoders" in Path(f"/proc/{process}/cmdline").read_bytes()


def test_the_death_of_a_process_is_told(make_folder) -> None:
    batches = streamed(make_folder(), 1).batches(torch.arange(10), 3, "cpu")
    next(batches)
    for process in at_work():
        os.kill(process, signal.SIGKILL)
    with pytest.raises(RuntimeError, match="died with exit status -9"):
        list(batches)


STREAMING = """
import sys, torch
from nas.data import load, stream
if __name__ == "__main__":
    stream.WORTH_PROCESSES = 1
    for _ in load(sys.argv[1], resident_bytes=0, decoders=2).batches(torch.arange(10).repeat(10 ** 4), 3, "cpu"):
        print("a batch", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_whatever_ends_the_parent_ends_its_decoders(make_folder, tmp_path: Path, number: signal.Signals) -> None:
    command = [sys.executable, "-c", STREAMING, str(make_folder())]
    with (tmp_path / "err").open("wb") as err:
        parent = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=err, start_new_session=True)
    assert parent.stdout is not None
    assert parent.stdout.readline() == b"a batch\n"
    decoders = [child for child in children(parent.pid) if is_decoder(child)]
    assert len(decoders) == 2
    os.killpg(parent.pid, number) if number == signal.SIGINT else parent.send_signal(number)  # Ctrl-C reaches all
    parent.wait()
    try:
        wait_until_gone(decoders)
    finally:
        for process in filter(is_decoder, decoders):
            os.kill(process, signal.SIGKILL)
    told = (tmp_path / "err").read_text()
    assert told.count("KeyboardInterrupt") == (number == signal.SIGINT)  # of the parent, none of a decoder


def _sum_in_daemon(folder: str, queue: "multiprocessing.Queue[tuple[int, list[int]]]") -> None:
    stream_module.WORTH_PROCESSES = 1
    batches = streamed(Path(folder), 2).batches(torch.arange(10), 4, "cpu")
    queue.put((sum(int(pixels.sum()) for pixels, _ in batches), idle()))


@pytest.mark.parametrize("method", ["spawn", "fork"])
def test_a_daemon_process_has_decoders_of_its_own(make_folder, method: str) -> None:
    folder = make_folder()
    list(streamed(folder, 2).batches(torch.arange(10), 4, "cpu"))  # which a fork inherits
    context = multiprocessing.get_context(method)
    queue = context.Queue()
    daemon = context.Process(target=_sum_in_daemon, args=(str(folder), queue), daemon=True)
    daemon.start()
    total, own = queue.get()
    daemon.join()
    pixels = load(str(folder)).pixels
    assert pixels is not None
    assert total == int(pixels.sum())
    assert len(own) == 2 and not set(own) & set(idle())
