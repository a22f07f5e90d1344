"""How large a comparison is, and where it happens."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Sizes:
    """What is measured, and how often.

    Attributes
    ----------
    warm_ups, runs, fewest, seconds
        Rounds before those that count; rounds that count, unless they take more than `seconds` (then at
        least `fewest`).
    images
        That a network learns from in one run.
    mnist_runs, mnist_settings
        Of the whole training in `mnist`: how often, and what differs from its file, as KEY=VALUE.
    plane, photo
        (rows, columns) of what is filtered, in memory and as a file.
    megapixels, kernel_sizes, batches
        The points of the curves.
    files
        Pictures in the class folders.
    pictures, picture_runs
        Photos in the folder that is filtered, and how often.
    """

    warm_ups: int
    runs: int
    fewest: int
    seconds: float
    images: dict[str, int]
    mnist_runs: int
    mnist_settings: tuple[str, ...]
    plane: tuple[int, int]
    photo: tuple[int, int]
    megapixels: tuple[float, ...]
    kernel_sizes: tuple[int, ...]
    batches: tuple[int, ...]
    files: int
    pictures: int
    picture_runs: int

    @property
    def shortened(self) -> str:
        """A sentence where the whole training is not the file's."""
        return " Shortened here to fewer epochs and images." if self.mnist_settings else ""


FULL = Sizes(
    warm_ups=1,
    runs=9,
    fewest=3,
    seconds=40,
    images={
        "SEED": 1024,
        "SMALL": 12_800,
        "examples/cifar10.toml": 1024,
        "CIFAR": 1024,
        "CIFAR with batch_norm": 1024,
    },
    mnist_runs=3,
    mnist_settings=(),
    plane=(4000, 6000),
    photo=(4000, 6000),
    megapixels=(1, 2, 4, 8, 16, 32, 64, 100),
    kernel_sizes=(3, 5, 7, 9, 11, 15, 21, 31, 51),
    batches=(64, 256, 1024, 4096),
    files=60_000,
    pictures=200,
    picture_runs=3,
)

QUICK = Sizes(
    warm_ups=1,
    runs=3,
    fewest=1,
    seconds=2.5,
    images={
        "SEED": 256,
        "SMALL": 3200,
        "examples/cifar10.toml": 512,
        "CIFAR": 256,
        "CIFAR with batch_norm": 256,
    },
    mnist_runs=1,
    mnist_settings=("training.epochs=1", "data.validation=0.7"),
    plane=(800, 1200),
    photo=(1200, 1800),
    megapixels=(1, 4, 16),
    kernel_sizes=(3, 7, 15, 31),
    batches=(64, 1024),
    files=3000,
    pictures=100,
    picture_runs=1,
)


@dataclass(frozen=True)
class Setting:
    """What a comparison needs to know besides what it compares.

    Attributes
    ----------
    threads
        For every side.
    folder
        For files that may go away afterwards.
    mnist
        Where the 60,000 training images are, if anywhere.
    """

    sizes: Sizes
    threads: int
    folder: Path
    mnist: Path
