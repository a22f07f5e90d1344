"""Reading class folders of many small pictures, beside one pass of Pillow that only decodes them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.measuring import Measure, Quantity, seconds_per_call
from benchmarks.setting import Setting
from benchmarks.sides import Call, Match, Side

CLASSES = 10


def reading(setting: Setting) -> Iterator[Match]:
    """Compare the reading of a data set in class folders with the decoding of its files."""
    folder, count = setting.folder / "classes", setting.sizes.files
    write_class_folders(folder, count)
    yield Match(
        [
            Side("convcli", Call(partial(convcli_side, folder, count))),
            Side("Pillow, decoding alone", Call(partial(pillow_side, folder, count, setting.threads))),
        ],
        [
            Quantity(f"{count:,} files", "s", "seconds"),
            Quantity(f"{count:,} files, rate", "images/s", "rate"),
        ],
    )


def write_class_folders(folder: Path, count: int) -> None:
    """Write `count` pictures of noise on a disc, which compress about as digits do."""
    from PIL import Image

    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[-14:14, -14:14]
    disc = rows**2 + columns**2 < 60
    for label in range(CLASSES):
        (folder / str(label)).mkdir(parents=True)
    for number in range(count):
        pixels = rng.integers(0, 256, disc.shape, np.uint8) * disc
        Image.fromarray(pixels.astype(np.uint8)).save(folder / str(number % CLASSES) / f"{number:05}.png")


# What runs in a side's own process.


def convcli_side(folder: Path, count: int) -> Measure:
    """Read the folder as `[data] source` does."""
    from convcli.data import open_source

    return lambda: _reading(count, seconds_per_call(lambda: open_source(str(folder), base=Path())))


def pillow_side(folder: Path, count: int, threads: int) -> Measure:
    """Decode each file into an array of its own, and keep none."""
    from PIL import Image

    paths = sorted(folder.glob("*/*.png"))

    def decode(path: Path) -> None:
        with Image.open(path) as image:
            np.asarray(image)

    def read() -> None:
        with ThreadPoolExecutor(threads) as pool:
            for _ in pool.map(decode, paths):
                pass

    return lambda: _reading(count, seconds_per_call(read))


def _reading(count: int, seconds: float) -> dict[str, float]:
    return {"seconds": seconds, "rate": count / seconds}
