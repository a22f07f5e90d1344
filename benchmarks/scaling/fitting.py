"""The model's figures from docs/scaling.json, and what it says of cases that were not fitted.

Fitted are a link on what Alltoallv takes of it; a network's time for an image, and for what is done once a
step, on one rank; and the time for an image while the other core is busy, on two ranks at one batch. All else
is predicted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.scaling.links import Link
from benchmarks.scaling.model import Cut, Network, step

SHAPES: Mapping[str, tuple[int, int]] = {"seed": (876_618, 41), "large": (8_850_440, 13)}
"""Parameters, and images in a piece, of the networks that are measured: seed.toml and large.toml."""

BATCH_OF_TWO: Mapping[str, int] = {"seed": 256, "large": 104}
"""The batch of two ranks that is fitted; all others are predicted."""

LONG = 2 << 10  # bytes of a message, from which a link's bandwidth shows


def undisturbed(case: Mapping[str, Any]) -> float:
    """Return the seconds of the fastest of a case's runs: all else that runs can only make one slower."""
    return float(min(case["seconds"]))


def fit_line(places: Sequence[float], values: Sequence[float]) -> tuple[float, float]:
    """Return (a, b) of the line a + b · place whose relative errors' squares are smallest in sum; a ≥ 0.

    >>> [round(number, 6) for number in fit_line([1, 2, 4], [3, 5, 9])]
    [1.0, 2.0]
    """
    x, y = np.array(places, float), np.array(values, float)
    (a, b), *_ = np.linalg.lstsq(np.stack([1 / y, x / y], axis=1), np.ones_like(y), rcond=None)
    if a < 0:
        a, b = 0.0, float((x / y).sum() / ((x / y) ** 2).sum())
    return float(a), float(b)


def fit_link(name: str, seconds: Mapping[str, float]) -> Link:
    """Return the link on which Alltoallv between two ranks takes `seconds`: bytes of the vector → time.

    >>> fit_link("", {"8": 1.0, "8192": 42.96, "65536": 329.68})  # 2 + bytes / 2 / 100
    Link(name='', latency=1.0, bandwidth=100.0, overhead=0.0, handshake=1.0, eager=2048)
    """
    latency = seconds[min(seconds, key=float)]
    long = {float(size) / 2: taken for size, taken in seconds.items() if float(size) / 2 > LONG}
    start, byte = fit_line(list(long), list(long.values()))
    return Link(name, latency, round(1 / byte, 3), 0.0, round(max(start / latency - 1, 0), 3), LONG)


def links(document: Mapping[str, Any]) -> dict[str, Link]:
    """Return the links that were measured, by name."""
    return {way: fit_link(way, taken["Alltoallv"]) for way, taken in document["links"]["seconds"].items()}


def fit_network(name: str, document: Mapping[str, Any], link: Link) -> Network:
    """Return a network, on one rank's steps and on two ranks' of `BATCH_OF_TWO`."""
    parameters, piece = SHAPES[name]
    add = document["trainings"]["add"]
    blank = Network(name, parameters, piece, 0, 0, 0, add)
    alone = {
        case["batch"]: undisturbed(case)
        for case in cases_of(document, name)
        if (case["ranks"], case["threads"]) == (1, 1)
    }
    adding = {batch: step(blank, _cut(blank, batch), link).fixed for batch in alone}
    fixed, image = fit_line(list(alone), [alone[batch] - adding[batch] for batch in alone])
    blank = Network(name, parameters, piece, 0, image, fixed, add)
    for case in cases_of(document, name):
        if is_fitted(case) and case["ranks"] == 2:
            cut = _cut(blank, case["batch"])
            image = (undisturbed(case) - step(blank, cut, link, 2).seconds) / cut.busiest(2)
    if min(image, blank.image_alone) <= 0:
        raise ValueError(f"{name}: measured beside so much else that two ranks seem to take no time")
    return Network(name, parameters, piece, image, blank.image_alone, fixed, add)


def cases_of(document: Mapping[str, Any], network: str) -> list[Mapping[str, Any]]:
    """Return the trainings of a network."""
    return [case for case in document["trainings"]["cases"] if case["network"] == network]


def is_fitted(case: Mapping[str, Any]) -> bool:
    """Return whether the model's figures are made of this case."""
    one = (case["ranks"], case["threads"]) == (1, 1)
    two = case["ranks"] == 2 and case["batch"] == BATCH_OF_TWO[case["network"]]
    return one or (two and case["way"] == "shared memory" and not case["plain"])


@dataclass(frozen=True)
class Prediction:
    """What the model says of a case, and what was measured."""

    case: Mapping[str, Any]
    predicted: float
    measured: float

    @property
    def error(self) -> float:
        """How far off it is, as a share of what was measured: above 0 where it says too much."""
        return self.predicted / self.measured - 1


def predictions(document: Mapping[str, Any]) -> Iterator[Prediction]:
    """Yield what the model says of each case, fitted or not, where it says anything.

    It says nothing of more ranks than cores: those that wait keep a core busy.
    """
    found = links(document)
    for name in SHAPES:
        if not cases_of(document, name):
            continue
        network = fit_network(name, document, found["shared memory"])
        for case in cases_of(document, name):
            if case["ranks"] * case["threads"] <= 2:
                cut = _cut(network, case["batch"])
                link, ranks, threads = found[case["way"]], case["ranks"], case["threads"]
                said = step(network, cut, link, ranks, threads, plain=case["plain"])
                yield Prediction(case, said.seconds, undisturbed(case))


def _cut(network: Network, batch: int) -> Cut:
    return Cut.of(batch, network.piece, network.most_lanes)
