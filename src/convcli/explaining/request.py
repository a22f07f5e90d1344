"""What a topic may be asked: the options of `explain`, by the names of a request's fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from convcli.bounds import MAX_PIXELS
from convcli.engine.workspace import Array
from convcli.errors import UsageError
from convcli.explaining.elements import Box
from convcli.explaining.reading import Input, read_input, typed_volume
from convcli.shapes import IntOrPair, Padding

if TYPE_CHECKING:
    from convcli.kernels import Kernel
    from convcli.nn.model import Model
    from convcli.nn.network import Network

OPTIONS = {"kernels": "--kernel", "model": "--run", "target": "--class"}
RUN = ("model", "layer", "image", "crop")
WINDOW = ("stride", "padding", "dilation")
POOL = ("size", *WINDOW, "pool", "ceil_mode", "count_include_pad")


@dataclass(frozen=True, kw_only=True, eq=False)
class Request:
    """What the user gave; None or empty stands for the topic's own example or default.

    Each is an argument of `convcli.explain`, which says what it means; those that are read are here as topics
    take them, or as texts that `bring` reads.

    Attributes
    ----------
    input, kernels, gradient
        What `convcli.arrays.read_array` takes, a kernel's text or an image file, or the numbers themselves.
    layers
        As `shapes.chain` reads them, or a network.
    model, image
        A trained network, and the image that goes in: a file, or pixels as the network sees them.
    """

    input: str | Input | None = None
    kernels: tuple[str | Kernel, ...] = ()
    bias: tuple[float, ...] = ()
    layout: str | None = None
    op: str | None = None
    stride: IntOrPair | None = None
    padding: Padding | None = None
    dilation: IntOrPair | None = None
    size: IntOrPair | None = None
    pool: str | None = None
    ceil_mode: bool | None = None
    count_include_pad: bool | None = None
    output_padding: IntOrPair | None = None
    groups: int | None = None
    activation: str | None = None
    layers: str | Network | None = None
    gamma: tuple[float, ...] = ()
    momentum: float | None = None
    epsilon: float | None = None
    rate: float | None = None
    seed: int | None = None
    optimizer: tuple[str, ...] = ()
    learning_rate: float | None = None
    gradient: str | Array | None = None
    model: Model | None = None
    layer: str | None = None
    image: Path | Input | None = None
    crop: Box | None = None
    filter: int | None = None
    channel: int | None = None
    why: bool | None = None
    target: str | None = None
    label: str | None = None
    label_smoothing: float | None = None
    max_pixels: int = MAX_PIXELS

    @classmethod
    def of(cls, given: Mapping[str, Any], **parsed: Any) -> Request:
        """Return what was given by the names of options, with `parsed` in the place of some.

        What is no field of a request, a command's --force, is passed over; None stands for nothing given.
        """
        own = {field.name for field in fields(cls)}
        asked = {name: value for name, value in {**given, **parsed}.items() if name in own}
        return cls(**{name: value for name, value in asked.items() if value is not None})

    def numbers(self, example: str, channels: int | None = None) -> Input:
        """Return what `input` holds, or the topic's example; `channels` as in `read_input`.

        Where a topic shows one channel, `channel` chooses it.
        """
        if self.input is None:
            return Input(typed_volume(example, "example"))
        if channels != 1 or self.channel is None:
            return read_input(self.input, channels=channels, max_pixels=self.max_pixels)
        source = read_input(self.input, max_pixels=self.max_pixels)
        c = chosen_index(self.channel, source.volume.shape[2], "--channel")
        return replace(source, volume=source.volume[:, :, c : c + 1])

    def shown_filters(self, count: int) -> range:
        """Return which of a layer's filters, from 0, are shown: all, or one if it is named or trained."""
        return self._shown(self.filter, count, "--filter")

    def shown_channels(self, count: int) -> range:
        """Return the same of its input's channels."""
        return self._shown(self.channel, count, "--channel")

    def _shown(self, number: int | None, count: int, option: str) -> range:
        if number is None and self.model is None:
            return range(count)
        return range(index := chosen_index(number, count, option), index + 1)


def the_only(shown: range, count: int) -> int | None:
    """Return the number, from 1, of the one that is shown of several; None if all are."""
    return None if len(shown) == count else shown.start + 1


def chosen_index(number: int | None, count: int, option: str) -> int:
    """Return what counts from 1, the first if it is not given, as an index from 0, or raise UsageError."""
    number = 1 if number is None else number
    if not 1 <= number <= count:
        raise UsageError(f"{option} {number}: there are {count}, counted from 1.")
    return number - 1


def option_of(name: str) -> str:
    """Return the command line's name of a request's field."""
    return OPTIONS.get(name, f"--{name.replace('_', '-')}")
