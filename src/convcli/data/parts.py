"""What a reader hands over, pictures with a label each, becomes a `Source` with numbered classes here."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convcli.data.dataset import Dataset, Source
from convcli.data.pixels import Pixels, fit_images, read_images
from convcli.errors import InputError

INTEGER = re.compile(r"[+-]?[0-9]+")
LONGEST_NAME = 255  # signs of a class's name, as of a file's
MOST_CLASSES = 1 << 16


@dataclass(frozen=True, eq=False)
class Part:
    """The training or the test part of a source, as its files hold it.

    Attributes
    ----------
    name
        The file or folder, for messages.
    images
        uint8 (n, h, w, c), or the picture files to read.
    labels
        (n,): text, or integers of at least 0.
    """

    name: str
    images: Pixels | Sequence[Path]
    labels: NDArray[Any]


def assemble(
    train: Part,
    test: Part | None = None,
    *,
    classes: Sequence[str] | None = None,
    size: tuple[int, int] | None,
    channels: int | None,
    notes: Iterable[str] = (),
) -> Source:
    """Return the source that these parts make: one picture size, one list of classes.

    Parameters
    ----------
    classes
        The names that integer labels count in. None names the classes after the labels that the training
        part has, sorted (as numbers, if all are integers).
    size, channels
        As in `open_source`; where None, the training part decides for both.
    notes
        What the reader itself has to say.

    Raises
    ------
    InputError
        If labels and pictures do not fit each other, or the test part has a class of its own.
    """
    learn, said = _dataset(train, classes, size, channels)
    if test is None:
        return Source(learn, None, (*notes, *said))
    rows, columns, depth = learn.shape
    measure, said_of_test = _dataset(test, classes, (rows, columns), depth)
    said = (*(f"train: {note}" for note in said), *(f"test: {note}" for note in said_of_test))
    return Source(learn, measure.relabel(learn.classes), (*notes, *said))


def _dataset(
    part: Part, classes: Sequence[str] | None, size: tuple[int, int] | None, channels: int | None
) -> tuple[Dataset, tuple[str, ...]]:
    if part.labels.shape != (len(part.images),):
        raise InputError(
            f"{part.name}: expected one label for each of {len(part.images):,} images, "
            f"found labels of shape {part.labels.shape}."
        )
    if not len(part.images):
        raise InputError(f"{part.name}: there are no images in it.")
    if isinstance(part.images, np.ndarray) and not part.images.size:
        raise InputError(f"{part.name}: its images have no pixels (shape {part.images.shape}).")
    labels, names = number_labels(part.labels, classes, part.name)
    if isinstance(part.images, np.ndarray):
        images, notes = fit_images(part.images, size=size, channels=channels, name=part.name)
        return Dataset(images, labels, names, part.name), notes
    images, notes = read_images(part.images, size=size, channels=channels)
    return Dataset(images, labels, names, part.name, part.images), notes


def number_labels(
    labels: NDArray[Any], classes: Sequence[str] | None, name: str
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Return each label's position among the classes, and the names of the classes.

    Raises
    ------
    InputError
        If labels are neither text nor integers, negative, too long or too many for names, or not among the
        given classes.

    Examples
    --------
    >>> number_labels(np.array([10, 9, 10]), None, "example")
    (array([1, 0, 1]), ('9', '10'))
    >>> number_labels(np.array(["dog", "cat"]), None, "example")
    (array([1, 0]), ('cat', 'dog'))
    """
    if labels.dtype.kind not in "iuSU":
        raise InputError(
            f"{name}: labels are {labels.dtype}; expected integers (0, 1, 2, …) or text, one for each image."
        )
    values, index = np.unique(labels, return_inverse=True)
    is_text = labels.dtype.kind in "SU"
    if not is_text and values[0] < 0:
        raise InputError(f"{name}: label {values[0]} is negative; expected integers from 0 up.")
    found = names_of(values, name)
    if classes is None:
        classes = sorted_names(found)
    elif not is_text:  # counts in the list of names: position, not name
        if values[-1] >= len(classes):
            raise InputError(
                f"{name}: label {values[-1]} has no name: its {len(classes)} classes count from 0. Name all."
            )
        return labels.astype(np.int64), tuple(classes)
    position = {name: number for number, name in enumerate(classes)}
    unknown = [name for name in found if name not in position]
    if unknown:
        raise InputError(f"{name}: label {unknown[0]!r} is not among its classes {', '.join(classes)}.")
    numbers: NDArray[np.int64] = np.array([position[name] for name in found], np.int64)[index]
    return numbers, tuple(classes)


def names_of(values: NDArray[Any], name: str) -> list[str]:
    """Return different labels, integers or text, as names; bytes are UTF-8.

    Raises
    ------
    InputError
        If they are more, or longer, than names of classes can be, or no text.
    """
    if len(values) > MOST_CLASSES:
        raise InputError(
            f"{name}: found {len(values):,} different classes; expected at most {MOST_CLASSES:,}. "
            "Is it the class of each image?"
        )
    if values.dtype.kind == "S":
        values = np.char.decode(values, "utf-8", "replace")
    elif values.dtype.kind == "U":
        values = values.astype(values.dtype.newbyteorder("="))
        if values.view(np.uint32).max(initial=0) > sys.maxunicode:
            raise InputError(f"{name}: its labels are no text; expected Unicode. Save them again.")
    names = [str(value) for value in values]
    longest = max(map(len, names), default=0)
    if longest > LONGEST_NAME:
        raise InputError(
            f"{name}: found a label of {longest:,} signs; expected the name of a class, at most "
            f"{LONGEST_NAME}."
        )
    return names


def sorted_names(names: Iterable[str]) -> list[str]:
    """Return class names in their order: as numbers if all are integers, as text otherwise.

    >>> sorted_names(["10", "9", "1"]), sorted_names(["10", "9", "one"])
    (['1', '9', '10'], ['10', '9', 'one'])
    """
    names = list(names)
    if all(INTEGER.fullmatch(name) for name in names):
        return sorted(names, key=lambda name: (int(name), name))
    return sorted(names)
