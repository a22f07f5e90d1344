"""Products in blocks equal products in one, whichever axis is cut."""

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from convcli.engine import products
from convcli.engine.blas import one_thread_each

SHAPES = [
    pytest.param((40, 30), (30, 20), id="one block"),
    pytest.param((3001, 40), (40, 31), id="rows"),
    pytest.param((10, 256), (256, 3136), id="columns"),
    pytest.param((32, 3137), (3137, 256), id="inner"),
    pytest.param((2, 3, 1000, 40), (2, 3, 40, 48), id="a stack, rows"),
    pytest.param((4, 30, 5000), (4, 5000, 30), id="a stack, rows few and inner long"),
    pytest.param((1100, 1100), (1100, 1100), id="too large for blocks"),
]


@pytest.fixture
def blocks(monkeypatch):
    """Use blocks whatever kernels this machine's BLAS has."""
    monkeypatch.setattr(products, "in_blocks", lambda: True)


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize(("a", "b"), SHAPES)
@pytest.mark.parametrize("turned", [(), ("a",), ("b",), ("a", "b"), ("out",)])
def test_blocks_give_the_whole_product(a, b, turned):
    rng = np.random.default_rng(5)
    arrays = {
        name: rng.standard_normal(shape)
        if name not in turned
        else rng.standard_normal((*shape[:-2], shape[-1], shape[-2])).swapaxes(-1, -2)
        for name, shape in {"a": a, "b": b, "out": (*a[:-1], b[-1])}.items()
    }

    result = products.multiply(arrays["a"], arrays["b"], arrays["out"])

    assert result is arrays["out"]
    np.testing.assert_allclose(
        result, np.einsum("...mk,...kn->...mn", arrays["a"], arrays["b"]), rtol=1e-9, atol=1e-11
    )


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize(("a", "b"), SHAPES[:-1])
def test_no_block_is_larger_than_what_openblas_multiplies_in_place(a, b, monkeypatch):
    counts, matmul = [], np.matmul

    def counted(left, right, **keywords):
        counts.append(left.shape[-2] * left.shape[-1] * right.shape[-1])
        return matmul(left, right, **keywords)

    monkeypatch.setattr(np, "matmul", counted)
    products.multiply(np.ones(a), np.ones(b), np.empty((*a[:-1], b[-1])))

    assert max(counts) <= 100**3
    assert sum(counts) == a[-2] * a[-1] * b[-1]


@pytest.mark.parametrize(("kernels", "blocks"), [("SkylakeX", True), ("Haswell", False), (None, False)])
def test_blocks_are_used_on_one_thread_where_openblas_multiplies_in_place(kernels, blocks, monkeypatch):
    known = [{"user_api": "blas", "architecture": kernels}]
    monkeypatch.setattr(products, "blas_libraries", lambda: known)
    products.has_avx512_kernels.cache_clear()
    try:
        assert not products.in_blocks()
        with one_thread_each():
            assert products.in_blocks() == blocks
            with one_thread_each():
                assert products.in_blocks() == blocks
            assert products.in_blocks() == blocks
            used = {info["num_threads"] for info in threadpool_info() if info["user_api"] == "blas"}
            assert used == {1}
        assert not products.in_blocks()
    finally:
        products.has_avx512_kernels.cache_clear()
