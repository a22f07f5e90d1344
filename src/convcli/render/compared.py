"""Two images compared: as a table, a line, and JSON."""

from __future__ import annotations

import math
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from convcli.comparing import Comparison
from convcli.comparing.comparison import Figures, Largest
from convcli.comparing.pairing import ALPHA, NAMES
from convcli.wording import printable


def comparison_table(found: Comparison, names: tuple[str, str]) -> Group:
    """Return what two images differ by, channel by channel and together."""
    pair = found.pair
    rows, columns = pair.shape
    head = (
        f"{names[0]} and {names[1]}: {rows} high, {columns} wide, {_channels(found)}, {pair.dtype}, "
        f"data range {pair.white:.10g}"
    )
    parts: list[RenderableType] = [Text(printable(head))]
    if found.identical:
        return Group(*parts, Text("identical: every value is the same; PSNR ∞, SSIM 1"))
    table = Table(box=SIMPLE_HEAD)
    for n, title in enumerate(("channel", "MSE", "PSNR", "SSIM", "largest", "mean B − A")):
        table.add_column(title, justify="right" if n else "left", no_wrap=True)
    together = [found.together] if len(found.channels) > 1 else []
    for figures in (*found.channels, *together):
        table.add_row(*_cells(figures, pair.white), style="bold" if figures is found.together else "")
    parts.append(table)
    if found.largest is not None:
        parts.append(Text(f"largest difference {_largest_words(found.largest)}"))
    parts.append(Text(f"equal pixels {_percent(found.equal)}"))
    return Group(*parts)


def _channels(found: Comparison) -> str:
    names = tuple(channel.name for channel in found.pair.channels)
    colours = names[:-1] if names[-1] == ALPHA else names
    words = {NAMES[1]: "grey", NAMES[3]: "RGB"}.get(colours, f"{len(colours)} channels")
    return words + " and alpha" * (colours != names)


def _cells(figures: Figures, white: float) -> tuple[str, ...]:
    return (
        figures.name,
        f"{figures.mse:.6g}",
        _decibels(figures.psnr(white)),
        "−" if figures.ssim is None else f"{figures.ssim:.6f}",
        _value(figures.largest),
        f"{figures.mean:z.4g}",
    )


def _largest_words(largest: Largest) -> str:
    channel = f"channel {largest.channel}" if largest.channel.isdigit() else largest.channel
    return (
        f"{_value(largest.difference)} at row {largest.row}, column {largest.column} (from 0), "
        f"{channel}: {_value(largest.first)} and {_value(largest.second)}"
    )


def _value(value: float) -> str:
    """Return a value of an image: whole numbers with all of their digits.

    >>> _value(65535), _value(1 / 3), _value(2.0**62), _value(1e300)
    ('65535', '0.333333', '4611686018427387904', '1e+300')
    """
    if isinstance(value, int):
        return str(value)
    return f"{value:.0f}" if abs(value) < 2**64 and value == int(value) else f"{value:.6g}"


def _decibels(psnr: float) -> str:
    if math.isfinite(psnr):
        return f"{psnr:.3f} dB"
    return "unknown" if math.isnan(psnr) else "∞" if psnr > 0 else "−∞"


def _percent(share: float) -> str:
    """Return a share so that only all is 100 % and only none is 0 %.

    >>> _percent(1.0), _percent(0.99999), _percent(0.5)
    ('100 %', '99.99 %', '50.00 %')
    """
    if share in (0, 1):
        return f"{100 * share:.0f} %"
    return f"{min(max(100 * share, 0.01), 99.99):.2f} %"


def comparison_line(found: Comparison, name: str) -> str:
    """Return the same in a line, of one pair of many."""
    if found.identical:
        return f"{name}  identical"
    ssim = found.together.ssim
    return (
        f"{name}  PSNR {_decibels(found.psnr)}"
        + ("" if ssim is None else f"  SSIM {ssim:.6f}")
        + f"  largest difference {_value(found.together.largest)}  equal pixels {_percent(found.equal)}"
    )


def comparison_document(found: Comparison) -> dict[str, Any]:
    """Return the same for JSON. PSNR is null where it is infinite: `identical`, or an MSE of 0, says so."""
    pair, largest = found.pair, found.largest
    return {
        "shape": list(pair.shape),
        "dtype": pair.dtype.name,
        "data_range": pair.white,
        "identical": found.identical,
        **_document(found.together, pair.white),
        "ssim_window": found.window,
        "largest": None
        if largest is None
        else {
            "difference": _number(largest.difference),
            "row": largest.row,
            "column": largest.column,
            "channel": largest.channel,
            "a": largest.first,
            "b": largest.second,
        },
        "equal_pixels": found.equal,
        "not_finite": {"equal": found.odd_and_equal, "different": found.odd},
        "channels": [
            {"channel": figures.name, **_document(figures, pair.white), "largest": _number(figures.largest)}
            for figures in found.channels
        ],
        "notes": list(pair.notes),
    }


def _document(figures: Figures, white: float) -> dict[str, Any]:
    return {
        "mse": _number(figures.mse),
        "psnr": _number(figures.psnr(white)),
        "ssim": figures.ssim,
        "mean_difference": _number(figures.mean),
        "mean_absolute_difference": _number(figures.mean_absolute),
    }


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
