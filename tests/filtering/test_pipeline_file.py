"""Pipelines as documents: what is written reads back, and what is wrong is told with its place."""

from __future__ import annotations

import json
import math

import pytest

from convcli.errors import ConfigError, UsageError
from convcli.filtering import Policy, as_kernel
from convcli.filtering.chain import kernel_record
from convcli.filtering.pipeline import Pipeline
from convcli.filtering.pipeline_file import pipeline_document, read_pipeline
from convcli.filtering.steps.parsing import step_of

TEXTS = (
    "gaussian:sigma=1.4,border=edge",
    "1 0 -1;2 0 -2:stride=2,normalize=true",
    "box:padding=0,1,2,0",
    "gray",
)


def test_a_pipeline_reads_back_from_its_document():
    policy = Policy(border="wrap", range="stretch", alpha="ignore", nodata=(-9999.0, math.nan, "auto"))
    pipeline = Pipeline([step_of(text) for text in TEXTS], policy)
    document = json.loads(json.dumps(pipeline_document(pipeline)))
    again = read_pipeline(document, "edges.toml")
    assert again.record() == pipeline.record()
    assert [step.text for step in again.steps] == [step.text for step in pipeline.steps]
    assert again.policy.nodata[::2] == (-9999, "auto")


def test_a_single_kernel_reads_back_as_a_step():
    policy = Policy(stride=2, padding=((0, 1), (2, 3)), op="convolve", offset=3)
    kernel = as_kernel("box:size=4", scale=0.5, normalize=True, anchor=(1, 2))
    document = pipeline_document(Pipeline.of(kernel, policy))
    (step,) = read_pipeline(document, "edges.toml").steps
    found, expected = step.record(), kernel_record(kernel)
    assert json.loads(json.dumps({name: found[name] for name in expected})) == {**expected, "anchor": [1, 2]}
    options = {"stride": [2, 2], "padding": [[0, 1], [2, 3]], "op": "convolve", "offset": 3}
    assert found.items() >= options.items()


def test_every_mistake_is_told_with_its_place():
    document = {
        "range": "clp",
        "bordr": "edge",
        "steps": [
            {"type": "gausian"},
            {"type": "box", "siz": 3, "normalize": 1},
            {"type": "gaussian", "sigma": -1},
            {},
            {"type": "kernel", "kernel": "1 x"},
        ],
    }
    with pytest.raises(ConfigError) as refused:
        read_pipeline(document, "edges.toml")
    first, *lines = refused.value.lines
    assert first == "edges.toml: 8 mistake(s)."
    assert lines[1] == "  bordr: unknown key. Did you mean 'border'?"
    assert "  [[steps]] 1 (gausian): Unknown step 'gausian'. Did you mean 'gaussian'?" in lines
    assert "  [[steps]] 2 (box): siz: unknown key. Did you mean 'size'?" in lines
    assert "  [[steps]] 2 (box): normalize: should be a valid boolean, not 1" in lines


@pytest.mark.parametrize(
    "document", [{}, {"steps": []}, {"steps": 3}, {"steps": ["sobel"]}, {"steps": {"type": "gray"}}]
)
def test_a_file_without_steps_is_refused(document):
    with pytest.raises(ConfigError, match="steps"):
        read_pipeline(document, "edges.toml")


def test_a_fill_that_no_border_shows_is_refused():
    blur = {"type": "gaussian", "fill": 3}
    for document in ({"steps": [blur]}, {"border": "wrap", "steps": [{"type": "median", "fill": 3}]}):
        with pytest.raises(UsageError, match=r"^edges\.toml: step 1: .*: fill needs border=constant; found"):
            read_pipeline(document, "edges.toml")
    with pytest.raises(ConfigError, match='fill needs border = "constant"; found border wrap'):
        read_pipeline({"border": "wrap", "fill": 3, "steps": [{"type": "gaussian"}]}, "edges.toml")
    read_pipeline({"border": "constant", "steps": [blur]}, "edges.toml")
    read_pipeline({"fill": 3, "steps": [{"type": "gaussian", "border": "constant"}]}, "edges.toml")
    read_pipeline({"steps": [blur]}, "edges.toml", instead={"border": "constant"})
