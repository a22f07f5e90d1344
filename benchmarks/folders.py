"""Reading class folders of many small pictures, beside one pass of Pillow that only decodes them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from benchmarks.measuring import Measure, Section, case, seconds_per_call
from benchmarks.setting import Setting
from benchmarks.sides import Call, Side, compare

CLASSES = 10


def folders(setting: Setting) -> Section:
    """Compare the reading of a data set in class folders with the decoding of its files."""
    count = setting.sizes.files
    folder = setting.folder / "classes"
    write_class_folders(folder, count)
    ours = Side("convcli", Call("benchmarks.folders:convcli_side", {"folder": str(folder)}))
    decoding = Call("benchmarks.folders:pillow_side", {"folder": str(folder), "threads": setting.threads})
    rounds, notes = compare(setting, ours, [Side("Pillow, decoding alone", decoding)])
    return Section(
        "Class folders",
        f"{count:,} grey PNG files of 28 × 28 pixels in {CLASSES} folders, read into one array with labels, "
        "beside threads in which Pillow opens each file once and decodes it.",
        (
            case(rounds, f"{count:,} files", "s", "seconds"),
            case(rounds, f"{count:,} files, rate", "images/s", "rate"),
        ),
        notes,
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


def convcli_side(folder: str) -> Measure:
    """Read the folder as `[data] source` does."""
    from convcli.data import open_source

    def read() -> None:
        open_source(folder, base=Path())

    return _measure(read, folder)


def pillow_side(folder: str, threads: int) -> Measure:
    """Decode each file into an array of its own, and keep none."""
    from PIL import Image

    paths = sorted(Path(folder).glob("*/*.png"))

    def decode(path: Path) -> None:
        with Image.open(path) as image:
            np.asarray(image)

    def read() -> None:
        with ThreadPoolExecutor(threads) as pool:
            for _ in pool.map(decode, paths):
                pass

    return _measure(read, folder)


def _measure(read: Callable[[], None], folder: str) -> Measure:
    count = sum(1 for _ in Path(folder).glob("*/*.png"))

    def measure() -> dict[str, float]:
        seconds = seconds_per_call(read)
        return {"seconds": seconds, "rate": count / seconds}

    return measure
