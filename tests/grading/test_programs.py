"""Programs as learners write them, run for real: right ones pass, and each wrong one is told its mistake."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from convcli.grading.grade import grade
from convcli.grading.program import Program

ROOT = Path(__file__).parent.parent.parent
PROGRAMS = Path(__file__).parent / "programs"
MISTAKES = {
    "activations_softmax_axis": {"softmax": "softmax-over-the-wrong-axis"},
    "activations_softmax_overflow": {"softmax": "softmax-overflows"},
    "blog_conv3x3_last_region": {"Conv3x3.backprop": "weight-gradient-overwritten"},
    "blog_maxpool2_every_tie": {"MaxPool2.backprop": "every-tie-counted"},
    "class_conv_bias_per_channel": {"Conv2D.forward": "bias-in-every-sum"},
    "class_conv_mean_over_batch": {"ConvLayer.backward": "mean-over-the-batch"},
    "class_conv_unrotated": {"Convolutional.backward": "kernel-not-rotated"},
    "dense_weights_transposed": {"Dense.backward": "weights-transposed"},
    "loops_kernel_normalised": {"conv2d": ""},
    "loops_output_rounded_up": {"conv2d": "size-rounded-up"},
    "loops_padding_ignored": {"conv2d": "padding-forgotten"},
    "nchw_affine_db_averaged": {"affine_backward": "mean-over-the-batch"},
    "nchw_im2col_filters_reshaped": {"conv_forward_im2col": "axis-order"},
    "nchw_param_dw_last_image": {"conv_backward_naive": "one-image-of-the-batch"},
    "nchw_pool_overwritten": {"max_pool_backward_naive": "overlapping-windows-overwritten"},
    "nchw_relu_at_zero": {"relu_backward": "relu-derivative-at-zero"},
    "nhwc_cache_average_undivided": {
        "distribute_value": "average-not-divided",
        "pool_backward": "average-not-divided",
    },
    "nhwc_cache_every_tie": {"pool_backward": "every-tie-counted"},
    "nhwc_cache_one_sided_padding": {
        "zero_pad": "padding-on-one-side",
        "conv_forward": "padding-on-one-side",
    },
    "nhwc_cache_pads_every_axis": {"zero_pad": "padding-on-every-axis"},
    "nhwc_cache_stride_not_in_size": {"conv_forward": "stride-not-in-size"},
    "nhwc_cache_uncropped": {"conv_backward": "gradient-not-cropped"},
    "nhwc_cache_windows_without_stride": {"conv_forward": "stride-not-in-position"},
    "planes_corr2d_flipped": {"corr2d": "kernel-flipped"},
    "planes_multi_in_first_channel": {
        "corr2d_multi_in": "one-channel-of-many",
        "corr2d_multi_in_out": "one-channel-of-many",
    },
    "planes_pool2d_integers": {"pool2d": "cut-to-integers"},
    "planes_stride_size": {"conv2d": "stride-not-in-size"},
    "strided_einsum_axes": {"conv2d": "rows-and-columns-swapped"},
}
"""What each wrong function is told; "" where no usual mistake explains it, and none is to be told."""

QUICK = ("planes_corr2d_flipped", "nchw_relu_at_zero")


def names(folder, kept=()):
    return [
        name if name in kept else pytest.param(name, marks=pytest.mark.long)
        for name in sorted(path.stem for path in (PROGRAMS / folder).glob("*.py"))
    ]


def graded(folder, name):
    return grade(Program.read(PROGRAMS / folder / f"{name}.py"))


@pytest.mark.parametrize("name", names("right", kept=("strided_einsum",)))
def test_a_right_program_is_right(name):
    found = graded("right", name)
    assert found.judgements
    assert [one.failure for one in found.judgements if not one.right] == []


@pytest.mark.parametrize("name", names("wrong", kept=QUICK))
def test_a_wrong_program_is_told_its_mistake_and_what_is_right_in_it_is_right(name):
    found = graded("wrong", name)
    told = {
        judgement.subject.name: ", ".join(one.mistake.name for one in diagnoses)
        for judgement, diagnoses in zip(found.judgements, found.diagnoses, strict=True)
        if not judgement.right
    }
    assert told == MISTAKES[name]


def test_every_program_has_a_word_said_of_it():
    assert {path.stem for path in (PROGRAMS / "wrong").glob("*.py")} == set(MISTAKES)
    assert len(MISTAKES) >= 20
    assert len(list((PROGRAMS / "right").glob("*.py"))) >= 5


def page():
    """Return the script that writes the tables of the page, and the page."""
    specification = importlib.util.spec_from_file_location("check_mine", ROOT / "docs" / "check_mine.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module, module.TARGET.read_text("utf-8")


def test_the_page_lists_the_usual_mistakes_of_today():
    script, text = page()
    assert script.written(text, "mistakes", script.mistakes()) == text, "run `python docs/check_mine.py`"
    for name, mistakes in MISTAKES.items():
        row = next(line for line in text.splitlines() if f"`wrong/{name}`" in line)
        for function, mistake in mistakes.items():
            assert f"`{function}`: {mistake or 'none of the usual mistakes'}" in row
