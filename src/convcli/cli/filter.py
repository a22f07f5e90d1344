"""`convcli filter`: images in, filtered images out."""

from __future__ import annotations

from typing import Any

import typer

from convcli.cli import (
    batch_options,
    kernel_options,
    laying_options,
    pipeline_options,
    storing_options,
)
from convcli.cli.batch import rehearse, work_through
from convcli.cli.options import Force, JsonLines, KeepGoing, MaxPixels, Threads
from convcli.cli.output import note
from convcli.cli.pipeline_documents import check_saved, files_read, recipes_of, saved
from convcli.cli.pipeline_options import Wanted, check_output, chosen_pipelines, given_options
from convcli.cli.showing import ALONE, Showing, ShowResults
from convcli.cli.terminal import Protocol, check_protocol
from convcli.errors import UsageError
from convcli.wording import shown


def filter(  # noqa: A001  (the command's name)
    context: typer.Context,
    images: batch_options.Images = None,
    kernel: kernel_options.Kernels = None,
    step: pipeline_options.Steps = None,
    pipeline: pipeline_options.File = None,
    save_pipeline: pipeline_options.SaveTo = None,
    output: storing_options.Output = None,
    out_dir: storing_options.OutDir = None,
    recursive: batch_options.Recursive = False,
    name: batch_options.Name = None,
    scale: kernel_options.Scale = None,
    normalize: kernel_options.Normalize = False,
    anchor: kernel_options.Anchor = None,
    gradient: kernel_options.Gradient = "magnitude",
    offset: laying_options.Offset = 0.0,
    padding: laying_options.Padding = "same",
    border: laying_options.Border = "reflect",
    fill: laying_options.Fill = None,
    stride: laying_options.Stride = "1",
    dilation: laying_options.Dilation = "1",
    channels: laying_options.Channels = "auto",
    range: laying_options.Range = "auto",  # noqa: A002  (the option's name)
    alpha: laying_options.Alpha = "keep",
    nodata: laying_options.NoData = None,
    linear: laying_options.Linear = False,
    compat: pipeline_options.Compat = None,
    op: laying_options.Op = "correlate",
    format: storing_options.Format = None,  # noqa: A002  (the option's name)
    compress: storing_options.Compress = None,
    depth: storing_options.Depth = None,
    background: storing_options.Background = None,
    quality: storing_options.Quality = None,
    lossless: storing_options.Lossless = False,
    strip: storing_options.Strip = False,
    frames: storing_options.Frames = None,
    threads: Threads = None,
    jobs: batch_options.Jobs = None,
    max_pixels: MaxPixels = None,
    damaged: batch_options.Damaged = False,
    force: Force = False,
    keep_going: KeepGoing = False,
    resume: batch_options.Resume = False,
    manifest: batch_options.Manifest = None,
    hashes: batch_options.Hash = False,
    repeat: batch_options.From = None,
    cluster: batch_options.OnCluster = None,
    dry_run: batch_options.DryRun = False,
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
        wanted = Wanted.of(context.params, given)
        pipelines = chosen_pipelines(wanted, laying_options.policy_of(context.params))
        kept = files_read(wanted, pipelines)
        if save_pipeline is not None:
            check_saved(pipelines, save_pipeline, manifest, [*images, *kept], force=force)
        storing_options.check_numbered(output, frames, single=manifest is None and not show)
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
