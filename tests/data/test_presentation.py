"""What a network sees of a picture: what lies behind transparency, what is black and white, its shape."""

import json

import numpy as np
import PIL.Image
import PIL.ImageOps
import pytest

from convcli.data import Presentation, Wanted, open_source
from convcli.data.pixels import fit_images, read_images
from convcli.errors import InputError
from convcli.images import Image

RNG = np.random.default_rng(0)
BLACK = Presentation(background=(0, 0, 0))


def inked(size=(12, 10)):
    """Black ink on nothing: all colours are black, and only alpha tells the ink."""
    alpha = RNG.integers(0, 256, size, np.uint8)
    alpha[:3] = 0
    picture = PIL.Image.fromarray(np.zeros((*size, 4), np.uint8))
    picture.putalpha(PIL.Image.fromarray(alpha))
    return picture


def palette(alpha):
    picture = PIL.Image.fromarray((np.asarray(alpha) > 128).astype(np.uint8), "P")
    picture.putpalette([255, 0, 0, 0, 0, 0])
    picture.info["transparency"] = 0
    return picture


def on(picture, colour):
    """Return what Pillow makes of a picture laid on a colour."""
    ground = PIL.Image.new("RGBA", picture.size, (*colour, 255))
    return np.asarray(PIL.Image.alpha_composite(ground, picture.convert("RGBA")).convert("RGB"))


SEE_THROUGH = {
    "RGBA png": lambda path: inked().save(path.with_suffix(".png")),
    "LA png": lambda path: inked().convert("LA").save(path.with_suffix(".png")),
    "palette png": lambda path: palette(inked().getchannel("A")).save(
        path.with_suffix(".png"), transparency=0
    ),
    "webp": lambda path: inked().save(path.with_suffix(".webp"), lossless=True, exact=True),
    "gif": lambda path: palette(inked().getchannel("A")).save(path.with_suffix(".gif"), transparency=0),
    "tiff": lambda path: inked().save(path.with_suffix(".tif")),
    "RGB png with a colour key": lambda path: PIL.Image.fromarray(
        np.repeat(RNG.integers(0, 2, (9, 9, 1), np.uint8) * 90, 3, 2)
    ).save(path.with_suffix(".png"), transparency=(0, 0, 0)),
}


@pytest.mark.parametrize("save", SEE_THROUGH.values(), ids=SEE_THROUGH)
@pytest.mark.parametrize("colour", [(255, 255, 255), (0, 0, 0), (200, 30, 90)])
@pytest.mark.parametrize("channels", [1, 3])
def test_transparency_is_laid_on_the_background(tmp_path, save, colour, channels):
    save(tmp_path / "a")
    (path,) = tmp_path.iterdir()
    pixels, notes = Presentation(background=colour).read(path, channels)
    with PIL.Image.open(path) as picture:
        expected = on(picture, colour)
    if channels == 1:
        expected = np.asarray(PIL.Image.fromarray(expected).convert("L"))[..., None]
    np.testing.assert_allclose(pixels.astype(int), expected, atol=1)
    assert pixels.std() > 0 or colour == (0, 0, 0)
    assert any("is transparent, and was laid on" in note for note in notes)


def test_opaque_alpha_changes_nothing_and_is_not_spoken_of(tmp_path):
    pixels = RNG.integers(0, 256, (5, 6, 4), np.uint8)
    pixels[..., 3] = 255
    PIL.Image.fromarray(pixels).save(tmp_path / "a.png")
    read, notes = BLACK.read(tmp_path / "a.png")
    np.testing.assert_array_equal(read, pixels[..., :3])
    assert notes == ()


def test_deep_alpha_is_weighed_by_its_own_full_scale():
    pixels, half = np.full((2, 2), 65535, np.uint16), np.full((2, 2), 32768, np.uint16)
    assert BLACK.shown(Image(pixels, half)).ravel().tolist() == [128] * 4
    floats = Image(np.ones((2, 2), np.float32), np.full((2, 2), 0.25, np.float32))
    assert BLACK.shown(floats).ravel().tolist() == [64] * 4


def test_the_count_of_transparent_images_is_said_once(tmp_path):
    for number in range(5):
        picture = inked()
        (picture if number < 3 else picture.convert("RGB")).save(tmp_path / f"{number}.png")
    found = read_images(sorted(tmp_path.iterdir()), Wanted())
    assert found.notes == ("3 of 5 images are transparent: laid on white (data.background)",)
    assert len({image.tobytes() for image in found.images[:3]}) == 3


@pytest.mark.parametrize(("stored", "asked"), [(4, 3), (4, 1), (2, 1), (2, 3)])
def test_arrays_with_alpha_are_laid_on_the_background_where_fewer_channels_are_asked_for(stored, asked):
    images = RNG.integers(0, 256, (3, 4, 5, stored), np.uint8)
    found = fit_images(images, Wanted(channels=asked), "mine")
    expected = np.stack(
        [on(PIL.Image.fromarray(image, {2: "LA", 4: "RGBA"}[stored]), (255,) * 3) for image in images]
    )
    if asked == 1:
        expected = np.stack(
            [np.asarray(PIL.Image.fromarray(image).convert("L"))[..., None] for image in expected]
        )
    np.testing.assert_allclose(found.images.astype(int), expected, atol=1)
    assert "3 of 3 images are transparent: laid on white (data.background)" in found.notes
    (note,) = fit_images(images, Wanted(), "mine").notes
    assert note.startswith(f"mine: {stored} channels, all of which are learned from")


# --- black and white


def write_deep(folder, *arrays):
    for number, array in enumerate(arrays):
        PIL.Image.fromarray(array).save(folder / f"{number}.tif")
    return sorted(folder.iterdir())


@pytest.mark.parametrize(
    ("highest", "limits", "words"),
    [
        ([127, 90], (0, 127), "hold 0 … 127: read as 0 … 127 (7 bits)"),
        ([255, 9], (0, 255), "(8 bits)"),
        ([1000, 1023], (0, 1023), "(10 bits)"),
        ([4000, 17], (0, 4095), "2 images of more than 8 bits hold 0 … 4000: read as 0 … 4095 (12 bits)"),
        ([65535, 3], (0, 65535), None),
        ([40000, 3], (0, 65535), None),
    ],
)
def test_sixteen_bits_are_read_by_what_the_whole_source_holds(tmp_path, highest, limits, words):
    arrays = [np.linspace(0, top, 63).round().astype(np.uint16).reshape(7, 9) for top in highest]
    paths = write_deep(tmp_path, *arrays)
    found = read_images(paths, Wanted())
    assert found.presentation.range == limits
    for image, array in zip(found.images, arrays, strict=True):
        np.testing.assert_array_equal(image[..., 0], np.floor(array * (255 / limits[1]) + 0.5))
    assert [note for note in found.notes if words and words in note] == list(found.notes)
    for path, image in zip(paths, found.images, strict=True):  # as predict reads one alone
        np.testing.assert_array_equal(found.presentation.read(path)[0], image)


def test_values_far_from_zero_are_black_and_white_themselves(tmp_path):
    array = RNG.integers(30000, 32000, (9, 9)).astype(np.uint16)
    array[0, :2] = 30000, 32000
    found = read_images(write_deep(tmp_path, array), Wanted())
    assert found.presentation.range == (30000, 32000)
    assert (found.images.min(), found.images.max()) == (0, 255)


@pytest.mark.parametrize(
    ("array", "limits"),
    [
        (RNG.random((6, 6), np.float32), (0, 1)),
        (RNG.integers(0, 256, (6, 6)).astype(np.float32), (0, 255)),
        (RNG.integers(0, 70000, (6, 6)).astype(np.int32) + 66000, (0, 2**18 - 1)),
    ],
)
def test_floats_and_long_integers(tmp_path, array, limits):
    found = read_images(write_deep(tmp_path, array), Wanted())
    assert found.presentation.range == limits
    np.testing.assert_array_equal(found.images[0, ..., 0], np.floor(array * (255 / limits[1]) + 0.5))


@pytest.mark.parametrize(
    "array",
    [
        np.linspace(-1, 1, 36, dtype=np.float32),
        np.linspace(0, 7.5, 36, dtype=np.float32),
        np.arange(-5, 31, dtype=np.int32),
    ],
)
def test_where_black_and_white_would_be_a_guess_they_are_asked_for(tmp_path, array):
    paths = write_deep(tmp_path, array.reshape(6, 6))
    with pytest.raises(InputError, match=r"data\.range = \[low, high\]"):
        read_images(paths, Wanted())
    said = Presentation(range=(float(array.min()), float(array.max())), said=True)
    found = read_images(paths, Wanted(presentation=said))
    assert (found.images.min(), found.images.max()) == (0, 255)


def test_a_range_that_is_said_wins_and_what_it_cuts_is_counted(tmp_path):
    paths = write_deep(tmp_path, *(np.full((4, 4), top, np.uint16) for top in (50, 100, 300)))
    found = read_images(paths, Wanted(presentation=Presentation(range=(0, 100), said=True)))
    assert found.images[:, 0, 0, 0].tolist() == [128, 255, 255]
    assert found.notes == (
        "1 images hold values outside 0 … 100, black and white (300 … 300): these are cut",
    )


def test_eight_bits_keep_their_scale_unless_another_is_said(tmp_path):
    PIL.Image.fromarray(np.full((3, 3), 16, np.uint8)).save(tmp_path / "a.png")
    found_in_others = Presentation(range=(0, 127))
    assert found_in_others.read(tmp_path / "a.png")[0].max() == 16
    assert Presentation(range=(0, 16), said=True).read(tmp_path / "a.png")[0].min() == 255
    assert Presentation(range=(0, 4095), said=True).read(tmp_path / "a.png")[0].max() == 16


def test_sixteen_bits_alone_are_scaled_to_eight():
    levels = np.array([[0, 128, 129, 257 * 77, 65535]], np.uint16)
    assert Presentation().shown(Image(levels))[0, :, 0].tolist() == [0, 0, 1, 77, 255]


@pytest.mark.parametrize(
    ("images", "expected"),
    [
        (RNG.random((3, 4, 5)), lambda images: np.floor(images * 255 + 0.5)),
        (RNG.integers(0, 256, (3, 4, 5)).astype(np.float32), lambda images: images),
        (
            np.arange(60, dtype=np.uint16).reshape(3, 4, 5) * 60,
            lambda images: np.floor(images * (255 / 4095) + 0.5),
        ),
        (RNG.random((3, 4, 5)) < 0.5, lambda images: images * 255),
    ],
    ids=["floats of 0 … 1", "whole floats", "12 bits", "bool"],
)
def test_arrays_are_read_by_what_they_hold(tmp_path, images, expected):
    np.savez(tmp_path / "set.npz", images=images, labels=np.arange(3))
    source = open_source("set.npz", base=tmp_path)
    np.testing.assert_array_equal(source.train.images[..., 0], expected(images))


def test_a_test_part_is_read_as_the_training_part(tmp_path):
    np.savez(
        tmp_path / "set.npz",
        images=np.arange(60, dtype=np.uint16).reshape(3, 4, 5) * 60,
        labels=np.arange(3),
        test_images=np.full((1, 4, 5), 9000, np.uint16),
        test_labels=[0],
    )
    source = open_source("set.npz", base=tmp_path)
    assert source.presentation.range == (0, 4095)
    assert (source.test.images == 255).all()
    assert any(note.startswith("test: 1 images hold values outside 0 … 4095") for note in source.notes)


# --- fit


@pytest.mark.parametrize("size", [(8, 8), (30, 7), (5, 40), (20, 20)])
@pytest.mark.parametrize("shape", [(3, 40), (40, 3), (9, 9), (17, 18)])
def test_pad_and_crop_keep_proportions_as_pillow_does(shape, size):
    pixels = RNG.integers(0, 256, (*shape, 3), np.uint8)
    picture = PIL.Image.fromarray(pixels)
    cropped = Presentation(fit="crop").fitted(pixels, size)
    padded = Presentation(fit="pad", background=(9, 8, 7)).fitted(pixels, size)
    assert cropped.shape == padded.shape == (*size, 3)
    scale = min(size[0] / shape[0], size[1] / shape[1])
    inner = max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale))
    top, left = (size[0] - inner[0] + 1) // 2, (size[1] - inner[1] + 1) // 2
    expected = np.full((*size, 3), (9, 8, 7), np.uint8)
    small = picture.resize(inner[::-1], PIL.Image.Resampling.LANCZOS)
    expected[top : top + inner[0], left : left + inner[1]] = np.asarray(small)
    np.testing.assert_array_equal(padded, expected)
    np.testing.assert_array_equal(Presentation(fit="crop").fitted(np.full((*shape, 1), 7, np.uint8), size), 7)


def test_crop_takes_the_middle():
    pixels = np.zeros((4, 12, 1), np.uint8)
    pixels[:, 4:8] = 200
    assert (Presentation(fit="crop").fitted(pixels, (4, 4)) == 200).all()


def test_what_is_squashed_is_said_and_how_not_to(tmp_path):
    for number, size in enumerate([(400, 30), (40, 40), (40, 44)]):
        PIL.Image.new("L", size, 9).save(tmp_path / f"{number}.png")
    paths = sorted(tmp_path.iterdir())
    notes = read_images(paths, Wanted((40, 40))).notes
    assert notes[0] == "2 of 3 images resized to 40×40"
    assert notes[1].startswith("1 of 3 images become half as wide or high")
    notes = read_images(paths, Wanted((40, 40), presentation=Presentation(fit="pad"))).notes
    assert notes == ("2 of 3 images resized to 40×40 (pad)",)


def test_its_document_says_all_of_it():
    chosen = Presentation((1, 2, 3), (0.5, 7.0), True, "crop")
    assert Presentation.from_document(json.loads(json.dumps(chosen.document()))) == chosen


@pytest.mark.parametrize(
    "change",
    [{"background": [1, 2, 256]}, {"range": [1, 1]}, {"range": [0, float("nan")]}, {"fit": "x"}, {"said": 1}],
)
def test_a_document_that_says_nonsense_is_refused(change):
    with pytest.raises(ValueError, match=r"its|how"):
        Presentation.from_document({**Presentation().document(), **change})
