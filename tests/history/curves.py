"""Which curves are remembered in the tests?"""

from nas.core.types import Config
from nas.history.values import Curve

SPACE, DIGEST = "hills", "0123456789abcdef"


def config(x: float = 0.5) -> Config:
    return Config.of({"x": x})


def curve(task: str = "cats", x: float = 0.5, seed: int = 0, values: tuple[float, ...] = (0.25, 0.5)) -> Curve:
    """Return a curve with one value of accuracy an epoch."""
    points = {epoch: {"accuracy": value} for epoch, value in enumerate(values, 1)}
    return Curve(task, config(x), seed, points, full_epochs=9)


def block(task: str, count: int) -> list[Curve]:
    """Return so many curves of a task, each of its own configuration."""
    return [curve(task, float(number), values=(number / 1e3, number / 2e3)) for number in range(count)]
