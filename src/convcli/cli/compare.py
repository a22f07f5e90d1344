"""`convcli compare`: what two images differ by, as numbers and as a picture."""

from __future__ import annotations

import math
import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from convcli.cli.options import Force, JsonLines, MaxPixels, Threads
from convcli.cli.output import note, out, own_words_only, print_json, show
from convcli.cli.picture_file import Output, picture_file
from convcli.errors import CheckError, ConvcliError, UsageError
from convcli.wording import shown

if TYPE_CHECKING:
    from convcli.comparing import Comparison
    from convcli.images import Image

STREAM = "-"


def compare(
    a: Annotated[str, typer.Argument(metavar="A", help="An image file, a folder of them, or - for stdin.")],
    b: Annotated[
        str, typer.Argument(metavar="B", help="Another one of the same size; of folders, a folder.")
    ],
    output: Output = None,
    picture: Annotated[
        Literal["side", "difference", "blink"] | None,
        typer.Option(
            "--picture",
            help="With -o: both beside each other and their difference (side, unless it is a .gif), the "
            "difference alone at full size, or both by turns as a .gif (blink).",
        ),
    ] = None,
    max_difference: Annotated[
        float | None,
        typer.Option(metavar="D", min=0, help="Exit with 3 if two values differ by more; 0 for none at all."),
    ] = None,
    min_psnr: Annotated[
        float | None, typer.Option(metavar="DB", help="Exit with 3 if PSNR of all channels is less.")
    ] = None,
    min_ssim: Annotated[
        float | None, typer.Option(metavar="S", help="Exit with 3 if SSIM of all channels is less.")
    ] = None,
    window: Annotated[
        Literal["uniform", "gaussian"],
        typer.Option(
            help="Of SSIM: 7 × 7 equal weights, as scikit-image has it by itself, or the Gaussian of Wang et "
            "al., 2004, 11 × 11."
        ),
    ] = "uniform",
    data_range: Annotated[
        float | None,
        typer.Option(
            metavar="R",
            help="What PSNR and SSIM hold differences against; without it 255 of 8 bits, 65535 of 16, 1 of "
            "floats.",
        ),
    ] = None,
    threads: Threads = None,
    max_pixels: MaxPixels = None,
    force: Force = False,
    json: JsonLines = False,
) -> None:
    """Say what two images differ by: MSE, PSNR, SSIM, the largest difference and where, equal pixels.

    Each channel, and all together, alpha among them.
    Images of other sizes are refused; 8 bits beside 16, grey beside RGB and integers beside floats are
    converted, and a note says how.
    Of two folders the images of one name are compared, a line each.

    \b
    Examples:
      convcli compare before.png after.jpg
      convcli compare before.png after.png --max-difference 1
      convcli compare before.png after.png -o side.png
      convcli compare before.png after.png -o blink.gif
      convcli compare before/ after/ --min-psnr 40 --json
    """
    from convcli.comparing.folders import matched

    if data_range is not None and not (math.isfinite(data_range) and data_range > 0):
        raise UsageError(f"--data-range: expected a number above 0, found {data_range:g}.")
    folders = _are_folders(a, b)
    pictured = None
    if output is not None:
        if folders:
            raise UsageError("-o is for two images; of folders no picture is made.")
        pictured = _Picture(output, picture, (a, b), force=force, json=json)
    elif picture is not None:
        raise UsageError("--picture goes with -o FILE, where the picture is written.")
    limits = _Limits(max_difference, min_psnr, min_ssim)
    read = partial(_read, max_pixels=max_pixels, threads=threads)
    pairs = matched(a, b, tell=note) if folders else [(a, b)]
    errors: list[ConvcliError] = []
    for first, second in pairs:
        names = (_called(first), _called(second))
        try:
            with own_words_only():
                images = (read(first), read(second))
                found = _compared(images, names, data_range, window, threads)
            limits.check(found, names)
        except ConvcliError as error:
            if not folders:
                raise
            errors.append(error)
            if json:
                print_json({"a": first, "b": second, "error": str(error)})
            continue
        failures = limits.hold(found, names)
        if json:
            from convcli.render.compared import comparison_document

            print_json({"a": first, "b": second, **comparison_document(found), "failures": failures})
        else:
            _print(found, names, in_a_line=folders, aside=pictured is not None and pictured.to_stdout)
        if pictured is not None:
            pictured.write(found, images, names)
    if errors:
        said = [line for error in errors for line in error.lines] + limits.failures
        lines = (f"  {line}" for line in said)
        raise ConvcliError(f"{len(errors):,} of {len(pairs):,} pairs could not be compared.", *lines)
    limits.conclude(len(pairs))


def _are_folders(a: str, b: str) -> bool:
    """Whether both are folders; what cannot be compared is refused."""
    if a == b == STREAM:
        raise UsageError("Standard input (-) can be read only once.")
    folders = [os.path.isdir(name) for name in (a, b)]  # noqa: PTH112  (a name may hold a null byte)
    if any(folders) and not all(folders):
        which = shown(a if folders[0] else b)
        raise UsageError(f"{which} is a folder; compare it with another folder, or name a file in it.")
    return all(folders)


def _called(name: str) -> str:
    return "standard input" if name == STREAM else shown(name)


def _read(name: str, *, max_pixels: int | None, threads: int | None) -> Image:
    """Return an image file, or what comes through the pipe; what there is to say of it is said."""
    from convcli.bounds import MAX_PIXELS
    from convcli.images import read

    if name == STREAM and sys.stdin.isatty():
        raise UsageError("Standard input is a terminal; pipe an image into it.")
    source = sys.stdin.buffer if name == STREAM else Path(name)
    image = read(source, max_pixels=max_pixels or MAX_PIXELS, threads=threads or 1, every=True)
    note(image.notes)
    return image


def _compared(
    images: tuple[Image, Image],
    names: tuple[str, str],
    data_range: float | None,
    window: str,
    threads: int | None,
) -> Comparison:
    """Return the comparison; what was converted, and what no figure has, is said."""
    from convcli.comparing import compare, doubts, paired

    pair = paired(*images, names, data_range)
    found = compare(pair, window=window, threads=threads)
    note((*pair.notes, *doubts(found, given=data_range is not None)))
    return found


def _print(found: Comparison, names: tuple[str, str], *, in_a_line: bool, aside: bool) -> None:
    from convcli.render.compared import comparison_line, comparison_table

    if in_a_line:
        return out(comparison_line(found, Path(names[0]).name))
    return show(comparison_table(found, names), sys.stderr if aside else None)


class _Picture:
    """The picture of a comparison: its kind, and where it goes, which is judged at once."""

    def __init__(
        self, output: str, kind: str | None, inputs: tuple[str, str], *, force: bool, json: bool
    ) -> None:
        from convcli.files import is_stdout
        from convcli.images import ENDINGS

        default = "blink" if output.lower().endswith(".gif") else "side"
        self.kind, self.json = kind or default, json
        of_pixels = [ending for ending, name in ENDINGS.items() if name not in ("gif", "npy")]
        endings = {"side": [".png"], "blink": [".gif"], "difference": of_pixels}[self.kind]
        self.ending, self._put = picture_file(output, endings, inputs=inputs, force=force, json=json)
        self.to_stdout = is_stdout(output)

    def write(self, found: Comparison, images: tuple[Image, Image], names: tuple[str, str]) -> None:
        """Draw it, and say where it is."""
        from convcli.images import ENDINGS
        from convcli.render.compared_picture import picture

        data, notes = picture(self.kind, found, images, names, ENDINGS[self.ending])
        place = self._put(data)
        note(notes)
        if not self.json and not self.to_stdout:
            out(f"{place}  {self.kind}")


class _Limits:
    """What two images may differ by, and which comparisons went beyond."""

    def __init__(self, most: float | None, psnr: float | None, ssim: float | None) -> None:
        for name, value in (("--max-difference", most), ("--min-psnr", psnr), ("--min-ssim", ssim)):
            if value is not None and math.isnan(value):
                raise UsageError(f"{name}: expected a number, found nan.")
        self.most, self.psnr, self.ssim = most, psnr, ssim
        self.failures: list[str] = []

    def check(self, found: Comparison, names: tuple[str, str]) -> None:
        """Raise `UsageError` if a comparison cannot be held against a limit."""
        if self.ssim is not None and found.together.ssim is None and not found.identical:
            raise UsageError(
                f"{names[0]}: --min-ssim needs finite images no smaller than SSIM's window; leave it out."
            )

    def hold(self, found: Comparison, names: tuple[str, str]) -> list[str]:
        """Return in what a comparison is beyond the limits."""
        said, together = [], found.together
        limited = [limit is not None for limit in (self.most, self.psnr, self.ssim)]
        if any(limited) and found.odd:
            said.append(f"{found.odd:,} values are no finite numbers in one of them alone")
        if self.most is not None and together.largest > self.most:
            said.append(f"largest difference {together.largest:.10g}, more than {self.most:.10g}")
        if self.psnr is not None and not (found.identical or found.psnr >= self.psnr):
            said.append(f"PSNR {found.psnr:.6g} dB, less than {self.psnr:.6g} dB")
        if self.ssim is not None and together.ssim is not None and together.ssim < self.ssim:
            said.append(f"SSIM {together.ssim:.8g}, less than {self.ssim:.8g}")
        if said:
            self.failures.append(f"{names[0]} and {names[1]}: {'; '.join(said)}")
        return said

    def conclude(self, count: int) -> None:
        """Raise `CheckError` if a comparison went beyond a limit."""
        if self.failures and count == 1:
            raise CheckError(f"{self.failures[0]}.")
        if self.failures:
            lines = (f"  {line}" for line in self.failures)
            raise CheckError(
                f"{len(self.failures):,} of {count:,} pairs differ by more than is allowed.", *lines
            )
