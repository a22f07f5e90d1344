import numpy as np

from convcli.images import Image, levels_of, view
from convcli.images.viewing import CHECKS


def seen(pixels, alpha=None):
    return view(Image(np.asarray(pixels), alpha))


def test_unsigned_integers_and_floats_from_0_to_1_are_shown_as_they_are():
    assert seen(np.array([[0, 128, 255]], np.uint8)).colours[0, :, 0].tolist() == [0, 128, 255]
    assert seen(np.array([[0, 32896, 65535]], np.uint16)).colours[0, :, 0].tolist() == [0, 128, 255]
    shown = seen(np.array([[0, 0.5, 1]], np.float32))
    assert (shown.colours[0, :, 1].tolist(), shown.notes) == ([0, 128, 255], ())


def test_other_values_are_stretched_and_it_is_said():
    shown = seen(np.array([[-100, 0, 300]], np.int16))
    assert shown.colours[0, :, 0].tolist() == [0, 64, 255]
    assert shown.notes == ("values -100 … 300 are shown from black to white",)
    huge = np.finfo(np.float64).max
    assert seen(np.array([[-huge, 0, huge]])).colours[0, :, 0].tolist() == [0, 128, 255]
    assert "every value is 7" in seen(np.full((2, 2), 7.0)).notes[0]


def test_what_is_no_finite_number_is_black_or_white_and_it_is_said():
    shown = seen(np.array([[np.nan, -np.inf, np.inf, 1, 0]]))
    assert shown.colours[0, :, 0].tolist() == [0, 0, 255, 255, 0]
    assert "no finite number" in shown.notes[0]
    assert seen(np.full((1, 2), np.nan)).colours.tolist() == [[[0] * 3] * 2]


def test_several_images_have_levels_in_common():
    levels = levels_of([Image(np.array([[0.0, 2]])), Image(np.array([[-2.0, 1]]))])
    assert (levels.black, levels.white) == (-2, 2)


def test_what_is_transparent_shows_the_checkerboard():
    pixels = np.full((2, 4), 200, np.uint8)
    alpha = np.array([[255, 0, 0, 128]] * 2, np.uint8)
    shown = seen(pixels, alpha).on_checks(1)
    assert shown[0, 0].tolist() == [200] * 3
    assert sorted(shown[0, 1:3, 0].tolist()) == sorted(CHECKS)
    assert abs(int(shown[0, 3, 0]) - (200 * 128 + CHECKS[1] * 127) // 255) <= 1


def test_of_many_channels_the_first_is_shown():
    pixels = np.dstack([np.full((2, 2), n, np.uint8) for n in (9, 1, 2, 3, 4)])
    shown = seen(pixels)
    assert (shown.colours[0, 0].tolist(), shown.notes) == ([9] * 3, ("of 5 channels the first is shown",))


def test_a_view_of_another_size_repeats_pixels_or_smooths_them():
    pixels = np.random.default_rng(0).integers(0, 256, (6, 9, 3), dtype=np.uint8)
    whole = seen(pixels)
    assert (whole.fitted(12, 18).colours == pixels.repeat(2, 0).repeat(2, 1)).all()
    assert whole.fitted(1, 1).shape == (1, 1)
    assert whole.fitted(2, 18).shape == (2, 18)
