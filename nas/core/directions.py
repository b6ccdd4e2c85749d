"""Which way is better for a metric whose name says so?"""

import logging
import re

from nas.core.constraints import Constraint
from nas.core.errors import UserError

_LESS = {
    "loss", "error", "err", "errors", "latency", "perplexity", "ppl", "rmse", "mae", "mse", "mape", "rmsle", "nll",
    "logloss", "crossentropy", "entropy", "wer", "cer", "fid", "misclassification",
}  # fmt: skip
_MORE = {
    "accuracy", "acc", "precision", "recall", "f1", "auc", "auroc", "auprc", "iou", "miou", "bleu", "rouge", "dice",
    "psnr", "ssim", "r2",
}  # fmt: skip
_TURNED = {"neg", "negative", "negated", "minus", "inverse", "inv", "reduction", "improvement", "free", "score", "gain"}


def less_is_better(metric: str) -> bool | None:
    """Return whether less of `metric` is better, by the words of its name, such as "val/loss"; None if mute."""
    words = set(re.findall(r"[^\W_]+", metric.lower()))
    turned = metric.startswith(("-", "1-", "1 -")) or bool(words & _TURNED)
    if turned or bool(words & _LESS) == bool(words & _MORE):
        return None
    return bool(words & _LESS)


def sensible(constraints: tuple[Constraint, ...], objective: str, maximize: bool) -> tuple[Constraint, ...]:
    """Return `constraints`. Raises UserError where the most of a loss, error, ... is asked for.

    What is odd, but may be meant, is noted: the least accuracy, or a constraint that keeps out what is better.
    """
    less = less_is_better(objective) if isinstance(objective, str) else None
    if less and maximize:
        raise UserError(
            f"the objective {objective} is maximised, but less of it is better: "
            f"give maximize=False (on the command line --objective=-{objective})"
        )
    if less is False and not maximize:
        _note("the objective %s is minimised, though more of it is better", objective)
    for constraint in constraints:
        less = less_is_better(constraint.metric)
        if less is not None and less == (constraint.relation == ">="):
            _note("the constraint %s keeps out what is better: is this meant?", constraint)
    return constraints


def _note(message: str, subject: str | Constraint) -> None:
    logging.getLogger(__name__).warning(message, subject)
