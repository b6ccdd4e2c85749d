"""How alike are two tasks, two configurations, two epochs? The three kernels of AT2, whose product is the covariance.

Y. Xiao, E. P. Xing and W. Neiswanger, Amortized Auto-Tuning: Cost-Efficient Transfer Optimization for Hyperparameter
Recommendation, arXiv:2106.09179, 2021.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import softplus

Floats = NDArray[np.float64]
OPTIMISM = 1.5  # lengthscales grow by up to this where few cells are shared; its gradient is 0 on complete tables
UNKNOWN = 0.5  # distance of tasks that share fewer than two cells


class Kernels(nn.Module):
    """The learned parameters, in double precision; the noise is a variance of the accuracy."""

    def __init__(self, dimensions: int) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(dimensions, dimensions), nn.Tanh(), nn.Linear(dimensions, dimensions))
        self.net.double()
        for name in ("offset", "alpha", "beta", "scale", "task_scale", "lengthscale"):
            setattr(self, f"_{name}", nn.Parameter(torch.zeros((), dtype=torch.float64)))
        self._noise = nn.Parameter(torch.tensor(-6.0, dtype=torch.float64))

    def positive(self, name: str) -> Tensor:
        """Return one of the parameters that are above 0."""
        return softplus(getattr(self, f"_{name}"))

    @property
    def noise(self) -> Tensor:
        return self.positive("noise") + 1e-6

    def configs(self, features: Tensor) -> Tensor:
        """Return the kernel of `features` [N, D]: a polynomial of degree 2 of what a small net makes of them."""
        inner: Tensor = self.net(features)
        return torch.square(inner @ inner.T + self.positive("offset"))

    def epochs(self, times: Tensor) -> Tensor:
        """Return the kernel of `times` [K], shares of a full training: sums of exponential decays, 0 at 0."""
        alpha, beta = self.positive("alpha"), self.positive("beta")
        together = (beta / (times[:, None] + times[None, :] + beta)) ** alpha
        alone = (beta / (times + beta)) ** alpha
        return self.positive("scale") * (1 + together - alone[:, None] - alone[None, :])

    def tasks(self, distances: Tensor, shared: Tensor) -> Tensor:
        """Return the kernel of `distances` [T, T], of tasks that share these portions of the table."""
        widened = OPTIMISM / (1 + (OPTIMISM - 1) * shared)
        return self.positive("task_scale") * torch.exp(-distances / (self.positive("lengthscale") * widened) ** 2)


def distances(left: Floats, right: Floats) -> tuple[Floats, Floats]:
    """Return how far tasks are apart, [L, R], and what portion of the cells they share.

    `left` [L, N, K] and `right` [R, N, K] are nan where nothing is known. Of the shared cells each task is centred; the
    distance is the mean squared difference.
    """
    apart, shared = np.full((len(left), len(right)), UNKNOWN), np.zeros((len(left), len(right)))
    for i, one in enumerate(left):
        for j, other in enumerate(right):
            gaps = one - other
            gaps = gaps[~np.isnan(gaps)]
            shared[i, j] = gaps.size / one.size
            if gaps.size > 1:
                apart[i, j] = gaps.var()
    return apart, shared
