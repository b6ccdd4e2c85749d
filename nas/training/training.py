"""How does a configuration become a trained network? One loop, whose position is a step."""

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from nas.core.seeds import seed
from nas.spaces.space import Space
from nas.training.averaging import Average
from nas.training.draws import Draws
from nas.training.encoding import encoded
from nas.training.judging import evaluating
from nas.training.measuring import LOSS, Predictions, finite, metrics
from nas.training.order import Order
from nas.training.pieces import HELD_OUT, TRAINING, Piece, set_aside, withhold
from nas.training.policies.learner import restore
from nas.training.policies.policy import Running, begun
from nas.training.recipe import Recipe
from nas.training.recorded import Recorded
from nas.training.resuming import check
from nas.training.step import predict, step
from nas.training.tally import Tally
from nas.training.together import shares, sharing
from nas.training.together.shared import Advance, advancing
from nas.training.trajectory import Columns, add_point, trajectory_of

Key = tuple[int | str, ...]
Batch = tuple[Tensor, Tensor]  # pixels, uint8 [b, c, h, w], and labels, int64 [b]


@dataclass
class Training:
    """A network in training. All that changes in a step is in its state; all its randomness hangs on `key`.

    Order and dropout are reseeded by key and epoch, so an epoch is the same whatever came before it in the process.
    """

    recipe: Recipe
    pieces: Mapping[str, Piece]
    key: Key
    epochs: int  # of a full training, which the learning rate depends on
    device: torch.device
    recorded: bool
    model: nn.Module
    draws: Draws
    position: int = 0  # in steps, all that were taken
    lag: int = 0  # steps by which the place in the data is behind, since a policy has gone back
    points: Columns = field(default_factory=dict)  # of its trajectory, if it has one
    tally: Tally = field(init=False)  # of the losses
    optimizer: torch.optim.Optimizer = field(init=False)
    policy: Running = field(init=False)
    average: Average | None = field(init=False)  # of the weights, if the recipe asks for one
    advance: Advance = field(init=False)

    @classmethod
    def begin(
        cls,
        space: Space,
        config: Mapping[str, Any],
        pieces: Mapping[str, Piece],
        key: Key,
        epochs: int,
        device: str = "cpu",
        recorded: bool = False,
    ) -> "Training":
        """Return the training of the network of `config`, untrained, its weights drawn by `key`, on `device`.

        `pieces` are "training" and whatever it is validated on; `epochs` is how long a full training takes. `recorded`
        steps are launched as a whole, on a GPU only. Raises UserError for an optimizer that could not be continued.
        """
        recipe = Recipe.of(config, space.trainer, space.recipe)
        check(recipe)
        place, images = torch.device(device), pieces[TRAINING].images
        draws = Draws(place)
        with draws:
            torch.manual_seed(seed(*key, "weights"))
            model = space.build(dict(config), images.shape, len(images.classes))
            model = model.to(place, memory_format=recipe.optimizer.memory_format)  # type: ignore[call-overload]
        pieces = withhold(set_aside(pieces, recipe.policy.sets_aside(), key), recipe.policy.withholds(), key)
        shares.check(recipe, len(pieces[TRAINING]), recorded)
        training = cls(recipe, pieces, key, epochs, place, recorded, model.train(), draws)
        training._equip()
        encoded(training.state_dict(), "the state of the training")
        return training

    @cached_property
    def order(self) -> Order:
        """In which order the images are trained on."""
        least = max(2, sharing().count)
        return Order(self.pieces[TRAINING], self.pieces.get(HELD_OUT), self.recipe.batch_size, self.key, least)

    @property
    def steps_per_epoch(self) -> int:
        """The batches of an epoch."""
        return self.order.steps

    @property
    def _usually_seen(self) -> int:
        """How many images an epoch has shown by now, if no step was taken back."""
        return self.position % self.steps_per_epoch * self.recipe.batch_size

    @property
    def losses(self) -> list[float]:
        """The mean loss of each epoch that is over."""
        return self.tally.means

    @property
    def between_epochs(self) -> bool:
        """Whether an epoch has just ended, or none has begun."""
        return self.position % self.steps_per_epoch == 0

    def batches(self, until: int) -> Iterator[Batch]:
        """Yield the batches from the position up to step number `until`; each is to be given to `step`."""
        piece, size, steps = self.pieces[TRAINING], self.recipe.batch_size, self.steps_per_epoch
        while self.position < until:
            epoch, done = divmod(self.position - self.lag, steps)
            left = self.order.of(epoch, self.policy.withholds(epoch))[
                done * size : (done + until - self.position) * size
            ]
            place = (self.position, self.lag)
            for batch in piece.images.batches(*shares.own(left, size), self.device):
                yield batch
                if self.position == place[0]:
                    raise RuntimeError("a batch of a training is to be given to its step before the next is asked for")
                place = (place[0] + 1, place[1])
                if (self.position, self.lag) != place:
                    break  # a branch was adopted that is further, or a policy has gone back

    def step(self, batch: Batch) -> Tensor:
        """Take a step on the batch; return its loss before it.

        Raises Diverged at the end of an epoch whose mean loss is not finite.
        """
        self.policy.before_step(self)
        epoch, done = divmod(self.position - self.lag, self.steps_per_epoch)
        if self.between_epochs:
            self.tally.begin()
        with self.draws:
            if (drawn_by := shares.drawn_by(self.key, epoch, done)) is not None:
                torch.manual_seed(drawn_by)
            loss = self.advance(self.recipe.augmentation.of(batch[0]), batch[1])
        if self.average:
            self.average.update_parameters(self.model)
        self.position += 1
        if self.policy.after_step(self, loss):
            self.tally.add(loss, self.order.images(done))
        if self.between_epochs:
            self.tally.end()
            add_point(self, self.points)
        return loss

    def predict(self, part: str) -> Predictions:
        """Return what the network says of the images of a part, such as "validation"."""
        with self.judged() as model:
            return self._predicted(model, part)

    def loss_on_held_out(self) -> float:
        """Return the loss of the network just as it is, on what is held out of the training part."""
        with evaluating(self.model, self.optimizer) as model:
            return metrics(self._predicted(model, HELD_OUT), self.recipe.batch_size)[LOSS]

    def _predicted(self, model: nn.Module, part: str) -> Predictions:
        piece = self.pieces[part]
        return shares.in_shares(
            lambda indices: predict(model, piece.images, indices, self.recipe.centred), piece.indices
        )

    def validate(self, part: str) -> dict[str, float]:
        """Return the metrics on a part. Raises Diverged for a loss that is not finite."""
        return finite(metrics(self.predict(part), self.recipe.batch_size))

    @contextmanager
    def judged(self) -> Iterator[nn.Module]:
        """Yield the network as it is to be judged and kept; afterwards it trains on as if nothing had been."""
        with self.policy.shown(self), evaluating(self.model, self.optimizer) as model:
            yield self.average.module if self.average else model

    def branch(self) -> "Training":
        """Return a copy in memory that trains on by itself: try it, then drop it or `adopt` it."""
        other = copy.copy(self)
        other.model, other.draws = copy.deepcopy(self.model), Draws(self.device)
        other._equip()
        state = self.state_dict()
        other._load(copy.deepcopy({part: state[part] for part in state if part != "model"}))
        return other

    def adopt(self, branch: "Training") -> None:
        """Go on from where the branch is, which is spent by that."""
        self.release()
        vars(self).update(vars(branch))

    def trajectory(self) -> dict[str, Any]:
        """Return how the learning rate went, and what else is learned or tried; nothing of an ordinary training."""
        return trajectory_of(self, self.points)

    def state_dict(self) -> dict[str, Any]:
        """Return all that the next steps depend on: what torch's own state_dicts hold, and where in it the training is.

        Between epochs no random numbers are in it: the next one draws its own.
        """
        lag, seen = self.lag, self.tally.seen
        detour = {"lag": lag, "seen": seen} if (lag, seen) != (0, self._usually_seen) else {}
        return {
            "position": self.position,
            **detour,
            "losses": list(self.losses),
            "total": None if self.between_epochs else self.tally.total,
            "draws": self.draws.states if (self.position - self.lag) % self.steps_per_epoch else [],
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "policy": self.policy.state_dict(),
            **({"average": self.average.state_dict()} if self.average else {}),
            **({"points": copy.deepcopy(self.points)} if self.points else {}),
        }

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Go on from what `state_dict` gave, here or in another process."""
        self.model.load_state_dict(saved["model"])
        self._load(saved)

    def put_back(self, kept: Mapping[str, Any]) -> None:
        """Give weights, their average and the optimizer what `nas.training.policies.learner.keep` kept of them."""
        restore(self, kept)
        self._place_rates()

    def place(self) -> dict[str, Any]:
        """Return where in the data the training is, and in its random numbers. No step that was taken is forgotten."""
        return {"data": self.position - self.lag, "draws": list(self.draws.states)}

    def go_to(self, place: Mapping[str, Any]) -> None:
        """Go to where `place` was taken: the same batches come again, with the same dropout."""
        self.lag = self.position - place["data"]
        self.draws = Draws(self.device, place["draws"])

    def release(self) -> None:
        """Give back what only training needs, and let the memory of the rest go with its last name."""
        if isinstance(self.advance, Recorded):
            self.advance.release()
        vars(self.optimizer).pop("step", None)  # torch's schedulers wrap it, and lead it in a circle

    def _equip(self) -> None:
        """Give the model a new optimizer, policy and step."""
        recipe, self.tally = self.recipe, Tally(self.device)
        with self.draws:
            self.optimizer = recipe.optimizer.make(list(self.model.parameters()), recipe, self.recorded)
        self.average = None if recipe.ema is None else Average(self.model, self.optimizer, recipe.ema)
        self.policy = begun(recipe.policy, self)
        self.advance = advancing(step, self.model, self.optimizer, recipe)
        if self.recorded:
            self.advance = Recorded(self.advance, recipe)
        self._place_rates()

    def _load(self, saved: Mapping[str, Any]) -> None:
        self.position, self.tally.means = saved["position"], list(saved["losses"])
        self.lag, self.tally.seen = saved.get("lag", 0), saved.get("seen", self._usually_seen)
        self.points = copy.deepcopy(saved.get("points", {}))
        if saved["total"] is not None:
            self.tally.total = saved["total"].to(self.device)
        self.draws = Draws(self.device, saved["draws"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.policy.load_state_dict(saved["policy"])
        if self.average:
            self.average.load_state_dict(saved["average"])
        self._place_rates()

    def _place_rates(self) -> None:
        """Keep learning rates in tensors on the device where steps are recorded anew, which read them there."""
        if isinstance(self.advance, Recorded):
            self.advance.release()
            for group in self.optimizer.param_groups:
                group["lr"] = torch.as_tensor(group["lr"], dtype=torch.float32, device=self.device)
