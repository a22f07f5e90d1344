"""Pictures that stand in several parts, or in several classes: figures about them are not what they seem."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping

import numpy as np

from convcli.data.dataset import Dataset
from convcli.data.splits import in_words
from convcli.wording import shown

_DIGEST_BYTES = 16


def same_pictures(parts: Mapping[str, Dataset | None]) -> tuple[tuple[str, ...], int]:
    """Return what to say of pictures that several parts or classes hold, and how many of the last part's.

    Pictures are the same if the network sees the same: they are compared as they are read, by their digests,
    each part with those before it.

    Examples
    --------
    >>> images = np.arange(6, dtype=np.uint8).reshape(6, 1, 1, 1)
    >>> some = Dataset(images, np.zeros(6, np.int64), ("cat",), "photos")
    >>> same_pictures({"train": some, "test": some.take([4, 5])})
    (('2 of 2 test images stand in the training part, too: 4 there is 4 here',), 2)
    """
    notes: list[str] = []
    first: dict[bytes, tuple[str, int]] = {}  # digest → part and place
    twice: list[str] = []
    several, met = 0, dict.fromkeys(parts, 0)
    there = {name: part for name, part in parts.items() if part is not None}
    for name, part in there.items():
        shared: dict[str, list[tuple[int, int]]] = {}
        for place, digest in enumerate(_digests(part)):
            before, where = first.setdefault(digest, (name, place))
            if (before, where) == (name, place):
                continue
            if before != name:
                shared.setdefault(before, []).append((where, place))
            if there[before].labels[where] != part.labels[place]:
                several += 1
                twice = twice or [_labelled(there[before], where), _labelled(part, place)]
        for before, pairs in shared.items():
            where, place = pairs[0]
            notes.append(
                f"{len(pairs):,} of {len(part):,} {in_words(name)} images stand in the "
                f"{in_words(before)} part, too: {shown(there[before].origin(where))} there is "
                f"{shown(part.origin(place))} here"
            )
            met[name] += len(pairs)
    if several:
        notes.append(
            f"{several:,} {'image stands' if several == 1 else 'images stand'} in more than one class: "
            f"{twice[0]} is {twice[1]}; "
            "no network tells them apart"
        )
    return tuple(notes), [*met.values()][-1]


def _labelled(part: Dataset, place: int) -> str:
    return f"{shown(part.origin(place))} ({shown(part.classes[part.labels[place]])})"


def _digests(part: Dataset) -> Iterator[bytes]:
    for block in part.blocks():
        for image in np.ascontiguousarray(block):
            yield hashlib.blake2b(image.data, digest_size=_DIGEST_BYTES).digest()
