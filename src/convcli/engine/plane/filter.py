"""Slides kernels over one plane: `filter2d`, in two steps, a plan (what to do, and how) and its run.

The output is made in blocks. A block's padded cells are gathered from the plane when they are needed, so
that they stay in the cache, and neither a padded nor a converted copy of the whole plane exists. Blocks go to
threads; where they are cut does not depend on how many there are, so neither does the result. What turns a
block of cells into responses is one of the `strategies`, picked by the `planner`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from mmap import mmap
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from convcli.engine.arguments import computing_dtype, finite, real
from convcli.engine.blas import one_thread_each
from convcli.engine.plane.borders import BORDERS as BORDERS
from convcli.engine.plane.borders import ArraySource, Frame, Made, Plane, Source, border_named
from convcli.engine.plane.folding import Folded
from convcli.engine.plane.planner import Task, choose
from convcli.engine.plane.strategies import Spectral, Strategy
from convcli.engine.threads import available_cores, spread
from convcli.engine.workspace import Workspace
from convcli.errors import ShapeError, UnknownNameError, UsageError
from convcli.shapes import IntOrPair, Padding, Pair, Window, pair

Result = TypeVar("Result")

OPERATIONS = ("correlate", "convolve")

MOST_CELLS = 2**32  # of a padded plane: what asks for more is a slip, and would end in a killed process

# Workspaces are kept for the next call: to get their pages anew from the system takes longer than to filter a
# small plane. Those of large Fourier tiles are given back.
KEPT_BYTES = 1 << 24
_idle: list[Workspace] = []

TILES_BYTES = 1 << 29  # of all threads
WORTH_A_THREAD = 5e5  # nanoseconds of work; starting a thread takes a fifth of that
THREAD_BYTES = 128 << 20  # of addresses, most of them never used: OpenBLAS's buffer, a heap, a stack


def filter2d(
    plane: ArrayLike,
    kernel: ArrayLike,
    *,
    padding: Padding = "same",
    border: str = "reflect",
    fill: float = 0,
    stride: IntOrPair = 1,
    dilation: IntOrPair = 1,
    op: str = "correlate",
    anchor: Pair | None = None,
    threads: int | None = None,
) -> Plane:
    """Return the responses of a kernel at every position on a plane.

    Parameters
    ----------
    plane
        (H, W), of any real dtype.
    kernel
        (f_h, f_w) finite weights.
    padding
        "same" (at stride 1 the output is as large as the plane), "valid", "full", an int, (rows, columns), or
        ((top, bottom), (left, right)). "same" pads d(f−1) in all, the smaller half before.
    border
        What stands around the plane: "reflect" (``dcb|abcd|cba``), "symmetric" (``cba|abcd|dcb``), "edge"
        (``aaa|abcd|ddd``), "wrap" (``bcd|abcd|abc``), "zero", or "constant" (`fill`); or what other tools
        call them, such as "mirror", "nearest", "replicate", "reflect101", "circular".
    fill
        The value that "constant" stands for.
    stride, dilation
        An int or (rows, columns): step between positions; distance between the cells of the kernel.
    op
        "correlate" lays the kernel on as it is, as CNNs do; "convolve" turns it by 180° first.
    anchor
        The kernel's cell (row, column), from 0, that lies on the pixel whose response it is, where padding is
        "same"; it is turned with the kernel. Without it the middle; of even sizes the window's (f − 1) // 2.
    threads
        How many to compute with; all cores that the process may use, if not given. The result is the same.

    Returns
    -------
    ndarray (H', W')
        float32 for planes of at most 16 bits and of float32, float64 for the rest.

    Raises
    ------
    ShapeError
        If the plane or the kernel is not a matrix, sizes are out of range, or not one window fits.
    UsageError
        If a border or operation is unknown, or values are not real and finite where they must be.

    Notes
    -----
    At an odd kernel, "same" and stride 1 this is ``scipy.ndimage.correlate`` with mode "mirror" (reflect),
    "reflect" (symmetric), "nearest" (edge), "grid-wrap" (wrap) or "constant".

    The middle of an even size is PyTorch's, Keras', MATLAB's and ImageMagick's; `scipy.ndimage.correlate` and
    OpenCV take the next cell, f // 2: ``anchor=(f_h // 2, f_w // 2)``.

    Examples
    --------
    >>> import numpy as np
    >>> step = np.array([[0, 0, 9, 9], [0, 0, 9, 9], [0, 0, 9, 9]])
    >>> filter2d(step, [[-1, 0, 1]])
    array([[0., 9., 9., 0.],
           [0., 9., 9., 0.],
           [0., 9., 9., 0.]])
    >>> filter2d(step, [[-1, 0, 1]], padding="valid", stride=2).shape
    (2, 1)
    """
    plane = real(plane, "a plane")
    steps = plan(
        plane.shape,
        plane.dtype,
        [kernel],
        padding=padding,
        border=border,
        fill=fill,
        stride=stride,
        dilation=dilation,
        op=op,
        anchor=anchor,
    )
    output = allocated(steps.output_shape, steps.dtype)
    source = ArraySource(plane)

    def respond(block: Block, workspace: Workspace) -> None:
        responses(steps, source, block, [output[block.rows, block.columns]], workspace)

    each_block(steps, respond, threads)
    return output


@dataclass(frozen=True, eq=False)
class Plan:
    """What is done to planes of one shape and dtype; every argument checked and normalised.

    Attributes
    ----------
    output_shape
        (rows, columns) of the result.
    dtype
        float32 or float64: the type computed in, and the responses'.
    kernels
        The weights as they are laid on a window: float64, already turned by 180° for "convolve".
    window
        Sizes, stride, padding and dilation.
    centre
        The place in the window, (row, column), of the pixel whose response it gives.
    frame
        What stands around the plane.
    strategies
        One for each kernel.
    block
        Rows and columns of output that are made at a time.
    cost
        Nanoseconds that the whole should take on one thread, roughly.
    """

    output_shape: Pair
    dtype: np.dtype[Any]
    kernels: tuple[Plane, ...]
    window: Window
    centre: Pair
    frame: Frame
    strategies: tuple[Strategy, ...]
    block: Pair
    cost: float

    def part(self, *numbers: int) -> Plan:
        """Return the same for some of the kernels alone."""
        kernels = tuple(self.kernels[number] for number in numbers)
        strategies = tuple(self.strategies[number] for number in numbers)
        return replace(self, kernels=kernels, strategies=strategies)


@dataclass(frozen=True)
class Block:
    """A part of the output."""

    rows: slice
    columns: slice

    @property
    def shape(self) -> Pair:
        """Rows and columns."""
        return self.rows.stop - self.rows.start, self.columns.stop - self.columns.start


def plan(
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    kernels: Sequence[ArrayLike],
    *,
    padding: Padding = "same",
    border: str = "reflect",
    fill: float = 0,
    stride: IntOrPair = 1,
    dilation: IntOrPair = 1,
    op: str = "correlate",
    anchor: Pair | None = None,
) -> Plan:
    """Return how to lay kernels of one shape on planes of `shape` and `dtype`, as `filter2d` documents it."""
    if len(shape) != 2 or 0 in shape:
        raise ShapeError(f"Expected a plane of (rows, columns), found an array of shape {shape}.")
    border = border_named(border)
    if op not in OPERATIONS:
        raise UnknownNameError("op", op, OPERATIONS)
    fill = finite(fill, "fill")
    computed = computing_dtype(dtype)
    weights = [checked_kernel(kernel, computed) for kernel in kernels]
    if op == "convolve":
        weights = [kernel[::-1, ::-1] for kernel in weights]
    window = Window.of(weights[0].shape, stride=stride, padding=padding, dilation=dilation)
    centre = (window.span[0] - 1) // 2, (window.span[1] - 1) // 2
    if anchor is not None:
        window, centre = _anchored(
            window, checked_anchor(anchor, window.size), padding, turned=op != "correlate"
        )
    rows, columns = (n + before + after for n, (before, after) in zip(shape, window.padding, strict=True))
    if rows * columns > MOST_CELLS:
        raise ShapeError(f"A padded plane of {rows} × {columns} is too large; pad or dilate less.")
    plane_shape = (shape[0], shape[1])
    output_shape = window.output_shape(plane_shape)
    frame = Frame.of(plane_shape, window.padding, border, fill)
    chosen = [
        choose(Task(kernel, window, (rows, columns), output_shape, computed, frame)) for kernel in weights
    ]
    return Plan(
        output_shape,
        computed,
        tuple(weights),
        window,
        centre,
        frame,
        tuple(candidate.make() for candidate in chosen),
        shared_block([(candidate.name, candidate.block) for candidate in chosen]),
        sum(candidate.cost for candidate in chosen) * math.prod(output_shape) * computed.itemsize / 4,
    )


def checked_anchor(anchor: Sequence[int], size: Pair) -> Pair:
    """Return `anchor` if it is a cell (row, column) of a kernel of `size`, or raise `ShapeError`."""
    row, column = pair(anchor, "anchor", least=0)
    if row >= size[0] or column >= size[1]:
        raise ShapeError(
            f"anchor: expected a cell of the kernel's {size[0]} × {size[1]}, row 0 to {size[0] - 1} and "
            f"column 0 to {size[1] - 1}, found {row},{column}."
        )
    return row, column


def _anchored(window: Window, anchor: Pair, padding: Padding, *, turned: bool) -> tuple[Window, Pair]:
    """Return the window padded, where that is "same", so that the kernel's cell `anchor` lies on the pixel.

    And the place of that cell in the window, from 0.
    """
    named = padding if isinstance(padding, Sequence) and not isinstance(padding, str) else (padding, padding)
    sides, centre = [], []
    for place, f, d, given, usual in zip(
        anchor, window.size, window.dilation, named, window.padding, strict=True
    ):
        before = d * (f - 1 - place if turned else place)
        sides.append((before, d * (f - 1) - before) if given == "same" else usual)
        centre.append(before)
    return replace(window, padding=(sides[0], sides[1])), (centre[0], centre[1])


def shared_block(wanted: Sequence[tuple[str, Pair]]) -> Pair:
    """Return one block for several strategies: a Fourier tile's if there is one, else the smallest.

    Folded kernels take blocks of any size.
    """
    wanted = [block for block in wanted if block[0] != "folded"] or wanted
    tiles = [block for name, block in wanted if name == "spectral"]
    return tiles[0] if tiles else min((block for _, block in wanted), key=math.prod)


def each_block(
    steps: Plan,
    task: Callable[[Block, Workspace], Result],
    threads: int | None = None,
    progress: Callable[[float], None] | None = None,
) -> list[Result]:
    """Return what `task` makes of every block of the output, in order.

    `threads` (all cores that the process may use, if not given) share the blocks; each has its own workspace.
    `progress` is called by whichever thread has done a block, with the share that it is of all.
    """
    (rows, columns), (height, width) = steps.output_shape, steps.block
    blocks = [
        Block(slice(row, min(row + height, rows)), slice(column, min(column + width, columns)))
        for row in range(0, rows, height)
        for column in range(0, columns, width)
    ]
    allowed = available_cores() if threads is None else threads

    def run(block: Block) -> Result:
        try:
            workspace = _idle.pop()
        except IndexError:
            workspace = Workspace()
        with np.errstate(all="ignore"):  # floats near their limits may become infinite
            result = task(block, workspace)
        if len(_idle) < allowed and workspace.nbytes <= KEPT_BYTES:
            _idle.append(workspace)
        if progress is not None:
            progress(1 / len(blocks))
        return result

    sharing = min(allowed, max(1, int(steps.cost / WORTH_A_THREAD)), _fitting(steps))
    if sharing > 1:
        _check_room(sharing)
    large = any(isinstance(strategy, Folded) for strategy in steps.strategies)
    with one_thread_each() if large else nullcontext():
        return spread(run, blocks, sharing)


def _fitting(steps: Plan) -> int:
    """Return how many threads may have a Fourier tile each, of which there are four copies and more."""
    tiles = [s.tile for s in steps.strategies if isinstance(s, Spectral)]
    most = max((math.prod(tile) * 6 * steps.dtype.itemsize for tile in tiles), default=1)
    return max(TILES_BYTES // most, 1)


def _check_room(threads: int) -> None:
    """Raise MemoryError if threads could not have their memory: without it OpenBLAS ends the process."""
    try:
        room = [mmap(-1, THREAD_BYTES) for _ in range(threads)]
    except OSError as error:
        raise MemoryError(error.strerror) from error
    del room


def responses(steps: Plan, source: Source, block: Block, outs: Sequence[Plane], workspace: Workspace) -> None:
    """Put each kernel's responses at the positions of `block` into its array of `outs`.

    Where a cell is NaN or infinite, so is what its window gives, and nothing else.
    """
    laid = _Laid(steps, source, block, workspace)
    for strategy, out in zip(steps.strategies, outs, strict=True):
        laid.put(strategy, out)
        if strategy.spreads and source.dtype.kind == "f" and not is_finite(out):
            laid.put_around(strategy, out)


class _Laid:
    """A block of a plane under windows, whose cells are gathered for the strategies that take them."""

    def __init__(self, steps: Plan, source: Source, block: Block, workspace: Workspace) -> None:
        self.steps, self.source, self.block, self.workspace = steps, source, block, workspace
        self.cells: Plane | None = None

    def put(self, strategy: Strategy, out: Plane, function: Callable[[Plane], Plane] | None = None) -> None:
        """Put the responses to the cells, or to what `function` makes of them, into `out`."""
        fill = self.steps.frame.fill
        if isinstance(strategy, Folded):
            source, block = self.source, self.block
            if function is not None:
                source, fill = Made(source, function), float(function(np.array([fill]))[0])
            strategy.respond(source, fill, block.rows, block.columns, out, self.workspace)
            return
        if self.cells is None:
            self.cells = self._gathered()
        strategy(self.cells if function is None else function(self.cells), out, self.workspace)

    def _gathered(self) -> Plane:
        steps, block = self.steps, self.block
        rows, columns = (
            slice(part.start * s, (part.stop - 1) * s + span)
            for part, s, span in zip(
                (block.rows, block.columns), steps.window.stride, steps.window.span, strict=True
            )
        )
        shape = rows.stop - rows.start, columns.stop - columns.start
        cells = self.workspace.array("cells", shape, steps.dtype)
        steps.frame.gather(self.source, rows, columns, cells)
        return cells

    def put_around(self, strategy: Strategy, out: Plane) -> None:
        """Put the responses into `out`, whose strategy spreads what is not finite beyond the windows.

        Those cells count as 0, and then it is counted how many of which kind each window holds. Weights of 0
        see nothing. What overflowed on the way, as products and transforms may, is done again scaled down.
        """
        self.put(strategy, out, finite_part)
        if not is_finite(out):
            scale = 2.0 ** (np.finfo(out.dtype).minexp + 2 * np.finfo(out.dtype).nmant)
            self.put(strategy, out, lambda cells: finite_part(cells) * cells.dtype.type(scale))
            out /= out.dtype.type(scale)
        signs, any_sign = strategy.mapped(np.sign), strategy.mapped(lambda line: np.abs(np.sign(line)))
        nan, infinite, balance = (np.zeros(out.shape) for _ in range(3))
        self.put(any_sign, nan, lambda cells: np.isnan(cells).astype(np.float64))
        self.put(any_sign, infinite, lambda cells: np.isinf(cells).astype(np.float64))
        if infinite.max() > 0.5:
            self.put(signs, balance, lambda cells: np.where(np.isinf(cells), np.sign(cells), 0.0))
            above, below = infinite + balance > 1, infinite - balance > 1  # twice how many of each
            out[above], out[below] = np.inf, -np.inf
            nan[above & below] = 1
        out[nan > 0.5] = np.nan


def finite_part(cells: Plane) -> Plane:
    """Return the cells with 0 for what is not finite."""
    return np.where(np.isfinite(cells), cells, cells.dtype.type(0))


def allocated(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Plane:
    """Return a new array for the output, or say that it does not fit the memory."""
    try:
        return np.empty(shape, dtype)
    except MemoryError as error:
        size = " × ".join(map(str, shape))
        raise ShapeError(
            f"An output of {size} does not fit the memory; take a smaller image or pad less."
        ) from error


def checked_kernel(kernel: ArrayLike, computed: np.dtype[Any]) -> Plane:
    """Return the kernel as float64 weights (f_h, f_w) that the dtype computed in can hold."""
    weights = real(kernel, "a kernel")
    if weights.ndim != 2 or weights.size == 0:
        raise ShapeError(f"Expected a kernel of (rows, columns), found an array of shape {weights.shape}.")
    if not np.isfinite(weights).all():
        raise UsageError("Expected a kernel of finite numbers, found NaN or infinity in it.")
    weights, most = np.asarray(weights, np.float64), float(np.finfo(computed).max)
    if (largest := max(float(weights.max()), -float(weights.min()))) > most:
        raise UsageError(f"Expected weights of at most {most:.2g} ({computed}), found {largest:.2g}.")
    return weights


def is_finite(block: Plane) -> bool:
    """Whether every value is finite: one that is not shows in its row's product with itself, a fast sum."""
    return bool(np.isfinite(np.vecdot(block, block)).all())
