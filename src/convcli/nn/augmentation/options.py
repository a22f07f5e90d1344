"""[augmentation]: which augmentations there are, in the order in which they are done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic import model_validator

from convcli.config import Options
from convcli.errors import ConfigError
from convcli.nn.augmentation.augmentation import Augmentation
from convcli.nn.augmentation.cutout import Cutout
from convcli.nn.augmentation.levels import Brightness, Contrast, Noise, Saturation
from convcli.nn.augmentation.mixing import CutMix, Mixup
from convcli.nn.augmentation.rearranging import Flip, Shift
from convcli.nn.augmentation.resampling import Crop, Rotate, Shear, Zoom
from convcli.nn.layer import Shape

POLICIES: Mapping[str, Mapping[str, Any]] = {
    "light": {"flip": "horizontal", "shift": 0.0625, "brightness": 0.1, "contrast": 0.1},
    "strong": {
        "flip": "horizontal",
        "shift": 0.125,
        "rotate": 15,
        "zoom": 0.15,
        "brightness": 0.3,
        "contrast": 0.3,
        "saturation": 0.3,
        "cutout": 0.25,
        "mixup": 0.2,
    },
}


class AugmentationOptions(Options):
    """[augmentation]: how training images are changed, anew in every epoch.

    A `policy` is a name for some of the others; those that are given themselves override it. A new
    augmentation is a class in this package and a line here. They are done in this order.
    """

    policy: Literal["light", "strong"] | None = None
    flip: Flip | None = None
    shift: Shift | None = None
    shear: Shear | None = None
    rotate: Rotate | None = None
    zoom: Zoom | None = None
    crop: Crop | None = None
    brightness: Brightness | None = None
    contrast: Contrast | None = None
    saturation: Saturation | None = None
    noise: Noise | None = None
    cutout: Cutout | None = None
    mixup: Mixup | None = None
    cutmix: CutMix | None = None

    @model_validator(mode="before")
    @classmethod
    def _with_its_policy(cls, value: object) -> object:
        policy = value.get("policy") if isinstance(value, dict) else None
        return {**POLICIES[policy], **value} if isinstance(policy, str) and policy in POLICIES else value  # type: ignore[dict-item]

    @property
    def active(self) -> Iterator[Augmentation]:
        """Those that change anything."""
        for name in AUGMENTATIONS:
            augmentation = getattr(self, name)
            if augmentation is not None and not augmentation.idle:
                yield augmentation

    @property
    def told(self) -> dict[str, Any]:
        """Those that change anything by their keys, as briefly as they may be written."""
        return {augmentation.name(): augmentation.told for augmentation in self.active}

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
        yield from (kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Augmentation))


AUGMENTATIONS: Mapping[str, type[Augmentation]] = {kind.name(): kind for kind in _augmentations()}
