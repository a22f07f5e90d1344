"""Tables where it is narrow: closer together, or each row as a block, but nothing cut and no word broken."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console, Group, RenderableType
from rich.measure import Measurement
from rich.table import Column, Table
from rich.text import Text

READABLE = 20  # letters of a column of words in which they may be wrapped
NOTHING = ("", "·", "–")  # cells that a block of a row leaves out


def fitted(shown: RenderableType, console: Console) -> RenderableType:
    """Return what can be read on a console as wide as this one: tables that fit, or laid out anew."""
    if isinstance(shown, Group):
        return Group(*(fitted(part, console) for part in shown.renderables))
    if not isinstance(shown, Table) or not shown.columns:
        return shown
    widths = [_width(column, console) for column in shown.columns]
    for right in (None, 1, 0):
        if right is not None:  # closer together
            shown.padding, shown.pad_edge, shown.collapse_padding = (0, right, 0, 0), False, True
            shown.show_edge = False
        if sum(widths) + _between(shown, len(widths)) <= console.width:
            break
    else:
        return Group(*_blocks(shown))
    for column, width in zip(shown.columns, widths, strict=True):
        column.min_width = width
    return shown


def _width(column: Column, console: Console) -> int:
    """Return how many letters a column needs."""
    cells = [column.header, *column.cells, column.footer]
    measured = [Measurement.get(console, console.options.update(max_width=1 << 14), cell) for cell in cells]
    longest = max(found.maximum for found in measured)
    if column.overflow == "fold":
        return column.min_width or min(longest, READABLE)
    if column.no_wrap or column.justify == "right":
        return min(longest, column.max_width or longest)
    return max(min(longest, READABLE), *(found.minimum for found in measured))


def _between(table: Table, columns: int) -> int:
    """Return how many letters lie between and beside the columns."""
    _, right, _, left = table.padding
    gap = right if table.collapse_padding else left + right
    box = columns - 1 if table.box is not None else 0  # a blank, where there is no line
    return columns * gap + box + (2 if table.box is not None and table.show_edge else 0)


def _blocks(table: Table) -> Iterator[RenderableType]:
    """Yield each row as a block: its name, and below that its other cells by the names of their columns."""
    if table.title:
        yield Text(str(table.title), style="bold")
    rows = list(zip(*(column.cells for column in table.columns), strict=True))
    if table.show_footer and any(column.footer for column in table.columns):
        rows.append(tuple(column.footer for column in table.columns))
    names = [_plain(column.header) for column in table.columns]
    lead = 2 if names[0] == "#" else 1  # a number alone is no name
    for number, row in enumerate(rows):
        if number:
            yield Text()
        yield Text(" ").join(_text(cell) for cell in row[:lead] if _plain(cell))
        block = Table.grid(padding=(0, 2, 0, 0))
        block.add_column(no_wrap=True)
        block.add_column(overflow="fold")
        for name, cell in zip(names[lead:], row[lead:], strict=True):
            if _plain(cell) not in NOTHING:
                block.add_row(Text(f"  {name}"), cell)
        yield block


def _text(cell: RenderableType) -> Text:
    return cell if isinstance(cell, Text) else Text(str(cell))


def _plain(cell: RenderableType) -> str:
    return cell.plain if isinstance(cell, Text) else str(cell)
