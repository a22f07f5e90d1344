"""Convolution and pools in the browser: what `conv2d` and its kin compute, forward and back, in float64."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from chromium import MARKS
from convcli.engine.batch.conv import conv2d, conv2d_backward
from convcli.engine.batch.pool import avg_pool2d, avg_pool2d_backward, max_pool2d, max_pool2d_backward
from convcli.errors import ShapeError
from convcli.shapes import output_size
from render.page.browsing import ask, back, told

pytestmark = MARKS

CONVOLVE = """({x, w, b, dz, options}) => {
  [x, w, b, dz] = [x, w, b, dz].map((tensor) => tensor && numbers(tensor));
  const {dx, dw, db} = engine.convolveBackward(dz, x, w, options);
  return [engine.convolve(x, w, {bias: b, ...options}), dx, dw, db].map(sent);
}"""
POOL = """({x, dy, options}) => {
  [x, dy] = [x, dy].map(numbers);
  return [engine.pool(x, options), engine.poolBackward(dy, x, options)].map(sent);
}"""
SIZE = """({n, f, options}) => {
  try { return engine.size(n, f, options); } catch (error) { return error.name; }
}"""

each_setting = settings(max_examples=200, deadline=None)
small = st.integers(1, 3)
either = small | st.tuples(small, small)
side = st.integers(0, 3)
padding = (
    st.sampled_from(["valid", "same", "full"])
    | side
    | st.tuples(side, side)
    | st.tuples(st.tuples(side, side), st.tuples(side, side))
)
plane = st.tuples(st.integers(1, 9), st.integers(1, 9))


def close(ours, expected):
    assert ours.shape == expected.shape
    np.testing.assert_allclose(ours, expected, rtol=1e-12, atol=1e-12)


@each_setting
@given(plane, st.tuples(small, small), either, padding, either, small, small, small, st.booleans(), st.data())
def test_convolutions_are_those_of_numpy(
    scripts, plane, kernel, stride, padding, dilation, groups, depth, each, flip, data
):
    rng = np.random.default_rng(data.draw(st.integers(0, 1 << 32)))
    x = rng.standard_normal((*plane, groups * depth))
    w, b = rng.standard_normal((*kernel, depth, groups * each)), rng.standard_normal(groups * each)
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    turned = w[::-1, ::-1] if flip else w
    try:
        z = conv2d(x[None], turned, b, **options)
    except ShapeError:
        return
    dz = rng.standard_normal(z.shape)
    dx, dw, db = conv2d_backward(dz, x[None], turned, **options)
    given = {"x": told(x), "w": told(w), "b": told(b), "dz": told(dz[0])}
    ours = map(back, ask(scripts, CONVOLVE, {**given, "options": {**options, "flip": flip}}))
    for our, expected in zip(ours, (z[0], dx[0], dw[::-1, ::-1] if flip else dw, db), strict=True):
        close(our, expected)


@each_setting
@given(plane, either, st.none() | either, padding, either, *[st.booleans()] * 3, st.data())
def test_pools_are_those_of_numpy(
    scripts, plane, size, stride, padding, dilation, ceil_mode, maximum, counted, data
):
    rng = np.random.default_rng(data.draw(st.integers(0, 1 << 32)))
    x = rng.integers(0, 4, (*plane, 2)).astype(float)  # few values, so that many tie
    dilation = dilation if maximum else 1
    options = {"size": size, "stride": stride, "padding": padding, "ceil_mode": ceil_mode}
    more = {"dilation": dilation} if maximum else {"count_include_pad": counted}
    forward, backward = (max_pool2d, max_pool2d_backward) if maximum else (avg_pool2d, avg_pool2d_backward)
    try:
        y = forward(x[None], **options, **more)
    except ShapeError:
        return
    dy = rng.standard_normal(y.shape)
    asked = {
        "kind": "max" if maximum else "mean",
        "size": size,
        **({} if stride is None else {"stride": stride}),
        "padding": padding,
        "dilation": dilation,
        "ceilMode": ceil_mode,
        "countIncludePad": counted,
    }
    ours = map(back, ask(scripts, POOL, {"x": told(x), "dy": told(dy[0]), "options": asked}))
    for our, expected in zip(ours, (y[0], backward(dy, x[None], **options, **more)[0]), strict=True):
        close(our, expected)


@each_setting
@given(
    st.integers(1, 12),
    st.integers(1, 5),
    st.sampled_from(["valid", "same", "full"]) | side | st.tuples(side, side),
    small,
    small,
    st.booleans(),
)
def test_sizes_are_those_of_the_formula(scripts, n, f, padding, stride, dilation, ceil_mode):
    options = {"padding": padding, "stride": stride, "dilation": dilation}
    told = ask(scripts, SIZE, {"n": n, "f": f, "options": {**options, "ceilMode": ceil_mode}})
    try:
        assert told == output_size(n, f, **options, ceil_mode=ceil_mode)
    except ShapeError:
        assert told == "RangeError"


def test_a_window_on_padding_alone_has_no_maximum(scripts):
    asked = "engine.pool({shape: [2, 2, 1], data: new Float64Array(4)}, {size: 2, padding: 2})"
    told = scripts.evaluate(f"(() => {{ try {{ {asked} }} catch (error) {{ return String(error) }} }})()")
    assert told.startswith("RangeError: A window would lie on padding alone")


def test_the_last_nan_of_a_window_is_its_maximum(scripts):
    asked = "engine.pool({shape: [1, 4, 1], data: Float64Array.of(3, NaN, NaN, 9)}, {size: [1, 4]}).taken[0]"
    assert scripts.evaluate(asked) == 2
