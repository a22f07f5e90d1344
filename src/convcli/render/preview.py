"""What training sees, as a sheet of pictures: a line for each image."""

from __future__ import annotations

from collections.abc import Sequence

from convcli.nn.augmentation import AugmentationOptions
from convcli.preview import Form, Seen
from convcli.render.network import augmentation_line
from convcli.render.report.elements import Card, Cell, Gallery, Section, Words
from convcli.render.report.pictures import photo
from convcli.render.report.png import png

SIDE = 94  # eight of them are as wide as a page


def preview_png(images: Sequence[Seen], options: AugmentationOptions) -> bytes:
    """Return a picture with a line for each image: as it is, and as each epoch shows it."""
    lines = tuple(Gallery(f"{seen.label} (image {seen.image})", _cards(seen), SIDE) for seen in images)
    return png(Section("preview", "What training sees", (Words(augmentation_line(options)), *lines)))


def _cards(seen: Seen) -> tuple[Card, ...]:
    own = Card(photo(seen.pixels), "as it is", (Cell("as it is"),))
    return (own, *(_card(form, seen.label) for form in seen.forms))


def _card(form: Form, label: str) -> Card:
    """Return a form with its epoch, and its classes where they are not simply its own."""
    shares = [Cell(f"{share:.2f} {name}") for name, share in form.shares if share >= 0.005]
    mixed = [name for name, _ in form.shares] != [label]
    return Card(
        photo(form.pixels), f"epoch {form.epoch}", (Cell(f"epoch {form.epoch}"), *(shares if mixed else ()))
    )
