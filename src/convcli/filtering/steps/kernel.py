"""Kernels as steps: a named one with its own parameters, or whatever else `filter --kernel` takes."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from functools import cache
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, PrivateAttr, create_model

from convcli import kernels
from convcli.config import any_padding, sizes_or_none
from convcli.engine.plane.plan import checked_anchor
from convcli.errors import UsageError
from convcli.filtering.chain import Laying, kernel_record
from convcli.filtering.compat import Preset
from convcli.filtering.picture import Picture, Setting
from convcli.filtering.policy import Policy
from convcli.filtering.steps.step import Bordered, written
from convcli.kernels import KERNELS, Kernel, named
from convcli.kernels.definition import PARAMETERS, checked_parameters
from convcli.shapes import Pair


def _factor(value: object) -> object:
    return kernels.number(value, "scale") if isinstance(value, str) else value


def _padding(value: object) -> object:
    if isinstance(value, list) and len(value) == 4:  # top, bottom, left, right
        value = [value[:2], value[2:]]
    return any_padding(value)


class Laid(Bordered):
    """A kernel laid on a picture: the options that `filter` has for it.

    What `Policy` and `filter_image` say of these options holds.
    """

    padding: Annotated[Any, BeforeValidator(_padding)] = "same"
    """Cells added around the picture: same, valid, full, an integer, (rows, columns), or each side."""
    stride: Annotated[Pair, sizes_or_none("stride")] = (1, 1)
    """Step from window to window, down and across."""
    dilation: Annotated[Pair, sizes_or_none("dilation")] = (1, 1)
    """Distance between the kernel's cells."""
    op: Literal["correlate", "convolve"] = "correlate"
    """convolve turns the kernel by 180° first."""
    anchor: Annotated[Pair | None, sizes_or_none("anchor", least=0)] = None
    """Which of the kernel's cells, (row, column) from 0, lies on the pixel; the middle, if not given."""
    channels: Literal["auto", "gray", "each"] = "auto"
    """gray: brightness; each: every channel; auto: gray for kernels that sum to zero, else each."""
    scale: Annotated[float, BeforeValidator(_factor)] = 1.0
    """What the weights are multiplied by."""
    normalize: bool = False
    """Divide the weights to a sum of 1 first; those that sum to 0 to an absolute sum of 1."""
    gradient: Literal["magnitude", "x", "y", "angle", "hsv"] = "magnitude"
    """Of sobel, prewitt, scharr, roberts and their like: the size; a part, signed; the direction in radians,
    0 to the right and π/2 downward; or that as hue, the size as value."""
    offset: float = 0.0
    """Added to every response, in the image's units."""

    _kernel: Kernel = PrivateAttr()

    def model_post_init(self, context: Any) -> None:
        """Build or read the kernel, once; `context` may know of more kinds of texts (`kernel`)."""
        read = (context or {}).get("kernel", kernels.parse)
        kernel = kernels.adjusted(self._named(read), scale=self.scale, normalize=self.normalize)
        if self.gradient != "magnitude":
            kernel = kernels.gradient(kernel, self.gradient)
        if self.anchor is not None:
            kernel = replace(kernel, anchor=checked_anchor(self.anchor, kernel.shape))
        self._kernel = kernel
        self._policy(Setting()).check(kernel)

    def like(self, tool: Preset, read: Any) -> Self:
        """Return the step with what `tool` does where it says nothing itself."""
        if tool.turned(self._kernel) is not self._kernel:
            raise UsageError("Pillow lays this kernel upside down; of steps write it so yourself.")
        given = self.model_fields_set
        options = {name: value for name, value in tool.options(given).items() if name in ("op", "channels")}
        options |= tool.of_kernel(self._kernel, given)
        return type(self).model_validate(self.model_dump() | options, context={"kernel": read})

    @abstractmethod
    def _named(self, read: Any) -> Kernel:
        """Return the kernel as it is named."""

    def _policy(self, setting: Setting) -> Policy:
        """Return how it is laid."""
        own = ("padding", "stride", "dilation", "op", "channels", "offset")
        options = {name: getattr(self, name) for name in own}
        return Policy(**options, **self.surroundings(setting), alpha=setting.alpha)

    @property
    def label(self) -> str:
        """The kernel's name."""
        return self._kernel.name

    @property
    def luma(self) -> bool:
        """Whether it is laid on brightness."""
        return self._policy(Setting()).channels_for(self._kernel) == "gray"

    def on(self, picture: Picture, setting: Setting) -> Picture:
        """Lay it on."""
        return Laying(self._kernel, self._policy(setting)).on(picture, setting)

    def record(self) -> dict[str, Any]:
        """Return the kernel, of its weights a digest, and its options."""
        return {**kernel_record(self._kernel), **super().record()}


class KernelStep(Laid):
    """Any kernel that `filter --kernel` takes: a name, a matrix, @FILE, run:RUN#LAYER/FILTER."""

    type: Literal["kernel"] = "kernel"
    kernel: str
    """The kernel as `filter --kernel` takes it."""

    def _named(self, read: Any) -> Kernel:
        kernel: Kernel = read(self.kernel)
        return kernel

    @property
    def text(self) -> str:
        """The kernel, and its options behind a colon."""
        return written(self.kernel, self.document(), besides=("type", "kernel"))


class NamedKernel(Laid):
    """A kernel by its name, whose parameters are options of the step."""

    registered: ClassVar[bool] = False

    def __reduce__(self) -> tuple[Any, ...]:
        """Take it to another process, where its class is made again by the kernel's name."""
        return _blank, (self.name(),), self.__getstate__()

    def _named(self, read: Any) -> Kernel:
        parameters = {key: getattr(self, key) for key in KERNELS[self.name()].defaults}
        return named(self.name(), **{key: value for key, value in parameters.items() if value is not None})


@cache
def kernel_step(name: str) -> type[NamedKernel]:
    """Return the step that lays the registered kernel `name`, its parameters among the options."""
    definition = KERNELS[name]

    def checked(key: str) -> BeforeValidator:
        return BeforeValidator(lambda value: None if value is None else PARAMETERS[key].checked(value))

    fields: dict[str, Any] = {"type": (Literal[name], name)}
    for key, value in checked_parameters(name, {}).items():
        kind: Any = PARAMETERS[key].kind
        kind = kind | None if value is None else kind
        fields[key] = (Annotated[kind, checked(key)], Field(value, description=PARAMETERS[key].meaning))
    made = create_model(name, __base__=NamedKernel, __doc__=definition.summary, **fields)
    made.source = definition.source
    return made


def _blank(name: str) -> NamedKernel:
    """Return the step of a kernel before it is told its options."""
    cls = kernel_step(name)
    return cls.__new__(cls)
