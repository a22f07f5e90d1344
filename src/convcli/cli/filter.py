"""`convcli filter`: images in, filtered images out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from convcli.cli.batch import rehearse, work_through
from convcli.cli.batch_options import DryRun, From, Hash, Jobs, Manifest, Name, OnCluster
from convcli.cli.kernel_options import Normalize, Scale
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
from convcli.cli.output import note
from convcli.cli.pipeline_options import (
    Wanted,
    as_tool,
    check_output,
    check_saved,
    chosen_pipelines,
    files_read,
    given_options,
    recipes_of,
    saved,
)
from convcli.cli.showing import ALONE, Showing, ShowResults
from convcli.cli.storing_options import (
    Background,
    Depth,
    Frames,
    Lossless,
    Quality,
    Strip,
    check_numbered,
)
from convcli.cli.terminal import Protocol, check_protocol
from convcli.errors import UsageError
from convcli.wording import shown


def filter(  # noqa: A001  (the command's name)
    context: typer.Context,
    images: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="IMAGE",
            help='Image files, folders of them, patterns in quotes ("photos/**/*.jpg"), or - for stdin. With '
            "--cluster also addresses such as s3://bucket/photos/, as for --out-dir.",
        ),
    ] = None,
    kernel: Annotated[
        list[str] | None,
        typer.Option(
            "--kernel",
            "-k",
            metavar="K",
            help="A name (sobel, gaussian:sigma=2), a matrix ('1 0 -1; 2 0 -2; 1 0 -1'), @FILE "
            "(.csv, .tsv, .txt, .json, .npy), or a trained network's: run:RUN#LAYER/FILTER[/CHANNEL], "
            "from 1. `convcli kernels` lists the names. Given several times, each makes a result of its own.",
        ),
    ] = None,
    step: Annotated[
        list[str] | None,
        typer.Option(
            metavar="STEP",
            help="A step of a chain: NAME or NAME:OPTION=VALUE,OPTION=VALUE, of the steps' names or whatever "
            "--kernel takes. Given several times, they are done one after the other, with floats in between, "
            "and make one result. `convcli steps` lists them.",
        ),
    ] = None,
    pipeline: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Take the steps from a TOML file: tables [[steps]] with type and options; above them "
            "border, fill, range, alpha, nodata, linear, depth, background. Those of --step follow, and "
            "options given here count.",
        ),
    ] = None,
    save_pipeline: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write what is done to a TOML file that --pipeline takes."),
    ] = None,
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
            help="Of folders take sub-folders too; the results lie in folders of the same names, as do those "
            "of a pattern.",
        ),
    ] = False,
    name: Name = None,
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
    gradient: Annotated[
        str,
        typer.Option(
            metavar="magnitude|x|y|angle|hsv",
            help="What is wanted of a gradient (sobel, prewitt, scharr, roberts, …): its size; a part, "
            "signed; its direction, 0 to the right and a quarter turn downward, a turn from black to white "
            "(--range raw: radians); or that as hue, the size as value.",
        ),
    ] = "magnitude",
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
    linear: Annotated[
        bool,
        typer.Option(
            "--linear",
            help="Filter light instead of stored values: by the image's colour profile, or sRGB's curve; the "
            "result is stored as the image was. Floats are light already.",
        ),
    ] = False,
    compat: Annotated[
        str | None,
        typer.Option(
            metavar="opencv|scipy|imagemagick|pillow|vips",
            help="Do as that tool does where nothing else is said: its border, whether kernels are turned, "
            "the cell of even ones that lies on the pixel, its scale; every channel, clipped.",
        ),
    ] = None,
    op: Annotated[
        str,
        typer.Option(metavar="correlate|convolve", help="convolve turns the kernel by 180° first."),
    ] = "correlate",
    format: Annotated[  # noqa: A002  (the option's name)
        str | None,
        typer.Option(
            metavar="F",
            help="png, jpeg, webp, tiff, bmp, gif, avif, jp2, jxl, heic, exr, hdr, ppm, pgm, pam, "
            "pfm, tga, qoi or npy; else by the file's ending.",
        ),
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
    depth: Depth = None,
    background: Background = None,
    quality: Quality = None,
    lossless: Lossless = False,
    strip: Strip = False,
    frames: Frames = None,
    threads: Threads = None,
    jobs: Jobs = None,
    max_pixels: MaxPixels = None,
    damaged: Annotated[
        bool,
        typer.Option(
            "--damaged",
            help="Read PNG, JPEG, GIF and BMP files that are damaged or cut short as far as they go; a note "
            "says how many rows are real. With --frames all, keep the frames before a damaged one.",
        ),
    ] = False,
    force: Force = False,
    keep_going: KeepGoing = False,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Skip what an earlier call has finished with the same kernel and options, unless the image "
            "has changed since. The --manifest tells, or a hidden file in --out-dir.",
        ),
    ] = False,
    manifest: Manifest = None,
    hashes: Hash = False,
    repeat: From = None,
    cluster: OnCluster = None,
    dry_run: DryRun = False,
    show: ShowResults = False,
    protocol: Protocol = "auto",
    json: JsonLines = False,
) -> None:
    """Filter images with a convolution kernel.

    The kernel is laid on unflipped: cross-correlation, as in networks.
    With --op convolve it is turned by 180° first.
    What is transparent has no say in a result (--alpha).
    Without -o the result is <stem>_<kernel>.png beside the input.
    Several kernels make several results, each with its name; several steps one, done one after the other.
    Of animations and pages the first picture is taken, or with --frames all of them, into one file.

    \b
    Examples:
      convcli filter photo.jpg --kernel sobel
      convcli filter photo.jpg --kernel gaussian:sigma=2 -o soft.png
      convcli filter *.jpg --kernel "1 0 -1; 2 0 -2; 1 0 -1" --out-dir edges
      convcli filter photos/ --kernel gaussian --out-dir soft --keep-going --resume
      convcli filter photos/ --recursive --kernel sobel --out-dir edges
      convcli filter "photos/**/*.jpg" -r --kernel sobel --out-dir edges --jobs 2
      convcli filter photos/ --kernel sobel --out-dir edges --manifest edges.jsonl --resume
      convcli filter --from edges.jsonl --out-dir again
      convcli filter photos/ -r -k sobel --out-dir edges --keep-going --cluster tcp://host:8786
      convcli filter photo.png --kernel laplacian --range raw -o responses.npy
      convcli filter photo.jpg --kernel "1 4 6 4 1" --normalize --offset 20
      convcli filter photo.jpg -k sobel -k gaussian:sigma=3 --out-dir both
      convcli filter photo.jpg --kernel sobel --gradient hsv
      convcli filter photo.jpg --kernel sobel --show
      convcli filter photo.jpg --kernel run:runs/digits-001#1/3 --range stretch
      convcli filter photo.jpg --step gaussian:sigma=1.4 --step sobel --step invert
      convcli filter photos/ --pipeline edges.toml --out-dir edges
      convcli filter scan16.png --kernel sharpen --depth 8 --background white -o scan.jpg
      convcli filter party.gif --kernel sobel --frames all -o edges.gif
      convcli filter - --kernel emboss --format png < photo.png > relief.png
    """
    from convcli.bounds import MAX_PIXELS
    from convcli.cli.cluster import check_cluster, spread_out
    from convcli.cli.repeating import check_options, repeated
    from convcli.files import identities
    from convcli.filtering.batch import Batch
    from convcli.filtering.jobs import Saving
    from convcli.filtering.manifest import Journal, check_apart
    from convcli.filtering.policy import Policy

    given = given_options(context)
    if hashes and manifest is None:
        raise UsageError("--hash goes with --manifest, whose lines have the SHA-256.")
    check_protocol(protocol, show=show)
    check_cluster(cluster, given, images or (), out_dir)
    showing = Showing.of(context, protocol) if show else None
    if showing is not None and showing.folder is not None:
        out_dir = showing.folder
    journal = None
    if manifest is not None:
        journal = Journal(manifest, resume=resume, force=force, hashes=hashes)
    end: dict[str, Any] = {"force": force, "resume": resume, "noted": manifest is not None}
    alone = showing is not None and showing.folder is not None
    stored: dict[str, Any] = {"format": ALONE if alone and format is None else format, "compress": compress}
    stored |= {"quality": quality, "lossless": lossless, "strip": strip}
    how: dict[str, Any] = {"keep_going": keep_going, "threads": threads, "journal": journal}
    how["max_pixels"] = max_pixels or MAX_PIXELS
    if repeat is not None:
        check_options(context)
        batch = repeated(repeat, out_dir, end, at_once=jobs, **how)
    elif not images:
        raise UsageError("Missing argument 'IMAGE': name image files, folders, or - for standard input.")
    else:
        check_output(output, format)
        tool, of_tool = as_tool(compat, given)
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
            linear=linear,
            depth=depth,
            background=background,
        )
        policy = replace(policy, **of_tool)
        wanted = Wanted(
            kernels=kernel or (),
            steps=step or (),
            file=pipeline,
            scale=scale,
            normalize=normalize,
            anchor=anchor,
            gradient=gradient,
            tool=tool,
            given=given,
        )
        pipelines = chosen_pipelines(wanted, policy)
        kept = files_read(wanted, pipelines)
        if save_pipeline is not None:
            check_saved(pipelines, save_pipeline, manifest, [*images, *kept], force=force)
        check_numbered(output, frames, single=manifest is None and not show)
        saving = Saving(output=output, out_dir=out_dir, name=name, frames=frames, **stored, **end)
        how |= {"recipes": {} if journal is None else recipes_of(pipelines, wanted), "tell": note}
        how |= {"recursive": recursive, "damaged": damaged}
        if cluster is None:
            batch = Batch.of(images, pipelines, saving, kept=identities(kept), at_once=jobs, **how)
            if save_pipeline is not None:
                check_apart(save_pipeline, f"--save-pipeline {shown(save_pipeline)}", batch.jobs)
        else:
            from convcli.cluster.batch import ClusterBatch

            spread = ClusterBatch.of(images, pipelines, saving, kept=kept, **how)
        if save_pipeline is not None and not dry_run:
            saved(pipelines, save_pipeline, wanted, force=force)
        if cluster is not None:
            return spread_out(spread, cluster, processes=jobs, json=json)
    if dry_run:
        return rehearse(batch, json=json)
    return work_through(batch, json=json, showing=showing)
