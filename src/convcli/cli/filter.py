"""`convcli filter`: images in, filtered images out."""

from __future__ import annotations

import math
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, replace
from errno import ENAMETOOLONG
from functools import partial
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Annotated, Any

import typer

from convcli.cli.interruption import interruptions
from convcli.cli.kernel_options import Normalize, Scale, chosen_kernels, kernel_facts
from convcli.cli.options import KeepGoing, MaxPixels, files_of_kernel, parse_nodata, parse_padding, parse_pair
from convcli.cli.output import note, out, own_words_only, print_json, say
from convcli.errors import ConvcliError, InputError, OutputError, UsageError
from convcli.files import identities
from convcli.wording import shown

NOTES_OF_A_KIND = 3
"""Images of a batch that get the same note; then they are only counted."""

NUMBERS = re.compile(r"\d[\d.,]*")

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from convcli.filtering import FilterResult, Policy
    from convcli.filtering.jobs import Job
    from convcli.filtering.out_dir import OutDir
    from convcli.kernels import Kernel


def filter(  # noqa: A001  (the command's name)
    images: Annotated[
        list[str],
        typer.Argument(metavar="IMAGE", help="Image files, folders of them, or - for standard input."),
    ],
    kernel: Annotated[
        list[str],
        typer.Option(
            "--kernel",
            "-k",
            metavar="K",
            help="A name (sobel, gaussian:sigma=2), a matrix ('1 0 -1; 2 0 -2; 1 0 -1'), @FILE "
            "(.csv, .tsv, .txt, .json, .npy), or a trained network's: run:RUN#LAYER/FILTER[/CHANNEL], "
            "from 1. `convcli kernels` lists the names. Given several times, each makes a result of its own.",
        ),
    ],
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="FILE", help="Where to write; - for standard output."),
    ] = None,
    out_dir: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write <stem>_<kernel>.png there for each image.")
    ] = None,
    recursive: Annotated[
        bool,
        typer.Option(
            "--recursive",
            "-r",
            help="Of folders take sub-folders too; the results lie in folders of the same names.",
        ),
    ] = False,
    scale: Scale = None,
    normalize: Normalize = False,
    anchor: Annotated[
        str | None,
        typer.Option(
            metavar="ROW,COLUMN",
            help="Which of the kernel's cells, from 0, lies on the pixel, with --padding same. Without it "
            "the middle, and of even sizes the cell before it, as PyTorch and MATLAB have it; for 2x2 "
            "that is 0,0, where OpenCV and SciPy take 1,1.",
        ),
    ] = None,
    offset: Annotated[
        float,
        typer.Option(
            metavar="V",
            help="Add V to every response, before --range makes a pixel of it; --range auto then keeps the "
            "sign. In the image's units: 128 is mid-grey at 8 bits, 32768 at 16, 0.5 for floats.",
        ),
    ] = 0.0,
    padding: Annotated[
        str, typer.Option(metavar="same|valid|full|N", help="Cells added around the image.")
    ] = "same",
    border: Annotated[
        str,
        typer.Option(
            metavar="reflect|zero|edge|symmetric|wrap|constant",
            help="What those cells hold: reflect dcb|abcd|cba, symmetric cba|abcd|dcb (SciPy's reflect), "
            "edge aaa|abcd|ddd, wrap bcd|abcd|abc, zero 000|abcd|000, constant vvv|abcd|vvv with --fill v. "
            "Other tools' names work too: mirror, nearest, replicate, reflect101, circular.",
        ),
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
    alpha: Annotated[
        str,
        typer.Option(
            metavar="keep|filter|ignore",
            help="Colours count as much as they are seen; keep: alpha stays as it is; filter: the kernel is "
            "laid on alpha as well, as for the blur of a cut-out; ignore: all colours count, seen or not.",
        ),
    ] = "keep",
    nodata: Annotated[
        list[str] | None,
        typer.Option(
            metavar="V|nan|auto",
            help="Leave pixels of this value out of every sum; auto: the value that the file itself names. "
            "Can be given several times; results without any data are the first.",
        ),
    ] = None,
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
    max_pixels: MaxPixels = None,
    damaged: Annotated[
        bool,
        typer.Option(
            "--damaged",
            help="Read PNG, JPEG, GIF and BMP files that are damaged or cut short as far as they go; a note "
            "says how many rows are real.",
        ),
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite existing files (never an input).")
    ] = False,
    keep_going: KeepGoing = False,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Skip what an earlier call has finished in --out-dir with the same kernel and options, "
            "unless the image has changed since. A hidden file there tells.",
        ),
    ] = False,
    json: Annotated[
        bool,
        typer.Option("--json", help="Print one JSON document, or one line of it for each of several images."),
    ] = False,
) -> None:
    """Filter images with a convolution kernel.

    The kernel is laid on unflipped: cross-correlation, as in networks.
    With --op convolve it is turned by 180° first.
    What is transparent has no say in a result (--alpha).
    Without -o the result is <stem>_<kernel>.png beside the input.
    Several kernels make several results, each with its name.
    Of animations and pages the first picture is taken.

    \b
    Examples:
      convcli filter photo.jpg --kernel sobel
      convcli filter photo.jpg --kernel gaussian:sigma=2 -o soft.png
      convcli filter *.jpg --kernel "1 0 -1; 2 0 -2; 1 0 -1" --out-dir edges
      convcli filter photos/ --kernel gaussian --out-dir soft --keep-going --resume
      convcli filter photos/ --recursive --kernel sobel --out-dir edges
      convcli filter photo.png --kernel laplacian --range raw -o responses.npy
      convcli filter photo.jpg --kernel "1 4 6 4 1" --normalize --offset 20
      convcli filter photo.jpg -k sobel -k gaussian:sigma=3 --out-dir both
      convcli filter photo.jpg --kernel run:runs/digits-001#1/3 --range stretch
      convcli filter - --kernel emboss --format png < photo.png > relief.png
    """
    from convcli.engine.plane.borders import border_named
    from convcli.engine.threads import available_cores
    from convcli.filtering.batch import MOST_AT_ONCE, defects_named
    from convcli.filtering.jobs import (
        Places,
        check_streams,
        check_targets,
        ending_of,
        format_written,
        jobs_for,
        listed_images,
    )
    from convcli.filtering.out_dir import OutDir, kernel_record, settled

    chosen = chosen_kernels(kernel, scale=scale, normalize=normalize, anchor=anchor)
    border = border_named(border)
    if fill is not None and border != "constant":
        raise UsageError(f"--fill needs --border constant; found --border {border}.")
    if resume and out_dir is None:
        raise UsageError("--resume goes with --out-dir, where the finished results are.")
    options: Policy = {
        "padding": parse_padding(padding),
        "border": border,
        "fill": fill or 0,
        "stride": parse_pair(stride, "--stride"),
        "dilation": parse_pair(dilation, "--dilation"),
        "channels": channels,
        "range": range,
        "op": op,
        "offset": offset,
        "alpha": alpha,
    }
    left_out = parse_nodata(nodata or [])
    for one in chosen.values():
        _try_out(one, options)
    if len(chosen) > 1 and output is not None:
        raise UsageError(f"-o names one file, but there are {len(chosen)} kernels; use --out-dir.")
    sources = listed_images(images, output=output, out_dir=out_dir, tell=note, recursive=recursive)
    ending = ending_of(format, range)
    made = {**options, "nodata": list(map(str, left_out)), "format": format, "compress": compress}
    endings = [f"{name}{ending}" for name in chosen]
    groups = jobs_for(sources, endings, output=output, out_dir=out_dir, tell=note)
    ways = [
        _Way(
            one,
            group,
            None
            if out_dir is None
            else OutDir(
                out_dir,
                ending,
                {**kernel_record(one), **made},
                [job.target.parent for job in group if job.target],
            ),
        )
        for one, ending, group in zip(chosen.values(), endings, groups, strict=True)
    ]
    jobs = [job for made_of_one in zip(*groups, strict=True) for job in made_of_one]
    way_of = {job: way for way in ways for job in way.jobs}
    if compress is not None and any(format_written(job, format) != "png" for job in jobs):
        raise UsageError("--compress is for PNG files; leave it out for other formats.")
    check_streams(jobs, format=format, json=json)
    left_over = {job for way in ways for job in way.left_over(force=force, resume=resume)}
    todo = [job for job in jobs if job in left_over]
    if done := len(jobs) - len(todo):
        note(f"{done:,} of {len(jobs):,} {'images' if len(ways) == 1 else 'results'} were finished already")
    read = frozenset(identities([file for text in kernel for file in files_of_kernel(text)]))
    failures: dict[Job, ConvcliError] = {}
    for way in ways:
        advice = (
            "use --force to overwrite it, or -o to write elsewhere" if way.place is None else way.place.advice
        )
        places = Places(format, way.replacing(force=force, resume=resume), out_dir, advice, read)
        failures |= check_targets(way.jobs, places, keep_going=keep_going)
    todo = [job for job in todo if job not in failures]
    cores = threads or available_cores()
    workers = max(min(cores, MOST_AT_ONCE, len(todo)), 1)
    anew = force and not resume and len(sources) > 1
    saving = {
        way.kernel: _Saving(
            format,
            tuple(way.place for way in ways if way.place is not None),
            compress,
            max(cores // workers, 1),
            max_pixels,
            damaged,
            anew,
            way.replacing(force=force, resume=resume),
        )
        for way in ways
    }

    def work(job: Job) -> _Done:
        started = time.perf_counter()
        way = way_of[job]
        with defects_named(job.source):
            result, shape, notes = settled(
                job.source,
                partial(
                    _filter_one, job, way.kernel, options, left_out, saving[way.kernel], alone=len(jobs) == 1
                ),
            )
        if not json:
            return _Done(_line(job, result), notes)
        return _Done(_document(job, result, options, shape, time.perf_counter() - started), notes)

    with own_words_only(), ExitStack() as places_held:
        for way in ways:
            places_held.enter_context(way.place or nullcontext())
        if len(jobs) == 1 and todo and not failures:
            _print(work(todo[0]), on_stdout=todo[0].target is not None)
            return
        left, signal = _work_through(todo, work, workers, failures, keep_going=keep_going, json=json)
    _conclude(jobs, failures, left, signal, resumable=out_dir is not None)


@dataclass(frozen=True, eq=False)
class _Way:
    """One of the kernels, where its results go, and the record of those in --out-dir."""

    kernel: Kernel
    jobs: list[Job]
    place: OutDir | None

    def left_over(self, *, force: bool, resume: bool) -> list[Job]:
        """Return the jobs that are not finished."""
        return (
            self.place.left_over(self.jobs, force=force) if self.place is not None and resume else self.jobs
        )

    def replacing(self, *, force: bool, resume: bool) -> bool:
        """Whether results that are there may be replaced."""
        return force or (resume and self.place is not None and self.place.matches)


def _try_out(kernel: Kernel, options: Policy) -> None:
    """Refuse, before the first image is read, what no image could be filtered with."""
    import numpy as np

    from convcli.filtering import apply, channels_for
    from convcli.shapes import Window

    stride, padding, dilation = options["stride"], options["padding"], options["dilation"]
    Window.of(kernel.shape, stride=stride, padding=padding, dilation=dilation)
    channels_for(kernel, options["channels"])
    smallest: Policy = {**options, "padding": "valid", "channels": "auto"}
    apply(np.zeros((1, 1), np.uint8), [[1.0]], **smallest)


@dataclass(frozen=True)
class _Saving:
    """How images are read and results written, by how many threads, and what becomes of old results."""

    format: str | None
    places: tuple[OutDir, ...]
    compress: int | None
    threads: int
    max_pixels: int | None
    damaged: bool
    anew: bool
    force: bool


@dataclass(frozen=True)
class _Done:
    """What there is to say of an image that is filtered and written."""

    report: tuple[str, ...] | dict[str, Any]
    notes: tuple[str, ...]


def _work_through(
    jobs: Sequence[Job],
    work: Callable[[Job], _Done],
    workers: int,
    failures: dict[Job, ConvcliError],
    *,
    keep_going: bool,
    json: bool,
) -> tuple[int, int]:
    """Filter many images, several at a time; put those that fail into `failures`, or stop at the first.

    Return how many were not begun, and the number of the signal that asked for it.
    """
    from convcli.filtering.batch import in_order
    from convcli.render.progress import steps

    left = len(jobs)
    said: Counter[str] = Counter()
    with interruptions() as asked, steps(len(jobs), "filtering") as advance:
        for job, outcome in in_order(work, jobs, workers, lambda: bool(asked)):
            try:
                done: _Done = outcome.result()
                _print(replace(done, notes=_new_notes(done.notes, job.source, said)), on_stdout=True)
            except ConvcliError as error:
                if not keep_going or _concerns_all(error):
                    raise
                failures[job] = error
                if json:
                    print_json({"input": job.source, "error": str(error)})
            left -= 1
            advance()
    note(f"{count:,} images: {kind}" for kind, count in said.items() if count > NOTES_OF_A_KIND)
    return left, asked[0] if asked else 0


def _new_notes(notes: Sequence[str], source: str, said: Counter[str]) -> tuple[str, ...]:
    """Return the notes of an image that few have had before, and count all by what they say less numbers."""
    new = []
    for text in notes:
        kind = NUMBERS.sub("…", text.removeprefix(f"{shown(source)}: "))
        said[kind] += 1
        if said[kind] <= NOTES_OF_A_KIND:
            new.append(text)
    return tuple(new)


def _concerns_all(error: ConvcliError) -> bool:
    """Whether every further image would fail as this one: on a full disk, in a folder that is gone."""
    cause = error.__cause__
    return isinstance(error, OutputError) and isinstance(cause, OSError) and cause.errno != ENAMETOOLONG


def _conclude(
    jobs: Sequence[Job], failures: Mapping[Job, ConvcliError], left: int, signal: int, *, resumable: bool
) -> None:
    """Say which images failed and how many were left undone; end as that asks for."""
    summary = f"{len(failures):,} of {len(jobs):,} images could not be filtered"
    lines = [f"  {line}" for job in jobs if job in failures for line in failures[job].lines]
    if left:
        if failures:
            say(f"error: {summary}.", *lines)
        say(f"Interrupted: {len(jobs) - left - len(failures):,} of {len(jobs):,} images are done.")
        if resumable:
            say("With --resume the same call goes on.")
        raise typer.Exit(128 + signal)
    if failures:
        raise ConvcliError(f"{summary}; the others are done.", *lines)


def _print(done: _Done, *, on_stdout: bool) -> None:
    note(done.notes)
    if isinstance(done.report, dict):
        print_json(done.report)
    else:
        (out if on_stdout else say)(*done.report)


def _filter_one(
    job: Job,
    kernel: Kernel,
    options: Policy,
    left_out: Sequence[float | str],
    saving: _Saving,
    *,
    alone: bool,
) -> tuple[FilterResult, tuple[int, ...], tuple[str, ...]]:
    """Read, filter and write one image; return the result, the input's shape, and what to say about it."""
    from convcli.bounds import MAX_PIXELS
    from convcli.filtering import apply, channels_for
    from convcli.filtering.jobs import STREAM, format_written
    from convcli.filtering.out_dir import check_unchanged, state_of
    from convcli.images import COMPRESSION, Image, encode, kept, read, write
    from convcli.render.filtering import data_notes, hints
    from convcli.render.progress import shares

    luma, where = channels_for(kernel, options["channels"]) == "gray", shown(job.source)
    source = sys.stdin.buffer if job.source == STREAM else Path(job.source)
    before = state_of(job.source)
    try:
        image = read(
            source,
            luma=luma,
            threads=saving.threads,
            max_pixels=saving.max_pixels or MAX_PIXELS,
            damaged=saving.damaged,
        )
        nodata = _values(left_out, image.nodata)
        whole = _has_to_be_whole(image.pixels, format_written(job, saving.format), options["range"])
        with shares("filtering") if alone else nullcontext() as progress:
            result = apply(
                image.pixels,
                kernel,
                opacity=image.alpha,
                nodata=nodata,
                whole=whole,
                max_pixels=saving.max_pixels or MAX_PIXELS,
                threads=saving.threads,
                progress=progress,
                **options,
            )
    except UsageError as error:
        kind = InputError if isinstance(error.__cause__, MemoryError) else type(error)
        raise kind(f"{where}: {error}") from error
    except MemoryError as error:
        raise InputError(f"{where}: not enough memory for an image of this size.") from error
    notes = image.notes
    if image.alpha is not None and result.alpha is None:
        notes = (*notes, f"{where}: raw values are written without the alpha channel.")
    said = [*data_notes(result, nodata), *hints(result)]
    if "auto" in left_out and image.nodata is None:
        said.append("the file names no value for no data")
    if image.nodata is not None and not left_out:
        said.append(f"the file says that {image.nodata:g} is no data; --nodata auto leaves such pixels out")
    if whole and image.pixels.dtype.kind == "f" and result.range != "stretch":
        said.append(
            "floats are written as 0 … 255, where 1 is white; --range stretch, .tif and .npy show others"
        )
    name = "standard input" if job.source == STREAM else where
    notes = (*notes, *(f"{name}: {text}" for text in said))
    filtered, shape = Image(result.pixels, result.alpha, image.metadata), image.stored_shape
    filtered, lost = kept(filtered, format_written(job, saving.format) or "")
    notes = (*notes, *(f"{where}: {text}" for text in lost))
    del image  # its pixels are not needed while the result is compressed
    compress = COMPRESSION if saving.compress is None else saving.compress
    if job.target is None:
        data = encode(filtered, saving.format or "", compress=compress, threads=saving.threads)
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    else:
        for place in saving.places:  # all of them: none may tidy up a folder that is written into
            place.prepare(anew=saving.anew)
        write(
            job.target,
            filtered,
            format=saving.format,
            compress=compress,
            threads=saving.threads,
            force=saving.force,
            confirm=None if not saving.places else partial(check_unchanged, job.source, before),
        )
    return result, shape, notes


def _values(left_out: Sequence[float | str], named: float | None) -> list[float]:
    """Return the values that stand for no data, the one that the file names for "auto"."""
    values = [named if value == "auto" else float(value) for value in left_out]
    return [value for value in values if value is not None]


def _has_to_be_whole(pixels: NDArray[Any], format: str | None, range: str) -> bool:  # noqa: A002
    """Return whether a result has to be made 8 bits, as its file holds no floats or no numbers as wide."""
    if range == "raw" or format in ("npy", "tiff", None):
        return False
    narrow = ("uint8", "uint16") if format == "png" else ("uint8",)
    return pixels.dtype.kind == "f" or (range == "stretch" and pixels.dtype.name not in narrow)


def _document(
    job: Job, result: FilterResult, options: Policy, shape: tuple[int, ...], seconds: float
) -> dict[str, Any]:
    """Return what --json says of one image."""
    return {
        "input": job.source,
        "output": str(job.target),
        **kernel_facts(result.kernel),
        **options,
        "nodata": {"pixels": result.missing, "results": result.blank},
        "not_finite": result.odd,
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


def _line(job: Job, result: FilterResult) -> tuple[str, ...]:
    """Return the line that says what was made of one image, in several where a terminal is narrow."""
    from convcli.render.filtering import result_lines

    where = "standard output" if job.target is None else shown(job.target)
    stream = sys.stderr if job.target is None else sys.stdout
    width = get_terminal_size().columns if stream is not None and stream.isatty() else None
    return tuple(result_lines(where, result, width))
