"""Options of commands that make many results: of what, how many at a time, called what, by what record."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

Jobs: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--jobs",
        "-j",
        metavar="N",
        min=1,
        help="Images to work on at a time, each in memory; they share the threads. As many as threads unless "
        "given, but no more than 4.",
    ),
]

OnCluster: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--cluster",
        metavar="local|ADDRESS",
        help="Have images filtered by a Dask cluster: by processes on this machine, --jobs of them, or the "
        "workers of a scheduler such as tcp://host:8786, which need the same files at the same places. "
        "--threads is what a worker takes for an image, 1 unless given. Needs the extra `dask`.",
    ),
]

Name: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--name",
        metavar="TEMPLATE",
        help="What results are called, {stem}_{kernel}{ext} unless given. Also {name} (the image's, whole), "
        "{parent} (its folder), {index} ({index:04}); / makes folders in --out-dir.",
    ),
]

DryRun: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--dry-run",
        help="Say what would be written, by names and headers alone, and write nothing. The exit code is the "
        "call's own, but for what only decoding shows.",
    ),
]

Manifest: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--manifest",
        metavar="FILE.jsonl",
        help="Write a line of JSON for each result as it is done: image, result, pipeline, what was found or "
        "failed. --resume goes by it, --from repeats it.",
    ),
]
Hash: TypeAlias = Annotated[
    bool, typer.Option("--hash", help="With --manifest: also the SHA-256 of each image and result.")
]
From: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--from",
        metavar="FILE.jsonl",
        help="Make all results of a manifest again, from the same images with the same pipelines; with "
        "--out-dir in another folder. What failed then is tried again. An image that has changed is an "
        "error; a result that differs ends with exit code 3.",
    ),
]

Images: TypeAlias = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="IMAGE",
        help='Image files, folders of them, patterns in quotes ("photos/**/*.jpg"), or - for stdin. With '
        "--cluster also addresses such as s3://bucket/photos/, as for --out-dir.",
    ),
]

Recursive: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--recursive",
        "-r",
        help="Of folders take sub-folders too; the results lie in folders of the same names, as do those "
        "of a pattern.",
    ),
]

Damaged: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--damaged",
        help="Read PNG, JPEG, GIF and BMP files that are damaged or cut short as far as they go; a note "
        "says how many rows are real. With --frames all, keep the frames before a damaged one.",
    ),
]

Resume: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--resume",
        help="Skip what an earlier call has finished with the same kernel and options, unless the image "
        "has changed since. The --manifest tells, or a hidden file in --out-dir.",
    ),
]
