"""Steps that put cells in order, beside those of SciPy, OpenCV and scikit-image."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from benchmarks.filters import Filter, Plane, random_plane
from benchmarks.measuring import Measure, Quantity, seconds_per_call
from benchmarks.setting import Setting
from benchmarks.sides import Call, Match, Side

SHARE = 4  # of the plane's rows and columns one in as many: SciPy's medians take minutes for more


@dataclass(frozen=True)
class Job:
    """What is asked of a plane: a step by its name, the size of its window, and the shape of that."""

    step: str
    size: int
    dtype: str
    shape: str = "square"

    @property
    def name(self) -> str:
        bits = ", 8 bits" if self.dtype == "uint8" else ""
        shape = "" if self.shape == "square" else f" {self.shape}"
        return f"{self.step} {self.size} × {self.size}{shape}{bits}"

    @property
    def footprint(self) -> Plane:
        from convcli.engine.ranks.footprints import footprint

        return footprint(self.shape, (self.size, self.size)).astype(np.uint8)


JOBS = [
    *(Job("median", size, dtype) for dtype in ("uint8", "float32") for size in (3, 5, 9, 31)),
    *(Job("erode", size, dtype) for dtype in ("uint8", "float32") for size in (3, 101)),
    Job("erode", 31, "uint8", "disk"),
    Job("bilateral", 9, "float32"),
    Job("local_binary_pattern", 3, "uint8"),
]


def orders(setting: Setting) -> Iterator[Match]:
    """Compare the time of one step on one plane in memory, with all libraries that have it."""
    rows, columns = setting.sizes.plane
    shape = max(rows // SHARE, 1), max(columns // SHARE, 1)
    for job in JOBS:
        quantity = Quantity(job.name, "ms", "ms")
        sides = [name for name, made in LIBRARIES.items() if made(job) is not None]
        calls = [(name, Call(partial(side, name, job, shape, setting.threads))) for name in sides]
        yield Match([Side(name, call, NEEDS[name]) for name, call in calls], [quantity])


# What runs in a side's own process.


def side(library: str, job: Job, shape: tuple[int, int], threads: int) -> Measure:
    """Set up one library's step and a plane; a run does it once or more."""
    if library == "OpenCV":  # the others look at the processors of their process, or use one
        import cv2

        cv2.setNumThreads(threads)
    made = LIBRARIES[library](job)
    assert made is not None
    apply, plane = made(), random_plane(shape, job.dtype)
    return lambda: {"ms": 1000 * seconds_per_call(lambda: apply(plane))}


# One step in the words of each library: what makes it, or None.

Made = Callable[[], Filter] | None


def convcli(job: Job) -> Made:
    options = {
        "bilateral": f"size={job.size},sigma_color=30",
        "local_binary_pattern": "border=zero",
    }.get(job.step, f"size={job.size},shape={job.shape}")

    def make() -> Filter:
        import convcli

        return lambda plane: convcli.filter_image(plane, [f"{job.step}:{options}"])

    return make


def scipy(job: Job) -> Made:
    def make() -> Filter:
        from scipy import ndimage

        if job.step == "median":
            return lambda plane: ndimage.median_filter(plane, job.size, mode="mirror")
        if job.shape != "square":
            cells = job.footprint
            return lambda plane: ndimage.grey_erosion(plane, footprint=cells, mode="mirror")
        return lambda plane: ndimage.grey_erosion(plane, job.size, mode="mirror")

    return make if job.step in ("median", "erode") else None


def opencv(job: Job) -> Made:
    def make() -> Filter:
        import cv2

        if job.step == "median":
            return lambda plane: cv2.medianBlur(plane, job.size)
        if job.step == "bilateral":
            return lambda plane: cv2.bilateralFilter(plane, job.size, 30, 3)
        cells = job.footprint
        return lambda plane: cv2.erode(plane, cells)

    has = {"median": job.dtype == "uint8" or job.size <= 5, "erode": True, "bilateral": True}
    return make if has.get(job.step, False) else None


def scikit_image(job: Job) -> Made:
    def make() -> Filter:
        from skimage import feature, filters

        if job.step == "median":
            cells = job.footprint
            return lambda plane: filters.rank.median(plane, cells)
        return lambda plane: feature.local_binary_pattern(plane, 8, 1)

    has = {"median": job.dtype == "uint8", "local_binary_pattern": True}
    return make if has.get(job.step, False) else None


LIBRARIES: dict[str, Callable[[Job], Made]] = {
    "convcli": convcli,
    "SciPy": scipy,
    "OpenCV": opencv,
    "scikit-image": scikit_image,
}
NEEDS: dict[str, tuple[str, ...]] = {
    "convcli": (),
    "SciPy": ("scipy",),
    "OpenCV": ("cv2",),
    "scikit-image": ("skimage",),
}
