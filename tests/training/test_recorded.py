"""A recorded step trains like one that is not. What only a GPU can show is skipped without one."""

from dataclasses import replace

import pytest
import torch

from nas.cli.commands.plan import Plan
from nas.core.errors import UserError
from nas.data import load
from nas.main import arguments
from nas.spaces.space import load as load_space
from nas.training.pieces import Piece
from nas.training.training import Training
from tests.training.tiny import run, tiny

SMALL = {
    "learning_rate_init": 3e-3, "batch_size": 100, "kernel_size": 3, "use_BN": True, "global_avg_pooling": True,
    "dropout_rate": 0.0, "n_conv_layers": 1, "n_channels_conv_0": 8, "n_fc_layers": 1, "n_channels_fc_0": 16,
}  # fmt: skip


@pytest.mark.parametrize("name", ["adamw", "adam", "sgd"])
def test_a_learning_rate_in_a_tensor_trains_as_one_that_is_not(name: str) -> None:
    plain, in_tensor = (tiny({"optimizer": name, "learning_rate": 0.01}) for _ in range(2))
    (group,) = in_tensor.optimizer.param_groups
    group["lr"] = torch.tensor(group["lr"])
    weights = [run(training, 6).model[5].weight.detach() for training in (plain, in_tensor)]
    assert torch.allclose(*weights, atol=1e-6)
    assert group["lr"].item() == pytest.approx(plain.optimizer.param_groups[0]["lr"])


def test_a_cpu_has_no_graphs_and_says_so() -> None:
    asked = arguments(["search", "--device", "cpu", "--cuda-graphs"]).asked
    with pytest.raises(UserError, match="--cuda-graphs: there are none on a CPU"):
        Plan(asked)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="CUDA graphs need a GPU")
@pytest.mark.parametrize("name", ["adamw", "adam", "sgd"])
def test_recorded_steps_lead_to_the_same_network(name: str) -> None:
    """Two epochs of 15 steps, the last of each short, under a falling learning rate."""
    images, space = load("digits", "train").to("cuda"), load_space("cnn")
    space = replace(space, recipe={**space.recipe, "optimizer": name})
    ends = list[list[float]]()
    for recorded in (False, True):
        pieces = {"training": Piece(images, torch.arange(1410))}
        training = run(Training.begin(space, SMALL, pieces, (0,), 2, "cuda", recorded), 30)
        ends.append(training.losses)
    assert ends[0] == pytest.approx(ends[1], rel=0.05)
