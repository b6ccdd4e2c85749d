"""What do old tasks say before anything of the new one is seen? Worked out when first asked, piece by piece."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from nas.transfer.past import Past
from nas.transfer.scale import Scale
from nas.transfer.structure import Shares, Structure, structure
from nas.transfer.surfaces import Surfaces, complete
from nas.transfer.tuning import components, tuned

Floats = NDArray[np.float64]
_EVERYONE, _NONE = 0.05, 0.02  # probability that the new task is like the mean of the old ones, and like none


@dataclass(frozen=True)
class Prior:
    """The components of a mixture, and the covariance of what they cannot explain."""

    past: Past
    known: Surfaces | None = None  # where they were worked out before
    given: Shares | None = None  # in place of those that are learned

    @cached_property
    def untuned(self) -> "Prior":
        """The same with a kernel and shares as they are assumed, which takes no time."""
        return Prior(self.past, self.surfaces.untaught, Shares())

    @cached_property
    def scale(self) -> Scale:
        """On which all is computed."""
        return Scale.of(self.past.values, self.past.maximize)

    @cached_property
    def mean_places(self) -> Floats:
        """The mean place of each configuration over old tasks at the last knot, 1 being the best: [configurations].

        Of equals the first comes first.
        """
        places: Floats = rankdata(-self.surfaces.values[:, :, -1], method="ordinal", axis=1).mean(axis=0)
        return places

    @cached_property
    def surfaces(self) -> Surfaces:
        """The old tasks without holes."""
        past = self.past
        return self.known or complete(self.scale.to(past.values), past.features, past.knots)

    @cached_property
    def shares(self) -> Shares:
        """How much each part of the covariance counts."""
        return self.given or tuned(self.surfaces, self.past.families, np.random.default_rng(0))

    @cached_property
    def structure(self) -> Structure:
        """How a new task may differ from old ones."""
        return structure(self.surfaces, list(range(len(self.past.tasks))))

    @cached_property
    def covariance(self) -> Floats:
        """Of what is not explained by shift and stretch: [cells, cells]."""
        cells = np.arange(len(self.structure.centre))
        return self.structure.pieces(cells).covariance(self.shares)

    @cached_property
    def noise(self) -> float:
        """The variance of what is seen, which is next to nothing."""
        return 1e-4 * float(np.diag(self.covariance).mean()) + 1e-8

    @cached_property
    def middle(self) -> Floats:
        """The mean of the surface of each component."""
        return components(self.structure)[1]

    @cached_property
    def columns(self) -> Floats:
        """A place for what is seen, ones, and the centred surface of each component: [columns, cells]."""
        surfaces, middle = components(self.structure)
        cells = surfaces.shape[1]
        return np.vstack([np.zeros(cells), np.ones(cells), surfaces - middle[:, None]])

    @cached_property
    def assumed(self) -> Floats:
        """The probability of each component before anything is seen."""
        tasks = len(self.past.tasks)
        if not tasks:
            return np.array([0.5, 0.5])
        return np.array([(1 - _EVERYONE - _NONE) / tasks] * tasks + [_EVERYONE, _NONE])
