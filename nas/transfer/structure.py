"""How may a new task differ from an old one? As old tasks differ from each other: a covariance over all cells."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nas.transfer.surfaces import Surfaces

Floats = NDArray[np.float64]
_ASSUMED = 1.0  # so many tasks' worth of belief in the spread within tasks, where there are few to compare


@dataclass(frozen=True)
class Shares:
    """How much each part of the covariance counts, and how widely the rest is spread.

    `tasks`: as old tasks differ; `alike`: by hyperparameters; `behaved`: by how configurations did on old tasks, with
    `reach`; `own`: of each configuration. A new task is `shift` + `stretch` x an old one; `freedom` is that of
    Student's t.
    """

    tasks: float = 0.25
    alike: float = 0.1
    behaved: float = 0.15
    own: float = 0.06
    reach: float = 0.35
    shift: float = 1.3
    stretch: float = 0.45
    freedom: float = 3.0


@dataclass(frozen=True)
class Structure:
    """What some old tasks say of how cells of a new one vary together."""

    old: Floats  # [tasks, cells]: the surfaces that a new one may resemble
    centre: Floats  # [cells]: the surface of mean places
    differences: Floats  # [tasks, cells], of which the covariance is the empirical one
    along: Floats  # [knots, knots]: how differences along a curve vary together
    apart: Floats  # [configurations, configurations]: mean squared difference of scores on old tasks
    alike: Floats  # [configurations, configurations]
    doubt: Floats | None  # [cells, cells]

    @property
    def shape(self) -> tuple[int, int]:
        """How many configurations and knots there are."""
        return len(self.apart), len(self.along)

    def pieces(self, cells: NDArray[np.intp]) -> "Pieces":
        """Return what the covariance of some cells is made of."""
        config, knot = np.divmod(cells, len(self.along))
        along, both, between = self.along[np.ix_(knot, knot)], np.ix_(config, config), self.differences[:, cells]
        own = along * (config[:, None] == config)
        doubt = None if self.doubt is None else self.doubt[np.ix_(cells, cells)]
        return Pieces(self.alike[both] * along, self.apart[both], along, own, between.T @ between, doubt)


@dataclass(frozen=True)
class Pieces:
    """The parts of a covariance, each [cells, cells]."""

    alike: Floats
    apart: Floats
    along: Floats
    own: Floats
    tasks: Floats
    doubt: Floats | None

    def covariance(self, shares: Shares) -> Floats:
        """Return the parts together, each counted by its share."""
        found = np.exp(self.apart * (-0.5 / shares.reach**2)) * self.along
        found *= shares.behaved
        found += shares.alike * self.alike + shares.own * self.own + shares.tasks * self.tasks
        return found if self.doubt is None else found + self.doubt


def structure(surfaces: Surfaces, chosen: list[int]) -> Structure:
    """Return what the `chosen` tasks of `surfaces` say."""
    values = surfaces.values[chosen]
    tasks, many, knots = values.shape
    if not tasks:
        flat = np.zeros((0, many * knots))
        rise = np.minimum.outer(np.arange(1, knots + 1), np.arange(1, knots + 1)) / knots
        zeros = np.zeros(many * knots)
        return Structure(flat, zeros, flat, rise * 10, np.zeros((many, many)), surfaces.alike, None)
    mean = values.mean(axis=0)
    within = mean - mean.mean(axis=0)
    assumed = within.T @ within / many / 2
    basis = np.stack([np.ones(mean.size), (mean - mean.mean()).ravel()], axis=1)
    left = (values - mean).reshape(tasks, -1)
    left = left - (basis @ np.linalg.lstsq(basis, left.T, rcond=None)[0]).T
    curves = left.reshape(-1, knots)
    along = (curves.T @ curves / many + _ASSUMED * assumed) / (tasks - 1 + _ASSUMED)
    final = values[:, :, -1] - values[:, :, -1].mean(axis=1, keepdims=True)
    final = final / (final.std(axis=1, keepdims=True) + 1e-9)
    apart = ((final[:, :, None] - final[:, None, :]) ** 2).mean(axis=0)
    return Structure(
        values.reshape(tasks, -1), surfaces.barycentre(chosen).ravel(), left / np.sqrt(max(1, tasks - 1)), along, apart,
        surfaces.alike, surfaces.doubt,
    )  # fmt: skip
