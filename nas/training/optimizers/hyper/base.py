"""How does an optimizer of torch learn its own hyperparameters? A look at gradients and memory, then the step.

Hypergradients are products of the gradient with what the latest step did. Those of all weights are summed where the
weights lie, and fetched together: one synchronisation a step on a GPU. The few learned numbers are Python floats in
the parameter groups.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any, NamedTuple

import torch
from torch import Tensor

from nas.training.optimizers.hyper.guards import Guards, held, longest
from nas.training.optimizers.hyper.pieces import fetched, pieces, product
from nas.training.optimizers.hyper.rules import RULES, Memory, Momentum, Rule, Values
from nas.training.optimizers.hyper.tower import checked, cosine, form, learned, tower_of

Group = dict[str, Any]
_UNGUARDED = "sgd:1e-4"  # the tower where none is given and nothing guards


class Piece(NamedTuple):
    """Some of the weights, with what their steps hang on."""

    weight: Tensor
    gradient: Tensor
    memory: Memory
    steps: int  # that they took
    moved: bool  # in the latest step of the group


class HyperOptimizer(torch.optim.Optimizer):
    """What the four have in common; `rule` is how they move weights."""

    rule: str
    above = "adam:0.1"  # the guarded tower where none is given

    def __init__(
        self,
        params: Any,
        begins: dict[str, float],
        fixed: dict[str, Any],
        tower: str | None = None,
        learn: str = "rate",
        guarded: bool = True,
        **guards: float,
    ) -> None:
        """Take weights, or groups of them, where the hyperparameters begin, and numbers that nobody learns.

        `tower` has the levels above, the next one first, such as "adam:0.1/sgd:0.01": name and rate, then momentum,
        betas or gamma; "" learns nothing. `learn` says which hyperparameters of every level but the top learn, "rate"
        or "all". `guards` are fields of `Guards`; what is not `guarded` learns as in the paper.
        Raises ValueError for what there is not, and for values that make no sense.
        """
        if learn not in ("rate", "all"):
            raise ValueError(f"learn is {learn!r}, but must be rate or all")
        for name, value in fixed.items():
            if not 0 <= value < math.inf:
                raise ValueError(f"{name.replace('_', ' ')} is {value:g}, but must be at least 0")
        if tower is None:
            tower = self.above if guarded else _UNGUARDED
        kept = asdict(Guards(**guards)) if guarded else None
        self._begins = {"tower": tower, "learn": learn, **begins}
        super().__init__(params, {**self._begins, "decoupled": False, "guards": kept, **fixed})

    def add_param_group(self, param_group: Group) -> None:
        """Add weights, perhaps with a rate of their own. Raises ValueError for what cannot be trained so."""
        super().add_param_group(param_group)
        group = self.param_groups[-1]
        for weight in group["params"]:
            if not weight.is_floating_point() or weight.layout != torch.strided:
                kind = "sparse" if weight.layout != torch.strided else str(weight.dtype).removeprefix("torch.")
                raise ValueError(f"{type(self).__name__} learns from dense real weights, but one is {kind}")
        begins = {name: group.pop(name) for name in self._begins}
        group["lr"] = rate = float(begins["lr"])
        values = {"rate": rate, **{name: float(begins[name]) for name in RULES[self.rule].defaults}}
        checked("", values)
        group["levels"] = tower_of(self.rule, values, begins["tower"], begins["learn"], group["guards"] is not None)
        group |= {"lr_at_construction": rate, "rate": rate, "factor": 1.0, "steps": 0}
        group |= {"mean": 0.0, "sustained": -math.inf}  # logarithms of rates

    def hyperparameters(self) -> list[dict[str, float]]:
        """Return what stands now in each group: the rate of the latest step, and momentum, betas or gamma."""
        return [{**group["levels"][0]["values"], "rate": group["rate"]} for group in self.param_groups]

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Learn from the gradients, then move the weights; return what the closure does.

        Raises ValueError for gradients that are sparse.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        groups = [group for group in self.param_groups if any(each.grad is not None for each in group["params"])]
        sums = [self._look(group) for group in groups]
        for group, numbers in zip(groups, fetched(sums), strict=True):
            self._learn(group, numbers)
            self._move(group)
        return loss

    def _pieces(self, group: Group) -> Iterator[Piece]:
        """Yield the weights that have gradients, piece by piece."""
        names = RULES[self.rule].names(tuple(group["levels"][0]["raw"]))
        for weight in group["params"]:
            if weight.grad is None:
                continue
            if weight.grad.layout != torch.strided:
                raise ValueError(f"{type(self).__name__} learns from dense gradients, but one is sparse")
            state = self.state[weight]
            if not state:
                state |= {"step": 0, "latest": 0, **{name: self._first(weight, name, group) for name in names}}
            for name in names:
                if state[name].stride() != weight.stride():  # loaded from weights that lay otherwise
                    state[name] = torch.empty_like(weight).copy_(state[name])
            moved = state["step"] > 0 and state["latest"] == group["steps"]
            tensors = (weight, weight.grad, *(state[name] for name in names))
            for piece, gradient, *memory in zip(*(pieces(each, weight) for each in tensors), strict=True):
                if group["weight_decay"] and not group["decoupled"]:
                    gradient = gradient.add(piece, alpha=group["weight_decay"])
                yield Piece(piece, gradient, dict(zip(names, memory, strict=True)), state["step"], moved)

    def _first(self, weight: Tensor, name: str, group: Group) -> Tensor:
        """Return what is remembered of a weight before its first step."""
        return torch.zeros_like(weight)

    def _look(self, group: Group) -> Tensor | None:
        """Return the sums that learning needs, float64 [n], None where nothing learns.

        First the products of the gradient with the ways that the learned hyperparameters have just moved the weights,
        one each; then that of gradient and weights; where it is guarded, squares of the ways, gradient and weights.
        """
        rule, guarded, eps, total = RULES[self.rule], group["guards"] is not None, group["eps"], None
        names, values = tuple(group["levels"][0]["raw"]), group["levels"][0]["values"]
        if not names:
            return None
        cosines = "sgd" in (self.rule, group["levels"][1]["rule"])  # which take the gradient's square
        for weight, gradient, memory, steps, moved in self._pieces(group):
            nothing, sums, squares = product(weight[:0], weight[:0]), list[Tensor](), list[Tensor]()
            for name in names:
                way = rule.way(name, memory, values, steps, eps) if moved else None
                sums.append(nothing if way is None else product(gradient, way))
                if guarded:
                    squares.append(nothing if way is None else product(way, way))
            if guarded and not moved:
                squares[0] = _first_square(rule, gradient, memory, values, steps, eps)
            sums.append(product(gradient, weight) if group["decoupled"] else nothing)
            if guarded:
                of_gradient = product(gradient, gradient) if cosines else nothing
                sums += [*squares, of_gradient, product(weight, weight)]
            row = torch.stack(sums).double()
            total = row if total is None else total.add_(row)
        return total

    def _learn(self, group: Group, sums: list[float]) -> None:
        """Let the tower learn, and set the rate of this step."""
        guards = Guards(**group["guards"]) if group["guards"] else None
        names = tuple(group["levels"][0]["raw"])
        if group["steps"] and names and (guards is None or all(map(math.isfinite, sums))):
            slopes = dict(zip(names, _slopes(group, sums, guards), strict=True))
            group["levels"] = learned(group["levels"], slopes, guards)
        group["factor"] = float(group["lr"]) / group["lr_at_construction"]
        most = math.inf
        if guards is not None and names:
            count = sum(each.numel() for each in group["params"] if each.grad is not None)
            bottom, (ahead, *_, of_gradient, of_weights) = group["levels"][0], sums[len(names) + 1 :]
            if self.rule == "sgd":  # of which the next buffer is known from the products
                momentum = bottom["values"]["momentum"]
                ahead = max(0.0, momentum * (momentum * ahead + 2 * sums[0]) + of_gradient)
            most = longest(guards, math.sqrt(of_weights), math.sqrt(ahead), count)
            logarithm = held(guards, bottom["raw"]["rate"], group, most)
            raw, values = {**bottom["raw"], "rate": logarithm}, {**bottom["values"], "rate": math.exp(logarithm)}
            group["levels"] = [{**bottom, "raw": raw, "values": values}, *group["levels"][1:]]
        group["rate"] = min(group["levels"][0]["values"]["rate"] * group["factor"], most)

    def _move(self, group: Group) -> None:
        """Move the weights, having taken in the gradients."""
        rule, values = RULES[self.rule], {**group["levels"][0]["values"], "rate": group["rate"]}
        for weight, gradient, memory, steps, _ in self._pieces(group):
            if group["decoupled"]:
                weight.mul_(1 - group["rate"] * group["weight_decay"])
            rule.move(weight, gradient, memory, values, steps, group["eps"])
        group["steps"] += 1
        for weight in group["params"]:
            if weight.grad is not None:
                self.state[weight]["step"] += 1
                self.state[weight]["latest"] = group["steps"]


def _first_square(rule: Rule, gradient: Tensor, memory: Memory, values: Values, steps: int, eps: float) -> Tensor:
    """Return the square of the next direction of weights that have none yet; of a momentum it follows otherwise."""
    memory = {name: each.clone() for name, each in memory.items()}
    if isinstance(rule, Momentum):
        return product(gradient[:0], gradient[:0])
    rule.remember(memory, gradient, values)
    way = rule.direction(memory, values, steps + 1, eps)
    return product(way, way)


def _slopes(group: Group, sums: list[float], guards: Guards | None) -> Iterator[float]:
    """Yield the slopes of the loss by what is learned, guarded ones without their scale."""
    level, rate = group["levels"][0], group["rate"]
    count, of_weights, shrunk = len(level["raw"]), sums[len(level["raw"])], 1 - rate * group["weight_decay"]
    for number, name in enumerate(level["raw"]):
        slope, scale = -sums[number], rate
        if name == "rate":
            scale = group["factor"]
            if group["decoupled"] and shrunk:  # the decay hangs on the rate, too, by the weights as they were before
                slope -= group["weight_decay"] * (of_weights - rate * slope) / shrunk
        if guards is None:
            yield slope * scale * form(level["rule"], name, False).slope(level["raw"][name])
        elif group["levels"][1]["rule"] == "sgd":
            found = cosine(slope, sums[count + 1 + number], sums[-2])
            yield found - guards.bias if name == "rate" and found else found
        else:
            yield slope
