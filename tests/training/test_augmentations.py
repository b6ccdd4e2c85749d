"""An augmentation changes images as it says, and its randomness is in the state of the training."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nas.core import parts
from nas.core.errors import UserError
from nas.core.parts import made
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
