"""`convcli filter`: images in, filtered images out."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Annotated

import typer

from convcli.cli.interruption import interruptions
from convcli.cli.kernel_options import Normalize, Scale, chosen_kernels
from convcli.cli.options import (
    Force,
    JsonLines,
    KeepGoing,
    MaxPixels,
    Threads,
    parse_nodata,
    parse_padding,
    parse_pair,
)
from convcli.cli.output import note, of_failures, out, out_bytes, own_words_only, print_json, say
from convcli.errors import ConvcliError, UsageError
from convcli.wording import shown

if TYPE_CHECKING:
    from convcli.filtering.batch import Batch, Done


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
    threads: Threads = None,
    max_pixels: MaxPixels = None,
    damaged: Annotated[
        bool,
        typer.Option(
            "--damaged",
            help="Read PNG, JPEG, GIF and BMP files that are damaged or cut short as far as they go; a note "
            "says how many rows are real.",
        ),
    ] = False,
    force: Force = False,
    keep_going: KeepGoing = False,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Skip what an earlier call has finished in --out-dir with the same kernel and options, "
            "unless the image has changed since. A hidden file there tells.",
        ),
    ] = False,
    json: JsonLines = False,
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
    from convcli.bounds import MAX_PIXELS
    from convcli.engine.plane.borders import border_named
    from convcli.files import identities
    from convcli.filtering.batch import Batch
    from convcli.filtering.filter import Filter
    from convcli.filtering.jobs import Saving
    from convcli.filtering.original import Reading
    from convcli.filtering.policy import Policy
    from convcli.runs.kernels import files_of_kernel

    chosen = chosen_kernels(kernel, scale=scale, normalize=normalize, anchor=anchor)
    if fill is not None and (border := border_named(border)) != "constant":
        raise UsageError(f"--fill needs --border constant; found --border {border}.")
    policy = Policy(
        padding=parse_padding(padding),
        border=border,
        fill=fill or 0,
        stride=parse_pair(stride, "--stride"),
        dilation=parse_pair(dilation, "--dilation"),
        channels=channels,
        range=range,
        op=op,
        offset=offset,
        alpha=alpha,
        nodata=parse_nodata(nodata or []),
    )
    batch = Batch(
        images,
        {name: Filter(one, policy) for name, one in chosen.items()},
        Saving(output=output, out_dir=out_dir, format=format, compress=compress, force=force, resume=resume),
        Reading(recursive=recursive, max_pixels=max_pixels or MAX_PIXELS, damaged=damaged),
        keep_going=keep_going,
        threads=threads,
        kept=identities([file for text in kernel for file in files_of_kernel(text)]),
        tell=note,
    )
    _check_streams(batch, json=json)
    with own_words_only():
        left, signal = _filter_one(batch, json=json) if batch.is_single else _filter_all(batch, json=json)
    _conclude(batch, left, signal)


def _check_streams(batch: Batch, *, json: bool) -> None:
    """Refuse a terminal as an image, and two documents on standard output."""
    if any(job.source == "-" for job in batch.jobs) and sys.stdin.isatty():
        raise UsageError("Standard input is a terminal; pipe an image into it.")
    if all(job.target is not None for job in batch.jobs):
        return
    if json:
        raise UsageError("--json and the image cannot both go to standard output; give -o FILE.")
    if sys.stdout.isatty():
        raise UsageError("Standard output is a terminal; redirect it, or give -o FILE.")


def _filter_one(batch: Batch, *, json: bool) -> tuple[int, int]:
    """Make the only result, and print it. Nothing is left, and a signal ends all."""
    from convcli.filtering.batch import Done
    from convcli.render.late_bar import shares

    with shares("filtering") as progress:
        outcomes = list(batch.run(progress=progress))
    for done in outcomes:
        if isinstance(done, Done):  # or it is raised
            _print(done, done.notes, json=json)
    return 0, 0


def _filter_all(batch: Batch, *, json: bool) -> tuple[int, int]:
    """Make what is to be made, and print each result.

    Return how many were not begun, and the number of the signal that asked for it.
    """
    from convcli.filtering.batch import Done
    from convcli.filtering.notes import Said
    from convcli.render.progress import steps

    left, said = len(batch.todo), Said()
    with (
        interruptions() as asked,
        steps(left, "filtering") as advance,
        closing(batch.run(lambda: bool(asked))) as outcomes,
    ):
        for outcome in outcomes:
            if isinstance(outcome, Done):
                _print(outcome, said.new(outcome.notes, outcome.job.source), json=json)
            elif json:
                print_json({"input": outcome.job.source, "error": str(outcome.error)})
            left -= 1
            advance()
    note(said.counted())
    return left, asked[0] if asked else 0


def _print(done: Done, notes: Iterable[str], *, json: bool) -> None:
    from convcli.render.filtering import result_document, result_lines

    target = done.job.target
    if done.data is not None:
        out_bytes(done.data)
    note(notes)
    if json:
        return print_json(result_document(done))
    stream = sys.stderr if target is None else sys.stdout
    width = get_terminal_size().columns if stream is not None and stream.isatty() else None
    lines = result_lines("standard output" if target is None else shown(target), done.found, width)
    return say(*lines) if target is None else out(*lines)


def _conclude(batch: Batch, left: int, signal: int) -> None:
    """Say which images failed and how many were left undone; end as that asks for."""
    count, failures = len(batch.jobs), batch.failures
    summary, lines = of_failures([failures[job] for job in batch.jobs if job in failures], count, "filtered")
    if left:
        if failures:
            say(f"error: {summary}.", *lines)
        say(f"Interrupted: {count - left - len(failures):,} of {count:,} images are done.")
        if batch.saving.out_dir is not None:
            say("With --resume the same call goes on.")
        raise typer.Exit(128 + signal)
    if failures:
        raise ConvcliError(f"{summary}; the others are done.", *lines)
