"""The search for learning rates in a training loop of one's own."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from nas.core.errors import UserError
from nas.core.parts import made
from nas.training.policies.autolrs.search import RateSearch
from nas.training.policies.learner import Kept, restore

Batch = TypeVar("Batch")


class AutoLRS:
    """It finds the learning rate of `optimizer` in a training of `steps` steps, all that try one included.

        rates = AutoLRS(model, optimizer, loss_on_held_out, steps=1200)
        for images, labels in rates.batches(loader):
            loss = functional.cross_entropy(model(images), labels)
            optimizer.zero_grad(), loss.backward(), optimizer.step()
            rates.step(loss)

    `loss_on_held_out` returns the loss, a number, on data that is not trained on; it is called with the model in
    evaluation mode and without gradients. `settings` are those of the policy "autolrs", or of the one that is named by
    `policy`, such as `most=1.0`. Raises UserError, a ValueError, for a setting that there is not, and for an optimizer
    without a learning rate.

    `batches` repeats the same batches for all rates of a search. Without it every rate is tried on others, which works
    less well.
    """

    average = None  # the user's own affair

    def __init__(
        self, model: nn.Module, optimizer: torch.optim.Optimizer, loss_on_held_out: Callable[[], float | Tensor],
        steps: int, policy: str = "autolrs", **settings: Any,
    ) -> None:  # fmt: skip
        self.model, self.optimizer, self.steps, self._loss = model, optimizer, steps, loss_on_held_out
        self._at = 0  # the place in the data
        self._again: dict[int, Any] = {}  # batches by their place, which may come again
        self.search = RateSearch(made("policy", {"name": policy, **settings}), self, steps)
        self.search.before_step(self)

    @property
    def rate(self) -> float:
        """The learning rate of the step at hand."""
        return self.search.rate_now()

    @property
    def tried(self) -> list[dict[str, Any]]:
        """The rates that were tried: at which step, for how many, the loss that was expected, and which was chosen."""
        return [each.to_json() for each in self.search.tried]

    def batches(self, source: Iterable[Batch]) -> Iterator[Batch]:
        """Yield as many batches as there are steps; `source` begins anew where it ends.

        Raises UserError where it is empty.
        """
        coming = _endless(source)
        while self.search.step < self.steps:
            if self._at not in self._again:
                self._again[self._at] = next(coming)
            batch, step = self._again[self._at], self.search.step
            if self.search.trial is None:  # nothing before comes again
                self._again = {place: each for place, each in self._again.items() if place > self._at}
            yield batch
            if self.search.step == step:
                raise RuntimeError("step(loss) is to be called for each batch")

    def step(self, loss: float | Tensor) -> None:
        """Look at where the step of the optimizer has led, which began at `loss`, and set the rate of the next one."""
        self._at += 1
        self.search.after_step(self, loss.item() if isinstance(loss, Tensor) else loss)
        if self.search.step < self.steps:
            self.search.before_step(self)

    def loss_on_held_out(self) -> float:
        """Return what the user's function returns."""
        training = self.model.training
        self.model.eval()
        with torch.no_grad():
            found = float(self._loss())
        self.model.train(training)
        return found

    def put_back(self, kept: Kept) -> None:
        """Give model and optimizer what was kept of them."""
        restore(self, kept)

    def place(self) -> int:
        """Return which batch is next."""
        return self._at

    def go_to(self, place: int) -> None:
        """Let that batch be next."""
        self._at = place

    def state_dict(self) -> dict[str, Any]:
        """Return all that the next steps depend on, besides model, optimizer and what `batches` has not yielded yet."""
        return {"search": self.search.state_dict(), "at": self._at, "again": dict(self._again)}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Go on from there; model and optimizer are loaded by themselves."""
        self.search.load_state_dict(saved["search"])
        self._at, self._again = saved["at"], dict(saved["again"])


def _endless(source: Iterable[Batch]) -> Iterator[Batch]:
    while True:
        empty = True
        for batch in source:
            empty = False
            yield batch
        if empty:
            raise UserError("there are no batches to train on")
