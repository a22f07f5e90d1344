"""Many small photos: each tool's way through a folder of them, from a cold start to the last file."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.commands import make_photo
from benchmarks.measuring import Quantity
from benchmarks.setting import Setting
from benchmarks.sides import Command, Match, Side, convcli_command

SIDE = 512
KINDS = ("jpg", "png")
DISTINCT = 40
"""Photos that there are; the others are copies, which no tool can know."""

JOBS = {
    "blur": ("gaussian:sigma=1.4", "-blur 0x1.4"),
    "sobel": ("sobel", "-colorspace Gray -morphology Convolve Sobel"),
}
"""What is done → as convcli and as ImageMagick are told."""

MOGRIFY = "mkdir -p {target} && ls {source}/* | xargs -n 50 -P {threads} mogrify"
MOGRIFY += " -path {target} -format png -depth 8 -quality 15 {magick}"


def photos(setting: Setting) -> Iterator[Match]:
    """Compare how many photos a second come out."""
    count = setting.sizes.pictures
    folders = {kind: setting.folder / f"photos-{kind}" for kind in KINDS}
    make_photos(folders, count)
    for job in JOBS:
        for kind, folder in folders.items():
            what = f"{job}, {kind.upper()} to PNG"
            yield Match(
                [_side(name, folder, setting.folder / "made", job, setting.threads, count) for name in TOOLS],
                [
                    Quantity(f"{what}, rate", "images/s", "rate"),
                    Quantity(f"{what}, processor time a photo", "ms", "processor ms"),
                    Quantity(f"{what}, peak memory", "MB", "peak MB"),
                    Quantity(f"{what}, files written", "MB", "output MB"),
                ],
                runs=setting.sizes.picture_runs,
            )


TOOLS = {
    "convcli": (),
    "ImageMagick": ("mogrify", "xargs"),
    "pyvips": ("pyvips",),
    "Pillow": ("PIL",),
}
"""Who takes part, and what each needs."""


def _side(name: str, source: Path, target: Path, job: str, threads: int, count: int) -> Side:
    kernel, magick = JOBS[job]
    if name == "convcli":
        options = ["-k", kernel, "--out-dir", target, "--jobs", threads, "--threads", threads]
        arguments = [*convcli_command(), "filter", source, *options]
    elif name == "ImageMagick":
        places = {"source": source, "target": target, "threads": threads, "magick": magick}
        arguments = ["sh", "-c", MOGRIFY.format(**places)]
    else:
        script = Path(__file__).parent / f"{name.removeprefix('py').lower()}_batch.py"
        arguments = [sys.executable, script, source, target, job, threads]
    return Side(name, Command(arguments, source.parent, target, results=count), TOOLS[name])


def make_photos(folders: dict[str, Path], count: int) -> None:
    """Write `count` photos in colour into a folder of each kind."""
    large = make_photo((SIDE + DISTINCT * 8, SIDE + DISTINCT * 8))
    for kind, folder in folders.items():
        folder.mkdir(parents=True)
        for number in range(count):
            path = folder / f"{number:05}.{kind}"
            if number >= DISTINCT:
                shutil.copy(folder / f"{number % DISTINCT:05}.{kind}", path)
                continue
            left, top = number * 8, (number * 56) % (DISTINCT * 8)
            photo = large.crop((left, top, left + SIDE, top + SIDE))
            photo.save(path, quality=90, compress_level=3)
