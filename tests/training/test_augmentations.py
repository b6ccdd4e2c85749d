"""An augmentation changes images as it says, and its randomness is in the state of the training."""

import random

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nas.core import parts
from nas.core.errors import UserError
from nas.core.parts import made
from nas.training.augmentations.resized_crop import ResizedCrop
from tests.training.tiny import digest, run, tiny


def numbered(count: int, height: int, width: int) -> torch.Tensor:
    """Return images, no two pixels of one being equal, and none black."""
    pixels = torch.arange(1, 2 * height * width + 1).reshape(1, 2, height, width)
    return pixels.to(torch.uint8).repeat(count, 1, 1, 1)


def test_a_flip_turns_its_share_of_the_images_and_leaves_the_others() -> None:
    torch.manual_seed(0)
    images = numbered(400, 3, 5)
    found = made("augmentation", {"name": "flip", "share": 0.25}).of(images)
    turned = (found == images.flip(3)).flatten(1).all(1)
    assert ((found == images).flatten(1).all(1) ^ turned).all()
    assert 70 < turned.sum() < 130
    assert torch.equal(made("augmentation", {"name": "flip", "share": 1}).of(images), images.flip(3))


@given(st.integers(1, 10**6), st.integers(4, 9), st.integers(4, 9))
def test_a_crop_is_the_image_moved_by_its_own_draw_on_black(seed: int, height: int, width: int) -> None:
    torch.manual_seed(seed)
    images = numbered(20, height, width)
    found = made("augmentation", {"name": "crop-flip", "share": 0.3, "flips": 0}).of(images)
    most = round(0.3 * height), round(0.3 * width)
    moves = set[tuple[int, int]]()
    for image in found:
        row, column = (image[0] > 0).nonzero()[0].tolist()
        down, right = divmod(int(image[0, row, column]) - 1, width)
        moves.add((row - down, column - right))
        expected = torch.zeros(2, 3 * height, 3 * width, dtype=torch.uint8)
        expected[:, height : 2 * height, width : 2 * width] = images[0]
        top, left = height + down - row, width + right - column
        assert torch.equal(image, expected[:, top : top + height, left : left + width])
    assert all(abs(down) <= most[0] and abs(right) <= most[1] for down, right in moves)
    assert len(moves) > 1


@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize("name", ["randaugment", "trivialaugment", "resized-crop"])
def test_images_of_any_kind_stay_so_and_torch_draws_all_that_is_drawn(name: str, channels: int) -> None:
    images, drawn = torch.randint(256, (40, channels, 9, 12), dtype=torch.uint8), random.getstate()
    found = list[torch.Tensor]()
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        found.append(made("augmentation", name).of(images))
    assert found[0].shape == images.shape and found[0].dtype == torch.uint8
    assert torch.equal(found[0], found[1]) and not torch.equal(found[0], found[2])
    assert random.getstate() == drawn and not torch.equal(found[0], images)


def test_channels_that_are_no_colours_are_changed_alike() -> None:
    torch.manual_seed(0)
    images = numbered(30, 8, 9)[:, :1].repeat(1, 2, 1, 1)
    found = made("augmentation", "randaugment").of(images)
    assert torch.equal(found[:, 0], found[:, 1]) and not torch.equal(found, images)


@pytest.mark.parametrize(("given", "told"), [
    ("randaugment:magnitude=31", "magnitude is 31, but must be below the 31 bins"),
    ("randaugment:num_ops=-1", "num ops is -1, but must be at least 0"),
    ("trivialaugment:num_magnitude_bins=1", "num magnitude bins is 1, but must be at least 2"),
    ("resized-crop:area=0", "area is 0, but must be above 0"),
    ("resized-crop:stretch=0.5", "stretch is 0.5, but must be at least 1"),
])  # fmt: skip
def test_what_an_augmentation_cannot_do_is_one_line(given: str, told: str) -> None:
    with pytest.raises(UserError, match=told):
        made("augmentation", given)


def test_a_resized_crop_shows_a_part_of_every_shape_and_size_in_bounds() -> None:
    """Each image is a slope to the right in one channel and downwards in the other, which shows what is seen of it."""
    torch.manual_seed(0)
    slope = (4 * torch.arange(64, dtype=torch.uint8)).expand(64, 64)
    images = torch.stack([slope, slope.T]).repeat(300, 1, 1, 1)
    found = made("augmentation", "resized-crop:flips=0").of(images).float()
    columns = (found[:, 0, 30, 50] - found[:, 0, 30, 10]) / 160
    rows = (found[:, 1, 50, 30] - found[:, 1, 10, 30]) / 160
    assert (columns * rows).min() > 0.07 and (columns * rows).max() > 0.8 and max(columns.max(), rows.max()) <= 1
    assert 0.72 < (columns / rows).min() < 0.85 and 1.2 < (columns / rows).max() < 1.39
    assert (found[:, 0].diff(dim=2) >= 0).all() and (found[:, 1].diff(dim=1) >= 0).all()


def test_a_resized_crop_of_all_is_the_image_and_of_a_long_image_as_much_as_there_is() -> None:
    images = numbered(5, 4, 7)
    assert torch.equal(
        made("augmentation", "resized-crop:area=1,stretch=4,flips=0").of(images[..., :4]), images[..., :4]
    )
    rows, columns = ResizedCrop(area=1.0)._sides(5, 4, 7, images.device)
    assert torch.equal(rows, torch.ones(5)) and columns == pytest.approx(torch.full((5,), 4 * 4 / 3 / 7))


@pytest.mark.parametrize("name", parts.names("augmentation"))
def test_a_training_with_it_that_is_stopped_and_continued_is_the_one_that_was_not(name: str) -> None:
    torch.set_num_threads(1)
    recipe = {"augmentation": name}
    whole = digest(run(tiny(recipe), 6))
    for stop in (1, 2, 4):
        state, continued = run(tiny(recipe), stop).state_dict(), tiny(recipe)
        continued.load_state_dict(state)
        torch.rand(stop)  # what the process draws meanwhile is another matter
        assert digest(run(continued, 6)) == whole
    assert (whole == digest(run(tiny({}), 6))) == (name == "none")


def test_an_augmentation_that_there_is_not_is_told_when_the_training_begins() -> None:
    with pytest.raises(UserError, match="unknown augmentation 'flop': did you mean flip"):
        tiny({"augmentation": "flop"})
