import numpy as np
import pytest

from convcli import filter_image, kernels
from convcli.errors import UsageError
from convcli.filtering.trials import MOST, groups, named, piece, reduced, trials, tried, varied
from convcli.images import Image
from convcli.images.chart import chart
from convcli.kernels import KERNELS


def test_a_list_names_kernels_with_their_options_and_groups():
    assert named("gaussian:sigma=1,size=5,sobel, edges")[:3] == [
        "gaussian:sigma=1,size=5",
        "sobel",
        "prewitt",
    ]
    assert named("all") == list(KERNELS)
    assert named("1 0 -1; 2 0 -2; 1 0 -1") == ["1 0 -1; 2 0 -2; 1 0 -1"]
    assert {name for names in groups().values() for name in names} == set(KERNELS)


def test_several_values_of_options_are_tried_pair_by_pair():
    assert varied("unsharp:sigma=1,2,amount=0.5,1") == [
        "unsharp:sigma=1,amount=0.5",
        "unsharp:sigma=1,amount=1",
        "unsharp:sigma=2,amount=0.5",
        "unsharp:sigma=2,amount=1",
    ]
    assert varied("gaussian:size=5,sigma=1,2") == ["gaussian:size=5,sigma=1", "gaussian:size=5,sigma=2"]
    for text in (
        "gaussian",
        "gaussian:",
        "gaussian:sigma=2",
        "gaussian:1,2",
        "",
        ":sigma=1,2,",
        "a:b=" + "1," * MOST,
    ):
        with pytest.raises(UsageError):
            trials(varied(text), read=kernels.parse)


def test_each_result_is_what_filter_makes_of_the_picture():
    image = Image(chart()[100:200, 100:220])
    listed = trials(["sobel", "gaussian:sigma=2"], ["gaussian:sigma=1", "invert"], read=kernels.parse)
    found = list(tried(image, listed))
    labels = [one.label for one in found]
    assert labels == ["sobel", "gaussian:sigma=2", "1. gaussian:sigma=1", "2. then invert"]
    assert (found[0].view.colours[:, :, 0] == filter_image(image.pixels, "sobel")).all()
    assert (found[1].view.colours == filter_image(image.pixels, "gaussian:sigma=2")).all()


def test_a_kernel_that_a_network_has_learned_is_a_step_as_well():
    read = []
    trials(["run:runs/digits-001#1/3"], read=lambda text: read.append(text) or kernels.parse("box"))
    assert read == ["run:runs/digits-001#1/3"]


def test_what_cannot_be_laid_on_a_picture_says_why():
    tall = Image(np.zeros((3, 2), np.uint8))
    (one,) = tried(tall, trials(["sobel:padding=valid"], read=kernels.parse))
    assert one.view is None
    assert one.error
    with pytest.raises(UsageError, match="101 are asked for"):
        trials(["box"] * (MOST + 1), read=kernels.parse)


def test_a_picture_is_reduced_in_8_bits_or_its_middle_taken():
    image = Image(np.arange(600, dtype=np.uint16).reshape(20, 30), np.full((20, 30), 65535, np.uint16))
    small = reduced(image, 15)
    assert (small.pixels.shape, small.pixels.dtype, small.alpha.shape) == ((10, 15), np.uint8, (10, 15))
    middle = piece(image, 4, 100)
    assert (middle.pixels == image.pixels[8:12]).all()
    assert middle.alpha.shape == (4, 30)


def test_colours_under_alpha_stay_what_they_are():
    pixels = np.full((40, 40, 3), (200, 100, 50), np.uint8)
    alpha = np.full((40, 40), 128, np.uint8)
    small = reduced(Image(pixels, alpha), 20)
    assert np.abs(small.pixels.astype(int) - (200, 100, 50)).max() <= 1


def test_the_drawing_is_always_the_same():
    assert (chart() == chart()).all()
    assert (chart().shape, chart().dtype) == ((320, 320, 3), np.uint8)
