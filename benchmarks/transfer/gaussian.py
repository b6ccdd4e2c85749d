"""What does Bayesian optimisation find that knows nothing of old tasks? BoTorch's Gaussian process, full trainings."""

from collections.abc import Sequence

from benchmarks.transfer.baselines import Jobs
from benchmarks.transfer.database import Floats

_RANDOM = 5  # full trainings before the first model


def one_task(order: Sequence[int], epochs: int, features: Floats) -> Jobs:
    """Train the first of the order, then by the logarithm of the expected improvement (Ament et al. 2023)."""
    import torch
    from botorch.acquisition import LogExpectedImprovement
    from botorch.fit import fit_gpytorch_mll
    from botorch.models import SingleTaskGP
    from gpytorch.mlls import ExactMarginalLogLikelihood

    inputs, seen = torch.tensor(features, dtype=torch.double), dict[int, float]()
    for each in order[:_RANDOM]:
        seen[each] = yield each, epochs
    while left := [each for each in order if each not in seen]:
        targets = torch.tensor(list(seen.values()), dtype=torch.double).unsqueeze(1)
        model = SingleTaskGP(inputs[list(seen)], targets)
        fit_gpytorch_mll(ExactMarginalLogLikelihood(model.likelihood, model))
        with torch.no_grad():
            gains = LogExpectedImprovement(model, best_f=targets.max())(inputs[left].unsqueeze(1))
        each = left[int(gains.argmax())]
        seen[each] = yield each, epochs
