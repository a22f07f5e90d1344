"""Options of how kernels are laid on images, and of what becomes of their responses; the policy they make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from convcli.cli.options import parse_nodata, parse_padding, parse_pair

if TYPE_CHECKING:
    from convcli.filtering.policy import Policy

Offset: TypeAlias = Annotated[
    float,
    typer.Option(
        metavar="V",
        help="Add V to every response, before --range makes a pixel of it; --range auto then keeps the "
        "sign. In the image's units: 128 is mid-grey at 8 bits, 32768 at 16, 0.5 for floats.",
    ),
]

Padding: TypeAlias = Annotated[
    str, typer.Option(metavar="same|valid|full|N", help="Cells added around the image.")
]

Border: TypeAlias = Annotated[
    str,
    typer.Option(
        metavar="reflect|zero|edge|symmetric|wrap|constant",
        help="What those cells hold: reflect dcb|abcd|cba, symmetric cba|abcd|dcb (SciPy's reflect), "
        "edge aaa|abcd|ddd, wrap bcd|abcd|abc, zero 000|abcd|000, constant vvv|abcd|vvv with --fill v. "
        "Other tools' names work too: mirror, nearest, replicate, reflect101, circular.",
    ),
]

Fill: TypeAlias = Annotated[
    float | None, typer.Option(metavar="V", help="The value of --border constant (default 0).")
]

Stride: TypeAlias = Annotated[
    str, typer.Option(metavar="S|SYxSX", help="Step from window to window, down and across.")
]

Dilation: TypeAlias = Annotated[
    str, typer.Option(metavar="D|DYxDX", help="Distance between the kernel's cells.")
]

Channels: TypeAlias = Annotated[
    str,
    typer.Option(
        metavar="auto|gray|each",
        help="gray: luma; each: every channel; auto: gray for kernels that sum to zero, else each.",
    ),
]

Range: TypeAlias = Annotated[
    str,
    typer.Option(
        metavar="auto|clip|abs|stretch|offset|raw",
        help="How responses become pixels; auto: abs for kernels that sum to zero, else clip; "
        "raw: floats, as .npy or .tif.",
    ),
]

Alpha: TypeAlias = Annotated[
    str,
    typer.Option(
        metavar="keep|filter|ignore",
        help="Colours count as much as they are seen; keep: alpha stays as it is; filter: the kernel is "
        "laid on alpha as well, as for the blur of a cut-out; ignore: all colours count, seen or not.",
    ),
]

NoData: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        metavar="V|nan|auto",
        help="Leave pixels of this value out of every sum; auto: the value that the file itself names. "
        "Can be given several times; results without any data are the first.",
    ),
]

Linear: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--linear",
        help="Filter light instead of stored values: by the image's colour profile, or sRGB's curve; the "
        "result is stored as the image was. Floats are light already.",
    ),
]

Op: TypeAlias = Annotated[
    str,
    typer.Option(metavar="correlate|convolve", help="convolve turns the kernel by 180° first."),
]


def policy_of(given: Mapping[str, Any]) -> Policy:
    """Return the policy of options by their names."""
    from convcli.filtering.policy import Policy

    own = {field.name: given[field.name] for field in fields(Policy)}
    own |= {"padding": parse_padding(own["padding"]), "fill": own["fill"] or 0}
    own |= {name: parse_pair(own[name], f"--{name}") for name in ("stride", "dilation")}
    return Policy(**own | {"nodata": parse_nodata(own["nodata"] or [])})
