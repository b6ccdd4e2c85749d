"""What do the tests of the data package share: image folders, the real flowers, a cache, a web server?"""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

MICRO17FLOWER = Path(__file__).resolve().parents[3] / "shared" / "data" / "micro17flower"

MakeFolder = Callable[..., Path]


@dataclass
class Served:
    """What the server on loopback offers, and which paths were asked for."""

    directory: Path
    url: str = ""
    cut: int = 0  # bytes that the server promises but does not send
    asked: list[str] = field(default_factory=list)

    def offer(self, name: str, content: bytes) -> tuple[str, str]:
        """Serves a file; returns its address and MD5 sum."""
        (self.directory / name).write_bytes(content)
        return self.url + name, md5(content).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """Answers with the files offered, and hangs up early when told to."""

    served: Served

    def do_GET(self) -> None:
        self.served.asked.append(self.path)
        file = self.served.directory / self.path.lstrip("/")
        if not file.is_file():
            self.send_error(404)
            return
        content = file.read_bytes()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) - self.served.cut])

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@pytest.fixture
def flowers() -> Path:
    if not MICRO17FLOWER.is_dir():
        pytest.skip("shared/data/micro17flower is not beside the repository")
    return MICRO17FLOWER


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test reads or fills the user's own cache."""
    monkeypatch.setenv("NAS_DATA_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def make_folder(tmp_path: Path) -> MakeFolder:
    """A function that writes an image folder: parts with classes, images per class, width and height."""

    def make(
        parts: tuple[str, ...] = ("train", "test"),
        classes: tuple[str, ...] = ("cat", "dog"),
        count: int = 5,
        size: tuple[int, int] = (12, 12),
        suffix: str = "png",
    ) -> Path:
        draw = np.random.RandomState(7)
        for part in parts:
            for name in classes:
                directory = tmp_path / "pets" / part / name
                directory.mkdir(parents=True)
                for number in range(count):
                    pixels = draw.randint(0, 256, (size[1], size[0], 3), dtype=np.uint8)
                    Image.fromarray(pixels).save(directory / f"{number}.{suffix}")
        return tmp_path / "pets"

    return make


@pytest.fixture
def serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A web server on loopback, gone when the test is."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    served = Served(tmp_path / "served")
    served.directory.mkdir()
    handler = type("Handler", (Handler,), {"served": served})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    served.url = f"http://127.0.0.1:{server.server_port}/"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield served
    server.shutdown()
    server.server_close()
    thread.join()
