"""A recipe says which optimizer and policy, with their parameters; what makes no sense is told before training."""

from dataclasses import fields, replace
from typing import Any

import pytest
from ConfigSpace import Categorical, ConfigurationSpace, EqualsCondition, Float

from nas.core import parts
from nas.core.errors import UserError
from nas.core.parameters import check_of
from nas.runs.saved import versions
from nas.spaces.space import Space, load
from nas.training.recipe import DEFAULTS, Recipe, check, extras, overruled, prescribed, settings
from nas.training.resuming import check as tried
from nas.training.resuming import difference
from tests.training.tiny import build, tiny


def recipe(**fixed: Any) -> Recipe:
    return Recipe.of({}, {}, fixed)


def test_optimizer_and_policy_are_names_or_mappings() -> None:
    found = recipe(optimizer={"name": "sgd", "nesterov": True}, policy={"name": "cosine", "warmup": 0.1})
    assert found.optimizer.described() == {"name": "sgd", "dampening": 0, "nesterov": True}
    assert found.policy.described() == {"name": "cosine", "warmup": 0.1, "final": 0.0}
    assert recipe(schedule="constant") == recipe(policy="constant") != recipe()
    assert recipe(schedule="linear", optimizer="adamw") == recipe()
    dotted = recipe(optimizer="sgd", **{"optimizer.nesterov": True, "policy.warmup": 0.1}, policy="cosine")
    assert dotted == recipe(optimizer={"name": "sgd", "nesterov": True}, policy={"name": "cosine", "warmup": 0.1})


def test_a_parameter_of_a_part_can_be_searched() -> None:
    trainer = {"optimizer": "which", "optimizer.nesterov": "nesterov", "policy.warmup": "warmup", "momentum": "mass"}
    found = Recipe.of({"which": "sgd", "nesterov": True, "warmup": 0.2, "mass": 0.5}, trainer, {"policy": "cosine"})
    assert found == recipe(
        optimizer={"name": "sgd", "nesterov": True}, policy={"name": "cosine", "warmup": 0.2}, momentum=0.5
    )
    assert Recipe.of({"which": "adam", "warmup": 0.2}, trainer, {"policy": "cosine"}).optimizer.name == "adam"


def test_a_setting_may_be_a_function_of_the_configuration() -> None:
    trainer = {
        "learning_rate": "rate",
        "policy": lambda config: {"name": "cosine", "final": config["low"] / config["rate"]},
        "momentum": lambda config: config.get("mass"),
    }
    found = Recipe.of({"rate": 0.2, "low": 0.1}, trainer, {"optimizer": "sgd", "momentum": 0.5})
    assert found == recipe(learning_rate=0.2, policy="cosine:final=0.5", optimizer="sgd", momentum=0.5)
    wrong = {"policy": lambda config: {"name": "cosine", "final": 2 * config["rate"]}}
    space = Space("own", ConfigurationSpace({"rate": (0.1, 1.0)}), build, {"rate": 1.0}, wrong)
    with pytest.raises(UserError, match="the policy cosine: final is 2, but must be at most 1"):
        check(space)


def test_a_gene_may_name_parameters() -> None:
    choices = ["constant", "cosine:warmup=0.1,final=0.01"]
    space = Space("own", ConfigurationSpace(), build, {"how": choices[0]}, {"policy": "how"})
    space.space.add(Categorical("how", choices), Categorical("with", ["sgd:nesterov=true", "adamw"]))
    check(space)
    found = Recipe.of({"how": choices[1], "with": "sgd:nesterov=true"}, {"policy": "how", "optimizer": "with"}, {})
    assert found == recipe(
        policy={"name": "cosine", "warmup": 0.1, "final": 0.01}, optimizer={"name": "sgd", "nesterov": True}
    )


def test_a_gene_with_a_parameter_that_there_is_not_is_told_before_anything_is_trained() -> None:
    space = Space("own", ConfigurationSpace(), build, {"how": "constant"}, {"policy": "how"})
    space.space.add(Categorical("how", ["constant", "cosine:wormup=0.1"]))
    with pytest.raises(UserError, match="the policy cosine has no parameter 'wormup'"):
        check(space)


@pytest.mark.parametrize(
    ("fixed", "told"),
    [
        ({"learning_rat": 1}, "the trainer has no setting 'learning_rat': it has augmentation, batch_size, "),
        ({"optimizer.nesterov.x": 1}, "has no parameter 'nesterov.x'"),
        ({"momentum.x": 1}, "the trainer has no setting 'momentum.x'"),
        ({"policy": "linear", "schedule": "linear"}, "the trainer's policy is given twice"),
        ({"batch_size?": 8}, "the trainer has no setting 'batch_size?'"),
        ({"momentum": 0.5, "momentum?": 0.5}, "the trainer's momentum is given twice: leave momentum? out"),
        ({"optimizer": "adamm"}, "unknown optimizer 'adamm': did you mean adam?"),
        ({"policy": "cosine:0.1"}, "'cosine:0.1': write NAME:parameter=value,parameter=value"),
        ({"policy": "cosin"}, "unknown policy 'cosin': did you mean cosine?"),
        ({"optimizer": {"name": "sgd", "nestrov": True}}, "the optimizer sgd has no parameter 'nestrov'"),
        ({"optimizer": {"name": "sgd", "nesterov": 1}}, "the optimizer sgd: nesterov is 1, but must be True or False"),
        ({"optimizer": {"name": "sgd", "momentum": 0.5}}, "has no parameter 'momentum'"),
        ({"policy": {"name": "cosine", "warmup": 1.5}}, "the policy cosine: warmup is 1.5, but must be below 1"),
        ({"policy": {"name": "cyclic", "shape": "round"}}, "unknown shape 'round'"),
        ({"learning_rate": 0}, "the learning rate is 0, but must be above 0"),
        ({"learning_rate": "fast"}, "learning rate is 'fast', but must be a number"),
        ({"learning_rate": None}, "learning rate is None, but must be a number"),
        ({"batch_size": 0}, "batch size is 0, but must be at least 1"),
        ({"label_smoothing": 2}, "the label smoothing is 2, but must lie between 0 and 1"),
        ({"gradient_clipping": -1}, "the gradient clipping is -1, but must be above 0"),
        ({"mixup": 0}, "the mixup is 0, but must be above 0"),
        ({"ema": 1}, "the ema is 1, but must be below 1"),
        ({"micro_batch": 0}, "micro batch is 0, but must be at least 1"),
        ({"centred": "yes"}, "centred is 'yes', but must be True or False"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_told_in_one_line(fixed: dict[str, Any], told: str) -> None:
    with pytest.raises(UserError) as error:
        Recipe.of({"x": 1}, {}, fixed)
    assert told in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("fixed", "told"),
    [
        ({"optimizer": {"name": "adamw", "betas": [0.8, 0.9]}, "momentum": 0.5}, "no momentum but its betas, which"),
        ({"optimizer": "adagrad", "momentum": 0.9}, "the optimizer adagrad has no momentum"),
        ({"optimizer": "rprop", "weight_decay": 0.1}, "the optimizer rprop has no weight decay"),
        ({"optimizer": {"name": "adam", "betas": (2.0, 0.9)}}, "the optimizer adam: Invalid beta parameter at index 0"),
        ({"optimizer": {"name": "sgd", "nesterov": True}, "momentum": 0.0}, "sgd: Nesterov momentum requires"),
    ],
)  # fmt: skip
def test_what_an_optimizer_does_not_take_is_told_before_it_trains(fixed: dict[str, Any], told: str) -> None:
    with pytest.raises(UserError, match=told):
        tiny(fixed)


def test_momentum_is_what_was_given_else_the_optimizers_own_and_of_sgd_as_ever() -> None:
    def momentum(**fixed: Any) -> object:
        return tiny({"policy": "constant", **fixed}).optimizer.param_groups[0].get("momentum")

    assert momentum(optimizer="sgd") == momentum(optimizer="rmsprop", momentum=0.9) == 0.9
    assert (momentum(optimizer="rmsprop"), momentum(optimizer="sgd", momentum=0.3)) == (0, 0.3)
    assert momentum(optimizer="adamw", momentum=0.9) is None  # as every file of before says it


def test_settings_are_those_that_files_have_always_held() -> None:
    expected = {
        "optimizer": "adamw", "weight_decay": None, "momentum": 0.9, "label_smoothing": 0.0, "schedule": "linear",
        "centred": True, "bfloat16": False,
    }  # fmt: skip
    assert settings(load("cnn")) == expected
    space = space_of({"policy": "cosine", "optimizer": {"name": "rmsprop"}, "gradient_clipping": 1.0})
    assert settings(space) == {
        **DEFAULTS, "optimizer": {"name": "rmsprop"}, "schedule": "cosine", "gradient_clipping": 1.0, "momentum": None,
    }  # fmt: skip
    again = Recipe.of({}, {}, settings(space))
    assert again == Recipe.of({}, {}, space.recipe)


def test_the_momentum_of_an_optimizer_that_has_none_is_the_first_of_its_betas() -> None:
    def betas(**fixed: Any) -> object:
        return tiny({"policy": "constant", **fixed}).optimizer.param_groups[0]["betas"]

    assert betas(optimizer="adamw", momentum=0.3) == betas(optimizer="nadam", momentum=0.3) == (0.3, 0.999)
    assert betas(optimizer={"name": "adam", "betas": [0.8, 0.9]}, momentum=0.9) == (0.8, 0.9)  # as files of before say
    assert betas(optimizer={"name": "adam", "betas": [0.8, 0.9]}, **{"momentum?": 0.3}) == (0.8, 0.9)


def test_a_setting_with_a_question_mark_is_for_optimizers_that_take_it() -> None:
    def found(optimizer: str) -> tuple[float | None, float | None]:
        given = recipe(optimizer=optimizer, **{"weight_decay?": 0.01, "momentum?": 0.3})
        return given.weight_decay, given.momentum

    assert found("sgd") == found("adamw") == (0.01, 0.3)
    assert (found("adagrad"), found("lbfgs")) == ((0.01, None), (None, None))
    searched = Recipe.of({"mass": 0.7}, {"momentum?": "mass"}, {"optimizer": "sgd", "momentum?": 0.3})
    assert searched == recipe(optimizer="sgd", momentum=0.7)


@pytest.mark.parametrize("trainer", [{}, {"optimizer": "which"}, {"momentum?": "rate"}, {"momentum": "rate"}], ids=str)
@pytest.mark.parametrize("optimizer", ["sgd", "adamw", "rprop"])
def test_a_saved_recipe_gives_the_same_training_whatever_the_optimizer_takes(
    trainer: dict[str, str], optimizer: str
) -> None:
    fixed = {"optimizer": optimizer, "weight_decay?": 0.01} | ({} if "rate" in trainer.values() else {"momentum?": 0.3})
    if "momentum" in trainer and optimizer == "rprop":
        fixed["optimizer"] = "rmsprop"
    space = space_of(fixed, trainer)
    again = replace(space, recipe=settings(space))
    for which in ("sgd", "rprop"):
        values = {**space.default, "which": which}
        assert Recipe.of(values, trainer, again.recipe) == Recipe.of(values, trainer, space.recipe)
    assert settings(again) == settings(space)
    assert not {name.removesuffix("?") for name in settings(space) if name.endswith("?")} & settings(space).keys()


def test_a_flag_stands_in_place_of_a_setting_with_a_question_mark() -> None:
    space = space_of({"optimizer": "sgd", "momentum?": 0.3, "weight_decay?": 0.1})
    assert overruled(space, {"momentum": 0.5}).recipe == {"optimizer": "sgd", "momentum": 0.5, "weight_decay?": 0.1}
    assert overruled(space, {"optimizer": "rprop"}).recipe == {**space.recipe, "optimizer": "rprop"}
    searching = replace(space, trainer={"momentum?": "rate"})
    with pytest.raises(UserError, match="searches the momentum: leave --momentum out"):
        overruled(searching, {"momentum": 0.5})
    assert prescribed(searching, {"momentum?": 0.5}).recipe["momentum?"] == 0.5
    assert prescribed(searching, {"momentum?": 0.5}).trainer == {}


def space_of(fixed: dict[str, Any], trainer: dict[str, str] | None = None) -> Space:
    space = ConfigurationSpace()
    which, nesterov = Categorical("which", ["sgd", "rprop"], default="sgd"), Categorical("nesterov", [True, False])
    space.add(which, nesterov, Float("rate", (0.1, 1.0)))
    space.add(EqualsCondition(nesterov, which, "sgd"))
    return Space("of a test", space, build, {"which": "sgd", "nesterov": True, "rate": 0.5}, trainer or {}, fixed)


def test_every_optimizer_that_a_space_searches_is_looked_up_before_anything_trains() -> None:
    space = space_of({}, {"optimizer": "which", "optimizer.nesterov": "nesterov", "learning_rate": "rate"})
    check(space)
    assert "momentum" in settings(space) and "learning_rate" not in settings(space)
    searched = Categorical("which", ["sgd", "rprob"], default="sgd")
    other = ConfigurationSpace()
    other.add(searched)
    with pytest.raises(UserError, match="unknown optimizer 'rprob': did you mean rprop"):
        check(replace(space, space=other, trainer={"optimizer": "which"}))


def test_the_trial_of_an_optimizer_finds_what_its_state_does_not_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    class Forgetful(torch.optim.SGD):
        """Its rate rises with a count that it keeps to itself."""

        taken = 0

        def step(self, closure: Any = None) -> None:
            self.taken += 1
            self.param_groups[0]["lr"] = 0.1 * self.taken
            super().step(closure)

    found = recipe(optimizer="sgd")
    assert difference(found, 2, 5) == ""
    monkeypatch.setattr(type(found.optimizer), "constructor", Forgetful)
    assert difference(found, 2, 5) == "stopped and continued it trains on otherwise"
    monkeypatch.setattr("nas.training.resuming._tried", set())
    with pytest.raises(
        UserError, match="the optimizer sgd cannot be used: stopped and continued it trains on otherwise"
    ):
        tried(found)


def test_every_parameter_of_every_part_has_its_line_of_help() -> None:
    for kind in parts.PACKAGES:
        for name, cls in parts.of_kind(kind).items():
            for each in fields(cls):
                assert check_of(each).help or each.name == "function", (kind, name, each.name)


def test_a_run_names_the_package_of_an_optimizer_that_is_not_torchs() -> None:
    space = load("cnn")
    assert extras(space) == ()
    assert extras(replace(space, recipe={**space.recipe, "optimizer": "adamp"})) == ("pytorch-optimizer",)
    assert versions(("pytest",)).keys() - versions().keys() == {"pytest"}
