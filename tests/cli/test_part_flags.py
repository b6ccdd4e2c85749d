"""Flags derive from the parts, and what they ask for comes back from the words and from the JSON of it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nas
from nas import UserError
from nas.cli.arguments import arguments
from nas.cli.asked import Asked
from nas.core import parts
from nas.core.constraints import Constraint
from nas.runs.stored import open_run
from tests.cli.commands.test_command_line import ROOT, refused
from tests.fakes import hills, look_up

PART = '''
"""Every trial trains twice as long as the one before it."""

from dataclasses import dataclass

from nas.core.parameters import parameter
from nas.core.parts import part
from nas.strategies.scheduling import Scheduler


@part("scheduler", "doubling")
@dataclass(frozen=True)
class Doubling(Scheduler):
    """Each trial trains twice as long as the one before."""

    patience: int = parameter(3, "trials before it doubles", least=1)

    async def run(self, lab, breeder):
        epochs = 1
        for number in range(4):
            (trial,) = await breeder.breed(1, f"g{number}.b0")
            await lab.train(trial, epochs)
            epochs = min(2 * epochs, self.max_epochs)
'''
USE = """
import json, sys
import nas.strategies.schedulers as schedulers
schedulers.__path__.append(sys.argv[1])
import nas
from nas.cli.flags import parsers
from tests.fakes import hills, look_up
found = nas.search(hills(), look_up, scheduler="doubling", patience=2, max_epochs=8, max_trials=9, run_dir=sys.argv[2])
spec = json.load(open(sys.argv[2] + "/spec.json"))
try:
    nas.search(hills(), look_up, scheduler={"name": "doubling", "patience": 0}, max_trials=1)
except nas.UserError as error:
    told = str(error)
print(json.dumps([[r.epochs for r in found.trials], spec["scheduler"], told, parsers()["search"].format_help()]))
"""


def test_a_new_part_is_one_file(tmp_path: Path) -> None:
    """Its flag, its help, the library's argument, spec.json and the error come of that file alone."""
    (tmp_path / "own").mkdir()
    (tmp_path / "own/doubling.py").write_text(PART)
    command = [sys.executable, "-c", USE, str(tmp_path / "own"), str(tmp_path / "run")]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    epochs, scheduler, told, help_text = json.loads(ended.stdout)
    assert epochs == [1, 2, 4, 8]
    assert len(scheduler.pop("digest")) == 16  # of a file that is none of ours
    assert scheduler == {"name": "doubling", "max_epochs": 8, "patience": 2}
    run = open_run(tmp_path / "run")  # where nobody knows of it
    assert (run.spec.scheduler.name, run.spec.max_epochs) == ("doubling", 8)
    with pytest.raises(UserError, match="the scheduler doubling is not known here: import what defines it"):
        run.spec.scheduler.run(None, None)
    assert told == "the scheduler doubling: patience is 0, but must be at least 1"
    assert "--patience N" in help_text and "trials before it doubles [doubling]" in help_text


def test_a_part_in_a_file_is_given_by_its_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registered = {kind: dict(known) for kind, known in parts._registered.items()}  # other tests shall not know of it
    monkeypatch.setattr(parts, "_registered", registered)
    (tmp_path / "doubling.py").write_text(PART)
    given = {"name": f"{tmp_path}/doubling.py:Doubling", "patience": 5}
    found = nas.search(hills(), look_up, scheduler=given, max_epochs=2, max_trials=9, run_dir=tmp_path / "run")
    assert [result.epochs for result in found.trials] == [1, 2, 2, 2]
    assert found.spec.scheduler.described()["patience"] == 5
    with pytest.raises(
        UserError, match=r'doubling.py has no class Halving that @part\("scheduler", ...\) stands above'
    ):
        nas.search(hills(), look_up, scheduler=f"{tmp_path}/doubling.py:Halving", max_trials=1)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--population", "0"], "argument --population: population is 0, but must be at least 1"),
        (["--population", "2.5"], "argument --population: '2.5' is not a whole number"),
        (["--mutation-rate", "1.5"], "argument --mutation-rate: mutation rate is 1.5, but must be at most 1"),
        (["--model", "forests"], "argument --model: unknown model 'forests': did you mean forest?"),
        (["--scheduler", "asa"], "argument --scheduler: unknown scheduler 'asa': did you mean asha?"),
        (
            ["--strategy", "evolution:mu=3"],
            "the strategy evolution has no parameter 'mu': it has ",
        ),
        (["--strategy", "evolution:population"], "write NAME:parameter=value,parameter=value"),
        (["--strategy", "mine.py:search"], "mine.py does not exist"),
    ],
)
def test_a_bad_part_or_parameter_is_told_in_a_line(
    words: list[str], told: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert told in refused(capfd, *words)


def test_parameters_go_to_the_parts_that_have_them() -> None:
    asked = arguments(
        ["--strategy", "evolution:population=7", "--scheduler", "asha", "--lanes", "2", "--eta", "4"]
    ).asked
    assert asked.parameters == {"lanes": 2, "eta": 4}
    assert asked.strategy["population"] == 7
    assert arguments(["--budget", "asha"]).asked.scheduler == "asha"  # as it was called before


PARAMETERS: dict[str, st.SearchStrategy[Any]] = {
    "population": st.integers(1, 99), "offspring": st.integers(1, 99), "mutation_rate": st.floats(0, 1),
    "max_epochs": st.integers(1, 99), "min_epochs": st.integers(1, 9), "eta": st.integers(2, 9),
    "lanes": st.integers(1, 9), "model": st.sampled_from(["forest", "none", {"name": "forest", "trees": 50}]),
}  # fmt: skip


@settings(max_examples=50, deadline=None)
@given(
    st.fixed_dictionaries({}, optional=PARAMETERS),
    st.sampled_from(["evolution", "random", "default"]), st.sampled_from(["halving", "full", "asha", "hyperband"]),
    st.integers(0, 10**6), st.none() | st.integers(1, 10**6), st.booleans(), st.floats(0, 1),
)  # fmt: skip
def test_what_is_asked_comes_back_from_its_words_and_from_its_json(
    parameters: dict[str, Any], strategy: str, scheduler: str, seed: int, trials: int | None, flag: bool, bound: float
) -> None:
    asked = Asked(
        strategy=strategy, scheduler=scheduler, parameters=parameters, seed=seed, max_trials=trials, deterministic=flag,
        constraints=(Constraint("precision", ">=", bound), Constraint("params", "<=", 1e6)), wandb_project="nas",
    )  # fmt: skip
    assert Asked.of_kept(json.loads(json.dumps(asked.kept())), Path("command.json")) == asked
    read = arguments(["search", *asked.words()]).asked
    model = parameters.get("model")
    if isinstance(model, dict):
        assert read.parameters["model"]["trees"] == model["trees"]
        read = Asked(**{**vars(read), "parameters": {**read.parameters, "model": model}})
    assert read == asked
