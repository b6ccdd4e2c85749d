"""A known network is trained as any space is: adapted to the images, from scratch or from weights of a file."""

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from nas.core.errors import UserError
from nas.main import main
from nas.spaces import models
from nas.spaces.models import building, pretrained, torchvision_models
from nas.spaces.models.adapted import Adapted
from nas.spaces.name import canonical, parse, untrained
from nas.spaces.space import load
from nas.training import cost
from nas.training.recipe import extras

RESNET20 = "examples/resnet20.py"
TINY = """
from torch import nn

OTHER = 3

def tiny(num_classes):
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, num_classes))

def shaped(input_shape, num_classes):
    return nn.Sequential(nn.Flatten(), nn.Linear(input_shape[0] * input_shape[1] * input_shape[2], num_classes))

def wide(num_classes, width):
    pass

def strict(num_classes):
    raise KeyError("no")

def nothing(num_classes):
    pass

def features(num_classes):
    return nn.Conv2d(3, num_classes, 3)
"""


@pytest.fixture
def tiny(tmp_path: Path) -> str:
    file = tmp_path / "net.py"
    file.write_text(TINY)
    return f"{file}:tiny"


def built(name: str, shape: tuple[int, int, int] = (3, 16, 16), classes: int = 10, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return load(name).build({}, shape, classes)


def on_meta(name: str, shape: tuple[int, int, int], classes: int = 10) -> nn.Module:
    return cost.on_meta(load(name).build, {}, shape, classes)


def weights_of(network: nn.Module, path: Path, **others: Tensor) -> Path:
    state = {name.removeprefix("network."): value for name, value in network.state_dict().items()}
    save_file({**state, **others}, path)
    return path


def refused(name: str) -> str:
    with pytest.raises(UserError) as error:
        load(name)
    assert "\n" not in str(error.value)
    return str(error.value)


# names


def test_all_models_have_one_space_and_what_is_given_is_fixed() -> None:
    found, other = load("resnet18"), load(f"model/{RESNET20}:blocks=1")
    assert found.digest == other.digest and found.source != other.source
    assert found.default == {"learning_rate": 0.001, "weight_decay": 0.001, "momentum": 0.9}
    assert set(found.trainer) == {"learning_rate", "weight_decay?", "momentum?"}
    assert found.recipe == {"policy": "constant"}
    fixed = load("resnet18:learning_rate=0.5,weight_decay=0,momentum=0.25")
    assert fixed.recipe == {"policy": "constant", "learning_rate": 0.5, "weight_decay?": 0, "momentum?": 0.25}
    assert not len(fixed.space) and not fixed.trainer and fixed.config({}, "here").values == {}
    assert fixed.source == found.source != load("resnet34").source


def test_what_a_user_gives_has_one_name(tiny: str) -> None:
    path = Path(RESNET20).absolute()
    assert models.named("resnet18") == "resnet18"
    assert (
        models.named(f"{RESNET20}:blocks=1") == models.named(f"model/{RESNET20}:blocks=1") == f"model/{path}:blocks=1"
    )
    assert models.named(RESNET20, momentum=0.5) == f"model/{path}:momentum=0.5"
    assert models.named("cnn:n_conv_layers=1") == "model/cnn:n_conv_layers=1"
    assert models.named(tiny) == tiny
    assert models.named("resnet18", momentum=0.5, learning_rate=1e-3) == "resnet18:learning_rate=0.001,momentum=0.5"
    assert models.native_size("inception_v3") == 299 and models.native_size(tiny) is None


@pytest.mark.parametrize("name", [
    "resnet18", "timm/resnet18.a1_in1k", "/a,b/c.py:f:pretrained=/x,y.safetensors", "model//a/net.py:how=cosine,n=3",
    "model/cnn", "/own.py", 'm:text="3",x=1e-05',
])  # fmt: skip
def test_a_canonical_name_stays_as_it_is(name: str) -> None:
    assert canonical(name) == name


def test_paths_of_a_name_are_right_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert canonical("net.py:f:pretrained=w.safetensors") == f"{tmp_path}/net.py:f:pretrained={tmp_path}/w.safetensors"
    assert canonical("resnet18:pretrained=download") == "resnet18:pretrained=download"
    assert canonical("model/own.py") == f"model/{tmp_path}/own.py"
    (tmp_path / "model").mkdir()
    (tmp_path / "model/own.py").touch()  # a space of before there were models
    assert canonical("model/own.py") == f"{tmp_path}/model/own.py"


@pytest.mark.parametrize(("name", "told"), [
    ("resnte18", "unknown space 'resnte18': did you mean resnet18 or"),
    ("timm/resnte18", "did you mean timm/resnet18 or"),
    ("timm/resnet18.nonsense", "unknown space"),
    ("qqqq", "choose one of cnn, hyperrec"),
    ("fasterrcnn_resnet50_fpn", "models for detection"),
    ("fcn_resnet50", "models for segmentation"),
    ("quantized_resnet18", "models for quantization"),
    ("r3d_18", "models for video"),
    ("raft_small", "models for optical flow"),
    ("cnn:n_conv_layers=1", "write model/cnn:n_conv_layers=1"),
    (f"{RESNET20}:blocks=1", f"write model/{RESNET20}:blocks=1"),
    ("resnet18:depth=3", "no parameter 'depth': it has pretrained, learning_rate, weight_decay, momentum"),
    ("resnet18:momentum", "write NAME:parameter=value"),
    ("resnet18:momentum=1,momentum=2", "momentum is given twice"),
    ("resnet18:momentum=1", "momentum is 1, but must be at least 0 and below 1"),
    ("resnet18:learning_rate=0", "learning rate is 0, but must be above 0"),
    ("resnet18:weight_decay=much", "weight decay is 'much', but must be a number"),
    ("model/none", "unknown space 'none'"),
    (f"model/{RESNET20}:blcks=1", "no hyperparameter blcks, did you mean blocks?"),
    (f"model/{RESNET20}:blocks=100", "blocks is 100, but"),
    (f"model/{RESNET20}:rate=0.1", "rate is the learning rate of its training"),
    ("model/cnn:n_conv_layers=1,n_channels_conv_2=50", "n_channels_conv_2 is inactive with n_conv_layers 1"),
    ("gone.py:tiny", "gone.py does not exist"),
])  # fmt: skip
def test_what_there_is_not_is_told_in_one_line(name: str, told: str) -> None:
    assert told in refused(name)


@pytest.mark.parametrize(("function", "told"), [
    ("tiyn", "unknown function 'tiyn': did you mean tiny?"), ("OTHER", "unknown function 'OTHER'"),
    ("wide", "must take num_classes, may take input_shape, and needs no more: missing a required argument: 'width'"),
])  # fmt: skip
def test_a_function_that_makes_no_network_is_told(tiny: str, function: str, told: str) -> None:
    assert told in refused(tiny.replace(":tiny", f":{function}"))


@pytest.mark.parametrize(("function", "told"), [
    ("nothing", "returned NoneType, but must return a torch.nn.Module"),
    ("strict", "cannot be built for images of 3x16x16, or run: KeyError: 'no'"),
    ("features", "makes (2, 10, 14, 14) of 2 images, but must make logits (2, 10)"),
])  # fmt: skip
def test_a_function_that_makes_another_network_is_told(tiny: str, function: str, told: str) -> None:
    with pytest.raises(UserError, match=re.escape(told)):
        built(tiny.replace(":tiny", f":{function}"))


def test_the_command_line_knows_models(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["spaces"]) == 0
    assert "--space resnet18" in capsys.readouterr().out
    assert main(["--space", "resnte18", "--quiet"]) == 2
    assert "did you mean resnet18" in capsys.readouterr().err


def test_the_version_of_timm_belongs_to_a_run_with_its_networks() -> None:
    assert extras(load("timm/resnet10t")) == ("timm",) and not extras(load("resnet18"))


# networks


def test_torchvision_builds_networks_without_memory() -> None:
    for name in torchvision_models.names()[::6]:
        model = torchvision_models.of(name)
        assert model and model.size and model.channels == 3
        network = building._on_meta(model, (3, model.size, model.size), 10)
        assert all(weight.is_meta for weight in network.state_dict().values()), name


@pytest.mark.parametrize("name", [
    "alexnet", "inception_v3", "regnet_y_400mf", "vit_b_32", "timm/mobilenetv3_small_050",
])  # fmt: skip
def test_images_of_any_size_and_colour_become_ten_classes(name: str) -> None:
    before = torch.random.get_rng_state()
    for shape in ((1, 8, 8), (3, 64, 64)):
        network = on_meta(name, shape)
        with torch.device("meta"):
            assert network.eval()(torch.empty(2, *shape)).shape == (2, 10)
        assert cost.parameters(network) and cost.macs(network, shape)
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.parametrize(("name", "shape"), [
    ("squeezenet1_1", (3, 32, 32)), ("googlenet", (3, 32, 32)), ("timm/resnet10t", (2, 16, 16)),
])  # fmt: skip
def test_networks_train_a_step(name: str, shape: tuple[int, int, int]) -> None:
    network, same = built(name, shape), built(name, shape)
    for one, other in zip(network.state_dict().values(), same.state_dict().values(), strict=True):
        assert torch.equal(one, other)  # by the seed alone
    network.train()(torch.rand(2, *shape)).sum().backward()
    assert all(weight.grad is not None for weight in network.parameters())


def test_weights_are_drawn_as_torchvision_draws_them() -> None:
    torch.manual_seed(3)
    theirs = torchvision_models._models().resnet18(num_classes=10)
    ours = built("resnet18", (1, 32, 32), seed=3)
    assert isinstance(ours, Adapted)
    assert all(torch.equal(one, ours.network.state_dict()[name]) for name, one in theirs.state_dict().items())


def test_pixels_are_normalised_as_the_weights_were_made() -> None:
    adapted = Adapted(nn.Identity(), (1, 2, 2), 3, ((0.5, 0.4, 0.3), (0.2, 0.5, 1.0)), None)
    made = adapted(torch.full((1, 1, 2, 2), 0.2))  # 0.6 of pixels in 0..1
    assert torch.allclose(made[0, :, 0, 0], torch.tensor([0.5, 0.4, 0.3]))
    assert not list(adapted.state_dict())


def test_a_network_that_takes_the_images_is_left_as_it_is(tiny: str) -> None:
    assert isinstance(built(tiny, (1, 16, 16)), Adapted) and not isinstance(built(tiny), Adapted)
    shaped = built(tiny.replace(":tiny", ":shaped"), (1, 5, 5))
    assert not isinstance(shaped, Adapted) and shaped(torch.rand(2, 1, 5, 5)).shape == (2, 10)


def test_a_space_as_a_model_is_its_default_network_but_for_what_is_given() -> None:
    space = load(RESNET20)
    assert cost.parameters(built(f"model/{RESNET20}:blocks=1")) == cost.parameters(
        space.build({**space.default, "blocks": 1}, (3, 16, 16), 10)
    )
    deep = on_meta("model/cnn:n_fc_layers=3", (3, 16, 16))  # whose third layer has its own default
    assert [layer.out_features for layer in deep.modules() if isinstance(layer, nn.Linear)] == [27, 17, 256, 10]


# pretrained


def test_weights_of_a_file_are_those_that_a_network_begins_with(tiny: str, tmp_path: Path) -> None:
    before = built(tiny, seed=1)
    file = weights_of(before, tmp_path / "w.safetensors")
    name = models.named(tiny, str(file))
    after = built(name, seed=2)
    assert all(torch.equal(one, after.state_dict()[key]) for key, one in before.state_dict().items())
    assert load(name).source != load(tiny).source and load(untrained(name)).source == load(tiny).source
    grey = built(name, (1, 16, 16), seed=2)
    save_file(grey.state_dict(), file)  # as a trained network is kept here: the same tensors by longer names
    again = built(name, (1, 16, 16), seed=3)
    assert all(torch.equal(one, again.state_dict()[key]) for key, one in grey.state_dict().items())


def test_a_head_of_another_size_is_drawn_anew_and_told_once(
    tiny: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = built(tiny, classes=7)
    name = f"{tiny}:pretrained={weights_of(before, tmp_path / 'w.safetensors')}"
    on_meta(name, (3, 16, 16))
    after = built(name)
    assert capsys.readouterr().err.count("is of 7 classes: that of 10 classes is drawn anew\n") == 1
    assert torch.equal(before.state_dict()["0.weight"], after.state_dict()["0.weight"])
    assert after(torch.rand(2, 3, 16, 16)).shape == (2, 10)


def test_auxiliary_outputs_of_a_file_are_left_out(tmp_path: Path) -> None:
    extra = {"aux1.conv.conv.weight": torch.zeros(1)}
    before = built("googlenet", (3, 32, 32), seed=1)
    file = weights_of(before, tmp_path / "w.safetensors", **extra)
    after = built(f"googlenet:pretrained={file}", (3, 32, 32), seed=2)
    assert all(torch.equal(one, after.state_dict()[key]) for key, one in before.state_dict().items())


def test_tensors_that_do_not_fit_are_one_line_with_and_without_memory(tiny: str, tmp_path: Path) -> None:
    file = tmp_path / "w.safetensors"
    save_file({"0.weight": torch.zeros(4, 1, 3, 3), "new": torch.zeros(1), "3.bias": torch.zeros(10)}, file)
    told = re.escape(
        "1 missing (0.bias); 1 not of it (new); 1 of another shape (0.weight is [4, 1, 3, 3], not [4, 3, 3, 3])"
    )
    for build in (built, on_meta):
        with pytest.raises(UserError, match=told):
            build(f"{tiny}:pretrained={file}", (3, 16, 16))


def test_files_that_are_not_weights_are_told(tiny: str, tmp_path: Path) -> None:
    pickle, cut = tmp_path / "w.pth", tmp_path / "cut.safetensors"
    pickle.touch()
    whole = weights_of(built(tiny), tmp_path / "w.safetensors").read_bytes()
    cut.write_bytes(whole[:-8])
    assert "may hold code, and is not read: convert it by python -c" in refused(f"{tiny}:pretrained={pickle}")
    assert "is no whole safetensors file" in refused(f"{tiny}:pretrained={cut}")
    assert "do not exist" in refused(f"{tiny}:pretrained={tmp_path}/none.safetensors")
    assert "has no weights to download" in refused(f"{tiny}:pretrained=download")
    assert "must be a .safetensors file" in refused(f"{tiny}:pretrained=3")


def test_weights_are_downloaded_only_to_be_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = list[str]()

    def fetch(url: str, **how: Any) -> dict[str, Tensor]:
        asked.append(url)
        raise OSError("no network")

    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", fetch)
    name = "squeezenet1_1:pretrained=download"
    on_meta(name, (3, 32, 32))
    assert not asked
    with pytest.raises(UserError, match=r"the weights of squeezenet1_1 cannot be downloaded .*no network.*FILE"):
        built(name, (3, 32, 32))
    assert len(asked) == 1


def test_nothing_of_a_file_is_read_without_memory(tiny: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"{tiny}:pretrained={weights_of(built(tiny), tmp_path / 'w.safetensors')}"
    monkeypatch.setattr(pretrained, "_read", None)
    assert cost.parameters(on_meta(name, (3, 16, 16))) == cost.parameters(built(tiny))


def test_a_canonical_name_is_parsed_as_it_was(tiny: str) -> None:
    assert str(parse(f"{tiny}:momentum=0.5, learning_rate=1e-3")) == f"{tiny}:learning_rate=0.001,momentum=0.5"
