"""Receptive field: what one output cell sees of the input, layer by layer, and by how many ways."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from convcli.engine.batch.conv import conv2d_backward
from convcli.engine.workspace import Array
from convcli.errors import ShapeError, UsageError
from convcli.explaining.elements import Arrow, Cell, Explanation, Grid, Picture, Role, Row, Step, Words, exact
from convcli.explaining.notation import factor, number
from convcli.explaining.reading import MOST_SIDE
from convcli.explaining.request import Request
from convcli.explaining.topics import topic
from convcli.nn.network import Network
from convcli.shapes import Pair, ReceptiveField, Window
from convcli.shapes.chain import links, parse_chain
from convcli.shapes.window import AXES
from convcli.wording import by, counted

LAYERS = "conv 3, pool 2 s2, conv 3"
LEAST_OUTPUT, MOST_PLANE, LARGEST_DEFAULT, MOST_STAGES = 2, 1024, 512, 64
SMALL = 8


@topic(
    "receptive-field",
    "how far a cell sees through layers: r, jump and start, layer by layer, drawn on the input, and by how "
    "many ways",
    *("layers", "size", "model"),
)
def receptive_field(ask: Request) -> Explanation:
    """Return a table, a step for each layer, and the way back from one cell.

    `--size` is that of the input; without it the smallest is taken from which two cells and more come out.
    """
    plane, stages, notes = _of_network(ask) if _has_network(ask) else _of_chain(ask)
    last = stages[-1].field
    steps = (
        _table(stages),
        *(_layer(stages[: n + 1], plane) for n in range(len(stages))),
        _back(stages, plane),
    )
    return Explanation(
        topic="receptive-field",
        title=f"Receptive field: a cell after {counted(len(stages), 'layer')} sees {by(last.size)} "
        f"of {by(plane)}",
        steps=steps,
        data={
            "plane": list(plane),
            "layers": [stage.document() for stage in stages],
            "size": list(last.size),
            "jump": list(last.jump),
            "start": list(last.start),
        },
        still=tuple(range(len(steps))) if len(steps) <= 6 else (0, 1, len(steps) - 2, len(steps) - 1),
        notes=notes,
    )


@dataclass(frozen=True, eq=False)
class _Stage:
    """A layer: the plane that goes in and what comes out, what a cell of either sees, and its window."""

    name: str
    plane: Pair
    output: Pair
    window: Window | None
    before: ReceptiveField
    field: ReceptiveField

    @property
    def counts(self) -> bool:
        """Whether the ways through it can be counted: it has a window, or passes each cell on."""
        return self.window is not None or (self.before == self.field and self.plane == self.output)

    @property
    def middle(self) -> Cell:
        """The cell of the output that is looked at."""
        return (self.output[0] - 1) // 2, (self.output[1] - 1) // 2

    def ways_back(self, ways: Array) -> Array:
        """Return by how many ways each cell that goes in reaches those that come out, by `ways` of each."""
        window = self.window
        if window is None:
            return ways
        over = [
            max(0, -rest) for rest in window.remainder(self.plane)
        ]  # what a pool's last window hangs over
        padding = [(before, after + more) for (before, after), more in zip(window.padding, over, strict=True)]
        x, w = np.zeros((1, *self.plane, 1)), np.ones((*window.size, 1, 1))
        dx, _, _ = conv2d_backward(
            ways[None, :, :, None], x, w, stride=window.stride, dilation=window.dilation, padding=padding
        )
        return np.asarray(dx[0, :, :, 0])

    def document(self) -> dict[str, object]:
        window = self.window
        return {
            "layer": self.name,
            "kernel": None if window is None else list(window.size),
            "stride": None if window is None else list(window.stride),
            "padding": None if window is None else [list(side) for side in window.padding],
            "dilation": None if window is None else list(window.dilation),
            "output": list(self.output),
            "size": list(self.field.size),
            "jump": list(self.field.jump),
            "start": list(self.field.start),
        }


def _has_network(ask: Request) -> bool:
    if ask.model is not None and ask.layers is not None:
        raise UsageError("--layers and --run both say which layers; give one of them.")
    return ask.model is not None or isinstance(ask.layers, Network)


def _of_chain(ask: Request) -> tuple[Pair, list[_Stage], tuple[str, ...]]:
    steps = parse_chain(LAYERS if ask.layers is None else str(ask.layers))
    _check_count(len(steps))

    def through(plane: Pair) -> list[_Stage]:
        found, before = [], ReceptiveField()
        for link in links(steps, plane):
            name = f"{link.step.kind} {link.step.text.removeprefix(link.step.kind)}"
            found.append(_Stage(name, link.plane, link.output, link.step.window, before, link.field))
            before = link.field
        return found

    if ask.size is not None:
        plane = (ask.size, ask.size) if isinstance(ask.size, int) else (ask.size[0], ask.size[1])
        _check_plane(plane)
        return plane, through(plane), ()
    for side in range(1, LARGEST_DEFAULT + 1):
        try:
            stages = through((side, side))
        except ShapeError:
            continue
        seen = max(stages[-1].field.size)
        if min(stages[-1].output) >= LEAST_OUTPUT and side >= min(seen, LARGEST_DEFAULT):
            return (side, side), stages, ()
    raise UsageError(
        f"--layers: no input of up to {LARGEST_DEFAULT} × {LARGEST_DEFAULT} fits; give its --size."
    )


def _of_network(ask: Request) -> tuple[Pair, list[_Stage], tuple[str, ...]]:
    """Return the layers of a network as far as a cell of what comes out sees one and the same."""
    network = ask.layers if isinstance(ask.layers, Network) else ask.model.network if ask.model else None
    assert network is not None
    if ask.size is not None:
        raise UsageError("--size goes with typed --layers; a network's input has its size.")
    plane = (network.shapes[0][0], network.shapes[0][1])
    _check_plane(plane)
    stages, before, notes = list[_Stage](), ReceptiveField(), tuple[str, ...]()
    for place in network.places:
        if place.inner:
            continue
        flat = len(place.input) != 3 or len(place.output) != 3
        if flat or place.field is None:
            why = "makes a row of numbers of the planes" if flat else "has cells that do not all see as much"
            notes = (f"shown up to layer {place.number}, which {why} ({place.layer.name()}).",)
            break
        given, output = ((shape[0], shape[1]) for shape in (place.input, place.output))
        name = f"{place.number}: {place.layer.name()}"
        window = place.layer.window(place.input)
        stages.append(_Stage(name, given, output, window, before, place.field))
        before = place.field
    if not stages:
        raise UsageError(f"The network has no layer of planes: {notes[0]}")
    _check_count(len(stages))
    return plane, stages, notes


def _check_count(count: int) -> None:
    if count > MOST_STAGES:
        raise UsageError(f"{count} layers; at most {MOST_STAGES} can be followed.")


def _check_plane(plane: Pair) -> None:
    if max(plane) > MOST_PLANE:
        raise UsageError(
            f"An input of {by(plane)} is too large to be drawn: at most {MOST_PLANE} × {MOST_PLANE}."
        )


def _table(stages: list[_Stage]) -> Step:
    axes = (0, 1) if any(_differ(stage) for stage in stages) else (0,)
    names = ("input", *(stage.name for stage in stages))
    rows: list[Row] = []
    for axis in axes:
        numbers = [[None, None, None, None, stages[0].plane[axis], 1, 1, 0]]
        for stage in stages:
            w, f = stage.window, stage.field
            own = (
                [None] * 4
                if w is None
                else [w.size[axis], w.stride[axis], w.padding[axis][0], w.dilation[axis]]
            )
            numbers.append([*own, stage.output[axis], f.size[axis], f.jump[axis], f.start[axis]])
        marks: dict[Cell, Role] = {(len(numbers) - 1, 5): "result"}
        caption = "f, s, p before, d | out | r, jump, start" + (
            f" of the {AXES[axis]}" if len(axes) > 1 else ""
        )
        rows.append((Grid(tuple(map(tuple, numbers)), caption, marks, row_names=names),))
    lines = (
        "r ← r + (span − 1)·jump, with span = d(f−1) + 1",
        "start ← start − p·jump",
        "jump ← jump·s",
    )
    words = (
        Words("r: how many rows a cell sees; jump: how far the next one's lie from these"),
        Words("start: the first row that the first cell sees, from 0; below 0 that is padding"),
    )
    return Step.of("Layer by layer", (*rows, *lines, *((line,) for line in words)), {})


def _differ(stage: _Stage) -> bool:
    """Whether rows and columns are not alike."""
    field = stage.field
    pairs = (stage.output, field.size, field.jump, field.start)
    return any(rows != columns for rows, columns in pairs)


def _planes(stages: list[_Stage]) -> list[Array]:
    """Return by how many ways each cell reaches the middle one that comes out: of each plane, the last first.

    Where ways cannot be counted a cell that is seen has 1.
    """
    ways = np.zeros(stages[-1].output)
    ways[stages[-1].middle] = 1
    found = [ways]
    for stage in reversed(stages):
        if not stage.counts:
            return [*found, _box(stages[-1], stages[0].plane)]
        ways = stage.ways_back(ways)
        largest = ways.max(initial=0)
        if largest > 2.0**200:  # of deep networks only the shares are drawn
            ways = ways / largest
        found.append(ways)
    return found


def _seen(stage: _Stage, cell: Cell, plane: Pair) -> tuple[slice, slice]:
    """Return which rows and columns of the input a cell sees, padding left out."""
    field = stage.field
    starts = [first + at * jump for first, at, jump in zip(field.start, cell, field.jump, strict=True)]
    rows, columns = (
        slice(max(0, start), max(0, min(n, start + size)))
        for start, size, n in zip(starts, field.size, plane, strict=True)
    )
    return rows, columns


def _box(stage: _Stage, plane: Pair) -> Array:
    box = np.zeros(plane)
    box[_seen(stage, stage.middle, plane)] = 1
    return box


def _layer(stages: list[_Stage], plane: Pair) -> Step:
    """Return what a cell sees after the last of some layers."""
    stage, before = stages[-1], stages[-1].before
    ways = _planes(stages)[-1]
    row: Row = (
        _drawn(ways, f"input {by(plane)}: the ways to the cell", stage, plane),
        Arrow("→", counted(len(stages), "layer")),
        _output(stage, plane),
    )
    lines = list(_lines(stage))
    jump = stage.field.jump[1]
    lines.append(
        f"the next cell sees as much, {counted(jump, 'column')} further"
        + (" (blue)" if max(plane) <= MOST_SIDE and stage.middle[1] + 1 < stage.output[1] else "")
    )
    if (before.size, before.jump) == (stage.field.size, stage.field.jump):
        lines.append(f"{stage.name}: each cell sees what the one before saw")
    data = {
        **stage.document(),
        "cell": list(stage.middle),
        "ways": exact(ways) if max(plane) <= MOST_SIDE else None,
    }
    return Step.of(f"After {stage.name}: r = {by(stage.field.size)}", (row, *lines), data)


def _lines(stage: _Stage) -> Iterator[str]:
    """Yield how r, jump and start come about, for rows, and for columns where they differ."""
    window, before, field = stage.window, stage.before, stage.field
    if window is None:
        return
    for axis in (0, 1) if _differ(stage) else (0,):
        of = f" ({AXES[axis]})" if _differ(stage) else ""
        r, jump, start = before.size[axis], before.jump[axis], before.start[axis]
        yield f"r = {r} + ({window.span[axis]} − 1)·{jump} = {field.size[axis]}{of}"
        yield f"jump = {jump}·{window.stride[axis]} = {field.jump[axis]}{of}"
        yield (
            f"start = {number(start)} − {window.padding[axis][0]}·{jump} = {number(field.start[axis])}{of}"
        )


def _drawn(ways: Array, caption: str, stage: _Stage, plane: Pair) -> Grid | Picture:
    """Return the input with what the middle cell sees: numbers, or of a large one a picture."""
    rows, columns = _seen(stage, stage.middle, plane)
    if max(plane) > MOST_SIDE:
        shades = np.rint(255 * (1 - 0.85 * ways / max(ways.max(initial=0), 1e-300))).astype(np.uint8)
        box = (rows.start, columns.start, rows.stop - rows.start, columns.stop - columns.start)
        return Picture(shades, f"{caption}, dark where there are many", box if min(box[2:]) > 0 else None)
    marks: dict[Cell, Role] = {}
    row, column = stage.middle
    if column + 1 < stage.output[1]:
        beside = _seen(stage, (row, column + 1), plane)
        marks |= {
            (i, j): "kernel"
            for i in range(*beside[0].indices(plane[0]))
            for j in range(*beside[1].indices(plane[1]))
        }
    marks |= {
        (i, j): "window" for i in range(rows.start, rows.stop) for j in range(columns.start, columns.stop)
    }
    return Grid.of(ways, caption, marks)


def _output(stage: _Stage, plane: Pair) -> Grid | Picture:
    """Return what comes out, with the cell that is looked at, and the next one."""
    cells = np.zeros(stage.output)
    cells[stage.middle] = 1
    if max(stage.output) > _largest_grid(plane):
        box = (*stage.middle, 1, 1)
        return Picture(np.full(stage.output, 255, np.uint8), f"output {by(stage.output)}", box)
    row, column = stage.middle
    marks: dict[Cell, Role] = {stage.middle: "window"}
    if column + 1 < stage.output[1]:
        marks[(row, column + 1)] = "kernel"
    return Grid.of(cells, f"output {by(stage.output)}", marks)


def _largest_grid(plane: Pair) -> int:
    """Return up to which side planes are numbers: beside a picture of the input only small ones."""
    return MOST_SIDE if max(plane) <= MOST_SIDE else SMALL


def _back(stages: list[_Stage], plane: Pair) -> Step:
    """Return every plane, from the cell back to the input."""
    found = _planes(stages)
    counted_ = all(stage.counts for stage in stages)
    names = (
        ["the cell", *(f"before {stage.name}" for stage in reversed(stages))]
        if counted_
        else ["the cell", "input"]
    )
    row: list[Arrow | Grid | Picture] = []
    for name, ways in zip(names, found if counted_ else [found[0], found[-1]], strict=True):
        if row:
            row.append(Arrow("←"))
        if max(ways.shape) > _largest_grid(plane):
            shades = np.rint(255 * (1 - 0.85 * ways / max(ways.max(initial=0), 1e-300))).astype(np.uint8)
            row.append(Picture(shades, f"{name}: {by(ways.shape)}"))
        else:
            marks: dict[Cell, Role] = {(int(i), int(j)): "window" for i, j in np.argwhere(ways)}
            row.append(Grid.of(ways, f"{name}: {by(ways.shape)}", marks))
    ways = found[-1]
    lines: list[Row | str] = []
    if counted_ and max(plane) <= MOST_SIDE:
        some = ways[ways > 0]
        lines.append(
            f"ways in all: {number(ways.sum())}; from one pixel {factor(some.min())} to {factor(some.max())}"
        )
        if some.min() < some.max():
            lines.append(
                (Words("what is seen by more ways weighs more in the cell: the middle more than the border"),)
            )
    elif not counted_:
        lines.append(
            (Words("a layer here has no single window, so that the ways through it are not counted"),)
        )
    return Step.of(
        "Back from one cell",
        (tuple(row), *lines),
        {"ways": [exact(w) for w in found if max(w.shape) <= MOST_SIDE]},
    )
