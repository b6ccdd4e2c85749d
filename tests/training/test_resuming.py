"""A training that is stopped after any step and continued in a new process is the one that was not: every optimizer
and every policy of the registry, and every setting that has a state or draws, to the bit.
"""

import importlib.util
import json
import subprocess
import sys
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from nas.core.errors import UserError
from nas.core.parts import get, names
from nas.training import state
from nas.training.optimizers import builtin, zoo
from tests.training.tiny import digest, run, tiny

ROOT = Path(__file__).parents[2]
STEPS, END = range(1, 6), 6  # of three steps an epoch
PARAMETERS: Mapping[str, dict[str, Any]] = {"ranger21": {"num_iterations": 100}, "lbfgs": {"max_iter": 5}}
RATES = {"shampoo": 1e-5}  # at more this network is lost
POLICIES: dict[str, dict[str, Any]] = {
    "constant": {},
    "linear": {},
    "cosine": {"warmup": 0.3, "final": 0.1},
    "step": {"period": 2, "gamma": 0.5, "unit": "steps"},
    "step of epochs": {"name": "step", "period": 1},
    "exponential": {"unit": "steps"},
    "exponential of epochs": {"name": "exponential"},
    "cyclic": {"period": 4, "unit": "steps", "shape": "triangular2", "high": 1.5},
    "cosine-restarts": {"period": 2, "unit": "steps", "final": 0.1},
    "one-cycle": {},
    "plateau": {"patience": 0, "threshold": 0.9},
    "autolrs": {"candidates": 2, "probe": 2, "stages": 2, "stage": 0.1, "later_candidates": 2},
    "autolrs-paper": {"candidates": 2, "later_candidates": 2, "score": "average"},
    "plateau held out": {"name": "plateau", "patience": 0, "threshold": 0.9, "held_out": 0.3},
}
AVERAGED: dict[str, Any] = {"ema": 0.9, "mixup": 0.4, "label_smoothing": 0.1}
SETTINGS: dict[str, dict[str, Any]] = {
    "mixup": {"mixup": 0.4},
    "ema": {"ema": 0.9},
    "micro batch": {"micro_batch": 3, "gradient_clipping": 0.5},
    "mixup with lbfgs": {"mixup": 0.4, "micro_batch": 3, "optimizer": {"name": "lbfgs", "max_iter": 5}},
    "average where rates are tried": {**AVERAGED, "policy": {"name": "autolrs", **POLICIES["autolrs"]}},
    "average of the paper's": {**AVERAGED, "policy": {"name": "autolrs-paper", **POLICIES["autolrs-paper"]}},
    "average with held out": {**AVERAGED, "policy": POLICIES["plateau held out"], "optimizer": "sgd"},
}
HAS_ZOO = importlib.util.find_spec("pytorch_optimizer") is not None
pytestmark = pytest.mark.xdist_group("resuming")  # what is trained once is trained in one process
needs_zoo = pytest.mark.skipif(not HAS_ZOO, reason="the extra [zoo] is not installed")
HYPER = tuple(name for name in names("optimizer") if name.startswith("hyper-"))
OPTIMIZERS = (*builtin.OF_TORCH, *HYPER, *(pytest.param(name, marks=needs_zoo) for name in zoo.ADMITTED))


@dataclass(frozen=True)
class Outcome:
    """Digests of trainings at END by name: of those that went through, and by step of those that were stopped."""

    whole: Mapping[str, str]
    stopped: Mapping[str, Mapping[str, str]]


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """All trainings, stopped after each of STEPS, are continued in one new process."""
    torch.set_num_threads(1)
    folder, whole = tmp_path_factory.mktemp("trainings"), dict[str, str]()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of optimizers about themselves
        for name, recipe in {**of_optimizers(), **of_policies(), **SETTINGS}.items():
            (folder / f"{name}.json").write_text(json.dumps(recipe))
            training = tiny(recipe)
            for step in STEPS:
                state.save(folder / f"{name}.{step}", run(training, step).state_dict(), "owner")
            whole[name] = digest(run(training, END))
    command = [sys.executable, "-W", "ignore", "-m", "tests.training.tiny", str(folder), str(END)]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    return Outcome(whole, json.loads(ended.stdout))


def of_optimizers() -> dict[str, dict[str, Any]]:
    return {
        name: {"optimizer": {"name": name, **PARAMETERS.get(name, {})}, "learning_rate": RATES.get(name, 1e-3)}
        for name in (*builtin.OF_TORCH, *HYPER, *(zoo.ADMITTED if HAS_ZOO else ()))
    }


def of_policies() -> dict[str, dict[str, Any]]:
    return {
        f"{name} with {optimizer}": {"optimizer": optimizer, "policy": {"name": name, **more}}
        for name, more in POLICIES.items()
        for optimizer in ("sgd", "adamw")
    }


@pytest.mark.parametrize("name", [*OPTIMIZERS, *of_policies(), *SETTINGS])
def test_stopped_after_any_step_and_continued_in_a_new_process_is_not_stopped(name: str, outcome: Outcome) -> None:
    assert outcome.stopped[name] == dict.fromkeys(map(str, STEPS), outcome.whole[name])


def test_every_policy_is_among_them() -> None:
    assert {recipe["policy"]["name"] for recipe in of_policies().values()} == set(names("policy"))


def test_every_optimizer_of_torch_is_a_part_or_refused_with_a_reason() -> None:
    there = {
        name.lower() for name, found in vars(torch.optim).items()
        if isinstance(found, type) and issubclass(found, torch.optim.Optimizer) and found is not torch.optim.Optimizer
    }  # fmt: skip
    assert there == {*builtin.OF_TORCH, *builtin.REFUSED} and not set(builtin.OF_TORCH) & set(builtin.REFUSED)


@needs_zoo
def test_every_optimizer_of_the_zoo_is_a_part_or_refused_with_a_reason() -> None:
    import pytorch_optimizer

    there = set(pytorch_optimizer.get_supported_optimizers()) - set(builtin.OF_TORCH)
    assert there == {*zoo.ADMITTED, *zoo.REFUSED} and not set(zoo.ADMITTED) & set(zoo.REFUSED)
    for name in zoo.REFUSED:
        with pytest.raises(UserError, match="unknown optimizer"):
            get("optimizer", name)
