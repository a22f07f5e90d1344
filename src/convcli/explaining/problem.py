"""One convolution with all its tensors, be they typed in, cut from a photo, or a trained network's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from convcli import kernels
from convcli.engine.batch.conv import conv2d
from convcli.engine.workspace import Array
from convcli.errors import UsageError
from convcli.explaining.activating import activation_of
from convcli.explaining.convolving import flipped
from convcli.explaining.elements import (
    Block,
    Cell,
    Grid,
    Part,
    Picture,
    Role,
    Row,
    exact,
    planes,
    shade_of,
    tints,
)
from convcli.explaining.reading import MOST_SIDE, Input, read_gradient
from convcli.explaining.request import Request, chosen_index
from convcli.explaining.sliding import Sliding
from convcli.nn.tape import Tape
from convcli.shapes import Padding, Window, formulas
from convcli.wording import counted

if TYPE_CHECKING:
    from convcli.nn.activations import Activation

MOST_FILTERS = 8


@dataclass(frozen=True, eq=False)
class Example:
    """What a topic shows where the user gives nothing. Matrices as `typed_volume` reads them.

    Stride, padding, bias and gradient belong to the example's own numbers, and not to those of a user.
    """

    input: str = "3 0 1 2 7 4; 1 5 8 9 3 1; 2 7 2 5 1 3; 0 1 3 1 7 8; 4 2 1 6 2 8; 2 4 5 2 3 9"
    kernels: tuple[str, ...] = ("1 0 -1; 1 0 -1; 1 0 -1",)
    bias: tuple[float, ...] = ()
    stride: int = 1
    padding: str | int = "valid"
    activation: str = "none"
    gradient: str | None = None


@dataclass(frozen=True, eq=False)
class Problem:
    """Z = W * A_prev + b and A = g(Z), in float64.

    Attributes
    ----------
    x, w, b
        (h, w, c), (f_h, f_w, c, k), (k,).
    function
        The activation, or its name.
    da
        The gradient that comes back to A, (out_h, out_w, k), if it is known.
    parameters
        How many numbers the layer learns.
    padding
        As it was asked for: a name stands for what it adds to any window.
    op
        "convolve" if `w` is the user's kernel flipped, else "correlate".
    groups
        Of how many channels and filters that do not see each other; c of `w` is that of one.
    """

    x: Array
    w: Array
    b: Array
    window: Window
    function: str | Activation
    source: Input
    biased: bool
    da: Array | None = None
    notes: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)
    padding: Padding = "valid"
    groups: int = 1
    op: str = "correlate"

    def seen_by(self, k: int) -> range:
        """Return the channels that a filter sees: those of its group."""
        first = k * self.groups // self.w.shape[3] * self.w.shape[2]
        return range(first, first + self.w.shape[2])

    def fellows(self, k: int) -> range:
        """Return the filters of a filter's group, which see the same channels."""
        count = self.w.shape[3] // self.groups
        return range(k // count * count, (k // count + 1) * count)

    @property
    def sliding(self) -> Sliding:
        """The window on one channel of A_prev."""
        return Sliding((self.x.shape[0], self.x.shape[1]), self.window)

    @property
    def options(self) -> dict[str, Any]:
        """The window as the engine's functions take it."""
        window = self.window
        own = {"stride": window.stride, "padding": window.padding, "dilation": window.dilation}
        return own if self.groups == 1 else {**own, "groups": self.groups}

    @cached_property
    def activation(self) -> Activation:
        """g, which many topics never ask for, or UsageError if it joins channels."""
        return activation_of(self.function)

    @cached_property
    def z(self) -> Array:
        """Z as the engine computes it, (out_h, out_w, k)."""
        return np.asarray(conv2d(self.x[None], self.w, self.b, **self.options)[0])

    @cached_property
    def a(self) -> Array:
        """A = g(Z)."""
        a = np.empty_like(self.z)
        self.activation.apply(self.z, a, Tape())
        return a

    @property
    def parameters(self) -> int:
        """How many numbers the layer learns."""
        return int(self.w.size + (self.b.size if self.biased else 0))

    def as_given(self, w: Array) -> Array:
        """Return weights, or their gradient, with their cells where the user's kernel has them."""
        return flipped(w) if self.op == "convolve" else w

    def document(self) -> dict[str, Any]:
        """Return the inputs and options, exact; a single channel and filter as plain matrices."""
        single = self.x.shape[2] == self.w.shape[3] == 1
        given = self.as_given(self.w)
        return {
            **self.facts,
            "input": exact(self.x[:, :, 0] if single else np.moveaxis(self.x, 2, 0)),
            "kernel": exact(given[:, :, 0, 0] if single else np.transpose(given, (3, 2, 0, 1))),
            "bias": exact(self.b[0] if single else self.b),
            "stride": list(self.window.stride),
            "padding": [list(side) for side in self.window.padding],
            "dilation": list(self.window.dilation),
            "output_shape": list(self.z.shape[:2] if single else self.z.shape),
        }

    def settings(self, **more: Any) -> dict[str, Any]:
        """Return what a reader may change on a page, and `more` of it, exact."""
        named = isinstance(self.padding, str)
        return {
            "input": planes(self.x),
            "kernels": [planes(self.w[..., k]) for k in range(self.w.shape[3])],
            "bias": exact(self.b) if self.biased else None,
            "stride": list(self.window.stride),
            "padding": self.padding if named else [list(side) for side in self.window.padding],
            "dilation": list(self.window.dilation),
            "photo": None if self.source.box is None else self.source.name,
            "pixels": self.is_photo,
            **more,
        }

    def activation_settings(self) -> dict[str, Any]:
        """Return g, and what may stand in its place, as `settings` has the rest."""
        from convcli.nn.activations import ACTIVATIONS

        usual = [g for kind in ACTIVATIONS.values() if (g := kind()).elementwise]
        choices = usual if self.activation in usual else [self.activation, *usual]
        told = [
            {"name": str(g), "formula": g.formula, "kinks": exact(np.array(g.kinks)), **dict(g)}
            for g in choices
        ]
        return {"activation": str(self.activation), "activations": told}

    @property
    def is_photo(self) -> bool:
        """Whether the input's numbers are pixels of an image, from 0 to 255."""
        return self.source.photo is not None

    @property
    def tints(self) -> tuple[int, ...]:
        """The number of each input channel's colour."""
        return tints(self.x.shape[2], colours=self.is_photo)

    def filter_tints(self, k: int) -> tuple[int, ...]:
        """The same of those channels that a filter sees."""
        return tuple(self.tints[c] for c in self.seen_by(k)) if self.tints else ()

    def input_grid(
        self, channel: int, caption: str, marks: Mapping[Cell, Role], sliding: Sliding | None = None
    ) -> Grid:
        """Return a channel of the input, padded for `sliding`, as pixels if it is one of a photo's."""
        sliding = sliding or self.sliding
        padded = sliding.padded(self.x[:, :, channel])
        if self.is_photo:
            shade = shade_of(channel, self.x.shape[2])
            return Grid.of(padded, caption, marks, shade=shade, margin=sliding.window.padding)
        tint = self.tints[channel] if self.tints else None
        return Grid.of(padded, caption, marks, tint=tint)

    def input_block(self, caption: str, parts: tuple[Part, ...] = ()) -> Block:
        """Return the padded input as a solid."""
        shape = (*self.sliding.padded_shape, self.x.shape[2])
        return Block(shape, caption, tints=self.tints, padding=self.window.padding, parts=parts)

    def size_lines(self) -> list[str]:
        """Return the size formula, and what it gives here."""
        return formulas.lines(**formulas.by_axis(self.sliding.plane, self.window))

    def photo_row(self) -> tuple[Row, ...]:
        """Return a row with the photo and its crop, if the numbers come from one."""
        if self.source.photo is None or self.source.box is None:
            return ()
        return ((Picture(self.source.photo, self.source.name, self.source.box),),)


def posed(ask: Request, example: Example, *, single: bool = False, grouped: bool = False) -> Problem:
    """Return the convolution that a request describes, the example's parts standing in for what is not given.

    With `single` it has one channel and one filter, with `grouped` it may have groups.

    Raises
    ------
    UsageError
        If the parts do not fit each other, or are too large to be shown.
    """
    if ask.model is not None:
        return _from_run(ask, single, grouped=grouped)
    source = ask.numbers(example.input, channels=1 if single else None)
    own = ask.input is None and not ask.kernels
    chosen, channels = ask.kernels or example.kernels, source.volume.shape[2]
    groups, notes = 1, tuple[str, ...]()
    if grouped:
        groups = _groups(ask, _depth(chosen[0]), channels)
        chosen, notes = _for_groups(ask, chosen, channels, groups)
    w = typed_filters(
        chosen, channels // groups, single=single, whose="each group" if grouped else "the input"
    )
    if ask.op == "convolve":
        w = flipped(w)
    if w.shape[3] % groups:
        raise UsageError(f"--groups {groups} does not divide {counted(w.shape[3], 'filter')}.")
    listed = ask.bias or (example.bias if own else ())
    if listed and len(listed) != w.shape[3]:
        raise UsageError(
            f"--bias: expected a number for each of {counted(w.shape[3], 'filter')}, found {len(listed)}."
        )
    b = np.array(listed, dtype=np.float64) if listed else np.zeros(w.shape[3])
    padding = (example.padding if own else "valid") if ask.padding is None else ask.padding
    window = Window.of(
        (w.shape[0], w.shape[1]),
        stride=(example.stride if own else 1) if ask.stride is None else ask.stride,
        padding=padding,
        dilation=1 if ask.dilation is None else ask.dilation,
    )
    _check_padding(source.volume, window)
    activation = ask.activation or example.activation
    rows, columns = window.output_shape((source.volume.shape[0], source.volume.shape[1]))
    own = own and (ask.stride, ask.padding, ask.dilation) == (None, None, None)
    given = example.gradient if ask.gradient is None and own else ask.gradient
    da = None if given is None else read_gradient(given, (rows, columns, w.shape[3]))
    return Problem(
        source.volume,
        w,
        b,
        window,
        activation,
        source,
        bool(listed),
        da,
        notes,
        padding=padding,
        groups=groups,
        op=ask.op or "correlate",
    )


def _depth(chosen: str | kernels.Kernel) -> int:
    """Return how many channels a filter is made for."""
    return chosen.count("|") + 1 if isinstance(chosen, str) else len(chosen.parts)


def _groups(ask: Request, depth: int, channels: int) -> int:
    """Return how many groups there are: as asked for, or as the filters' depth has it."""
    if ask.groups is not None:
        return ask.groups
    if channels % depth:
        return 1 if ask.kernels else channels
    return channels // depth


def _for_groups(
    ask: Request, chosen: tuple[str | kernels.Kernel, ...], channels: int, groups: int
) -> tuple[tuple[str | kernels.Kernel, ...], tuple[str, ...]]:
    """Return filters for so many groups, and what there is to say of them.

    A single filter is that of each group, and the example's are made as deep as they have to be.
    """
    if groups < 1 or channels % groups:
        raise UsageError(f"--groups {groups} does not divide the input's {counted(channels, 'channel')}.")
    if not ask.kernels and (channels // groups != _depth(chosen[0]) or len(chosen) % groups):
        count = groups * max(1, len(chosen) // groups)
        flat = [one.split("|")[0] for one in chosen if isinstance(one, str)]
        return tuple(flat[k % len(flat)] for k in range(count)), ()
    if len(chosen) == 1 and groups > 1:
        return chosen * groups, (f"the one filter is that of each of {groups} groups.",)
    return chosen, ()


def _check_padding(volume: Array, window: Window) -> None:
    (top, bottom), (left, right) = window.padding
    most = 2 * MOST_SIDE
    if volume.shape[0] + top + bottom > most or volume.shape[1] + left + right > most:
        raise UsageError(f"--padding: the padded plane has more than {most} rows or columns; use less.")


def typed_filters(
    chosen: tuple[str | kernels.Kernel, ...], channels: int, *, single: bool, whose: str = "the input"
) -> Array:
    """Return filters (f_h, f_w, c, k); a filter of one channel lies on every channel.

    `whose` says in an error where the number of channels comes from.
    """
    if len(chosen) > (1 if single else MOST_FILTERS):
        most = "one filter" if single else f"at most {MOST_FILTERS} filters"
        raise UsageError(f"--kernel: this topic shows {most}, found {len(chosen)}.")
    filters = [_filter(one, channels, whose) for one in chosen]
    if any(one.shape != filters[0].shape for one in filters):
        raise UsageError("--kernel: the filters of one layer have the same size; these do not.")
    return np.stack(filters, axis=3)


def _filter(chosen: str | kernels.Kernel, channels: int, whose: str) -> Array:
    parts: list[Array] = []
    for kernel in map(kernels.parse, chosen.split("|")) if isinstance(chosen, str) else [chosen]:
        if len(kernel.parts) > 1 and kernel.combine != "volume":
            raise UsageError(
                f"--kernel: {kernel.name} is made of {len(kernel.parts)} kernels; name one, "
                f"such as {kernel.name}-x, or type its weights in."
            )
        if max(kernel.shape) > MOST_SIDE:
            raise UsageError(f"--kernel: {kernel.name} is larger than {MOST_SIDE} × {MOST_SIDE}.")
        parts += kernel.parts
    if len(parts) == 1:
        parts *= channels
    if len(parts) != channels or any(part.shape != parts[0].shape for part in parts):
        raise UsageError(
            f"--kernel: expected {counted(channels, 'channel')} of one size, as {whose} has, "
            f"found {len(parts)}."
        )
    return np.stack(parts, axis=2)


def _from_run(ask: Request, single: bool, *, grouped: bool) -> Problem:
    """Return the convolution of a trained layer; with `single`, of one channel and one filter of it."""
    from convcli.explaining.tensors import cropped, gradient_at, layer_of, pass_through, read_image
    from convcli.nn.layers import Conv

    assert ask.model is not None
    assert ask.image is not None
    name = ask.layer
    if grouped and name is None:
        layers = ((place.number, place.layer) for place in ask.model.network.places)
        name = next((str(at) for at, one in layers if isinstance(one, Conv) and one.groups > 1), None)
    number, layer = layer_of(ask.model, name, (Conv,))
    if layer.groups != 1 and not grouped:
        raise UsageError(f"--layer {number} has groups = {layer.groups}: explain groups shows it.")
    passage = pass_through(ask.model, read_image(ask.model, ask.image, ask.max_pixels))
    own = ask.model.weights.arrays.at(number)
    x = cropped(passage.trace.input(number)[0], ask.crop, number).astype(np.float64)
    w = own["W"].astype(np.float64)
    b = own["b"].astype(np.float64) if "b" in own else np.zeros(w.shape[3])
    facts = {"layer": number, "image": ask.image.name}
    notes: tuple[str, ...] = ()
    weights = layer.initial_weights(passage.trace.input(number).shape[1:]).items()
    if still := [name for name, initial in weights if initial.kind == "frozen"]:
        verb = "is" if len(still) == 1 else "are"
        notes = (f"layer {number} is frozen: its {' and '.join(still)} {verb} not trained.",)
    da = None
    if single:
        channel = chosen_index(ask.channel, w.shape[2], "--channel")
        k = chosen_index(ask.filter, w.shape[3], "--filter")
        if w.shape[2] > 1:
            notes += (f"channel {channel + 1} of {w.shape[2]}: one of the summands of Z of filter {k + 1}.",)
        x, w, b = x[:, :, [channel]], w[:, :, [channel]][..., [k]], b[[k]]
        facts |= {"filter": k + 1, "channel": channel + 1}
    elif ask.crop is None:
        da, name = gradient_at(passage, number)
        facts["loss_of_class"] = name
    # Around a crop there are no zeros but the network's own numbers: only whole windows count there.
    padding = ask.padding if ask.padding is not None else layer.padding if ask.crop is None else "valid"
    window = Window.of(
        (w.shape[0], w.shape[1]),
        stride=layer.stride if ask.stride is None else ask.stride,
        padding=padding,
        dilation=layer.dilation if ask.dilation is None else ask.dilation,
    )
    changed = ask.stride is not None or ask.padding is not None or ask.dilation is not None
    source, da = Input(x, f"layer {number}"), None if changed else da
    function, groups = layer.activation, layer.groups
    return Problem(x, w, b, window, function, source, layer.bias, da, notes, facts, padding, groups)
