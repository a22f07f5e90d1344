"""A residual block: layers in a row, and a shortcut around them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cached_property
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from convcli.engine.workspace import Array
from convcli.errors import ShapeError
from convcli.nn.activations import ActivationOption, Identity
from convcli.nn.layer import Initial, Shape, begun
from convcli.nn.layers.conv import Conv
from convcli.nn.layers.sequence import Sequence
from convcli.nn.tape import Tape, Weights
from convcli.shapes import ReceptiveField, joined
from convcli.wording import by


class Residual(Sequence):
    """A = g(S(A_prev) + F(A_prev)), where F is layers in a row and S the identity, or a 1×1 convolution.

    A convolution where F changes the shape, or `shortcut` asks for it: without a bias, with the stride of all
    windows in F together and kernels `W` (1, 1, c_in, c_out). Frozen, all in it are, that too.
    Source: He, Zhang, Ren and Sun, 2016, arXiv:1512.03385, option B.

    With `drop` F is left out of that share of samples while training, and divided by 1 − drop in the others,
    so that predicting takes it as it is.
    Source: stochastic depth, Huang, Sun, Liu, Sedra and Weinberger, 2016, arXiv:1603.09382, who multiply by
    1 − drop when predicting instead.
    """

    function_option: ClassVar[str] = "activation"
    serial: ClassVar[bool] = False

    type: Literal["residual"] = "residual"  # type: ignore[assignment]
    activation: ActivationOption = Identity()
    shortcut: Literal["auto", "identity", "conv"] = "auto"
    drop: Annotated[float, Field(ge=0, lt=1)] = 0.0

    @property
    def draws(self) -> bool:
        return self.drop > 0 or super().draws

    @cached_property
    def _convs(self) -> dict[Shape, Conv | None]:
        return {}

    def shortcut_conv(self, shape: Shape) -> Conv | None:
        """Return the convolution in the shortcut for an input of `shape`; None where that is the identity."""
        if shape not in self._convs:  # training asks for the same one, many times a step
            self._convs[shape] = self._new_conv(shape)
        return self._convs[shape]

    def _new_conv(self, shape: Shape) -> Conv | None:
        output = super().output_shape(shape)
        if self.shortcut == "identity" or (self.shortcut == "auto" and output == shape):
            return None
        field = super().sees(ReceptiveField(), shape)
        if len(output) != 3 or len(shape) != 3 or field is None:
            raise ShapeError(
                f"Its layers make {by(output)} of {by(shape)}, and no 1×1 convolution can, for a shortcut: "
                "let them keep the shape."
            )
        return Conv(filters=output[2], kernel=(1, 1), stride=field.jump, bias=False, frozen=self.frozen)

    def output_shape(self, shape: Shape) -> Shape:
        output, conv = super().output_shape(shape), self.shortcut_conv(shape)
        made = shape if conv is None else conv.output_shape(shape)
        if made == output:
            return output
        if conv is None:
            kept = "an identity keeps it"
            remedy = 'stride 1 and as many filters as channels come in, or set shortcut = "auto"'
        else:
            kept = f"the shortcut, a 1×1 convolution with stride {by(conv.stride)}, {by(made)}"
            remedy = "and strides that come out even"
        raise ShapeError(
            f"Its layers make {by(output)} of {by(shape)}, {kept}, and both are added: give them padding = "
            f'"same", {remedy}.'
        )

    def initial_weights(self, shape: Shape) -> dict[str, Initial]:
        conv = self.shortcut_conv(shape)
        own = {} if conv is None else conv.initial_weights(shape)
        return {**begun(own, self.init, frozen=False), **super().initial_weights(shape)}

    def multiply_adds(self, shape: Shape) -> int:
        conv = self.shortcut_conv(shape)
        return super().multiply_adds(shape) + (0 if conv is None else conv.multiply_adds(shape))

    def column_bytes(self, shape: Shape) -> int:
        conv = self.shortcut_conv(shape)
        return max(super().column_bytes(shape), 0 if conv is None else conv.column_bytes(shape))

    def activations(self, shape: Shape) -> Iterator[int]:
        yield from super().activations(shape)
        yield math.prod(self.output_shape(shape))

    def sees(self, field: ReceptiveField | None, shape: Shape) -> ReceptiveField | None:
        conv = self.shortcut_conv(shape)
        return joined([super().sees(field, shape), field if conv is None else conv.sees(field, shape)])

    def forward(self, x: Array, weights: Weights, tape: Tape) -> Array:
        conv, scale = self.shortcut_conv(x.shape[1:]), self._scale(x, tape)
        added = super().forward(x, weights, tape)
        if scale is not None:
            scratch = tape.current.scratch
            added = np.multiply(added, scale, out=scratch.batch("kept", added.shape, added.dtype))
        if conv is None:
            a = np.add(x, added, out=tape.workspace.batch("a", x.shape, x.dtype))
        else:  # it has this layer's own weights, and so its tape
            a = conv.forward(x, weights, tape)
            a += added
        self.activation.apply(a, a, tape)
        tape.saved.update(scale=scale, conv=conv)
        return a

    def _scale(self, x: Array, tape: Tape) -> Array | None:
        """Return what F of each sample is multiplied by, 0 where it is left out; None where all are kept."""
        rng = tape.current.rng
        if not tape.current.training or not self.drop or rng is None:
            return None
        kept = rng.random(len(x)) >= self.drop
        return (kept / (1 - self.drop)).astype(x.dtype).reshape(-1, *[1] * (x.ndim - 1))

    def backward(self, dy: Array, weights: Weights, tape: Tape) -> Array:
        conv, scale = tape.saved["conv"], tape.saved["scale"]
        self.activation.derive(dy, tape)
        dx = dy
        if conv is not None:
            dx = conv.backward(dy, weights, tape)
        elif tape.input_gradient:
            dx = tape.workspace.batch("dx", dy.shape, dy.dtype)
            np.copyto(dx, dy)  # the layers may overwrite dZ
        if scale is not None:
            dy *= scale
        through = super().backward(dy, weights, tape)
        return np.add(dx, through, out=dx) if tape.input_gradient else through

    def summary(self) -> str:
        told = [f"shortcut={self.shortcut}"] if self.shortcut != "auto" else []
        told += self.activation.words
        told += [f"drop={self.drop:g}"] if self.drop else []
        return ", ".join([super().summary(), *told])

    def remark(self, shape: Shape) -> str:
        conv = self.shortcut_conv(shape)
        if conv is None:
            return ""
        return "shortcut 1×1" + (f", s={by(conv.stride)}" if conv.stride != (1, 1) else "")
