"""The sheet of what training sees: as large as its images ask for, whatever their shape and names."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from convcli.nn.augmentation import AugmentationOptions
from convcli.render.training_images import sheet_of
from convcli.training_images import Form, Seen


def sheet(shape, name="cat"):
    """Return the size of a sheet of one image and two forms of it."""
    pixels = np.full(shape, 120, np.uint8)
    forms = (Form(1, pixels, ((name, 1.0),)), Form(2, pixels, ((name, 0.6), ("dog", 0.399), ("owl", 0.001))))
    drawn = sheet_of([Seen("7", name, pixels, forms)], AugmentationOptions())
    with Image.open(io.BytesIO(drawn)) as picture:
        return picture.size


@pytest.mark.parametrize("shape", [(8, 8, 1), (1, 1, 3), (3, 300, 3), (4000, 2, 3), (5, 7, 2), (6, 6, 4)])
def test_images_of_any_shape_are_drawn_and_no_sheet_is_endless(shape):
    width, height = sheet(shape)
    assert 100 < width < 2000
    assert 100 < height < 1200


def test_names_of_any_length_are_drawn():
    width, height = sheet((8, 8, 3), "a very long name of a class " * 9)
    assert max(width, height) < 2500
