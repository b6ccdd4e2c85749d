"""Successive halving: train all a little, rank, let the best go on from their checkpoints."""

import asyncio
from collections.abc import Container, Sequence
from typing import Protocol

from nas.core import ranking
from nas.core.brackets import Bracket
from nas.core.types import Result, Status, Trial


class Trainer(Protocol):
    """What halving asks of a lab."""

    async def train(self, trial: Trial, epochs: int) -> Result:
        """Return the result of `trial` at `epochs` in all."""
        ...

    def drop(self, trial: Trial) -> None:
        """Say that `trial` will not be trained on."""
        ...


async def halve(
    lab: Trainer, trials: Sequence[Trial], bracket: Bracket, before: Container[ranking.Outcome] = ()
) -> list[Result]:
    """Return the results of those that went through all rungs of `bracket`, ranked feasibility first.

    Jamieson & Talwalkar 2016. A trial that failed is never promoted, and twins of others, or of an outcome of
    `before`, only after all others.
    """
    results = list[Result]()
    for rung, following in zip(bracket, (*bracket[1:], None), strict=True):
        results = list(await asyncio.gather(*(lab.train(trial, rung.epochs) for trial in trials)))
        succeeded = [result for result in results if result.status is Status.OK]
        if following:
            results = ranking.survivors(succeeded, following.trials, before)
            promoted = {result.job.trial.id for result in results}
            for trial in trials:
                if trial.id not in promoted:
                    lab.drop(trial)
            trials = [result.job.trial for result in results]
        else:
            results = ranking.best(succeeded, len(succeeded))
    return results
