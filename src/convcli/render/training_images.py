"""What training sees, as a sheet of pictures: a line for each image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from convcli.nn.augmentation import AugmentationOptions
from convcli.render.network import augmentation_line
from convcli.render.report.elements import Card, Cell, Gallery, Section, Words
from convcli.render.report.pictures import photo
from convcli.render.report.png import png
from convcli.training_images import Form, Seen
from convcli.wording import shortened

SIDE = 94  # eight of them are as wide as a page
NAME = 12  # letters of a class that fit below one
TALLEST = 2  # of a picture, by its width
LEAST = 0.005  # of a share that is named: less would be 0.00


def sheet_of(images: Sequence[Seen], options: AugmentationOptions) -> bytes:
    """Return a picture with a line for each image: as it is, and as each epoch shows it."""
    lines = tuple(
        Gallery(f"{shortened(seen.label)} (image {shortened(seen.image)})", _cards(seen), SIDE)
        for seen in images
    )
    return png(Section("preview", "What training sees", (Words(augmentation_line(options)), *lines)))


def _cards(seen: Seen) -> tuple[Card, ...]:
    own = Card(_picture(seen.pixels), "as it is", (Cell("as it is"),))
    return (own, *(_card(form, seen.label) for form in seen.forms))


def _card(form: Form, label: str) -> Card:
    """Return a form with its epoch, and its classes where they are not simply its own."""
    epoch = f"epoch {form.epoch}"
    mixed = [name for name, _ in form.shares] != [label]
    named = [(name, share) for name, share in form.shares if mixed and share >= LEAST]
    shares = (Cell(f"{share:.2f} {shortened(name, NAME)}") for name, share in named)
    return Card(_picture(form.pixels), epoch, (Cell(epoch), *shares))


def _picture(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return an image as it is drawn; one that is far taller than wide on a white ground."""
    picture = photo(pixels)
    rows, columns = picture.shape[:2]
    if rows <= TALLEST * columns:
        return picture
    ground = np.full((rows, rows // TALLEST, *picture.shape[2:]), 255, np.uint8)
    left = (ground.shape[1] - columns) // 2
    ground[:, left : left + columns] = picture
    return ground
