"""Contact sheets on the command line: what is tried, on what, and where the sheet goes."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

import typer

from convcli.cli.output import note, out, out_bytes, print_json
from convcli.cli.picture_file import picture_file
from convcli.cli.terminal import screen
from convcli.errors import UsageError
from convcli.files import is_stdout
from convcli.wording import shown

if TYPE_CHECKING:
    from convcli.filtering.trials import Trial, Tried
    from convcli.images import Image
    from convcli.render.contact_sheet import Tile

Side: TypeAlias = Annotated[
    int,
    typer.Option(metavar="N", min=32, max=1024, help="Pixels of a picture's longer side on the sheet."),
]
Range: TypeAlias = Annotated[
    Literal["auto", "clip", "abs", "stretch", "offset"],
    typer.Option("--range", help="How responses become pixels, as `filter --range` has it."),
]
Show: TypeAlias = Annotated[
    bool, typer.Option("--show", help="Show it in the terminal; without -o nothing is written then.")
]

MOST_PIXELS = 30_000_000
"""Of the pictures on a sheet; it is drawn pixel by pixel, and larger ones are looked at by nobody."""

ORIGINAL = "original"


@dataclass(frozen=True)
class Place:
    """Where a sheet goes: to a file, unless that is None, and to the terminal by a protocol, or not."""

    output: str | None
    inputs: Sequence[str]
    protocol: str | None
    force: bool
    json: bool

    def put(self, title: str, tiles: Sequence[Tile], words: str, document: dict[str, Any]) -> None:
        """Draw tiles, and say where they are."""
        from convcli.images import View
        from convcli.render.contact_sheet import sheet_pixels, sheet_png, sheet_text

        stream = self.output is not None and is_stdout(self.output)
        target = None
        if self.output is not None:
            _, write = picture_file(
                self.output, [".png"], inputs=self.inputs, force=self.force, json=self.json
            )
            target = write(sheet_png(title, tiles, words))
        if self.protocol is not None:
            from convcli.render.screen import drawn

            place = screen(self.protocol)
            if place.protocol in ("blocks", "text"):
                text = sheet_text(tiles, place)
            else:
                text = drawn(View(sheet_pixels(title, tiles, words)), place)
            out_bytes(text.encode("utf-8", "replace"))
        if self.output is None:
            note("nothing is written with --show alone; -o FILE writes the sheet")
        if self.json:
            print_json({**document, "output": target})
        elif target is not None and not stream:
            out(f"{target}  {len(tiles)} pictures")

    def check(self) -> None:
        """Refuse at once what cannot be written."""
        check_stdout(self.output, self.protocol, json=self.json)
        if self.output is not None:
            picture_file(self.output, [".png"], inputs=self.inputs, force=self.force, json=self.json)


def check_stdout(output: str | None, protocol: str | None, *, json: bool) -> None:
    """Refuse two things on standard output; `protocol` is None if nothing is shown."""
    if protocol is not None and json:
        raise UsageError("--json and what --show writes cannot both go to standard output.")
    if protocol is not None and output is not None and is_stdout(output):
        raise UsageError("-o - and what --show writes cannot both go to standard output.")


def try_on(image: Image, name: str, listed: Sequence[Trial], side: int, place: Place, words: str) -> None:
    """Try each of a list on an image, and put what comes of it on a sheet."""
    from convcli.filtering.notes import NUMBERS
    from convcli.filtering.trials import tried
    from convcli.images import view
    from convcli.render.contact_sheet import Tile, tile_of

    place.check()
    if (len(listed) + 1) * side**2 > MOST_PIXELS:
        most = math.isqrt(MOST_PIXELS // (len(listed) + 1))
        raise UsageError(
            f"A sheet of {len(listed) + 1} pictures of {side} pixels is too large: take a --side of at most "
            f"{most}, or fewer pictures."
        )
    original = view(image)
    tiles = [tile_of(ORIGINAL, original, side)]
    said: list[dict[str, Any]] = []
    dark, own = 0, Counter[str]()  # what is said of results alone, less numbers
    note([f"{shown(name)}: {text}" for text in (*image.notes, *original.notes)])
    for one in tried(image, listed):
        texts = () if one.view is None else one.view.notes
        own.update(NUMBERS.sub("…", text) for text in texts if text not in original.notes)
        tiles.append(
            Tile(one.label, None, one.error) if one.view is None else tile_of(one.label, one.view, side)
        )
        said.append(_document(one))
        dark += one.is_dark
    if failed := [one["label"] for one in said if "error" in one]:
        note(f"{len(failed):,} cannot be laid on this picture; the sheet says why")
    note([f"{count:,} results: {text}" for text, count in own.items()])
    if dark:
        note(f"{dark:,} are nearly black; preview --range stretch shows what is in them")
    place.put(shown(name), tiles, words, {"input": name, "shape": list(image.pixels.shape), "tiles": said})


def _document(one: Tried) -> dict[str, Any]:
    found = one.found
    if found is None:
        return {"label": one.label, "error": one.error}
    extremes = {"minimum": found.minimum, "maximum": found.maximum}
    return {
        "label": one.label,
        "range": found.range,
        **{key: value if math.isfinite(value) else None for key, value in extremes.items()},
        "clipped": found.clipped,
    }
