"""What a network has taken over from another, in a few lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from convcli.build import Begun
from convcli.nn.model import Model
from convcli.nn.preprocessing import Preprocessing
from convcli.wording import counted, first_of

MOST_LINES = 6


def transfer_lines(begun: Begun, run: str, origin: Model) -> Iterator[str]:
    """Yield what a network that begins as `origin`, the network of a run, has of it, and what it has not."""
    taken = begun.taken
    yield f"from {run}: {_numbered(taken.layers)}, {taken.numbers:,} numbers"
    for place, reason in taken.missed[:MOST_LINES]:
        stays = ", and stays as it is drawn, for it is frozen" if place.frozen and not place.trained else ""
        yield f"{place.name} begins anew: {reason}{stays}"
    if more := taken.missed[MOST_LINES:]:
        yield f"… and so do {counted(len(more), 'more layer')}"
    if taken.left:
        yield f"not taken over: {_numbered(taken.left)} of {run}"
    yield _preprocessing(begun, run, origin.preprocessing)
    before = origin.classes
    if not taken.missed and begun.model.classes != before:
        yield f"the last layer's outputs stood for other classes: {first_of(list(before))}"


def _preprocessing(begun: Begun, run: str, before: Preprocessing) -> str:
    if begun.keeps_preprocessing:
        return f"pixels are scaled as for {run}: {_scaling(before)}"
    why = "as [data] says" if begun.taken.whole_first_layer else "by these images"
    now = _scaling(begun.model.preprocessing)
    return f"pixels are scaled {why}: {now}; for {run} it was {_scaling(before)}"


def _scaling(preprocessing: Preprocessing) -> str:
    mean, deviation = (
        " ".join(f"{number:.3f}" for number in told) for told in (preprocessing.mean, preprocessing.deviation)
    )
    return f"mean {mean}, deviation {deviation}"


def _numbered(layers: Sequence[str]) -> str:
    return f"{'layer' if len(layers) == 1 else 'layers'} {', '.join(layers)}"
