"""Volumes in letters, for terminals and Markdown: channel behind channel, and the cells of the first."""

from __future__ import annotations

from typing import TypeAlias

from convcli.explaining.elements import Block, Role
from convcli.wording import by

LARGEST = 16
"""Rows and columns of cells that are drawn."""

BEHIND = 3
"""Channels behind the first that are drawn."""

MOST_DRAWN, WIDEST = 4, 60
"""Solids of a kind beside each other, and how wide they are together."""

CELLS: dict[Role | None, str] = {None: "· ", "padding": "0 ", "window": "▓▓", "result": "██"}

Letter: TypeAlias = tuple[str, Role | None]


def drawn(block: Block) -> list[list[Letter]]:
    """Return the lines of a block, a letter and its role each; of one too large for that none."""
    rows, columns, channels = block.sides
    if max(rows, columns) > LARGEST:
        return []
    behind = min(channels - 1, BEHIND)
    width, height = 2 * columns + 2, rows + 2
    canvas: list[list[Letter]] = [[(" ", None)] * (width + behind) for _ in range(height + behind)]
    for n in range(behind, -1, -1):  # the last channel first: those before it hide it
        for i, line in enumerate(_frame(rows, columns)):
            canvas[behind - n + i][n : n + width] = [(letter, None) for letter in line]
    for i in range(rows):
        for j in range(columns):
            role = _role(block, i, j)
            letters: list[Letter] = [(letter, role) for letter in CELLS.get(role, "▒▒")]
            canvas[behind + 1 + i][1 + 2 * j : 3 + 2 * j] = letters
    count = max(1, min(block.count, MOST_DRAWN, WIDEST // (width + behind + 2)))
    gap: list[Letter] = [(" ", None)] * 2
    return [[*line, *(letter for _ in range(count - 1) for letter in (*gap, *line))] for line in canvas]


def size(block: Block) -> str:
    """Return how large a block is, and of how many."""
    return f"{block.count} of {by(block.shape)}" if block.count > 1 else by(block.shape)


def parts(block: Block) -> list[str]:
    """Return in words what of a block stands out, for who cannot see it."""
    return [
        f"{part.role}: {_span('row', part.rows)}, {_span('column', part.columns)}, "
        f"{_span('channel', part.channels)}"
        for part in block.parts
    ]


def _span(name: str, places: tuple[int, ...]) -> str:
    first, last = places[0] + 1, places[-1] + 1
    if first == last:
        return f"{name} {first}"
    if last - first + 1 != len(places):
        return f"{name}s {' '.join(str(place + 1) for place in places)}"
    return f"{name}s {first}–{last}"


def _frame(rows: int, columns: int) -> list[str]:
    edge = "─" * 2 * columns
    return [f"┌{edge}┐", *[f"│{' ' * 2 * columns}│"] * rows, f"└{edge}┘"]


def _role(block: Block, i: int, j: int) -> Role | None:
    """Return why a cell of the first channel stands out, or one behind it that is seen through it."""
    for part in block.parts:
        if i in part.rows and j in part.columns:
            return part.role
    (above, below), (left, right) = block.padding
    rows, columns, _ = block.sides
    inside = above <= i < rows - below and left <= j < columns - right
    return None if inside else "padding"
