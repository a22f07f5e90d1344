"""A kernel's frequency response: as a page of numbers, as JSON, and as a picture."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from convcli.kernels import Kernel
from convcli.kernels.frequency import DIRECTIONS, FINE, NYQUIST, Response, responses_of
from convcli.render.drawing import plotting
from convcli.render.kernels import call
from convcli.wording import printable, shortened, signed

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Gains = NDArray[np.float64]

STORED = 65  # points of each cut in JSON
MOST_MAPS = 9
GAINS, PHASES = "cividis", "twilight"
"""Colour maps that people who confuse red and green read, too; the second comes back to where it begins."""
LONGEST = 70  # letters of a title

_LABELS = {"across": "across", "down": "down", "diagonal": "diagonal: as much of both"}
_PHASES = {
    "real": "real: waves stay where they are",
    "imaginary": "imaginary: waves are moved by a quarter",
    "complex": "complex",
}


def frequency_text(kernel: Kernel) -> str:
    """Return what a kernel does to waves, part by part."""
    rows, columns = kernel.shape
    lines = [f"{call(kernel.name, kernel.parameters)}  {rows} × {columns}, frequencies in cycles per pixel"]
    for n, part in enumerate(responses := responses_of(kernel), 1):
        gain, down, across = part.peak()
        lines += ["", f"part {n}"] if len(responses) > 1 else [""]
        lines.append(f"DC gain     {part.dc:.6g}")
        at_end = (f"{name} {part.nyquist(name):.6g}" for name in DIRECTIONS)
        lines.append(f"Nyquist     {', '.join(at_end)}")
        lines.append(
            f"largest     {gain:.6g} at {signed(round(across, 3))} across, {signed(round(down, 3))} down"
        )
        powers = {name: part.half_power(name) for name in DIRECTIONS}
        if found := [f"{name} {power:.4g}" for name, power in powers.items() if power is not None]:
            lines.append(f"half power  {', '.join(found)} (−3 dB)")
        lines.append(f"phase       {_PHASES[part.phase]}")
    lines += [
        "",
        "op          correlate; convolve has the same gain and the opposite phase",
    ]
    return "\n".join(lines)


def frequency_document(kernel: Kernel) -> dict[str, Any]:
    """Return the same for JSON, with cuts of each part's gain."""
    parts = []
    for part in responses_of(kernel):
        gain, down, across = part.peak()
        parts.append(
            {
                "dc": part.dc,
                "nyquist": {name: part.nyquist(name) for name in DIRECTIONS},
                "peak": {"gain": gain, "across": across, "down": down},
                "half_power": {name: part.half_power(name) for name in DIRECTIONS},
                "phase": part.phase,
                "gain": {name: np.abs(part.cut(name, STORED)).tolist() for name in DIRECTIONS},
            }
        )
    return {
        "name": kernel.name,
        "parameters": dict(kernel.parameters),
        "shape": list(kernel.shape),
        "combine": kernel.combine,
        "op": "correlate",
        "unit": "cycles per pixel",
        "frequencies": np.linspace(0, NYQUIST, STORED).tolist(),
        "parts": parts,
    }


def frequency_picture(kernel: Kernel, *, svg: bool = False) -> bytes:
    """Return maps of a kernel's gain, and where it is not real of its phase, above cuts through the gain."""
    parts = responses_of(kernel)
    maps = _maps(kernel, parts)
    with plotting.style():
        across = min(len(maps), 3)
        down = -(-len(maps) // across)
        figure = plotting.figure(3.9 * down + 3.9, 4.4 * max(across, 2))
        figure.suptitle(shortened(printable(call(kernel.name, kernel.parameters)), LONGEST), weight="bold")
        grid = figure.add_gridspec(down + 1, across, height_ratios=[1.0] * down + [0.9])
        most = max(float(gain.max()) for _, gain, is_gain in maps if is_gain) or 1.0
        for n, (title, values, is_gain) in enumerate(maps):
            axes = figure.add_subplot(grid[n // across, n % across])
            _draw_map(figure, axes, title, values, most if is_gain else None)
        _draw_cuts(figure.add_subplot(grid[down, :]), kernel, parts)
        return plotting.svg(figure) if svg else plotting.png(figure)


def frequency_map(kernel: Kernel) -> NDArray[np.uint8]:
    """Return the gain, of several parts all of them together, as pixels (257, 257, 3): 0 in the middle."""
    _, gain, _ = _maps(kernel, responses_of(kernel))[0 if len(kernel.parts) == 1 else -1]
    return coloured(gain)


def coloured(gain: Gains) -> NDArray[np.uint8]:
    """Return gains (h, w) as pixels (h, w, 3), the largest in the colours' last."""
    with plotting.style():
        from matplotlib import colormaps

        colours = colormaps[GAINS](gain / (gain.max() or 1.0))
    pixels: NDArray[np.uint8] = np.rint(colours[:, :, :3] * 255).astype(np.uint8)
    return pixels


def _maps(kernel: Kernel, parts: list[Response]) -> list[tuple[str, Gains, bool]]:
    """Return the maps to draw: a title, the values, and whether they are gains rather than angles."""
    if len(parts) == 1:
        values = parts[0].map()
        maps = [("gain |H|", np.abs(values), True)]
        if parts[0].phase != "real":
            maps.append(("phase of H", np.angle(_without_rounding(values, parts[0])), False))
        return maps
    gains = [np.abs(part.map()) for part in parts]
    maps = [(f"part {n}: |H|", gain, True) for n, gain in enumerate(gains[:MOST_MAPS], 1)]
    if kernel.combine == "magnitude":
        maps.append(("root of the sum of |H|²", np.sqrt(sum(gain**2 for gain in gains)), True))
    elif kernel.combine == "maximum":
        maps = [*maps[: MOST_MAPS - 1], ("largest |H| of the parts", np.maximum.reduce(gains), True)]
    return maps


def _without_rounding(values: NDArray[np.complex128], part: Response) -> NDArray[np.complex128]:
    """Return responses whose angle is that of what they are, where they are 0 but for rounding none."""
    real = 0.0 if part.phase == "imaginary" else values.real
    exact: NDArray[np.complex128] = np.where(np.abs(values) <= 1e-9 * part.size, 0, real + 1j * values.imag)
    return exact


def _draw_map(figure: Figure, axes: Axes, title: str, values: Gains, most: float | None) -> None:
    """Draw a map of gains up to `most`, or of angles; frequencies of rows run down as rows do."""
    limits = (-NYQUIST, NYQUIST, NYQUIST, -NYQUIST)
    options: dict[str, Any] = {"cmap": GAINS, "vmin": 0, "vmax": most}
    if most is None:
        options = {"cmap": PHASES, "vmin": -math.pi, "vmax": math.pi}
    drawn = axes.imshow(values, extent=limits, interpolation="nearest", **options)
    axes.set_title(title, fontsize=13)
    axes.grid(visible=False)
    ticks = [-0.5, -0.25, 0, 0.25, 0.5]
    axes.set_xticks(ticks, [signed(tick) for tick in ticks])
    axes.set_yticks(ticks, [signed(tick) for tick in ticks])
    axes.set_xlabel("across, cycles per pixel", fontsize=12)
    axes.set_ylabel("down, cycles per pixel", fontsize=12)
    bar = figure.colorbar(drawn, ax=axes, shrink=0.85)
    if most is None:
        bar.set_ticks(
            [-math.pi, -math.pi / 2, 0, math.pi / 2, math.pi], labels=["−π", "−π/2", "0", "π/2", "π"]
        )


def _draw_cuts(axes: Axes, kernel: Kernel, parts: list[Response]) -> None:
    """Draw the gain along each direction; of one part alone the response itself where it is real."""
    waves = np.linspace(0, NYQUIST, FINE)
    part = parts[0]
    for n, name in enumerate(DIRECTIONS):
        cuts = [one.cut(name) for one in parts]
        if len(parts) > 1:
            values = (
                np.maximum.reduce([np.abs(cut) for cut in cuts])
                if kernel.combine == "maximum"
                else np.sqrt(sum(np.abs(cut) ** 2 for cut in cuts))
            )
        else:
            values = cuts[0].real if part.phase == "real" else np.abs(cuts[0])
        axes.plot(
            waves,
            values,
            color=plotting.colour(f"link{n}"),
            label=_LABELS[name],
            linestyle=("-", "--", ":")[n],
            zorder=3 + n,
        )
    axes.axhline(0, color=plotting.colour("line"), linewidth=1)
    words = "H, which is real" if len(parts) == 1 and part.phase == "real" else "gain"
    axes.set_ylabel(words)
    axes.set_xlabel("frequency, cycles per pixel (0.5 is π radians)")
    axes.set_xlim(0, NYQUIST)
    axes.legend(loc="best", fontsize=12)
    total = ", ".join(dict.fromkeys(f"{one.dc:.4g}" for one in parts))
    axes.set_title(f"cuts from the middle; DC gain {total}", fontsize=13)
