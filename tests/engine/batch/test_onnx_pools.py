"""Pools against the node tests of ONNX: the inputs and outputs that its own package brings."""

from __future__ import annotations

import warnings
from importlib import import_module

import numpy as np
import pytest

from convcli.engine.batch import pool

POOLS = {"AveragePool": "avg", "MaxPool": "max", "GlobalAveragePool": "avg", "GlobalMaxPool": "max"}


def node_tests(module):
    """Return (name, node, x, y) of the node tests that a module of ONNX makes, but for pools of volumes."""
    made = []

    def keep(node, inputs, outputs, name, **_):
        if node.op_type in POOLS:
            made.append((name, node, inputs[0], outputs[0]))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "expect", keep)
        for case in vars(module).values():
            for name in dir(case) if getattr(case, "__module__", "") == module.__name__ else ():
                if name.startswith("export") and "3d" not in name:
                    getattr(case, name)()
    return made


def options_of(onnx, node, plane):
    """Return a node's attributes as convcli's options for a plane; of a line, one row high."""
    given = {one.name: onnx.helper.get_attribute_value(one) for one in node.attribute}
    if node.op_type.startswith("Global"):
        return {"size": plane}
    line = len(given["kernel_shape"]) == 1
    size, stride, dilation = (
        (1, given[name][0]) if line and name in given else tuple(given.get(name, (1, 1)))
        for name in ("kernel_shape", "strides", "dilations")
    )
    pads = given.get("pads", [0, 0] if line else [0, 0, 0, 0])
    padding = ((0, 0), tuple(pads)) if line else ((pads[0], pads[2]), (pads[1], pads[3]))
    if (auto := given.get("auto_pad", b"NOTSET")) in (b"SAME_UPPER", b"SAME_LOWER"):
        padding = tuple(same(*axis, auto) for axis in zip(plane, size, stride, dilation, strict=True))
    counted = {"count_include_pad": bool(given.get("count_include_pad", 0))}
    return {
        "size": size,
        "stride": stride,
        "padding": padding,
        "dilation": dilation,
        "ceil_mode": bool(given.get("ceil_mode", 0)),
        **(counted if node.op_type == "AveragePool" else {}),
    }


def same(n, f, s, d, auto):
    """Return the padding by which ⌈n / s⌉ windows fit, as ONNX's auto_pad has it."""
    total = max((-(-n // s) - 1) * s + d * (f - 1) + 1 - n, 0)
    half = total // 2
    return (half, total - half) if auto == b"SAME_UPPER" else (total - half, half)


@pytest.mark.parametrize(
    ("name", "least"), {"averagepool": 14, "maxpool": 15, "globalaveragepool": 2, "globalmaxpool": 2}.items()
)
def test_node_tests_of_onnx_hold(name, least):
    onnx = pytest.importorskip("onnx", reason="not in an extra")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tests = node_tests(import_module(f"onnx.backend.test.case.node.{name}"))
    assert len(tests) >= least
    for test, node, x, y in tests:
        planes = x[:, :, None] if x.ndim == 3 else x
        options = options_of(onnx, node, planes.shape[2:])
        ours = getattr(pool, f"{POOLS[node.op_type]}_pool2d")(np.moveaxis(planes, 1, -1), **options)
        assert ours.dtype == y.dtype, test
        # ONNX's own tolerances: some of its results are written with four digits
        result = np.moveaxis(ours, -1, 1).reshape(y.shape)
        np.testing.assert_allclose(result, y, rtol=1e-3, atol=1e-7, err_msg=test)
