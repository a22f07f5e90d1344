"""Labelled pictures in memory, and how a validation part is split off them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convcli.data.mapping import check_unchanged
from convcli.errors import InputError, UsageError
from convcli.wording import listed

BLOCK_BYTES = 1 << 22  # of pictures that are looked at together, where all of them might not fit twice


@dataclass(frozen=True, eq=False)
class Dataset:
    """Pictures of one size, each with the number of its class: all those of a source, or some of them.

    Attributes
    ----------
    stored
        uint8, (N, h, w, c): the pictures of the source, neither scaled nor shifted. Sets that were taken from
        one another have them in common: they lie in memory once, or stay in a file that is mapped.
    labels
        int64, (n,): positions in `classes`, of the pictures of this set.
    classes
        The names of the classes; a class may have no picture here.
    name
        Where the pictures come from; it begins every error message.
    files
        The file of each picture of the source, where each has its own.
    positions
        int64, (n,): which of `stored` each picture of this set is; None where it is all of them, in order.

    Raises
    ------
    InputError
        If shapes, dtypes or label range do not fit each other, or there is no picture at all.

    Examples
    --------
    >>> pictures = Dataset(np.zeros((3, 8, 8, 1), np.uint8), np.array([1, 0, 1]), ("cat", "dog"))
    >>> len(pictures), pictures.shape, pictures.class_counts
    (3, (8, 8, 1), {'cat': 1, 'dog': 2})
    """

    stored: NDArray[np.uint8]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    name: str = "dataset"
    files: Sequence[Path] = ()
    positions: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        if problem := self._problem():
            raise InputError(f"{self.name}: {problem}")

    def _problem(self) -> str | None:
        """Return the first thing that does not fit."""
        images, labels, classes = self.stored, self.labels, self.classes
        if images.dtype != np.uint8 or images.ndim != 4:
            return f"expected uint8 images (n, h, w, c), found {images.dtype} with shape {images.shape}."
        if images.size == 0 or labels.size == 0:
            return f"expected at least one image of at least one pixel, found shape {images.shape}."
        count = len(images) if self.positions is None else len(self.positions)
        if labels.dtype != np.int64 or labels.shape != (count,):
            return (
                f"expected {count:,} labels, one for each image, as int64 (n,); "
                f"found {labels.dtype} with shape {labels.shape}."
            )
        twice = [name for name, times in Counter(classes).items() if times > 1]
        if twice:
            return f"class {twice[0]!r} is named twice; give every class a name of its own."
        low, high = int(labels.min()), int(labels.max())
        if low < 0 or high >= len(classes):
            wrong = low if low < 0 else high
            return (
                f"label {wrong} is outside 0 … {len(classes) - 1}, the positions of {len(classes)} classes."
            )
        return None

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def images(self) -> NDArray[np.uint8]:
        """The pictures of this set, uint8 (n, h, w, c): a copy, if it has only some of its source."""
        return self.stored if self.positions is None else self.stored[self.positions]

    def blocks(self) -> Iterator[NDArray[np.uint8]]:
        """Yield the pictures in order, some megabytes at a time: (k, h, w, c)."""
        count = max(1, BLOCK_BYTES // math.prod(self.shape))
        for start in range(0, len(self), count):
            self.check_unchanged()
            block = slice(start, start + count)
            yield self.stored[block if self.positions is None else self.positions[block]]

    def check_unchanged(self) -> None:
        """Raise InputError if the pictures are those of a file that was written to since it was opened."""
        check_unchanged(self.stored)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Rows, columns and channels of every picture."""
        _, rows, columns, channels = self.stored.shape
        return rows, columns, channels

    @property
    def class_counts(self) -> dict[str, int]:
        """How many pictures each class has, in the order of `classes`."""
        counts = np.bincount(self.labels, minlength=len(self.classes))
        return dict(zip(self.classes, counts.tolist(), strict=True))

    def take(self, indices: ArrayLike) -> Dataset:
        """Return the set of the pictures at `indices`, in their order, with all classes kept."""
        chosen = np.asarray(indices)
        return replace(self, labels=self.labels[chosen], positions=self.places(chosen))

    def places(self, chosen: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return where pictures of this set lie in `stored`."""
        return chosen if self.positions is None else self.positions[chosen]

    def origin(self, index: int) -> str:
        """Return which picture of the source stands at `index`: its file, or its position there, from 0.

        >>> pictures = Dataset(np.zeros((9, 2, 2, 1), np.uint8), np.arange(9) % 2, ("even", "odd"))
        >>> pictures.take([7, 2]).origin(0)
        '7'
        """
        position = index if self.positions is None else int(self.positions[index])
        if not self.files:
            return str(position)
        path, place = self.files[position], Path(self.name)
        for folder in (place, place.parent):  # of class folders, or of a list of files
            if path.is_relative_to(folder):
                return str(path.relative_to(folder))
        return str(path)

    def relabel(self, classes: Sequence[str]) -> Dataset:
        """Return the same pictures with labels that count in `classes`, matched by name.

        This is how pictures from another source join those a network was trained on.

        Raises
        ------
        InputError
            If pictures here belong to a class that `classes` does not know.

        Examples
        --------
        >>> more = Dataset(np.zeros((2, 8, 8, 1), np.uint8), np.array([0, 0]), ("dog",))
        >>> more.relabel(["cat", "dog"]).labels
        array([1, 1])
        """
        if tuple(classes) == self.classes:
            return self
        position = {name: index for index, name in enumerate(classes)}
        unknown = [name for name, count in self.class_counts.items() if count and name not in position]
        if unknown:
            raise InputError(
                f"{self.name}: class {listed(unknown)} is not among the classes of the training images: "
                f"{listed(classes)}. Rename or remove it."
            )
        to = np.array([position.get(name, -1) for name in self.classes], np.int64)
        return replace(self, labels=to[self.labels], classes=tuple(classes))


def split(dataset: Dataset, share: float, seed: int | np.random.Generator) -> tuple[Dataset, Dataset | None]:
    """Split a validation part off the training pictures: stratified, disjoint, in the original order.

    Parameters
    ----------
    share
        Of all pictures, from 0 up to but not including 1; `share * len(dataset)` is rounded to a whole
        number of pictures, and exactly that many are taken. Each class gives its proportion (largest
        remainder method); one with two or more pictures keeps at least one in each part where the total
        allows it.
    seed
        Decides which pictures of a class are taken.

    Returns
    -------
    train, validation
        `validation` is None where `share` is 0.

    Raises
    ------
    UsageError
        If `share` is out of range, or leaves either part without a picture.

    Examples
    --------
    >>> pictures = Dataset(np.zeros((10, 2, 2, 1), np.uint8), np.arange(10) % 2, ("even", "odd"))
    >>> train, validation = split(pictures, 0.4, seed=0)
    >>> train.class_counts, validation.class_counts
    ({'even': 3, 'odd': 3}, {'even': 2, 'odd': 2})
    """
    if not 0 <= share < 1:
        raise UsageError(f"The validation share must be at least 0 and less than 1, not {share}.")
    if share == 0:
        return dataset, None
    total = round(share * len(dataset))
    if total in (0, len(dataset)):
        empty = "validation" if total == 0 else "training"
        raise UsageError(
            f"A validation share of {share:g} of {len(dataset):,} images ({dataset.name}) leaves no image "
            f"for {empty}: choose a {'larger' if total == 0 else 'smaller'} share or 0."
        )
    rng = np.random.default_rng(seed)
    counts = np.bincount(dataset.labels, minlength=len(dataset.classes))
    by_class = np.split(np.argsort(dataset.labels, kind="stable"), np.cumsum(counts)[:-1])
    taken = np.zeros(len(dataset), bool)
    for members, number in zip(by_class, _allot(counts, total), strict=True):
        taken[rng.choice(members, number, replace=False)] = True
    return dataset.take(np.flatnonzero(~taken)), dataset.take(np.flatnonzero(taken))


def _allot(counts: NDArray[np.int64], total: int) -> NDArray[np.int64]:
    """Return how many of `counts` each class gives so that the sum is `total`: largest remainders, bounded.

    >>> _allot(np.array([6, 3, 1]), 5), _allot(np.array([96, 4]), 10), _allot(np.array([98, 2]), 2)
    (array([3, 2, 0]), array([9, 1]), array([1, 1]))
    """
    low, high = np.minimum(counts // 2, 1), np.maximum(counts - 1, 0)
    if low.sum() > total:
        low = np.zeros_like(counts)
    if high.sum() < total:
        high = counts
    quota = counts * total / counts.sum()
    given: NDArray[np.int64] = np.clip(counts * total // counts.sum(), low, high)
    while (missing := total - int(given.sum())) != 0:
        step = 1 if missing > 0 else -1
        free = given < high if step > 0 else given > low
        given[np.argmax(np.where(free, step * (quota - given), -np.inf))] += step
    return given
