"""What may a strategy see and do? All of it: whoever writes one needs nothing else of the engine.

A strategy is a coroutine such as

    async def guess(lab):
        draws = Draws(lab.space, generator(lab.spec.seed, "guess"))
        for number in count():
            config = sample(draws)
            if not lab.taken(config) and not lab.cheap.broken(config):
                await lab.train(lab.trial(f"guess {number}", config), lab.spec.max_epochs)

What it decides may depend on what it has awaited and on seeds named by logical place, such as the one above, never on a
clock, on global random state, or on which of several trainings ends first. Then any number of workers gives the same
history, and a run is resumed by running the strategy again over what it had. Limits end it: it need not count.
"""

from collections import Counter
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from nas.core.brackets import Bracket
from nas.core.constraints import Constraint
from nas.core.ranking import Outcome
from nas.core.spec import RunSpec
from nas.core.types import Config, Key, Order, Result, Trial

if TYPE_CHECKING:
    from ConfigSpace import ConfigurationSpace

    from nas.history.experience import Experience


class Cheap(Protocol):
    """What is known of a configuration before training. Each metric is measured once, and only when asked for.

    Raises Unmeasurable for a configuration that cannot be measured: another one is to be drawn.
    """

    @property
    def constraints(self) -> Sequence[Constraint]:
        """The constraints on cheap metrics, the cheapest to measure first."""
        ...

    def broken(self, config: Config) -> Constraint | None:
        """Return the first cheap constraint that `config` breaks, or None."""
        ...

    def all(self, config: Config) -> dict[str, float]:
        """Return every cheap metric of `config`."""
        ...

    def nearest(self, constraint: Constraint) -> float:
        """Return the value nearest to the bound, of all that broke `constraint`; nan where none did."""
        ...


class Lab(Protocol):
    """The only thing a strategy can touch: it makes trials, has them trained, and awaits what comes of them."""

    @property
    def spec(self) -> RunSpec:
        """What was asked for: objective, constraints, scheduler, seed, limits."""
        ...

    @property
    def space(self) -> "ConfigurationSpace":
        """What is searched."""
        ...

    @property
    def cheap(self) -> Cheap:
        """The metrics and constraints that are known before training."""
        ...

    @property
    def experience(self) -> "Experience":
        """What was learned of this space on earlier tasks; nothing where no history was given."""
        ...

    @property
    def results(self) -> Sequence[Result]:
        """What the strategy was given so far, in logical order: by brackets, by epochs, by number."""
        ...

    @property
    def outcomes(self) -> frozenset[Outcome]:
        """The same, as `nas.core.ranking.outcome` tells them apart: fewer where results agree in every metric."""
        ...

    def recorded(self, trial_id: str) -> Trial | None:
        """Return the trial of that id where the run had it before, else None: what is costly to draw is not redrawn."""
        ...

    def taken(self, config: Config) -> bool:
        """Return whether there is a trial of that configuration."""
        ...

    def trial(
        self,
        trial_id: str,
        config: Config | Mapping[str, Any],
        operator: str = "sample",
        parents: Sequence[str] = (),
        order: Order | None = None,
    ) -> Trial:
        """Return a trial of `config`, whose values are checked where it is a mapping. Its seed follows from its id.

        `trial_id` is any text of 1 to 200 printable characters, but for one that ends in .r and a number. `operator`
        and the ids of its `parents` tell where it comes from. `order` is its place among others: all numbers but the
        last say in which bracket, the last is its own. Without one an id such as "g3.b1.7" says it, and other trials
        are brackets of their own, in the sequence in which they are made. Asked for again, the same trial comes back.

        Raises UserError where the id has another configuration, or `config` is none of the space or breaks a cheap
        constraint, and Unmeasurable.
        """
        ...

    async def train(self, trial: Trial, epochs: int, turn: tuple[float, ...] | None = None) -> Result:
        """Return the result of `trial` at `epochs` in all, trained from where it stands, by this run or before.

        Of jobs that wait for a worker the one with the smallest `turn` is first: its logical place, unless given. What
        has failed is not trained on: its result comes back. A training beyond the limits never begins: once all that
        was asked for before it is done, the search has ended.

        Raises UserError for a trial that this lab has not made, that is in training or dropped, and for epochs that
        make no sense.
        """
        ...

    def drop(self, trial: Trial) -> None:
        """Say that `trial` will not be trained on: its checkpoint is deleted."""
        ...

    def room(self) -> tuple[float, float]:
        """Return how many more trials and epochs the limits allow. To be asked when nothing is in training."""
        ...

    def affordable(self, planned: Sequence[Bracket]) -> list[Bracket]:
        """Return `planned` cut to what there is `room` for, by cost. To be asked when nothing is in training."""
        ...

    def allowed(self, seen: Collection[Key]) -> tuple[float, float]:
        """Return how many trials and epochs the search may have had in all when it goes on from the results `seen`.

        For a strategy that decides while others are in training. A run that was given more has the limits it had
        before, until what came under them is `seen`.
        """
        ...

    def redrawn(self, place: str, reasons: Counter[str]) -> None:
        """Take down why configurations that were drawn at `place` were not taken: the report tells how many."""
        ...


Program = Callable[[Lab], Coroutine[Any, Any, None]]  # what a strategy is
