"""Do image files of every kind become the right pixels, and broken ones a clear message?"""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

from nas.core.errors import UserError
from nas.data.decode import decode, decode_as, resize
from nas.data.picture import suffixes
from nas.data.sizes import alike

RAMP = np.arange(0, 240, dtype=np.uint8).reshape(8, 10, 3)


def saved(image: Image.Image, path: Path, **options: object) -> Path:
    image.save(path, **options)
    return path


@pytest.mark.parametrize("suffix", ["png", "bmp", "ppm", "tif", "webp"])
def test_lossless_formats_come_out_exactly(tmp_path: Path, suffix: str) -> None:
    options = {"lossless": True} if suffix == "webp" else {}
    path = saved(Image.fromarray(RAMP), tmp_path / f"ramp.{suffix}", **options)
    assert torch.equal(decode(path, (8, 10)), torch.from_numpy(RAMP).permute(2, 0, 1))


def test_grey_palette_and_transparent_images_become_rgb(tmp_path: Path) -> None:
    colours = Image.fromarray(RAMP)
    grey = decode(saved(colours.convert("L"), tmp_path / "grey.png"), (8, 10))
    assert torch.equal(grey[0], grey[2])
    gif = saved(colours.quantize(8), tmp_path / "palette.gif", transparency=0)
    transparent = saved(colours.convert("RGBA"), tmp_path / "transparent.png")
    assert decode(gif, (8, 10)).shape == (3, 8, 10)
    assert torch.equal(decode(transparent, (8, 10)), torch.from_numpy(RAMP).permute(2, 0, 1))


def test_an_image_for_a_grey_data_set_becomes_grey(tmp_path: Path) -> None:
    grey = Image.fromarray(RAMP).convert("L")
    pixels = decode_as(saved(grey, tmp_path / "grey.png"), (1, 8, 10))
    assert torch.equal(pixels, torch.from_numpy(np.array(grey)).unsqueeze(0))
    colours = saved(Image.fromarray(RAMP), tmp_path / "colours.png")
    assert torch.equal(decode_as(colours, (1, 8, 10)), pixels)
    assert torch.equal(decode_as(colours, (3, 4, 5)), decode(colours, (4, 5)))


@pytest.mark.filterwarnings("error")
def test_a_palette_with_transparent_colours_makes_no_noise(tmp_path: Path) -> None:
    image = Image.fromarray(RAMP).quantize(8)
    path = saved(image, tmp_path / "palette.png", transparency=bytes(range(8)))
    assert decode(path, (8, 10)).shape == (3, 8, 10)


def test_sixteen_bit_images_keep_their_high_bits(tmp_path: Path) -> None:
    values = np.arange(0, 65536, 1024, dtype=np.uint16).reshape(8, 8)
    path = saved(Image.fromarray(values), tmp_path / "deep.png")
    assert torch.equal(decode(path, (8, 8))[0], torch.from_numpy((values // 256).astype(np.uint8)))


def test_photographs_are_turned_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # lying on its side
    path = saved(Image.fromarray(RAMP), tmp_path / "lying.png", exif=exif)
    assert alike([path]) == (10, 8)
    upright = torch.from_numpy(np.rot90(RAMP, -1).copy()).permute(2, 0, 1)
    assert torch.equal(decode(path, (10, 8)), upright)


def test_other_sizes_are_resized_and_cropped_at_the_centre(tmp_path: Path) -> None:
    path = saved(Image.fromarray(RAMP), tmp_path / "ramp.png")
    expected = ImageOps.fit(Image.fromarray(RAMP), (4, 4), Image.Resampling.BILINEAR)
    assert torch.equal(decode(path, (4, 4)), torch.from_numpy(np.array(expected)).permute(2, 0, 1))


def test_images_in_memory_are_resized_as_files_are(tmp_path: Path) -> None:
    path = saved(Image.fromarray(RAMP), tmp_path / "ramp.png")
    pixels = torch.from_numpy(RAMP).permute(2, 0, 1).unsqueeze(0)
    assert torch.equal(resize(pixels, 5)[0], decode(path, (5, 5)))
    assert torch.equal(resize(pixels[:, :1], 5)[0, 0], decode(path, (5, 5))[0])
    assert resize(pixels, None) is pixels


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([(20, 30), (20, 30)], (30, 20)),  # as they are, height first
        ([(64, 64)], (64, 64)),
        ([(65, 20), (65, 20)], None),  # too large
        ([(20, 30), (30, 20)], None),  # several
    ],
)
def test_the_size_that_images_have_in_common(
    tmp_path: Path, sizes: list[tuple[int, int]], expected: tuple[int, int] | None
) -> None:
    files = [saved(Image.new("RGB", size), tmp_path / f"{n}.png") for n, size in enumerate(sizes)]
    assert alike(files) == expected


def test_sizes_are_read_from_headers_alone(tmp_path: Path) -> None:
    noise = np.random.RandomState(0).randint(0, 256, (40, 40, 3), dtype=np.uint8)
    path = saved(Image.fromarray(noise), tmp_path / "cut.jpg")
    path.write_bytes(path.read_bytes()[:-500])
    assert alike([path]) == (40, 40)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no known image format"),
        (b"not an image at all", "no known image format"),
    ],
)
def test_what_is_no_image_is_named(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "odd.jpg"
    path.write_bytes(content)
    for look in (lambda: decode(path, (8, 8)), lambda: alike([path])):
        with pytest.raises(UserError) as error:
            look()
        assert str(error.value) == f"{path}: broken image ({reason}): replace or remove it"


@pytest.mark.parametrize("suffix", ["png", "jpg", "gif", "webp", "bmp", "tif"])
@pytest.mark.parametrize("kept", [0.95, 0.5, 0.1])
def test_truncated_files_are_named_whatever_the_format(tmp_path: Path, suffix: str, kept: float) -> None:
    noise = np.random.RandomState(0).randint(0, 256, (40, 40, 3), dtype=np.uint8)
    path = saved(Image.fromarray(noise), tmp_path / f"cut.{suffix}")
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(UserError, match="broken image") as error:
        decode(path, (40, 40))
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_went_away_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"gone\.png: cannot be read \(No such file or directory\)"):
        decode(tmp_path / "gone.png", (8, 8))


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif"])
def test_every_orientation_makes_the_image_that_people_see(tmp_path: Path, suffix: str) -> None:
    smooth = np.repeat(RAMP[:, :, :1], 3, 2)
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        path = saved(Image.fromarray(smooth), tmp_path / f"{orientation}.{suffix}", exif=exif, quality=100)
        upright = np.array(ImageOps.exif_transpose(Image.open(path)).convert("RGB"))
        assert alike([path]) == upright.shape[:2]
        assert torch.equal(decode(path, upright.shape[:2]), torch.from_numpy(upright).permute(2, 0, 1))


def test_what_is_whole_of_a_damaged_exif_still_turns_the_image(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010E], exif[0x0112] = "x" * 300, 6
    path = saved(Image.fromarray(RAMP), tmp_path / "cut.png", exif=exif.tobytes()[:-290])
    assert alike([path]) == (10, 8)
    assert torch.equal(decode(path, (10, 8)), torch.from_numpy(np.rot90(RAMP, -1).copy()).permute(2, 0, 1))


def test_every_ending_of_an_image_that_pillow_opens_is_known() -> None:
    assert {".jpg", ".jfif", ".mpo", ".png", ".webp", ".tif", ".tga", ".jp2", ".pgm"} <= suffixes()
    assert not {".txt", ".pdf", ".eps", ".mpg", ".h5", ".npy", ""} & suffixes()


def test_a_link_to_nothing_is_a_file_that_is_missed(tmp_path: Path) -> None:
    (tmp_path / "a.png").symlink_to(tmp_path / "gone")
    for look in (lambda: decode(tmp_path / "a.png", (8, 8)), lambda: alike([tmp_path / "a.png"])):
        with pytest.raises(UserError, match=r"a\.png: cannot be read \(No such file or directory\): put the file back"):
            look()
