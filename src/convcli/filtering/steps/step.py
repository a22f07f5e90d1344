"""What a step is: options, and the picture that it makes of another. A new one is one class in one place."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, ConfigDict

from convcli.config import Part
from convcli.engine.plane.borders import border_named
from convcli.filtering.picture import Picture, Setting
from convcli.registry import Registry

FAMILIES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "kernel": ("kernel", ("kernel",)),
    "brightness": ("points", ("gray", "invert")),
    "tone": ("tone", ("normalize", "gamma")),
    "black and white": ("threshold", ("threshold",)),
    "edges": ("canny", ("canny",)),
    "slopes": ("gradient", ("magnitude", "direction")),
    "sharpness": ("sharpening", ("unsharp", "highpass")),
    "order of neighbours": ("ranks", ("median", "rank")),
    "morphology": (
        "ranks",
        ("erode", "dilate", "open", "close", "top_hat", "black_hat", "morphological_gradient"),
    ),
    "neighbours compared": ("comparing", ("bilateral", "local_binary_pattern")),
    "size and place": ("geometry", ("resize", "crop", "flip", "rotate")),
}
"""What steps are about, in the order in which they are listed → their file here, and their names."""

STEPS: Registry[type[Step]] = Registry(
    "step",
    homes={name: f"{__package__}.{file}" for file, names in FAMILIES.values() for name in names},
)
"""A chain imports the files of its own steps alone."""


class Step(Part):
    """Options of one step and what it does with them.

    It holds no pixels, and makes a lazy picture: by `pointwise` what is made of each pixel by itself, by
    `windowed` what is made of its neighbourhood; where it needs to know something of all pixels, it asks
    `measured` for that in `on`, which is one more pass over all that is before it. A subclass registers
    itself by the default of its field `type`. The first line of its docstring says what it does; its
    fields are its options, each with a text below it that says what it means.

    Attributes
    ----------
    source
        Who defined it, where it is: an article, or the library that it is held against.
    registered
        Whether `STEPS` lists it: kernels have their own list.
    """

    model_config = ConfigDict(use_attribute_docstrings=True)

    registered: ClassVar[bool] = True
    source: ClassVar[str] = ""

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        if "type" in cls.model_fields and cls.registered:
            STEPS.register(cls.name())(cls)

    @classmethod
    def options(cls) -> list[str]:
        """Return the names of its options: its own first, then those that it has in common with others."""
        shared = {name for base in cls.__mro__[1:] for name in getattr(base, "model_fields", ())} - {"type"}
        names = [name for name in cls.model_fields if name != "type"]
        return sorted(names, key=lambda name: name in shared)

    @abstractmethod
    def on(self, picture: Picture, setting: Setting) -> Picture:
        """Return the picture that it makes of `picture`, or raise `UsageError` if it does not fit."""

    @property
    def measures(self) -> bool:
        """Whether what it makes of a pixel depends on all of them, as a range or a histogram does."""
        return False

    @property
    def goes_over(self) -> bool:
        """Whether `on` goes over all of a picture, as one that measures does."""
        return False

    @property
    def label(self) -> str:
        """What it is called in messages and in names of files."""
        return self.name()

    @property
    def luma(self) -> bool:
        """Whether it looks at nothing but an image's brightness."""
        return False

    @property
    def text(self) -> str:
        """The step as one writes it on the command line."""
        return written(self.name(), self.document(), besides=("type",))

    def document(self) -> dict[str, Any]:
        """Return it as it stands in a file: `type`, and the options that are not as usual."""
        changed = self.model_dump(mode="json", exclude_defaults=True)
        return {"type": self.name(), **{name: changed[name] for name in self.options() if name in changed}}

    def record(self) -> dict[str, Any]:
        """Return what tells it from all others: every option."""
        return self.model_dump(mode="json")


def per_cent(text: str) -> float | None:
    """Return the finite number before a %, None if the text is no such share.

    >>> per_cent("12.5%"), per_cent("12.5"), per_cent("x%")
    (12.5, None, None)
    """
    try:
        number = float(text.removesuffix("%"))
    except ValueError:
        return None
    return number if text.endswith("%") and math.isfinite(number) else None


def written(name: str, document: Mapping[str, Any], besides: Sequence[str]) -> str:
    """Return a step as one writes it: its name, and behind a colon what its document says `besides`."""
    options = ",".join(f"{key}={_word(value)}" for key, value in document.items() if key not in besides)
    return f"{name}:{options}" if options else name


def _word(value: object) -> str:
    """Return a value as a step's text has it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return ",".join(map(_word, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


Border = Annotated[str, AfterValidator(border_named)]


class Bordered(Step):
    """A step whose windows see what stands around a picture."""

    border: Border | None = None
    """What stands there: reflect, symmetric, edge, wrap, zero or constant; the command's, if not given."""
    fill: float | None = None
    """The value of border constant; the command's, if not given."""

    def surroundings(self, setting: Setting) -> dict[str, Any]:
        """Return `border` and `fill` as `windowed` takes them."""
        border = setting.border if self.border is None else self.border
        return {"border": border, "fill": setting.fill if self.fill is None else self.fill}
