"""What a notebook shows of a network: a table of plain HTML, in the colours that the notebook has."""

from __future__ import annotations

from collections.abc import Sequence

from convcli.formats.pages import escaped
from convcli.nn.network import Network
from convcli.render.network import layer_rows
from convcli.wording import by

_HEADS = ("#", "layer", "options", "output", "weights", "multiply-adds", "sees")
_LEFT = (1, 2)  # columns of words; those of numbers end at the right


def network_html(network: Network, lines: Sequence[str]) -> str:
    """Return the table of a network, its totals, and `lines` above it."""
    rows = list(layer_rows(network))
    outer = [row for row in rows if not row.place.inner]
    weights = sum(row.parameters + row.frozen for row in outer)
    body: list[tuple[str, ...]] = [("", "input", "", by(network.shapes[0]), "", "", "")]
    for row in rows:
        place = row.place
        counts = (f"{count:,}" if count else "" for count in (row.parameters + row.frozen, row.multiply_adds))
        sees = by(row.receptive_field) if row.receptive_field else ""
        body.append((str(place.number), place.layer.name(), place.options, by(place.output), *counts, sees))
    total = ("", "total", "", "", f"{weights:,}", f"{sum(row.multiply_adds for row in outer):,}", "")
    caption = "<br>".join(escaped(line.strip()) for line in lines)
    return "".join(
        [
            f'<div style="overflow-x:auto"><p>{caption}</p><table>',
            f"<thead>{_row(_HEADS, 'th')}</thead><tbody>",
            *(_row(cells) for cells in body),
            f"</tbody><tfoot>{_row(total, 'th')}</tfoot></table></div>",
        ]
    )


def _row(cells: Sequence[str], tag: str = "td") -> str:
    sides = ("left" if column in _LEFT else "right" for column in range(len(cells)))
    texts = (
        f'<{tag} style="text-align:{side}">{escaped(cell)}</{tag}>'
        for side, cell in zip(sides, cells, strict=True)
    )
    return f"<tr>{''.join(texts)}</tr>"
