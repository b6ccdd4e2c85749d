"""Which optimizers learn their own hyperparameters? Four, each over a tower of further ones.

After K. Chandra, A. Xie, J. Ragan-Kelley and E. Meijer, Gradient Descent: The Ultimate Optimizer, NeurIPS 2022.
"""

from nas.training.optimizers.hyper.optimizers import SGD, AdaGrad, Adam, RMSProp

__all__ = ["SGD", "AdaGrad", "Adam", "RMSProp"]
