"""How batches lie in memory: views of them, copies where they lie otherwise, and no silent ones."""

from __future__ import annotations

import numpy as np
import pytest

from convcli.engine.batch.convolution import convolution
from convcli.engine.volumes import add_bias, batch, cells, flat, laid_out, lies_so, line, lines
from convcli.engine.workspace import Workspace
from convcli.shapes import Window

X = np.arange(120.0).reshape(2, 3, 4, 5)


def test_a_batch_lies_cell_by_cell_and_keeps_its_shape():
    x = laid_out(X)
    assert x.shape == X.shape
    assert lies_so(x)
    assert not lies_so(X)
    np.testing.assert_array_equal(x, X)
    assert laid_out(x) is x
    assert flat(x)[:10].tolist() == [*X[0, 0, 0], *X[1, 0, 0]]
    np.testing.assert_array_equal(batch(cells(x)), x)


def test_a_workspace_gives_batches_that_lie_so():
    scratch = Workspace()
    assert lies_so(scratch.batch("x", X.shape, np.float32))
    assert scratch.batch("x", X.shape, np.float32).shape == X.shape
    assert scratch.batch("y", (2, 5), np.float32).flags.c_contiguous


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (0, 3, 4, 5), (1, 3, 4, 5), (3, 1, 1, 5), (3, 5)])
def test_lines_are_views_of_all_images_cell_by_cell(shape):
    x = laid_out(np.zeros(shape))
    b = np.arange(5.0)
    rows = lines(x)
    rows += line(b, x)
    add_bias(b, x)
    np.testing.assert_array_equal(x, np.broadcast_to(2 * b, shape))


def test_what_would_be_written_to_a_copy_is_an_error():
    for view in (flat, lines):
        with pytest.raises(ValueError, match="does not lie as"):
            view(X.copy())
    z = np.zeros((2, 3, 4, 1))
    with pytest.raises(ValueError, match="does not lie as"):
        convolution((3, 4, 5), 1, Window.of(1)).forward(X, np.ones((1, 1, 5, 1)), None, z, Workspace())
