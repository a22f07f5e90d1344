"""The sections of a report that are pictures: mistakes, kernels, feature maps."""

from __future__ import annotations

import numpy as np

from convcli.engine.workspace import Array
from convcli.explaining.notation import number as short
from convcli.render.report.elements import Card, Cell, Element, Gallery, Section, Words, share
from convcli.render.report.pictures import feature_map, kernel, photo
from convcli.report import FeatureMaps, Judged, Report
from convcli.wording import by

MOST_KERNELS, MOST_MAPS = 64, 32
MISTAKE, KERNEL, MAP, SAMPLE = 112, 88, 56, 112  # how wide they are drawn


def mistakes(report: Report) -> Section:
    """Return the wrongly judged images of which the network was surest."""
    if not report.mistakes:
        words = Words(f"There are none: all {report.figures.samples:,} images were classified correctly.")
        return Section("mistakes", "Most confident mistakes", (words,))
    cards = tuple(
        Card(
            photo(judged.pixels),
            f"{_which(judged)}: true {judged.true}, predicted {judged.predicted}",
            (
                Cell(f"{judged.true} → {judged.predicted}"),
                share(judged.probability, "predicted"),
                share(judged.true_probability, "true"),
                Cell(_which(judged)),
            ),
        )
        for judged in report.mistakes
    )
    title = f"All {report.wrong:,} mistakes, the surest first"
    if len(cards) < report.wrong:
        title = f"The {len(cards)} of {report.wrong:,} mistakes of which the network was surest"
    note = (
        f"True class → predicted class, the probabilities of both, and which image it is.{_positions(report)}"
    )
    return Section("mistakes", "Most confident mistakes", (Gallery(title, cards, MISTAKE, note),))


def _which(judged: Judged, word: str = "image") -> str:
    return f"{word} {judged.image}" if judged.image.isdecimal() else judged.image


def _positions(report: Report) -> str:
    """Return what the numbers of images count, where images have no files."""
    if not any(sample.judged.image.isdecimal() for sample in report.samples):
        return ""
    where = f"{report.kind} images"
    if report.split_off:
        where = "training images before some were split off"
    return f" Numbers are positions among the {where}, from 0."


def kernels(report: Report) -> Section:
    """Return the weights that look at the image itself."""
    found = report.kernels
    if found is None:
        words = Words("No layer lays its weights on the image itself, so there are no pictures of them.")
        return Section("kernels", "First-layer kernels", (words,))
    shown = found.weights[:MOST_KERNELS]
    largest = float(np.abs(shown).max())
    cards = tuple(
        Card(
            kernel(weights, largest),
            f"{found.what} {n}: {_range(weights)}",
            (Cell(str(n)), Cell(_range(weights))),
        )
        for n, weights in enumerate(shown, 1)
    )
    count = f"{len(shown)} of {len(found.weights)}" if len(shown) < len(found.weights) else str(len(shown))
    title = f"Layer {found.layer}, {found.name}: {count} {found.what}s of {by(found.weights.shape[1:])}"
    note = f"Black is {short(-largest)}, middle grey 0, white {short(largest)}; under each its range."
    if found.weights.shape[3] == 3:
        note += " Red, green and blue are the weights of the three channels."
    elif found.weights.shape[3] != 1:
        note += " Shown is the mean over the channels."
    return Section("kernels", "First-layer kernels", (Gallery(title, cards, KERNEL, note),))


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
    low, high = float(layer.maps.min()), float(layer.maps.max())
    rows, columns, count = layer.maps.shape
    cards = tuple(
        Card(feature_map(layer.maps[:, :, n], low, high), f"map {n + 1}")
        for n in range(min(count, MOST_MAPS))
    )
    shown = f"{len(cards)} of {count} maps" if len(cards) < count else f"{count} maps"
    title = f"Layer {layer.layer}, {layer.name}: {shown} of {by((rows, columns))}"
    return Gallery(f"{title}; black {short(low)}, white {short(high)}", cards, MAP, inner=True)
