"""`convcli export --to page`: how large the page is, and what smaller weights cost."""

from __future__ import annotations

import json

import numpy as np
import pytest

import convcli
from convcli.data import Dataset
from convcli.interchange.rounding import restored, rounded
from convcli.render.page.export import Page
from interchange.networks import images_for, model_of

PRECISIONS = ("float32", "float16", "int8")
BYTES = {"float32": 4, "float16": 2, "int8": 1}


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_page_is_hardly_larger_than_its_weights(call, trained, tmp_path, precision):
    result = call("export", trained, "--to", "page", "--weights", precision, "-o", "page.html")
    assert result.code == 0, result
    count = convcli.load_run(trained).network.trained.size
    assert (tmp_path / "page.html").stat().st_size < 1.5 * BYTES[precision] * count + 150_000


@pytest.mark.parametrize("side", [32, 96])
def test_so_it_is_with_samples_that_no_png_makes_small(side):
    model = model_of([{"type": "global_avg_pool"}, {"type": "dense"}], (side, side, 3))
    judged = Dataset(images_for(model, 40), np.arange(40) % 4, model.classes)
    html = Page().of(model, lambda part: judged).files["page.html"]
    assert len(html) < 1.5 * 4 * model.network.trained.size + 150_000


@pytest.mark.parametrize("precision", PRECISIONS[1:])
def test_what_smaller_weights_cost_is_measured_on_the_images_that_the_run_is_judged_by(
    call, trained, precision
):
    result = call("export", trained, "--to", "page", "--weights", precision, "-o", "page.html", "--json")
    model = convcli.load_run(trained)
    judged = json.loads(call("evaluate", trained, "--json").stdout)
    (told,) = json.loads(result.stdout)["said"]
    assert told.startswith(f"accuracy with {precision} weights: ")
    assert told.endswith(f" of {judged['samples']} images, {judged['accuracy']:.2%} with float32")
    assert restored(model, rounded(model, precision)).network is model.network


def test_without_images_what_they_cost_is_said_to_be_unknown(call, trained):
    options = ("--to", "page", "--weights", "int8", "-o", "page.html", "--data", "nowhere")
    result = call("export", trained, *options)
    assert result.code == 0, result
    assert "what int8 costs in accuracy is not known" in result.stderr
    assert result.stderr.count("nowhere' not found") == 1


def test_other_formats_have_no_such_weights(call, trained):
    result = call("export", trained, "--to", "npz", "--weights", "int8")
    assert (result.code, result.stderr) == (2, "error: --weights: --to npz has no such option.\n")
