"""What other tools are given is the network and the results of the run, to the number."""

import csv
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import onnxruntime
import optuna
import pandas
import pytest
import torch
from ConfigSpace import ConfigurationSpace
from safetensors import safe_open
from torch import Tensor

import nas
from nas.core import ranking
from nas.core.errors import Diverged
from nas.data import load
from nas.deploy import formats, study, trained
from nas.deploy.formats import METADATA
from nas.main import main
from nas.runs import frame, saved
from nas.runs.stored import StoredRun, open_run
from nas.training.inputs import scaled
from tests.cli.commands.conftest import Winner
from tests.cli.commands.test_command_line import refused
from tests.fakes import hill, hills, params

pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")  # as users load TorchScript
Forward = Callable[[Tensor], Tensor]
METADATA_KEYS = {
    "format", "classes", "input", "pixel_range", "preprocessing", "output", "config", "space", "space_digest",
    "space_source", "data", "data_digest", "epochs", "seed", "test", "weights_digest",
}  # fmt: skip


def forward_of(file: Path) -> Forward:
    """Return the network in an exported file, loaded as its users do."""
    if file.suffix == ".onnx":
        session = onnxruntime.InferenceSession(file)
        return lambda images: torch.from_numpy(session.run(["logits"], {"images": images.numpy()})[0])
    if file.suffix == ".torchscript":
        return torch.jit.load(file)  # type: ignore[no-any-return]
    return trained.find(file).network(None)


def metadata_of(file: Path) -> dict[str, str]:
    if file.suffix == ".onnx":
        return {each.key: each.value for each in onnx.load(file).metadata_props}
    if file.suffix == ".torchscript":
        extra = {METADATA: ""}
        torch.jit.load(file, _extra_files=extra)
        return dict(json.loads(extra[METADATA]))
    with safe_open(file, framework="pt") as opened:
        return dict(opened.metadata())


@pytest.fixture(scope="module", params=["onnx", "torchscript", "safetensors"])
def exported(request: pytest.FixtureRequest, winner: Winner, tmp_path_factory: pytest.TempPathFactory) -> Path:
    if request.param == "onnx":
        return winner.onnx
    file = tmp_path_factory.mktemp("exported") / f"any.{request.param}"
    assert main(["export", str(winner.run), "--format", request.param, "--output", str(file)]) == 0
    return file


@torch.inference_mode()
@pytest.mark.parametrize("size", [1, 7, 360])
def test_every_format_computes_what_the_retrained_incumbent_did_on_the_test_part(
    winner: Winner, exported: Path, size: int
) -> None:
    pixels, predictions = load("digits-m", "test", 12).pixels, winner.tested.predictions
    assert pixels is not None and predictions and len(pixels) == 360
    images = scaled(pixels, centred=False).contiguous()  # the space's recipe says 0 .. 1
    forward = forward_of(exported)
    logits = torch.cat([forward(part) for part in images.split(size)])
    assert torch.allclose(logits, predictions.logits, atol=1e-4)


def test_the_kept_network_is_the_one_whose_test_the_search_reports(winner: Winner) -> None:
    reported = json.loads((winner.run / "best.json").read_text())["evidence"]["test"]
    assert trained.find(winner.run).description.test == reported == pytest.approx(winner.tested.metrics)


def test_every_format_says_all_that_one_needs_to_use_it(winner: Winner, exported: Path) -> None:
    told, best = metadata_of(exported), saved.read(winner.run / "best.json")
    assert told.keys() == METADATA_KEYS and all(told.values())
    assert json.loads(told["classes"]) == list("0123456789")
    assert json.loads(told["input"]) == {"channels": 3, "height": 12, "width": 12}
    assert json.loads(told["pixel_range"]) == [0, 1] and "byte / 255;" in told["preprocessing"]
    assert json.loads(told["config"]) == best.config
    assert (told["space"], told["space_digest"], told["data"]) == (best.space, best.space_digest, "digits-m")
    assert told["data_digest"] == load("digits-m", "train", 12).digest
    assert json.loads(told["test"]) == best.evidence["test"]


def test_an_onnx_file_says_its_input_and_nothing_of_the_machine_it_was_made_on(winner: Winner) -> None:
    model = onnx.load(winner.onnx)
    onnx.checker.check_model(model, full_check=True)
    shape = model.graph.input[0].type.tensor_type.shape.dim
    assert [each.dim_param or each.dim_value for each in shape] == ["batch", 3, 12, 12]
    assert b"site-packages" not in winner.onnx.read_bytes() and b"nas/export" not in winner.onnx.read_bytes()


class Moody(torch.nn.Flatten):
    """Computes something else in batches of seven, which no trace of two images shows."""

    def forward(self, images: Tensor) -> Tensor:
        return super().forward(images) * (2 if len(images) == 7 else 1)


def test_what_would_not_compute_the_same_is_not_exported() -> None:
    with pytest.raises(nas.UserError, match="as TorchScript this network computes something else"):
        formats.torchscript(Moody(), (1, 2, 2), {})
    assert formats.torchscript(torch.nn.Flatten(), (1, 2, 2), {})[1] == 0


def test_an_export_replaces_the_former_and_says_where_and_how_exact_it_is(
    winner: Winner, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "a.safetensors").write_bytes((winner.run / "best.safetensors").read_bytes())
    (tmp_path / "a.torchscript").write_text("former")
    assert main(["export", str(tmp_path / "a.safetensors"), "--format", "torchscript"]) == 0
    out = capfd.readouterr().out
    assert "differ from torch's by at most" in out and f"saved as {tmp_path / 'a.torchscript'}" in out
    assert (tmp_path / "a.torchscript").read_bytes()[:2] == b"PK"
    assert main(["export", str(winner.run), "--format", "safetensors"]) == 0
    assert "is that file" in capfd.readouterr().out
    assert main(["export", str(winner.run), "--format", "safetensors", "--output", str(tmp_path / "b")]) == 0
    assert (tmp_path / "b").read_bytes() == (winner.run / "best.safetensors").read_bytes()
    assert not list(tmp_path.glob("*.tmp"))


def opened(run: Path, file: Path) -> optuna.Study:
    assert main(["export", str(run), "--format", "optuna", "--output", str(file)]) == 0
    storage = f"sqlite:///{file}"
    (name,) = optuna.study.get_all_study_names(storage)
    assert name == run.name
    return optuna.load_study(study_name=name, storage=storage)


def test_optuna_opens_the_run_with_every_trial_rung_and_bound(winner: Winner, tmp_path: Path) -> None:
    found, run = opened(winner.run, tmp_path / "optuna.db"), open_run(winner.run)
    assert found.direction == optuna.study.StudyDirection.MAXIMIZE and found.metric_names == ["accuracy"]
    check(found, run)
    assert {trial.state.name for trial in found.trials} == {"COMPLETE", "PRUNED"}
    best = ranking.incumbent(run.results)
    assert best and found.best_trial.value == best.metrics["accuracy"] and best.feasible
    assert found.user_attrs["incumbent"] == (run.best and run.best.job.trial.id)
    again = [trial for trial in found.trials if "trained_again" in trial.user_attrs]
    assert len(again) == len({result.job.trial.repeats for result in run.repetitions}) > 0


def check(found: optuna.Study, run: StoredRun) -> None:
    """Compare every trial with the results it came from."""
    rungs: dict[str, list[Any]] = {}
    for result in run.results:
        rungs.setdefault(result.job.trial.id, []).append(result)
    assert [trial.user_attrs["trial"] for trial in found.trials] == list(rungs)
    space = {each["name"] for each in run.spec.space["hyperparameters"]}
    assert len({frozenset(trial.params) for trial in found.trials}) > 1  # conditions are at work
    for trial in found.trials:
        results = rungs[trial.user_attrs["trial"]]
        last, told = results[-1], trial.user_attrs
        assert trial.params == last.config and set(trial.distributions) == set(last.config) <= space
        complete = "COMPLETE" if last.epochs == run.spec.max_epochs else "PRUNED"
        assert trial.state.name == (complete if last.status == "OK" else "FAIL")
        objective = run.spec.objective
        assert trial.intermediate_values == {r.epochs: r.metrics[objective] for r in results if r.status == "OK"}
        assert all(told[f"metric.{name}"] == value for name, value in last.metrics.items())
        assert (told["status"], told["operator"]) == (last.status, last.job.trial.operator)
        assert tuple(told["parents"]) == last.job.trial.parents and told["feasible"] == last.feasible
        bounds = trial.system_attrs.get("constraints", [])
        assert len(bounds) == (len(run.spec.constraints) if last.status == "OK" else 0)
        assert last.status != "OK" or all(bound <= 0 for bound in bounds) == last.feasible
        assert sum(bounds) == pytest.approx(-last.score.feasibility if last.status == "OK" else 0)


def diverging(config: dict[str, Any], *, epochs: int, start: int, seed: int, checkpoint: Path) -> dict[str, Any]:
    if config["rate"] > 0.05 and start:
        raise Diverged("too fast")
    return {**hill(config, epochs), "loss": -hill(config, epochs)["accuracy"]}


def test_a_failed_trial_is_a_failure_and_what_is_minimised_is_minimised(tmp_path: Path) -> None:
    """Of a run of the library, too: with conditions, choices, infeasible trials."""
    run = nas.search(
        hills(), diverging, run_dir=tmp_path / "lib", objective="loss", maximize=False, max_trials=40, max_epochs=9,
        min_epochs=1, eta=3, offspring=4, measure=lambda config: {"params": params(config)},
        constraints=["params<=900", "precision>=0.001"],
    )  # fmt: skip
    found = opened(tmp_path / "lib", tmp_path / "lib/optuna.db")
    check(found, open_run(tmp_path / "lib"))
    assert {trial.state.name for trial in found.trials} == {"COMPLETE", "PRUNED", "FAIL"}
    assert run.best and found.best_value == run.best.metrics["loss"]
    assert not all(trial.user_attrs["feasible"] for trial in found.trials)


def test_every_kind_of_hyperparameter_has_its_distribution() -> None:
    kinds: dict[str, dict[str, Any]] = {
        "IntDistribution(high=9, log=True, low=2, step=1)": {
            "type": "uniform_int", "lower": 2, "upper": 9, "log": True,
        },
        "FloatDistribution(high=1.0, log=False, low=0.0, step=None)": {
            "type": "normal_float", "lower": 0.0, "upper": 1.0, "log": False,
        },
        "CategoricalDistribution(choices=(True, 'x'))": {"type": "categorical", "choices": [True, "x"]},
        "CategoricalDistribution(choices=(3, 5))": {"type": "ordinal", "sequence": [3, 5]},
        "CategoricalDistribution(choices=(7,))": {"type": "constant", "value": 7},
    }  # fmt: skip
    assert [str(study._distribution(kind)) for kind in kinds.values()] == list(kinds)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_table_read_back_is_the_history(winner: Winner, tmp_path: Path, kind: str) -> None:
    file = tmp_path / f"table.{kind}"
    assert main(["export", str(winner.run), "--format", kind, "--output", str(file)]) == 0
    table = pandas.read_csv(file) if kind == "csv" else pandas.read_parquet(file)
    lines = (winner.run / "history.jsonl").read_text().splitlines()
    clocks = {result.job.key: (result.seconds, result.elapsed) for result in open_run(winner.run).history}
    assert len(table) == len(lines)
    for row, line in zip(table.to_dict("records"), map(json.loads, lines), strict=True):
        there = {name: value for name, value in row.items() if not pandas.isna(value)}
        trial = line["job"]["trial"]
        assert {n.removeprefix("config."): v for n, v in there.items() if n.startswith("config.")} == trial["config"]
        assert {n.removeprefix("metric."): v for n, v in there.items() if n.startswith("metric.")} == line["metrics"]
        assert (there["trial"], there["epochs"], there["status"]) == (trial["id"], line["job"]["stop"], line["status"])
        assert there.get("parents", "").split() == trial["parents"] and there["operator"] == trial["operator"]
        assert there.get("repeats", "") == (trial["parents"][0] if trial["operator"] == "repeat" else "")
        assert there["feasible"] == (there["violation"] == 0) == (line["metrics"]["precision"] >= 0.3)
        assert (there["seconds"], there["elapsed"]) == clocks[trial["id"], line["job"]["stop"]]


def test_no_text_of_a_csv_is_a_formula_and_numbers_stay_numbers(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    texts = ["=HYPERLINK(1)", "+x", "-x", "@SUM(1)", "\t=1", "\r=1", " =1", "plain", "-1.5"]
    choices = [*texts, -2]

    def train(config: dict[str, Any], **job: Any) -> dict[str, float]:
        if config["odd"] in texts[:2]:
            raise ValueError("=cmd|' /C calc'!A0")
        return {"accuracy": -config["low"]}

    space = ConfigurationSpace({"odd": choices, "low": (0.5, 1.0), "whole": [-3, 4]})
    nas.search(space, train, max_trials=60, max_epochs=1, min_epochs=1, strategy="random", run_dir=tmp_path / "run")
    assert main(["export", str(tmp_path / "run"), "--format", "csv"]) == 0
    with (tmp_path / "run/history.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    told = {row["config.odd"] for row in rows}
    assert told == {f"'{text}".replace("\r", "\n") for text in texts[:7]} | {"plain", "-1.5", "-2"}
    assert all(float(row["metric.accuracy"]) == -float(row["config.low"]) for row in rows if row["status"] == "OK")
    assert {row["config.whole"] for row in rows} == {"-3", "4"}
    assert {row["error"][:11] for row in rows if row["status"] == "CRASHED"} == {"ValueError:"}


def test_results_in_memory_are_the_same_table_as_the_run_on_disk(tmp_path: Path) -> None:
    run = nas.search(hills(), diverging, run_dir=tmp_path, max_trials=20, max_epochs=9, eta=3)
    table = frame.frame_of(run.trials, run.spec)
    pandas.testing.assert_frame_equal(table, frame.frame(open_run(tmp_path)))
    assert len(table) == len(run.trials) and table["metric.accuracy"].dtype == "float64"
    assert frame.frame_of([], run.spec).empty


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("{run}", "--format", "pickle"), "unknown format 'pickle': choose one of"),
        (("{run}",), "--format"),
        (("no/such/run", "--format", "onnx"), "no/such/run does not exist"),
        (("no/such/run", "--format", "csv"), "give its folder, not no/such/run"),
        (("{tmp}", "--format", "onnx"), "best.json cannot be read"),
        (("{tmp}", "--format", "optuna"), "spec.json cannot be read"),
        (("{run}/best.safetensors", "--format", "csv"), "give its folder"),
        (("{run}/best.json", "--format", "onnx"), "best.json is no whole safetensors file"),
        (("{run}/best.onnx", "--format", "torchscript"), "best.onnx is no whole safetensors file"),
        (("{run}", "--format", "onnx", "--output", "{tmp}"), "is a folder"),
        (("{run}", "--format", "csv", "--output", "{tmp}/none/x.csv"), "does not exist"),
        (("{run}", "--format", "onnx", "--output", "{run}/best.safetensors"), "is what it would be made of"),
        (("{run}", "--format", "onnx", "--space", "cnn"), "has no hyperparameter"),
        (("{run}", "--format", "onnx", "--space", "{tmp}/gone.py"), "does not exist"),
    ],
)
def test_what_cannot_be_exported_is_told_in_one_line(
    winner: Winner, tmp_path: Path, words: tuple[str, ...], told: str, capfd: pytest.CaptureFixture[str]
) -> None:
    before = {path.name for path in winner.run.iterdir()}
    assert told in refused(capfd, "export", *(word.format(run=winner.run, tmp=tmp_path) for word in words))
    assert {path.name for path in winner.run.iterdir()} == before


@pytest.mark.parametrize(
    ("kind", "missing"), [("onnx", "onnx"), ("onnx", "onnxruntime"), ("optuna", "optuna"), ("parquet", "pyarrow")]
)
def test_a_missing_package_is_told_with_the_command_that_installs_it(
    winner: Winner, kind: str, missing: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    line = refused(capfd, "export", winner.run, "--format", kind)
    assert f"needs {missing}: pip install 'constrained-nas[export]'" in line


def test_a_space_that_builds_other_networks_by_now_is_told(
    winner: Winner, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    space = (winner.run.parent / "small.py").read_text()
    (tmp_path / "other.py").write_text(space.replace("64", "63"))
    words = ("export", str(winner.run), "--format", "torchscript", "--output", str(tmp_path / "x"))
    assert main([*words, "--space", str(tmp_path / "other.py")]) == 2
    err = capfd.readouterr().err.splitlines()
    assert "has changed since" in err[0] and "builds no such network" in err[1] and len(err) == 2
    (tmp_path / "other.py").write_text(space.replace("(4, 16)", "(4, 17)"))
    assert "another version of space" in refused(capfd, *words, "--space", tmp_path / "other.py")
