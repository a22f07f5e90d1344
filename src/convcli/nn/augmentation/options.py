"""[augmentation]: which augmentations there are, in the order in which they are done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from convcli.config import Options
from convcli.errors import ConfigError
from convcli.nn.augmentation.augmentation import Augmentation
from convcli.nn.augmentation.cutout import Cutout
from convcli.nn.augmentation.rearranging import Flip, Shift
from convcli.nn.layer import Shape


class AugmentationOptions(Options):
    """[augmentation]: how training images are changed, anew in every epoch.

    A new augmentation is a class in this package and a line here. They are done in this order, but what moves
    pixels before what changes their levels, and both before what covers them.
    """

    flip: Flip | None = None
    shift: Shift | None = None
    cutout: Cutout | None = None

    @property
    def active(self) -> Iterator[Augmentation]:
        """Those that change anything."""
        for name in AUGMENTATIONS:
            augmentation = getattr(self, name)
            if augmentation is not None and not augmentation.idle:
                yield augmentation

    def check(self, shape: Shape) -> None:
        """Raise ConfigError where images (h, w, c) cannot be changed so."""
        for augmentation in self.active:
            if problem := augmentation.problem(shape):
                key, main = augmentation.name(), augmentation.main()
                raise ConfigError(f"augmentation.{key} = {getattr(augmentation, main)}: {problem}.")

    def doubts(self, shape: Shape) -> list[str]:
        """Return what a person should hear of it where images are (h, w, c)."""
        told = {augmentation.name(): augmentation.doubt(shape) for augmentation in self.active}
        return [f"augmentation.{name}: {doubt}" for name, doubt in told.items() if doubt]


def _augmentations() -> Iterator[type[Augmentation]]:
    for field in AugmentationOptions.model_fields.values():
        kinds = getattr(field.annotation, "__args__", ())
        yield from (kind for kind in kinds if issubclass(kind, Augmentation))


AUGMENTATIONS: Mapping[str, type[Augmentation]] = {kind.name(): kind for kind in _augmentations()}
