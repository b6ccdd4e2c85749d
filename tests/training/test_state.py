"""What a training is comes back from its file the very same, or it is refused: no part of it is lost in silence."""

import json
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nas.core.errors import UserError
from nas.training import state
from nas.training.encoding import decoded, encoded
from tests.training.tiny import tiny

SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=4))
DTYPES = (
    torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int8, torch.uint8, torch.int64, torch.bool,
    torch.complex64, torch.complex128,
)  # fmt: skip


@st.composite
def tensors(draw: st.DrawFn) -> torch.Tensor:
    """Tensors of any kind, shape and layout: transposed, channels last, parts and repetitions of others."""
    shape = draw(st.lists(st.integers(0, 3), max_size=4))
    value = torch.randint(0, 2, shape, generator=torch.Generator().manual_seed(0)).to(draw(st.sampled_from(DTYPES)))
    layouts: list[Callable[[torch.Tensor], torch.Tensor]] = [lambda value: value, lambda value: value.conj()]
    if value.ndim == 4:
        layouts += [lambda value: value.to(memory_format=torch.channels_last)]
    if value.ndim > 1:
        layouts += [lambda value: value.transpose(0, 1), lambda value: value[None].expand(2, *shape)]
    return draw(st.sampled_from(layouts))(value)


STATES = st.recursive(
    st.one_of(SCALARS, tensors()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(st.one_of(st.integers(), st.text(max_size=3), st.none()), inner, max_size=3),
    ),
    max_leaves=8,
)


@given(STATES)
def test_whatever_can_be_kept_comes_back_the_same(value: Any) -> None:
    content, found = encoded(value, "it")
    assert same(decoded(json.loads(json.dumps(content)), found), value)


@given(STATES)
def test_it_does_so_through_a_file(tmp_path_factory: pytest.TempPathFactory, value: Any) -> None:
    path = tmp_path_factory.mktemp("state") / "state"
    state.save(path, {"it": value}, "owner")
    found = state.load(path, "owner")
    assert found is not None and same(found["it"], value)


def same(one: Any, other: Any) -> bool:
    """Return whether two values are the same in kind, bits and layout."""
    if type(one) is not type(other):
        return False
    if isinstance(other, torch.Tensor):
        layout = not other.numel() or one.stride() == torch.empty_like(other).stride()
        return layout and (one.dtype, one.shape) == (other.dtype, other.shape) and torch.equal(one, other)
    if isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(other, dict):
        return list(one) == list(other) and all(map(same, one.values(), other.values()))
    return str(one) == str(other)  # of floats, too: they are told exactly, and -0.0 is not 0.0


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (lambda: None, "function"),
        (deque([1]), "deque"),
        ({1, 2}, "set"),
        (object(), "object"),
        (np.ones(2), "ndarray"),
        (torch.ones(2).to_sparse(), "Tensor"),
        (torch.ones(2, device="meta"), "Tensor"),
        (torch.Generator(), "Generator"),
    ],
)
def test_what_cannot_be_kept_is_refused_and_its_place_is_told(value: object, kind: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=rf"^state/optimizer/state/0/x is a {kind}, which cannot be kept"):
        state.save(tmp_path / "state", {"optimizer": {"state": {0: {"x": value}}}}, "owner")
    assert not list(tmp_path.iterdir())


def test_what_torch_makes_of_dicts_and_sizes_becomes_plain() -> None:
    content, found = encoded([OrderedDict(a=1), defaultdict(list, b=2), torch.Size([3]), torch.float16], "it")
    assert decoded(json.loads(json.dumps(content)), found) == [{"a": 1}, {"b": 2}, (3,), torch.float16]


@pytest.mark.parametrize("spoil", ["cut", "flipped", "other owner", "other file", "missing"])
def test_a_file_that_is_not_what_was_written_is_no_state(tmp_path: Path, spoil: str) -> None:
    path = tmp_path / "state"
    state.save(path, {"a": torch.ones(50), "b": [1.5, "text"]}, "owner")
    assert state.load(path, "owner") is not None
    content = bytearray(path.read_bytes())
    content[-100] ^= 1
    if spoil == "missing":
        path.unlink()
    else:
        path.write_bytes(
            {"cut": content[:-10], "flipped": content, "other file": b"text"}.get(spoil, path.read_bytes())
        )
    assert state.load(path, "another" if spoil == "other owner" else "owner") is None


def test_tied_weights_and_views_of_one_tensor_are_kept(tmp_path: Path) -> None:
    first, other = tied(0), tied(1)
    state.save(tmp_path / "state", {"model": first.state_dict()}, "owner")
    found = state.load(tmp_path / "state", "owner")
    assert found is not None
    other.load_state_dict(found["model"])
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), other.parameters(), strict=True))
    assert other[0].weight is other[1].weight
    assert torch.equal(first.halves[1], other.halves[1])


def tied(seed: int) -> torch.nn.Sequential:
    """Return two layers that share their weights, with a buffer in two parts."""
    torch.manual_seed(seed)
    model = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.Linear(3, 3))
    model[1].weight = model[0].weight
    halves = torch.rand(2, 4)
    for i, half in enumerate(halves):
        model.register_buffer(f"half{i}", half)
    model.halves = halves
    return model


def test_a_tensor_from_a_file_lies_in_memory_as_one_of_torch_does(tmp_path: Path) -> None:
    """Where it begins decides in which order a vector is added up, so in which way a sum is rounded."""
    tensors = {str(i): torch.ones(i) for i in range(1, 40)}
    state.save(tmp_path / "state", tensors, "owner")
    found = state.load(tmp_path / "state", "owner")
    assert found is not None and all(value.data_ptr() % 64 == 0 for value in found.values())


def test_a_network_whose_state_cannot_be_kept_is_refused_before_it_trains() -> None:
    class Strange(torch.nn.Flatten):
        def get_extra_state(self) -> object:
            return object()

    def strange(config: dict[str, Any], shape: tuple[int, int, int], classes: int) -> torch.nn.Module:
        return torch.nn.Sequential(Strange(), torch.nn.Linear(32, classes))

    with pytest.raises(UserError, match=r"^the state of the training/model/0\._extra_state is a object, which cannot"):
        tiny({}, strange)
