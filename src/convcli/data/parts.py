"""What a reader hands over, pictures with a label each, becomes a `Splits` with numbered classes here."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convcli.data.dataset import Dataset
from convcli.data.pixels import fit_images, read_images
from convcli.data.presentation import Presentation
from convcli.data.readers import Wanted
from convcli.data.splits import Splits
from convcli.errors import InputError

INTEGER = re.compile(r"[+-]?[0-9]+")
LONGEST_NAME = 255  # signs of a class's name, as of a file's
MOST_CLASSES = 1 << 16


@dataclass(frozen=True, eq=False)
class RawPart:
    """The training or the test part of a source, as its files hold it.

    Images are numbers (n, h, w, c), or the picture files to read. Labels are (n,) or (n, 1): text, truth
    values, or whole numbers of at least 0; or (n, k) of zeros and a one.
    """

    name: str  # the file or folder, for messages
    images: NDArray[Any] | Sequence[Path]
    labels: NDArray[Any]


def assemble(
    train: RawPart,
    test: RawPart | None = None,
    validation: RawPart | None = None,
    *,
    classes: Sequence[str] | None = None,
    wanted: Wanted,
    notes: Iterable[str] = (),
) -> Splits:
    """Return the source that these parts make: one picture size, one presentation, one list of classes.

    Integer labels count in `classes`; None names the classes after the labels that the training part has,
    sorted (as numbers, if all are integers). What `wanted` leaves open, the training part decides for all.
    `notes` are what the reader itself has to say.

    Raises InputError if labels and pictures do not fit each other, or another part has a class of its own.
    """
    learn, presentation, said = _dataset(train, classes, wanted)
    parts: dict[str, Dataset | None] = {"test": None, "validation": None}
    if test is not None or validation is not None:
        said = tuple(f"train: {note}" for note in said)
    for name, part in (("test", test), ("validation", validation)):
        if part is not None:
            measure, _, more = _dataset(part, classes, wanted.like(learn.shape, presentation))
            parts[name] = measure.relabel(learn.classes)
            said = (*said, *(f"{name}: {note}" for note in more))
    return Splits(learn, parts["validation"], parts["test"], (*notes, *said), presentation)


def _dataset(
    part: RawPart, classes: Sequence[str] | None, wanted: Wanted
) -> tuple[Dataset, Presentation, tuple[str, ...]]:
    labels, of_columns = one_column(part.labels)
    if labels.shape != (len(part.images),):
        raise InputError(
            f"{part.name}: expected one label for each of {len(part.images):,} images, "
            f"found labels of shape {part.labels.shape}."
        )
    if not len(part.images):
        raise InputError(f"{part.name}: there are no images in it.")
    if isinstance(part.images, np.ndarray) and not part.images.size:
        raise InputError(f"{part.name}: its images have no pixels (shape {part.images.shape}).")
    labels, names = number_labels(labels, classes or of_columns, part.name)
    files: Sequence[Path] = ()
    if isinstance(part.images, np.ndarray):
        pictures = fit_images(part.images, wanted, part.name)
    else:
        files, pictures = part.images, read_images(part.images, wanted, part.name)
        if pictures.kept is not None:
            labels, files = labels[pictures.kept], [files[index] for index in pictures.kept]
    dataset = Dataset(pictures.images, labels, names, part.name, files)
    return dataset, pictures.presentation, pictures.notes


def one_column(labels: NDArray[Any]) -> tuple[NDArray[Any], list[str] | None]:
    """Return labels as (n,), and the classes that the columns of one-hot labels (n, k) stand for.

    >>> one_column(np.array([[0, 1, 0], [1, 0, 0]]))
    (array([1, 0]), ['0', '1', '2'])
    >>> one_column(np.array([[7], [5]]))[0], one_column(np.array([2.0, 1.0]))[0]
    (array([7, 5]), array([2, 1]))
    """
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim == 2 and labels.dtype.kind in "buif" and labels.size:
        one_hot = ((labels == 0) | (labels == 1)).all() and (labels.sum(1) == 1).all()
        if one_hot:
            return labels.argmax(1), [str(number) for number in range(labels.shape[1])]
    if labels.dtype.kind == "f" and np.isfinite(labels).all() and (np.abs(labels) < 2**53).all():
        whole = labels.astype(np.int64)
        labels = whole if (whole == labels).all() else labels
    return labels, None


def number_labels(
    labels: NDArray[Any], classes: Sequence[str] | None, name: str
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Return each label's position among the classes, and the names of the classes.

    Raises InputError if labels are neither text nor integers, negative, too long or too many for names, or
    not among the given classes.

    Examples
    --------
    >>> number_labels(np.array([10, 9, 10]), None, "example")
    (array([1, 0, 1]), ('9', '10'))
    >>> number_labels(np.array(["dog", "cat"]), None, "example")
    (array([1, 0]), ('cat', 'dog'))
    """
    if labels.dtype.kind == "b" and classes is None:
        labels = labels.astype(str)
    elif labels.dtype.kind == "b":
        labels = labels.astype(np.int64)
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

    Raises InputError if they are more, or longer, than names of classes can be, or no text.
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
    check_lengths(names, name)
    return names


def check_lengths(names: Sequence[str], where: str) -> None:
    """Raise InputError if one of these is too long for the name of a class."""
    longest = max(map(len, names), default=0)
    if longest > LONGEST_NAME:
        raise InputError(
            f"{where}: found a label of {longest:,} signs; expected the name of a class, at most "
            f"{LONGEST_NAME}."
        )


def sorted_names(names: Iterable[str]) -> list[str]:
    """Return class names in their order: as numbers if all are integers, as text otherwise.

    >>> sorted_names(["10", "9", "1"]), sorted_names(["10", "9", "one"])
    (['1', '9', '10'], ['10', '9', 'one'])
    """
    names = list(names)
    if all(INTEGER.fullmatch(name) for name in names):
        return sorted(names, key=lambda name: (int(name), name))
    return sorted(names)
