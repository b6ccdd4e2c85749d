"""Learning rates that are found while a network trains."""

from nas.training.policies.autolrs.own_loop import AutoLRS

__all__ = ["AutoLRS"]
