"""Pictures of several sizes and colours become one array; nothing changes that need not, or in silence."""

import warnings

import numpy as np
import pytest
from PIL import Image

from convcli import images as image_files
from convcli.data import Wanted, neighbours
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


def read(paths, wanted=None):
    found = read_images(paths, wanted or Wanted())
    return found.images, found.notes


def pillow_grey(pixels):
    return np.asarray(Image.fromarray(pixels).convert("L"))[..., np.newaxis]


@pytest.fixture(params=["alone", "threads", "processes"])
def workers(request, monkeypatch):
    """Read in every way, whatever the size of the pictures and the number of processors."""
    monkeypatch.setattr(pixels_module, "WORTH_A_THREAD", 0 if request.param == "threads" else 1e9)
    monkeypatch.setattr(pixels_module, "WORTH_A_PROCESS", 0 if request.param == "processes" else 1e9)
    monkeypatch.setattr(Team, "forks", request.param == "processes")
    monkeypatch.setattr(neighbours, "available_cores", lambda: 4)


@pytest.mark.usefixtures("workers")
def test_pictures_keep_the_order_of_their_paths(write):
    paths, pictures = write(*[GREY] * 200)
    order = RNG.permutation(200)
    images, notes = read([paths[i] for i in order])
    np.testing.assert_array_equal(images, np.array(pictures)[order])
    assert notes == ()


@pytest.mark.usefixtures("workers")
@pytest.mark.parametrize("odd_one", [0, 1, 4])
def test_the_most_common_size_wins_wherever_the_odd_one_stands(write, odd_one):
    shapes = [GREY] * 5
    shapes[odd_one] = (8, 8, 1)
    paths, pictures = write(*shapes)
    images, notes = read(paths)
    assert images.shape == (5, *GREY)
    for number, pixels in enumerate(pictures):
        expected = image_files.resize(pixels, (4, 5)) if number == odd_one else pixels
        np.testing.assert_array_equal(images[number], expected)
    assert notes == ("1 of 5 images resized to 4×5, the size that most of them have",)


@pytest.mark.usefixtures("workers")
@pytest.mark.parametrize(
    "shapes", [[GREY, (8, 8, 1)], [(9, n, 1) for n in range(20, 61)], [(30, 400, 1), GREY]]
)
def test_where_no_size_has_most_of_the_images_one_is_asked_for_and_proposed(write, shapes):
    rows, columns = (max(8, 8 * round(np.median([shape[axis] for shape in shapes]) / 8)) for axis in (0, 1))
    with pytest.raises(
        InputError, match=rf"^photos: .* {len(shapes)} sizes.*data\.size = \[{rows}, {columns}\]"
    ):
        read_images(write(*shapes)[0], Wanted(), "photos")
    assert read(write(*shapes)[0], Wanted((rows, columns)))[0].shape == (len(shapes), rows, columns, 1)


@pytest.mark.parametrize("workers", ["threads"], indirect=True)
@pytest.mark.usefixtures("workers")
def test_where_pictures_are_large_the_headers_are_asked_first(write, monkeypatch):
    paths, _ = write((300, 200, 1), *[GREY] * 3)
    monkeypatch.setattr(pixels_module, "empty", lambda count, shape, *_: np.empty((count, *shape), np.uint8))
    seen = []
    real = image_files.read
    monkeypatch.setattr(image_files, "read", lambda path: seen.append(path) or real(path))
    images, _ = read(paths)
    assert images.shape == (4, *GREY)
    assert sorted(seen) == sorted([*paths, paths[0]])  # only what has to be changed a second time


@pytest.mark.parametrize("first", [GREY, COLOUR])
def test_the_most_common_colours_win(write, first):
    paths, pictures = write(first, COLOUR, GREY, COLOUR)
    images, notes = read(paths)
    grey = sum(pixels.shape[2] == 1 for pixels in pictures)
    assert images.shape == (4, *COLOUR)
    np.testing.assert_array_equal(images[2], np.repeat(pictures[2], 3, axis=2))
    assert notes == (f"{grey} of 4 images converted to RGB",)


def test_a_set_size_and_set_channels_are_counted_where_they_change_something(write):
    paths, pictures = write(GREY, COLOUR, (8, 8, 1))
    images, notes = read(paths, Wanted((4, 5), 1))
    assert images.shape == (3, *GREY)
    np.testing.assert_array_equal(images[0], pictures[0])
    np.testing.assert_array_equal(images[1], pillow_grey(pictures[1]))
    assert notes == ("1 of 3 images resized to 4×5", "1 of 3 images converted to grey")


@pytest.mark.usefixtures("workers")
def test_all_bad_files_are_named_at_once(write):
    paths, _ = write(*[GREY] * 300)
    for bad in (170, 40, 250):
        paths[bad].write_text("no picture")
    with pytest.raises(InputError) as caught:
        read_images(paths, Wanted())
    first, *named = caught.value.lines
    assert "3 of 300 images cannot be read; data.skip_damaged = true leaves them out" in first
    assert [line.partition(".png")[0].rpartition("/")[2] for line in named] == ["40", "170", "250"]


def test_of_many_bad_files_twenty_are_named_and_the_others_counted(write):
    paths, _ = write(*[GREY] * 30)
    for path in paths[:25]:
        path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(InputError) as caught:
        read_images(paths, Wanted())
    assert len(caught.value.lines) == 22
    assert caught.value.lines[-1] == "  … and 5 more."


@pytest.mark.usefixtures("workers")
def test_damaged_files_are_left_out_where_that_is_asked_for(write):
    paths, pictures = write(*[GREY] * 6)
    for bad in (0, 3):
        paths[bad].write_bytes(paths[bad].read_bytes()[:50])
    found = read_images(paths, Wanted(skip_damaged=True))
    assert found.kept.tolist() == [1, 2, 4, 5]
    np.testing.assert_array_equal(found.images, [pictures[index] for index in found.kept])
    assert len(found.notes) == 1
    assert found.notes[0].startswith("2 of 6 images cannot be read and are left out: ")
    assert "0.png" in found.notes[0]
    assert "3.png" in found.notes[0]


def test_nothing_but_damaged_files_is_an_error_in_any_case(write):
    paths, _ = write(*[GREY] * 2)
    for path in paths:
        path.write_text("no picture")
    with pytest.raises(InputError, match=r"2 of 2 images cannot be read \(all there are\)"):
        read_images(paths, Wanted(skip_damaged=True))


@pytest.mark.usefixtures("workers")
def test_reading_leaves_the_filters_of_warnings_as_they_were(write):
    before = list(warnings.filters)
    read(write(*[GREY] * 50)[0])
    assert list(warnings.filters) == before


def test_an_array_that_fits_is_not_copied():
    images = picture((3, *GREY))
    assert fit_images(images, Wanted()).images is images
    assert fit_images(images, Wanted((4, 5), 1)).images is images


def test_grey_is_what_pillow_makes_of_every_colour():
    levels = np.arange(0, 256, 5, dtype=np.uint8)
    colours = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(1, len(levels), -1, 3)
    fitted = fit_images(colours, Wanted(channels=1))
    np.testing.assert_array_equal(fitted.images[0], pillow_grey(colours[0]))
    assert fitted.notes == ("1 of 1 images converted to grey",)


def test_an_array_and_its_files_are_fitted_alike(write):
    paths, pictures = write(*[(9, 7, 3)] * 3)
    from_files = read_images(paths, Wanted((5, 6), 1))
    from_array = fit_images(np.array(pictures), Wanted((5, 6), 1))
    np.testing.assert_array_equal(from_files.images, from_array.images)
    assert from_files.notes == from_array.notes


@pytest.mark.parametrize(("stored", "asked"), [(5, 3), (1, 2), (3, 4)])
def test_only_grey_and_colour_are_converted_into_each_other(stored, asked):
    with pytest.raises(
        InputError, match=f"^mine: {asked} channels were asked for and the images have {stored}"
    ):
        fit_images(picture((2, 3, 3, stored)), Wanted(channels=asked), "mine")


def test_files_cannot_be_read_with_two_channels(write):
    with pytest.raises(InputError, match="2 channels were asked for"):
        read_images(write(GREY)[0], Wanted(channels=2))
