"""`convcli filter`: images in, filtered images out."""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from convcli.cli.options import parse_padding, parse_pair
from convcli.cli.output import note, out, print_json, say
from convcli.errors import InputError, OutputError, ShapeError, UnknownNameError, UsageError

if TYPE_CHECKING:
    from convcli.filtering import FilterResult, Policy
    from convcli.kernels import Kernel

STREAM = "-"


def filter(  # noqa: A001  (the command's name)
    images: Annotated[
        list[str], typer.Argument(metavar="IMAGE", help="Image files, or - for standard input.")
    ],
    kernel: Annotated[
        str,
        typer.Option(
            "--kernel",
            "-k",
            metavar="K",
            help="A name (sobel, gaussian:sigma=2), a matrix ('1 0 -1; 2 0 -2; 1 0 -1'), or @FILE "
            "(.csv, .txt, .json, .npy). `convcli kernels` lists the names.",
        ),
    ],
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="FILE", help="Where to write; - for standard output."),
    ] = None,
    out_dir: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write <stem>_<kernel>.png there for each image.")
    ] = None,
    padding: Annotated[
        str, typer.Option(metavar="same|valid|full|N", help="Cells added around the image.")
    ] = "same",
    border: Annotated[
        str,
        typer.Option(metavar="reflect|zero|edge|symmetric|wrap|constant", help="What those cells hold."),
    ] = "reflect",
    fill: Annotated[
        float | None, typer.Option(metavar="V", help="The value of --border constant (default 0).")
    ] = None,
    stride: Annotated[
        str, typer.Option(metavar="S|SYxSX", help="Step from window to window, down and across.")
    ] = "1",
    dilation: Annotated[
        str, typer.Option(metavar="D|DYxDX", help="Distance between the kernel's cells.")
    ] = "1",
    channels: Annotated[
        str,
        typer.Option(
            metavar="auto|gray|each",
            help="gray: luma; each: every channel; auto: gray for kernels that sum to zero, else each.",
        ),
    ] = "auto",
    range: Annotated[  # noqa: A002  (the option's name)
        str,
        typer.Option(
            metavar="auto|clip|abs|stretch|offset|raw",
            help="How responses become pixels; auto: abs for kernels that sum to zero, else clip; "
            "raw: floats, as .npy or .tif.",
        ),
    ] = "auto",
    op: Annotated[
        str,
        typer.Option(metavar="correlate|convolve", help="convolve turns the kernel by 180° first."),
    ] = "correlate",
    format: Annotated[  # noqa: A002  (the option's name)
        str | None,
        typer.Option(metavar="F", help="png, jpeg, webp, tiff, bmp, gif or npy; else by the file's ending."),
    ] = None,
    compress: Annotated[
        int | None,
        typer.Option(
            metavar="0..9",
            min=0,
            max=9,
            help="How hard PNG files are compressed: 0 not at all; 1, the default, takes a thread some 13 ms "
            "for a million samples; 2 twice as long, for 2 % less; 6 up to six and 9 up to fifty times as "
            "long, for 10 % less with smooth photos and 30 % with drawings.",
        ),
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Threads to compute with; all cores it may use, unless given."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite existing files (never an input).")
    ] = False,
    json: Annotated[
        bool,
        typer.Option("--json", help="Print one JSON document, or one line of it for each of several images."),
    ] = False,
) -> None:
    """Filter images with a convolution kernel.

    The kernel is laid on unflipped: cross-correlation, as in networks.
    With --op convolve it is turned by 180° first. Alpha is never filtered.
    Without -o the result is <stem>_<kernel>.png beside the input.

    \b
    Examples:
      convcli filter photo.jpg --kernel sobel
      convcli filter photo.jpg --kernel gaussian:sigma=2 -o soft.png
      convcli filter *.jpg --kernel "1 0 -1; 2 0 -2; 1 0 -1" --out-dir edges
      convcli filter photo.png --kernel laplacian --range raw -o responses.npy
      convcli filter - --kernel emboss --format png < photo.png > relief.png
    """
    from convcli import kernels
    from convcli.engine.threads import available_cores
    from convcli.shapes import Window

    chosen = kernels.parse(kernel)
    if fill is not None and border != "constant":
        raise UsageError(f"--fill needs --border constant; found --border {border}.")
    options: Policy = {
        "padding": parse_padding(padding),
        "border": border,
        "fill": fill or 0,
        "stride": parse_pair(stride, "--stride"),
        "dilation": parse_pair(dilation, "--dilation"),
        "channels": channels,
        "range": range,
        "op": op,
    }
    Window.of(
        chosen.shape, stride=options["stride"], padding=options["padding"], dilation=options["dilation"]
    )
    jobs = _jobs(images, f"{chosen.name}{_ending(format, range)}", output=output, out_dir=out_dir)
    if compress is not None and any(_format(job, format) != "png" for job in jobs):
        raise UsageError("--compress is for PNG files; leave it out for other formats.")
    saving = _Saving(format, out_dir, compress, threads or available_cores())
    _check_streams(jobs, format=format, json=json)
    _check_targets(jobs, format=format, force=force, made=out_dir)
    for job in jobs:
        started = time.perf_counter()
        result, shape = _filter_one(job, chosen, options, saving)
        if json:
            seconds = time.perf_counter() - started
            print_json(_document(job, result, options, shape, seconds))
        else:
            (say if job.target is None else out)(_line(job, result))


@dataclass(frozen=True)
class Job:
    """One image to be filtered: where it comes from and where its result goes (None for standard output)."""

    source: str
    target: Path | None


@dataclass(frozen=True)
class _Saving:
    """How results are written, and by how many threads they are made."""

    format: str | None
    out_dir: Path | None
    compress: int | None
    threads: int


def _filter_one(
    job: Job, kernel: Kernel, options: Policy, saving: _Saving
) -> tuple[FilterResult, tuple[int, ...]]:
    """Read, filter and write one image; return the result and the input's shape."""
    from convcli.filtering import apply, channels_for
    from convcli.images import COMPRESSION, Image, encode, read, write

    luma = channels_for(kernel, options["channels"]) == "gray"
    source = sys.stdin.buffer if job.source == STREAM else Path(job.source)
    image = read(source, luma=luma, threads=saving.threads)
    note(image.notes)
    try:
        result = apply(image.pixels, kernel, alpha=image.alpha, threads=saving.threads, **options)
    except ShapeError as error:
        raise ShapeError(f"{job.source}: {error}") from error
    if image.alpha is not None and result.alpha is None:
        note(f"{job.source}: raw values are written without the alpha channel.")
    filtered, shape = Image(result.pixels, result.alpha, image.metadata), image.stored_shape
    del image  # its pixels are not needed while the result is compressed
    compress = COMPRESSION if saving.compress is None else saving.compress
    if job.target is None:
        data = encode(filtered, saving.format or "", compress=compress, threads=saving.threads)
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    else:
        if saving.out_dir is not None:
            _make(saving.out_dir)
        write(job.target, filtered, format=saving.format, compress=compress, threads=saving.threads)
    return result, shape


def _format(job: Job, format: str | None) -> str | None:  # noqa: A002
    """Return the format that a result is written in, None if it is not known."""
    from convcli.images import FORMATS

    return format or (FORMATS.get(job.target.suffix.lower()) if job.target is not None else None)


def _ending(format: str | None, range: str) -> str:  # noqa: A002
    """Return the ending of a result whose name is not given."""
    from convcli.images import FORMATS

    if format is None:
        return ".npy" if range == "raw" else ".png"
    for suffix, name in FORMATS.items():
        if name == format:
            return suffix
    raise UnknownNameError("image format", format, dict.fromkeys(FORMATS.values()))


def _jobs(sources: Sequence[str], ending: str, *, output: str | None, out_dir: Path | None) -> list[Job]:
    """Return where each result goes: to -o, into --out-dir, beside its input, or on to standard output."""
    if output is not None and out_dir is not None:
        raise UsageError("-o names one file, --out-dir a folder for many; give one of them.")
    if output is not None and len(sources) > 1:
        raise UsageError(f"-o names one file, but there are {len(sources)} images; use --out-dir.")
    if output is not None:
        return [Job(sources[0], None if output == STREAM else Path(output))]
    jobs = []
    for source in sources:
        stem = "stdin" if source == STREAM else Path(source).stem
        folder = out_dir if out_dir is not None else Path(source).parent
        piped = source == STREAM and out_dir is None
        jobs.append(Job(source, None if piped else folder / f"{stem}_{ending}"))
    return jobs


def _check_streams(jobs: Sequence[Job], *, format: str | None, json: bool) -> None:  # noqa: A002
    """Refuse what standard input and output cannot do."""
    if [job.source for job in jobs].count(STREAM) > 1:
        raise UsageError("Standard input (-) can be read only once.")
    if any(job.source == STREAM for job in jobs) and sys.stdin.isatty():
        raise UsageError("Standard input is a terminal; pipe an image into it.")
    if all(job.target is not None for job in jobs):
        return
    if len(jobs) > 1:
        raise UsageError("Standard output can hold only one image; use --out-dir for several.")
    if format is None:
        raise UsageError(
            "An image on standard output needs --format (such as --format png), or give -o FILE."
        )
    if json:
        raise UsageError("--json and the image cannot both go to standard output; give -o FILE.")
    if sys.stdout.isatty():
        raise UsageError("Standard output is a terminal; redirect it, or give -o FILE.")


def _check_targets(
    jobs: Sequence[Job],
    *,
    format: str | None,  # noqa: A002
    force: bool,
    made: Path | None,
) -> None:
    """Refuse, before anything is read or written, every result that could not or must not be written."""
    from convcli.images import format_of

    inputs = {_identity(job.source) for job in jobs if job.source != STREAM}
    taken: dict[Path, str] = {}
    for job in jobs:
        target = job.target
        if target is None:
            continue
        place = target.resolve()
        if place in taken:
            raise UsageError(
                f"{taken[place]} and {job.source} would both be written to {target}; name them with -o."
            )
        taken[place] = job.source
        _check_target(target, inputs, force=force, made=made)
        if format is None:
            format_of(target)


def _check_target(target: Path, inputs: set[tuple[int, int]], *, force: bool, made: Path | None) -> None:
    """Refuse a result that would replace an input or, without `force`, any file, or that has no folder."""
    if target.exists() and (target.stat().st_dev, target.stat().st_ino) in inputs:
        raise UsageError(f"{target} is an input, and an input is never overwritten; write elsewhere with -o.")
    if target.is_dir():
        raise OutputError(f"{target}: expected a file to write, found a folder; use --out-dir for a folder.")
    if os.path.lexists(target) and not force:
        raise OutputError(f"{target} exists already; use --force to overwrite it, or -o to write elsewhere.")
    folder = target.parent
    if made is not None and not folder.exists():
        return  # made before the first result is written
    if not folder.exists():
        raise OutputError(f"{target}: the folder {folder} does not exist; create it first.")
    if not folder.is_dir():
        raise OutputError(f"{target}: {folder} is a file, not a folder.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(f"{target}: the folder {folder} cannot be written to; use -o or --out-dir.")


def _identity(source: str) -> tuple[int, int]:
    """Return what is the same for two names of one file, be they links or spelled differently."""
    try:
        status = Path(source).stat()
    except FileNotFoundError as error:
        raise InputError(f"{source}: no such file.") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{source}: cannot be read ({error}).") from error
    return status.st_dev, status.st_ino


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: the folder cannot be made ({error.strerror}).") from error


def _document(
    job: Job, result: FilterResult, options: Policy, shape: tuple[int, ...], seconds: float
) -> dict[str, Any]:
    """Return what --json says of one image."""
    return {
        "input": job.source,
        "output": str(job.target),
        "kernel": result.kernel.name,
        "parameters": dict(result.kernel.parameters),
        **options,
        "op": result.op,
        "channels": result.channels,
        "range": result.range,
        "input_shape": list(shape),
        "shape": list(result.pixels.shape),
        "dtype": result.pixels.dtype.name,
        "minimum": result.minimum if math.isfinite(result.minimum) else None,
        "maximum": result.maximum if math.isfinite(result.maximum) else None,
        "clipped": result.clipped,
        "seconds": round(seconds, 6),
    }


def _line(job: Job, result: FilterResult) -> str:
    """Return the line that says what was made of one image."""
    rows, columns = result.pixels.shape[:2]
    where = "standard output" if job.target is None else str(job.target)
    return (
        f"{where}  {rows} × {columns} {result.pixels.dtype}  {result.kernel.name} ({result.op})  "
        f"responses {result.minimum:.6g} … {result.maximum:.6g}, {result.clipped:.1%} clipped"
    )
