"""Whole commands, from a cold start: filtering a photo, training, starting up."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.measuring import Quantity, Reading
from benchmarks.setting import ROOT, Setting
from benchmarks.sides import Command, Match, Side, SkippedError, convcli_command

MAGICK = "magick" if shutil.which("magick") else "convert"

TOOLS = {
    "convcli": ("{convcli} filter {source} --kernel sobel -o {target}",),
    "vips sobel": ("vips sobel {source} {target}", "vips"),
    "ImageMagick": ("{magick} {source} -colorspace Gray -morphology Convolve Sobel {target}", MAGICK),
    "Pillow script": ("{python} {here}/pillow_sobel.py {source} {target}",),
    "OpenCV script": ("{python} {here}/opencv_sobel.py {source} {target} {threads}", "cv2"),
}
"""How each finds the edges in a photo, and what it needs."""

WAYS = (("jpg", "png"), ("jpg", "jpg"), ("png", "png"))
SAMPLES = ("astronaut.png", "chelsea.png", "coffee.jpg")

STARTS = ("--help", "shape --n 6 --f 3 --p 1 --s 2", "kernels sobel-x", "explain convolution")
"""Commands of convcli that compute next to nothing."""

PROGRAMS = {"import typer": "import typer", "import numpy": "import numpy", "python alone": "pass"}
"""What stands beside them, as a program."""

CONFIG = ROOT / "examples" / "mnist.toml"


def photo(setting: Setting) -> Iterator[Match]:
    """Compare wall time, peak memory and file size of one photo's way through each tool."""
    made = make_photo(setting.sizes.photo)
    for source, target in WAYS:
        path, way = setting.folder / f"a24.{source}", f"{source.upper()} to {target.upper()}"
        made.save(path, quality=90, compress_level=3)  # as a camera or a program would
        yield Match(
            [_tool(name, path, setting.folder / f"edges.{target}", setting.threads) for name in TOOLS],
            [
                Quantity(f"{way}, time", "s", "seconds"),
                Quantity(f"{way}, peak memory", "MB", "peak MB"),
                Quantity(f"{way}, file written", "MB", "output MB"),
            ],
        )


def _tool(name: str, source: Path, target: Path, threads: int) -> Side:
    line, *needs = TOOLS[name]
    places = {"source": source, "target": target, "threads": threads, "magick": MAGICK}
    places |= {"python": sys.executable, "here": Path(__file__).parent}
    arguments = [
        part
        for word in line.split()
        for part in (convcli_command() if word == "{convcli}" else [word.format(**places)])
    ]
    return Side(name, Command(arguments, source.parent, target), tuple(needs))


def make_photo(shape: tuple[int, int]) -> Image.Image:
    """Return the sample images side by side and again, mirrored, with noise on them, in colour."""
    rng = np.random.default_rng(0)
    rows, columns = shape
    tiles = [np.asarray(Image.open(ROOT / "sample_images" / name).convert("RGB")) for name in SAMPLES]
    height = min(len(tile) for tile in tiles)
    strip = np.concatenate([tile[:height] for tile in tiles], axis=1)
    strip = np.concatenate([strip, strip[:, ::-1]], axis=1)
    across, down = -(-columns // strip.shape[1]), -(-rows // height)
    pixels = np.tile(strip, (down, across, 1))[:rows, :columns].astype(np.int16)
    for row in pixels:  # one after the other: noise for all at once would take a gigabyte
        row += rng.normal(0, 4, row.shape).round().astype(np.int16)
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def startup(setting: Setting) -> Iterator[Match]:
    """Compare how long a command takes that does next to nothing."""
    peers = [
        Side(name, Command([sys.executable, "-c", program], setting.folder))
        for name, program in PROGRAMS.items()
    ]
    for line in STARTS:
        ours = Side("convcli", Command([*convcli_command(), *line.split()], setting.folder))
        yield Match([ours, *peers], [Quantity(f"convcli {line}", "s", "seconds")])


def mnist(setting: Setting) -> Iterator[Match]:
    """Compare time and accuracy of `convcli train examples/mnist.toml` as a whole process."""
    if not (setting.mnist / "train-images-idx3-ubyte.gz").is_file():
        raise SkippedError(
            f"{setting.mnist} has no train-images-idx3-ubyte.gz; name the folder with --mnist."
        )
    source, run, threads = setting.mnist.resolve(), setting.folder / "mnist-run", str(setting.threads)
    differences = setting.sizes.mnist_settings
    ours = [
        *convcli_command(),
        "train",
        CONFIG,
        "--json",
        "--run-dir",
        run,
        "--threads",
        threads,
    ]
    for value in (f"data.source={source}", *differences):
        ours += ["--set", value]
    script = [
        sys.executable,
        "-m",
        "benchmarks.mnist_torch",
        CONFIG,
        source,
        threads,
        *differences,
    ]
    yield Match(
        [
            Side("convcli", Command(ours, ROOT, run, read=_accuracy)),
            Side("PyTorch", Command(script, ROOT, read=_accuracy), ("torch",)),
        ],
        [
            Quantity("whole process", "s", "seconds"),
            Quantity("accuracy", "%", "accuracy"),
            Quantity("peak memory", "MB", "peak MB"),
        ],
        runs=setting.sizes.mnist_runs,
    )


def _accuracy(printed: str) -> Reading:
    return {"accuracy": 100 * json.loads(printed)["best"]["validation_accuracy"]}
