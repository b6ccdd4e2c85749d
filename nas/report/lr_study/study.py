"""What is studied? One configuration, by which optimizers and policies, at which rates, on which seeds."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from nas.core.errors import UserError
from nas.report.comparison.contest import keep
from nas.runs.folder import COMPARISON, read_json

TRAININGS = "trainings"  # the folder of the run that holds them
ORACLES = ("cosine", "constant")  # policies that all others are held against
Pair = tuple[str, str]  # optimizer and policy


@dataclass(frozen=True)
class Study:
    """Every pair is trained at each of the `rates`; one that finds its own, of `self_tuned`, at `own_rate` alone.

    Those `left_out` are no pairs: both would find the rate.

    `config` is what is trained, by `recipe` where its file or flags say one; `asked` is the rest of the command line
    as values, and `words` all of it.
    """

    optimizers: tuple[str, ...]
    policies: tuple[str, ...]
    rates: tuple[float, ...]
    seeds: tuple[int, ...]
    epochs: int
    config: Mapping[str, Any]
    recipe: Mapping[str, Any] | None
    own_rate: float
    self_tuned: tuple[Pair, ...]
    left_out: tuple[Pair, ...] = ()
    words: tuple[str, ...] = ()
    asked: Mapping[str, Any] = field(default_factory=dict)

    @property
    def pairs(self) -> tuple[Pair, ...]:
        everything = ((optimizer, policy) for optimizer in self.optimizers for policy in self.policies)
        return tuple(pair for pair in everything if pair not in self.left_out)

    def rates_of(self, pair: Pair) -> tuple[float, ...]:
        """Return the learning rates at which a pair is trained."""
        return (self.own_rate,) if pair in self.self_tuned else self.rates

    def trainings(self) -> Iterator[dict[str, Any]]:
        """Yield what is asked of each training: all of them on one seed before the next seed."""
        for seed in self.seeds:
            for pair in self.pairs:
                for rate in self.rates_of(pair):
                    yield {"optimizer": pair[0], "policy": pair[1], "learning_rate": rate, "seed": seed}

    def save(self, directory: Path) -> None:
        """Write it to its folder. Raises UserError where another comparison lies there."""
        keep(directory, asdict(self))


def check(given: Mapping[str, Sequence[object]]) -> None:
    """Raise UserError where a value is given twice under the name of a flag."""
    for flag, values in given.items():
        if len({*values}) < len(values):
            raise UserError(f"--{flag} {' '.join(map(str, values))}: each may be there once")


def read(directory: Path) -> Study:
    """Return the study in `directory`. Raises UserError where none is."""
    content = read_json(directory / COMPARISON)
    try:
        lists = {name: tuple(content[name]) for name in ("optimizers", "policies", "rates", "seeds", "words")}
        pairs = {name: tuple(map(tuple, content[name])) for name in ("self_tuned", "left_out")}
        return Study(**{**content, **lists, **pairs})
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"{directory / COMPARISON} is not what a study of learning rates writes: {error!r}") from None
