"""Transposed convolution: the size that comes out when a convolution's input gradient is used as a layer.

    out = (n − 1)s − p_before − p_after + d(f−1) + output_padding + 1

Where a stride lets several sizes give the same output, `output_padding` says which of them is meant.
Source: Dumoulin and Visin, 2016, arXiv:1603.07285, chapter 4; PyTorch, `torch.nn.ConvTranspose2d`.
"""

from __future__ import annotations

from dataclasses import dataclass

from convcli.errors import ShapeError
from convcli.shapes.window import AXES, Pair, Window, pair


@dataclass(frozen=True, slots=True)
class Transposed:
    """A window used backwards: each cell of the input lays down a whole window in the output.

    `window.padding` is that of the convolution it transposes: it crops the output.

    Raises
    ------
    ShapeError
        If `output_padding` reaches both the stride and the dilation.

    Examples
    --------
    >>> Transposed(Window.of(3, stride=2, padding=1), (1, 1)).output_shape((3, 3))
    (6, 6)
    """

    window: Window
    output_padding: Pair = (0, 0)

    def __post_init__(self) -> None:
        pair(self.output_padding, "output padding", least=0)
        sizes = zip(AXES, self.output_padding, self.window.stride, self.window.dilation, strict=True)
        for axis, extra, s, d in sizes:
            if extra >= max(s, d):
                raise ShapeError(
                    f"output padding {extra} of the {axis} must be smaller than the stride {s} or the "
                    f"dilation {d}: a larger output comes from a larger input."
                )

    def output_shape(self, plane: Pair) -> Pair:
        """Return (rows, columns) that come out of a plane of (rows, columns).

        Raises
        ------
        ShapeError
            If the plane has no rows or columns, or the padding crops everything away.
        """
        plane = pair(plane, "n")
        found = []
        for axis, n in enumerate(plane):
            before, after = self.window.padding[axis]
            grown = (n - 1) * self.window.stride[axis] + self.window.span[axis] + self.output_padding[axis]
            if grown - before - after < 1:
                raise ShapeError(
                    f"A transposed convolution of {n} {AXES[axis]} makes {grown}, and padding {before} + "
                    f"{after} crops all of them: use less padding or a larger input."
                )
            found.append(grown - before - after)
        return found[0], found[1]
