"""Does a part of yours keep the promises of its kind? Each check says which it breaks, by an AssertionError.

    from nas.testing import check_strategy
    def test_mine() -> None:
        check_strategy(mine)

After the `testing` modules of NumPy and Optuna: the checks that our own parts pass.
"""

from nas.testing.searching import check_model, check_scheduler, check_strategy
from nas.testing.training import check_augmentation, check_optimizer, check_policy

__all__ = [
    "check_augmentation", "check_model", "check_optimizer", "check_policy", "check_scheduler", "check_strategy",
]  # fmt: skip
