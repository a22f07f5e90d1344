"""Pictures of several sizes and colours become one array; nothing changes that need not, or in silence."""

import warnings

import numpy as np
import pytest
from PIL import Image

from convcli import images as image_files
from convcli.data import pixels as pixels_module
from convcli.data.pixels import fit_images, read_images
from convcli.engine.team import Team
from convcli.errors import InputError

RNG = np.random.default_rng(0)
GREY, COLOUR = (4, 5, 1), (4, 5, 3)


def picture(shape):
    return RNG.integers(0, 256, shape, dtype=np.uint8)


@pytest.fixture
def write(tmp_path):
    """Write pictures of these shapes as PNG files; return their paths and pixels."""

    def write(*shapes):
        pictures = [picture(shape) for shape in shapes]
        paths = [tmp_path / f"{number}.png" for number in range(len(shapes))]
        for path, pixels in zip(paths, pictures, strict=True):
            Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).save(path)
        return paths, pictures

    return write


def pillow_grey(pixels):
    return np.asarray(Image.fromarray(pixels).convert("L"))[..., np.newaxis]


@pytest.fixture(params=["alone", "threads", "processes"])
def workers(request, monkeypatch):
    """Read in every way, whatever the size of the pictures and the number of processors."""
    monkeypatch.setattr(pixels_module, "WORTH_A_THREAD", 0 if request.param == "threads" else 1e9)
    monkeypatch.setattr(pixels_module, "WORTH_A_PROCESS", 0 if request.param == "processes" else 1e9)
    monkeypatch.setattr(Team, "forks", request.param == "processes")
    monkeypatch.setattr(pixels_module, "available_cores", lambda: 4)


@pytest.mark.usefixtures("workers")
def test_pictures_keep_the_order_of_their_paths(write):
    paths, pictures = write(*[GREY] * 200)
    order = RNG.permutation(200)
    images, notes = read_images([paths[i] for i in order])
    np.testing.assert_array_equal(images, np.array(pictures)[order])
    assert notes == ()


@pytest.mark.usefixtures("workers")
@pytest.mark.parametrize("odd_one", [0, 1, 4])
def test_the_most_common_size_wins_wherever_the_odd_one_stands(write, odd_one):
    shapes = [GREY] * 5
    shapes[odd_one] = (8, 8, 1)
    paths, pictures = write(*shapes)
    images, notes = read_images(paths)
    assert images.shape == (5, *GREY)
    for number, pixels in enumerate(pictures):
        expected = image_files.resize(pixels, (4, 5)) if number == odd_one else pixels
        np.testing.assert_array_equal(images[number], expected)
    assert notes == ("1 of 5 images resized to 4×5, the size that most of them have",)


def test_of_two_equally_common_sizes_the_larger_is_taken(write):
    images, _ = read_images(write(GREY, (8, 8, 1))[0])
    assert images.shape == (2, 8, 8, 1)


@pytest.mark.parametrize("first", [GREY, COLOUR])
def test_the_most_common_colours_win(write, first):
    paths, pictures = write(first, COLOUR, GREY, COLOUR)
    images, notes = read_images(paths)
    grey = sum(pixels.shape[2] == 1 for pixels in pictures)
    assert images.shape == (4, *COLOUR)
    np.testing.assert_array_equal(images[2], np.repeat(pictures[2], 3, axis=2))
    assert notes == (f"{grey} of 4 images converted to RGB",)


def test_a_set_size_and_set_channels_are_counted_where_they_change_something(write):
    paths, pictures = write(GREY, COLOUR, (8, 8, 1))
    images, notes = read_images(paths, size=(4, 5), channels=1)
    assert images.shape == (3, *GREY)
    np.testing.assert_array_equal(images[0], pictures[0])
    np.testing.assert_array_equal(images[1], pillow_grey(pictures[1]))
    assert notes == ("1 of 3 images resized to 4×5", "1 of 3 images converted to grey")


@pytest.mark.usefixtures("workers")
def test_the_first_bad_file_is_named_however_many_follow(write):
    paths, _ = write(*[GREY] * 300)
    for bad in (170, 40, 250):
        paths[bad].write_text("no picture")
    with pytest.raises(InputError, match=r"40\.png"):
        read_images(paths)


@pytest.mark.usefixtures("workers")
def test_reading_leaves_the_filters_of_warnings_as_they_were(write):
    before = list(warnings.filters)
    read_images(write(*[GREY] * 50)[0])
    assert list(warnings.filters) == before


def test_an_array_that_fits_is_not_copied():
    images = picture((3, *GREY))
    assert fit_images(images)[0] is images
    assert fit_images(images, size=(4, 5), channels=1)[0] is images


def test_grey_is_what_pillow_makes_of_every_colour():
    levels = np.arange(0, 256, 5, dtype=np.uint8)
    colours = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(1, len(levels), -1, 3)
    images, notes = fit_images(colours, channels=1)
    np.testing.assert_array_equal(images[0], pillow_grey(colours[0]))
    assert notes == ("1 of 1 images converted to grey",)


def test_an_array_and_its_files_are_fitted_alike(write):
    paths, pictures = write(*[(9, 7, 3)] * 3)
    from_files = read_images(paths, size=(5, 6), channels=1)
    from_array = fit_images(np.array(pictures), size=(5, 6), channels=1)
    np.testing.assert_array_equal(from_files[0], from_array[0])
    assert from_files[1] == from_array[1]


@pytest.mark.parametrize(("stored", "asked"), [(4, 3), (1, 2), (2, 1)])
def test_only_grey_and_colour_are_converted_into_each_other(stored, asked):
    with pytest.raises(
        InputError, match=f"^mine: {asked} channels were asked for and the images have {stored}"
    ):
        fit_images(picture((2, 3, 3, stored)), channels=asked, name="mine")


def test_files_cannot_be_read_with_two_channels(write):
    with pytest.raises(InputError, match="2 channels were asked for"):
        read_images(write(GREY)[0], channels=2)
