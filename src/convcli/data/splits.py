"""The parts that labelled pictures come in: to learn from, to judge by, to measure on in the end."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace

import numpy as np

from convcli.data.dataset import Dataset, split
from convcli.data.presentation import Presentation
from convcli.errors import UsageError


@dataclass(frozen=True, eq=False)
class Splits:
    """Labelled pictures of one size, with the same classes, in up to three parts that do not overlap.

    `notes` say what was done to the pictures on the way and a person should hear, such as "12 of 300 images
    resized to 28×28"; `presentation`, how what was stored became these pictures: others go the same way.
    """

    train: Dataset  # all pictures, where a source has one part only
    validation: Dataset | None = None
    test: Dataset | None = None
    notes: tuple[str, ...] = ()
    presentation: Presentation = field(default_factory=Presentation)
    seen: int = 0  # test images that stand in another part, too, as far as that was looked for

    @property
    def held_out(self) -> Dataset:
        """The part to measure on when this is a test or validation source: `test`, or else everything."""
        return self.train if self.test is None else self.test

    def divided(self, share: float, seed: int) -> Splits:
        """Return the same with a validation part: the source's own one, or else a share of `train`."""
        if self.validation is not None:
            return self if share else replace(self, validation=None)
        train, validation = split(self.train, share, seed)
        return replace(self, train=train, validation=validation)

    def part(self, name: str) -> Dataset:
        """Return the part `name`, or raise UsageError if there is none."""
        parts = {"train": self.train, "validation": self.validation, "test": self.test}
        found = parts[name]
        if found is None:
            there = ", ".join(key for key, value in parts.items() if value is not None)
            raise UsageError(f"The data has no {name} part; it has: {there}.")
        return found

    def fingerprint(self) -> dict[str, str]:
        """Return what tells these images from others, as far as training depends on them.

        For the training and the validation part: the number and size of the images, and the start of the
        SHA-256 of images and labels.
        """
        return {
            name: fingerprint(part) if part is not None else "none"
            for name, part in (("training", self.train), ("validation", self.validation))
        }


def in_words(part: str) -> str:
    """Return what one calls the images of a part: those of `train` are training images."""
    return "training" if part == "train" else part


def fingerprint(dataset: Dataset) -> str:
    """Return the number and size of images, and the start of the SHA-256 of them and their labels."""
    digest = hashlib.sha256()
    for block in dataset.blocks():
        digest.update(np.ascontiguousarray(block).data)
    digest.update(np.ascontiguousarray(dataset.labels).data)
    size = "×".join(map(str, dataset.shape))
    return f"{len(dataset):,} of {size}, SHA-256 {digest.hexdigest()[:16]}…"
