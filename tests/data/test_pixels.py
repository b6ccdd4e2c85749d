"""Does every kind of pixel come out as what a person sees, alike wherever the image is read?"""

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from nas.core.errors import UserError
from nas.data import check_test_part, load
from nas.data.decode import decode, decode_as
from nas.data.remarks import remarks
from nas.runs.description import Description

SIDE = 6
RAMP = np.linspace(0, 1, SIDE * SIDE).reshape(SIDE, SIDE)
BYTES = np.rint(RAMP * 255).astype(np.uint8)
COLOURS = np.stack([BYTES, BYTES[::-1], BYTES.T], 2)


def decoded(path: Path, **options: Any) -> list[list[list[int]]]:
    return decode(path, (SIDE, SIDE), **options).permute(1, 2, 0).tolist()


def grey(values: NDArray[Any]) -> list[list[list[int]]]:
    return np.repeat(np.asarray(values, dtype=np.uint8)[:, :, None], 3, 2).tolist()


def tiff(path: Path, values: NDArray[Any], kind: int) -> Path:
    """Write a TIFF of one channel with samples as `values` are; `kind` 1 is unsigned, 2 signed, 3 float."""
    data = values.astype(values.dtype.newbyteorder("<")).tobytes()
    height, width = values.shape
    tags = {
        256: width, 257: height, 258: 8 * values.itemsize, 259: 1, 262: 1, 273: 8, 277: 1, 278: height, 279: len(data),
        339: kind,
    }  # fmt: skip
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    head = struct.pack("<2sHI", b"II", 42, 8 + len(data)) + data + struct.pack("<H", len(tags))
    path.write_bytes(head + entries + struct.pack("<I", 0))
    return path


def laid_on_white(colour: NDArray[Any], alpha: NDArray[Any]) -> NDArray[Any]:
    share = alpha[:, :, None] / 255
    return np.asarray(colour * share + 255 * (1 - share))


IN_COLOUR = Image.fromarray(COLOURS)
ALPHA = BYTES.T


@pytest.mark.parametrize(
    ("mode", "suffix", "expected"),
    [
        ("1", "png", grey((BYTES > 127) * 255)),
        ("L", "png", grey(BYTES)),
        ("P", "png", np.asarray(IN_COLOUR.quantize(16).convert("RGB")).tolist()),
        ("RGB", "png", COLOURS.tolist()),
        ("CMYK", "tif", COLOURS.tolist()),
        ("YCbCr", "tif", COLOURS.tolist()),
        ("LAB", "tif", COLOURS.tolist()),
        ("HSV", "im", None),
        ("LA", "png", laid_on_white(np.repeat(BYTES[:, :, None], 3, 2), ALPHA).tolist()),
        ("PA", "tif", None),
        ("RGBA", "png", laid_on_white(COLOURS, ALPHA).tolist()),
        ("I;16", "png", grey(BYTES)),
        ("I;16B", "tif", grey(BYTES)),
        ("I;16L", "im", grey(BYTES)),
    ],
)
def test_every_mode_of_pillow_comes_out_by_its_values(tmp_path: Path, mode: str, suffix: str, expected: Any) -> None:
    path = tmp_path / f"image.{suffix}"
    deep = BYTES.astype(np.uint16) * 257
    if mode.startswith("I"):
        order = ">u2" if mode.endswith("B") else "<u2"
        image = Image.frombytes(mode, (SIDE, SIDE), deep.astype(order).tobytes())
    elif mode == "1":
        image = Image.fromarray(BYTES > 127)
    elif mode == "P":
        image = IN_COLOUR.quantize(16)
    elif mode == "LAB":
        from PIL import ImageCms

        profiles = [ImageCms.createProfile(name) for name in ("sRGB", "LAB")]
        image = ImageCms.profileToProfile(IN_COLOUR, *profiles, outputMode="LAB")
        expected = np.asarray(ImageCms.profileToProfile(image, *reversed(profiles), outputMode="RGB")).tolist()
    elif mode in ("LA", "RGBA"):
        image = Image.fromarray(BYTES if mode == "LA" else COLOURS)
        image.putalpha(Image.fromarray(ALPHA))
    elif mode == "PA":
        image = IN_COLOUR.quantize(16).convert("PA")
        image.putalpha(Image.fromarray(ALPHA))
        expected = laid_on_white(np.asarray(IN_COLOUR.quantize(16).convert("RGB")), ALPHA).tolist()
    else:
        image = (IN_COLOUR if mode in ("RGB", "CMYK", "YCbCr") else Image.fromarray(BYTES)).convert(mode)
    if mode == "HSV":  # no format has it: as a photograph it comes as RGB
        path = tmp_path / "image.png"
        image, expected = IN_COLOUR.convert("HSV").convert("RGB"), np.asarray(IN_COLOUR.convert("HSV").convert("RGB"))
    image.save(path)
    found = np.array(decoded(path))
    assert np.abs(found - np.array(expected)).max() <= (3 if mode == "YCbCr" else 1)


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        (np.rint(RAMP * 65535 - 32768).astype(np.int16), 2, BYTES),
        (np.rint(RAMP * 65535).astype(np.uint16), 1, BYTES),
        (np.rint(RAMP * 255 - 128).astype(np.int8), 2, BYTES),
        (np.rint(RAMP * 255).astype(np.uint8), 1, BYTES),
    ],
    ids=["int16", "uint16", "int8", "uint8"],
)
def test_types_with_a_range_are_scaled_by_it(tmp_path: Path, values: Any, kind: int, expected: NDArray[Any]) -> None:
    path = tiff(tmp_path / "image.tif", values, kind)
    assert np.abs(np.array(decoded(path)) - np.array(grey(expected))).max() <= 1


@pytest.mark.parametrize("transparent", [{"mode": "L", "transparency": 0}, {"mode": "I;16", "transparency": 0}])
def test_one_colour_named_transparent_is_white(tmp_path: Path, transparent: dict[str, Any]) -> None:
    values = np.where(BYTES < 128, 0, BYTES)
    deep = transparent["mode"] == "I;16"
    image = Image.fromarray(values.astype(np.uint16) * 257 if deep else values)
    image.save(tmp_path / "image.png", transparency=transparent["transparency"])
    assert decoded(tmp_path / "image.png") == grey(np.where(BYTES < 128, 255, BYTES))


DEEP = {
    "float32 in 0..1": (lambda share: share.astype(np.float32), 3, "float"),
    "float32 below 0": (lambda share: (share * 2000 - 1000).astype(np.float32), 3, "float"),
    "int32": (lambda share: np.rint(share * 80_000 - 40_000).astype(np.int32), 2, "32-bit integer"),
    "uint32": (lambda share: np.rint(share * 3e9).astype(np.uint32), 1, "unsigned 32-bit integer"),
}


def make_deep_folder(root: Path, kind: str) -> Path:
    """Write bright and dark images; together those of train span the range of RAMP, a test image goes beyond it."""
    made, sample, _ = DEEP[kind]
    for part, offset in (("train", 0.0), ("test", 0.25)):
        for name, low in (("dark", 0.0), ("light", 0.5)):
            (root / part / name).mkdir(parents=True)
            for number in range(6):
                tiff(root / part / name / f"{number}.tif", made(RAMP / 2 + low + offset * number / 5), sample)
    return root


@pytest.mark.parametrize("kind", DEEP)
def test_values_without_a_range_have_that_of_the_training_images_in_every_part_and_place(
    tmp_path: Path, kind: str
) -> None:
    folder = str(make_deep_folder(tmp_path, kind))
    train, test = load(folder), load(folder, "test")
    streamed, tested = load(folder, resident_bytes=0), load(folder, "test", resident_bytes=0)
    assert train.pixels is not None and test.pixels is not None
    dark, light = np.rint(RAMP / 2 * 255), np.rint((RAMP / 2 + 0.5) * 255)
    for label, expected in ((0, dark), (1, light)):
        image = train.pixels[train.labels == label][0, 0].numpy()
        assert np.abs(image.astype(int) - expected).max() <= 1
    beyond = test.pixels[-1, 0].numpy()
    assert np.abs(beyond.astype(int) - np.rint(np.clip(RAMP / 2 + 0.75, 0, 1) * 255)).max() <= 1
    for part, there in ((train, streamed), (test, tested)):
        (pixels,) = (batch for batch, _ in there.batches(torch.arange(len(there)), len(there), "cpu"))
        assert part.pixels is not None and torch.equal(pixels, part.pixels)
        assert part.digest == there.digest and part.ranges == train.ranges
    known = Description(("a",), train.shape, True, {}, "", "", "", "", "", 1, 0, {}, train.ranges)
    again = Description.of(known.metadata(), tmp_path)
    assert torch.equal(decode_as(tmp_path / "test/light/5.tif", train.shape, again.ranges), test.pixels[-1])
    (note,) = train.notes
    assert note.startswith(f"12 images of {DEEP[kind][2]} values scaled from ") and note.endswith(" to 0 .. 255")


def test_what_the_values_of_an_image_mean_to_a_network_of_bytes_is_asked(tmp_path: Path) -> None:
    path = tiff(tmp_path / "image.tif", RAMP.astype(np.float32), 3)
    with pytest.raises(UserError, match=r"image\.tif: its pixels are of float values, whose range is not known"):
        decode_as(path, (3, SIDE, SIDE))


@pytest.mark.parametrize(
    ("spoilt", "told"),
    [
        (lambda share: share * np.nan, "36 of its values are no numbers"),
        (lambda share: np.where(share == 0, np.inf, share), "1 of its values are no numbers"),
    ],
)
def test_values_that_are_no_numbers_are_refused(tmp_path: Path, make_folder: Any, spoilt: Any, told: str) -> None:
    folder = make_folder()
    tiff(folder / "train/cat/9.tif", spoilt(RAMP).astype(np.float32), 3)
    with pytest.raises(UserError, match=told):
        load(str(folder))


def test_a_range_of_nothing_is_refused(tmp_path: Path, make_folder: Any) -> None:
    folder = make_folder()
    tiff(folder / "train/cat/9.tif", np.full((SIDE, SIDE), 0.5, np.float32), 3)
    with pytest.raises(UserError, match=r"all pixels of its float images are 0\.5"):
        load(str(folder))


def test_transparency_changes_the_digest_and_opaque_images_do_not(make_folder: Any) -> None:
    folder = make_folder()
    before = load(str(folder))
    image = Image.open(folder / "train/cat/0.png").convert("RGBA")
    image.save(folder / "train/cat/0.png")
    opaque = load(str(folder))
    assert opaque.notes == () and opaque.pixels is not None and before.pixels is not None
    assert torch.equal(opaque.pixels, before.pixels)
    image.putalpha(0)
    image.save(folder / "train/cat/0.png")
    white = load(str(folder))
    assert white.notes == ("1 image with transparency laid on white",)
    assert white.pixels is not None and white.pixels[0].min() == 255
    assert white.digest == load(str(folder), resident_bytes=0).digest


def test_values_of_fits_files_have_a_sign(tmp_path: Path) -> None:
    values = np.rint(RAMP * 65535 - 32768).astype(">i2")
    cards = ("SIMPLE  = T", "BITPIX  = 16", "NAXIS   = 2", f"NAXIS1  = {SIDE}", f"NAXIS2  = {SIDE}", "END")
    head = "".join(card.ljust(80) for card in cards).ljust(2880).encode()
    (tmp_path / "stars.fits").write_bytes((head + values.tobytes()).ljust(5760, b"\0"))
    found = np.array(decoded(tmp_path / "stars.fits"))
    assert np.abs(found - np.array(grey(BYTES[::-1]))).max() <= 1  # a FITS image begins with its lowest row


def test_what_was_sixteen_bits_is_told_and_keeps_its_digest(make_folder: Any) -> None:
    folder = make_folder()
    Image.fromarray((BYTES.astype(np.uint16)) * 257).save(folder / "train/cat/9.png")
    images = load(str(folder))
    told = "1 image of 16-bit values scaled from 0 .. 65535, the range of their type, to 0 .. 255"
    assert images.notes == (told,) and images.ranges == {}


def test_a_test_image_that_the_training_images_say_nothing_of_is_told_before_a_search(make_folder: Any) -> None:
    folder = make_folder()
    tiff(folder / "test/cat/9.tif", RAMP.astype(np.float32), 3)
    with pytest.raises(UserError, match=r"9\.tif: its pixels are of float values, whose range is not known"):
        check_test_part(str(folder), load(str(folder)).ranges)
    tiff(folder / "train/cat/9.tif", RAMP.astype(np.float32), 3)
    assert len(check_test_part(str(folder), load(str(folder)).ranges).contents) == 11


@pytest.mark.parametrize(
    "ranges", ['{"float":[1,1]}', '{"float":[2,1]}', '{"float":[NaN,1]}', '{"float":3}', "[1]", "3"]
)
def test_a_network_with_a_damaged_range_is_refused(tmp_path: Path, ranges: str) -> None:
    known = Description(("a",), (3, SIDE, SIDE), True, {}, "", "", "", "", "", 1, 0, {}).metadata()
    assert Description.of(known, tmp_path).ranges == {}  # as networks of before have it
    with pytest.raises(UserError, match="the description of its network is damaged"):
        Description.of({**known, "ranges": ranges}, tmp_path)


# What Pillow warns of


def test_long_texts_damaged_exif_and_very_large_images_are_read(tmp_path: Path, monkeypatch: Any) -> None:
    from PIL.PngImagePlugin import PngInfo

    text = PngInfo()
    text.add_text("history", "x" * 3_000_000, zip=True)
    image = Image.fromarray(COLOURS)
    image.save(tmp_path / "text.png", pnginfo=text)
    image.save(tmp_path / "exif.jpg", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\x05\x01\x12\0\x03", quality=100)
    Image.new("L", (10_000, 9_500), 200).save(tmp_path / "large.png")
    assert decoded(tmp_path / "text.png") == COLOURS.tolist()
    assert decode(tmp_path / "exif.jpg", (SIDE, SIDE)).shape == (3, SIDE, SIDE)
    assert decode(tmp_path / "large.png", (2, 2)).unique().tolist() == [200]


# What is told of a folder


def test_all_broken_images_are_told_at_once(make_folder: Any) -> None:
    folder = make_folder(count=8)
    broken = sorted((folder / "train").glob("*/[0-3].png"))
    for path in broken:
        path.write_bytes(b"no image")
    broken[1].write_bytes((folder / "train/cat/7.png").read_bytes()[:-60])  # only its pixels are broken
    with pytest.raises(UserError) as told:
        load(str(folder))
    assert str(told.value).startswith("8 images: ") and str(told.value).endswith("; 3 more")
    assert all(str(path) in str(told.value) for path in broken[:5])


def test_a_broken_test_part_is_told_without_its_pixels_being_used(make_folder: Any) -> None:
    folder = make_folder()
    assert len(check_test_part(str(folder)).contents) == len(list((folder / "test").glob("*/*")))
    broken = next((folder / "test").glob("*/*"))
    broken.write_bytes(broken.read_bytes()[:-30])
    with pytest.raises(UserError, match="broken image"):
        check_test_part(str(folder))


def test_a_png_whose_pixels_were_damaged_is_told(tmp_path: Path) -> None:
    """Its checksums say so, where decoding may give other pixels without a word."""
    noise = np.random.RandomState(0).randint(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "image.png", compress_level=0)
    content = bytearray((tmp_path / "image.png").read_bytes())
    content[len(content) // 2] ^= 0xFF
    (tmp_path / "image.png").write_bytes(content)
    with pytest.raises(UserError, match="broken image"):
        decode(tmp_path / "image.png", (64, 64))


@pytest.mark.parametrize(("most", "bits"), [(255, 8), (3000, 12), (4095, 12)])
def test_sixteen_bits_of_which_few_are_used_are_scaled_by_those(make_folder: Any, most: int, bits: int) -> None:
    """Cameras of twelve bits write sixteen: by the range of the type their images were nearly black."""
    folder = make_folder(count=2)
    for path in folder.glob("*/*/*.png"):
        Image.fromarray(np.rint(RAMP * most).astype(np.uint16)).save(path)
    images = load(str(folder), image_size=SIDE)
    assert images.pixels is not None and images.ranges == {"16-bit": (0.0, 2.0**bits - 1)}
    assert np.abs(images.pixels[0, 0].numpy() - RAMP * 255 * most / (2**bits - 1)).max() <= 1
    assert images.notes == (
        f"4 images of 16-bit values scaled from 0 .. {2**bits - 1}, the range of all training images, to 0 .. 255",
    )


def test_sixteen_bits_that_are_used_are_what_they_were(make_folder: Any) -> None:
    folder = make_folder(count=2)
    for number, path in enumerate(folder.glob("*/*/*.png")):
        Image.fromarray(np.rint(RAMP * (60_000 if number else 300)).astype(np.uint16)).save(path)
    images = load(str(folder), image_size=SIDE)
    assert images.ranges == {} and images.pixels is not None
    first = decode(next(iter(sorted((folder / "train/cat").iterdir()))), (SIDE, SIDE))
    assert torch.equal(images.pixels[0], first)


def test_test_images_beyond_the_range_and_images_of_one_colour_are_told(make_folder: Any) -> None:
    folder = make_folder(count=2)
    for path in list(folder.glob("*/*/*.png")):
        path.unlink()
        tiff(path.with_suffix(".tif"), (RAMP * (1000 if "test" in path.parts else 1)).astype(np.float32), 3)
    images = load(str(folder), image_size=SIDE)
    lines = remarks(images, 1, check_test_part(str(folder), images.ranges))
    assert "4 of 4 test images have values beyond those of all training images: they are cut off there" in lines
    for path in list(folder.glob("train/*/*")):
        path.unlink()
        Image.new("RGB", (SIDE, SIDE), "white").save(path.with_suffix(".png"))
    with pytest.raises(UserError, match="all pixels of all training images are alike"):
        load(str(folder))
