"""The sections of a report that are pictures: mistakes, kernels, feature maps."""

from __future__ import annotations

import numpy as np

from convcli.engine.workspace import Array
from convcli.explaining.notation import number as short
from convcli.kernels.learned import chance, nearest
from convcli.render.report.elements import Card, Cell, Element, Gallery, Section, Words, share
from convcli.render.report.pictures import LARGE, feature_map, kernel, overlay, photo
from convcli.report import FeatureMaps, Judged, Kernels, Report
from convcli.wording import by

MOST_KERNELS, MOST_MAPS = 64, 32
MISTAKE, JUDGED, KERNEL, MAP, SAMPLE = 176, 340, 88, 56, 112  # how wide they are drawn


def mistakes(report: Report) -> Section:
    """Return the wrongly judged images of which the network was surest."""
    if not report.mistakes:
        words = Words(f"There are none: all {report.figures.samples:,} images were classified correctly.")
        return Section("mistakes", "Most confident mistakes", (words,))
    cards = tuple(map(_mistake, report.mistakes))
    title = f"All {report.wrong:,} mistakes, the surest first"
    if len(cards) < report.wrong:
        title = f"The {len(cards)} of {report.wrong:,} mistakes of which the network was surest"
    numbers = _positions(report)
    note = f"True class → predicted class, which image it is, and the probabilities of both.{numbers}"
    side = MISTAKE if report.looked_at is None else JUDGED
    why = Words(_why(report))
    return Section("mistakes", "Most confident mistakes", (Gallery(title, cards, side, note), why))


def _mistake(judged: Judged) -> Card:
    """Return a wrongly judged image; beside it what spoke for the predicted class, and for the true one."""
    whole = f"{_which(judged)}: true {judged.true}, predicted {judged.predicted}"
    title, which = Cell(f"{judged.true} → {judged.predicted}"), Cell(_which(judged))
    predicted, true = share(judged.probability, "predicted"), share(judged.true_probability, "true")
    if (why := judged.why) is None:
        return Card(photo(judged.pixels, LARGE), whole, (title, predicted, true, which))
    largest = float(max(why.predicted.max(), why.true.max()))
    beside = tuple(
        Card(
            overlay(why.pixels, plane, largest),
            f"{_which(judged)}: Grad-CAM for {name}, {kind.text}",
            (Cell(f"for {name}"), kind),
        )
        for plane, name, kind in (
            (why.predicted, judged.predicted, predicted),
            (why.true, judged.true, true),
        )
    )
    return Card(photo(judged.pixels, LARGE), whole, (title, which), beside)


def _why(report: Report) -> str:
    """Return what the pictures beside mistakes are, or why there are none."""
    place = report.looked_at
    if place is None:
        return "Without Grad-CAM: no layer of this network gives a plane of cells, whose maps it would weigh."
    return (
        "Beside each image Grad-CAM for the predicted class and for the true one: warm is where the maps of "
        f"layer {place.number}, {place.title}, weighed by how the score of the class follows them, speak for "
        "it. Both are on one scale, from 0 to the larger maximum; one without warmth says that nothing did. "
        f"It says where, not what, and no finer than {by(place.output[:2])} cells. `convcli explain network "
        "--run RUN --image FILE --why` shows how it comes about."
    )


def _which(judged: Judged, word: str = "image") -> str:
    return f"{word} {judged.image}" if judged.image.isdecimal() else judged.image


def _positions(report: Report) -> str:
    """Return what the numbers of images count, where images have no files."""
    if not any(sample.judged.image.isdecimal() for sample in report.samples):
        return ""
    where = f"{report.kind} images"
    if report.split_off:
        where = "training images before some were split off"
    named = ""
    if report.own:
        run, image = report.record.name, (report.mistakes or [s.judged for s in report.samples])[0].image
        named = f" `convcli explain network --run {run} --image {report.part}:{image}` shows one."
    return f" Numbers are positions among the {where}, from 0.{named}"


def kernels(report: Report) -> Section:
    """Return the weights that look at the image itself."""
    found = report.kernels
    if found is None:
        words = Words("No layer lays its weights on the image itself, so there are no pictures of them.")
        return Section("kernels", "First-layer kernels", (words,))
    order, likeness = _by_likeness(found)
    shown = found.weights[order]
    largest = float(np.abs(shown).max())
    cards = tuple(
        Card(
            kernel(weights, largest),
            f"{found.what} {n + 1}: {_range(weights)}",
            (Cell(str(n + 1)), *likeness[n : n + 1], Cell(_range(weights))),
        )
        for n, weights in zip(order, shown, strict=True)
    )
    count = f"{len(shown)} of {len(found.weights)}" if len(shown) < len(found.weights) else str(len(shown))
    title = f"Layer {found.layer}, {found.name}: {count} {found.what}s of {by(found.weights.shape[1:])}"
    note = f"Black is {short(-largest)}, middle grey 0, white {short(largest)}; under each its range."
    if found.weights.shape[3] == 3:
        note += " Red, green and blue are the weights of the three channels."
    elif found.weights.shape[3] != 1:
        note += " Shown is the mean over the channels."
    if likeness:
        note += (
            " Sorted by cosine: how much alike a kernel and the named one below it are, which lies on every "
            "channel; 1 is a multiple of it, − before the name of its negative. Kernels of random numbers "
            f"come to {chance(found.weights.shape[1:]):.2f} on average."
        )
    return Section("kernels", "First-layer kernels", (Gallery(title, cards, KERNEL, note),))


def _by_likeness(found: Kernels) -> tuple[list[int], list[Cell]]:
    """Return which kernels are shown, from 0, the most like a named one first; and for all what each is like.

    Units of a dense layer, which are as large as the image, are like none.
    """
    if found.what != "kernel":
        return list(range(min(len(found.weights), MOST_KERNELS))), []
    matches = nearest(found.weights)
    order = sorted(range(len(matches)), key=lambda n: -abs(matches[n].cosine))[:MOST_KERNELS]
    words = (f"{'−' * (match.cosine < 0)}{match.kernel.name} {abs(match.cosine):.2f}" for match in matches)
    return order, [Cell(text) for text in words]


def _range(weights: Array) -> str:
    return f"{weights.min():.2f} … {weights.max():.2f}".replace("-", "−")


def feature_maps(report: Report) -> Section:
    """Return a few images on their way through the convolutions and pools."""
    elements: list[Element] = []
    for sample in report.samples:
        judged = sample.judged
        verdict = f"true {judged.true}, predicted {judged.predicted} with {share(judged.probability).text}"
        card = Card(photo(judged.pixels), f"{_which(judged)}: {verdict}")
        elements.append(Gallery(f"{_which(judged, 'Image')}: {verdict}", (card,), SAMPLE))
        elements += [_maps(layer) for layer in sample.layers]
    if not any(sample.layers for sample in report.samples):
        elements = [Words("The network has no convolution and no pool, so there are no feature maps.")]
    return Section("feature-maps", "Feature maps", tuple(elements))


def _maps(layer: FeatureMaps) -> Gallery:
    rows, columns, count = layer.maps.shape
    planes = np.moveaxis(layer.maps, 2, 0)[:MOST_MAPS]
    cards = tuple(
        Card(feature_map(plane), f"map {n}: {short(plane.min())} … {short(plane.max())}")
        for n, plane in enumerate(planes, 1)
    )
    shown = f"{len(cards)} of {count} maps" if len(cards) < count else f"{count} maps"
    title = f"Layer {layer.layer}, {layer.name}: {shown} of {by((rows, columns))}"
    scale = f"each from its own least, black, to its most, white; all within {_within(layer.maps)}"
    return Gallery(f"{title}; {scale}", cards, MAP, inner=True)


def _within(maps: Array) -> str:
    return f"{short(maps.min())} … {short(maps.max())}"
