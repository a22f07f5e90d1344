"""`filter2d` and `filter_image` beside the filters of SciPy, OpenCV, scikit-image and Pillow."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from benchmarks.filter_libraries import LIBRARIES, Kernel, Plane, use_threads
from benchmarks.measuring import Axis, Case, Measure, Section, case, seconds_per_call
from benchmarks.setting import Setting
from benchmarks.sides import Call, Outcome, Side, compare

MODULES = {"SciPy": "scipy", "OpenCV": "cv2", "scikit-image": "skimage", "Pillow": "PIL"}


@dataclass(frozen=True)
class Job:
    """A filter that several libraries have, on pixels of one dtype."""

    kernel: Kernel
    dtype: str
    peers: tuple[str, ...]


JOBS = {
    "3 × 3": Job(Kernel("random", 3), "float32", ("SciPy", "OpenCV")),
    "Sobel magnitude": Job(Kernel("sobel", 3), "float32", ("SciPy", "OpenCV", "scikit-image")),
    "7 × 7": Job(Kernel("random", 7), "float32", ("SciPy", "OpenCV")),
    "25 × 25 Gaussian": Job(Kernel("gaussian", 25), "float32", ("SciPy", "OpenCV", "scikit-image")),
    "31 × 31": Job(Kernel("random", 31), "float32", ("SciPy", "OpenCV")),
    "3 × 3, 8 bits": Job(Kernel("random", 3), "uint8", ("OpenCV", "Pillow")),
    "5 × 5, 8 bits": Job(Kernel("random", 5), "uint8", ("OpenCV", "Pillow")),
    "25 × 25 Gaussian, 8 bits": Job(Kernel("gaussian", 25), "uint8", ("OpenCV", "Pillow")),
}


def filter2d(setting: Setting) -> Section:
    """Compare the time of one filter on one plane in memory."""
    rows, columns = setting.sizes.plane
    cases: list[Case] = []
    notes: list[str] = []
    for name, job in JOBS.items():
        rounds, said = beside(setting, job, setting.sizes.plane)
        notes.extend(said)
        cases.append(case(rounds, name, "ms", "ms"))
    return Section(
        "Filters",
        f"A grey plane of {columns:,} × {rows:,} pixels in memory, float32 (`filter2d`) or 8 bits "
        "(`filter_image`). Kernels without a name are random and no outer product. Pillow's Gaussian is an "
        "approximation by boxes; SciPy, scikit-image and Pillow use one thread by themselves.",
        tuple(cases),
        tuple(dict.fromkeys(notes)),
    )


def image_size(setting: Setting) -> Section:
    """Compare the time of a small and a large kernel as the image grows."""
    cases: list[Case] = []
    notes: list[str] = []
    for megapixels in setting.sizes.megapixels:
        rows = round(math.sqrt(megapixels * 1e6 * 2 / 3))
        shape = (rows, round(megapixels * 1e6 / rows))
        for size in (3, 31):
            job = Job(Kernel("random", size), "float32", ("OpenCV",))
            rounds, said = beside(setting, job, shape)
            notes.extend(said)
            line = f"{size} × {size}"
            cases.append(case(rounds, f"{line}, {megapixels:g} MP", "ms", "ms", at=megapixels, line=line))
    return Section(
        "Filter time against image size",
        "float32, random kernels. On both logarithmic axes a slope of one means: as the number of pixels.",
        tuple(cases),
        tuple(dict.fromkeys(notes)),
        Axis("megapixels", "log both"),
    )


def kernel_size(setting: Setting) -> Section:
    """Compare the time of random kernels as they grow."""
    rows, columns = setting.sizes.plane
    cases: list[Case] = []
    notes: list[str] = []
    for size in setting.sizes.kernel_sizes:
        job = Job(Kernel("random", size), "float32", ("OpenCV",))
        rounds, said = beside(setting, job, setting.sizes.plane)
        notes.extend(said)
        cases.append(case(rounds, f"{size} × {size}", "ms", "ms", at=size))
    return Section(
        "Filter time against kernel size",
        f"float32, {columns:,} × {rows:,} pixels, random kernels. On both logarithmic axes a slope of two "
        "means: as the number of weights.",
        tuple(cases),
        tuple(dict.fromkeys(notes)),
        Axis("rows of the kernel", "log both"),
    )


def beside(setting: Setting, job: Job, shape: tuple[int, int]) -> Outcome:
    """Measure convcli and the job's peers on a plane of `shape`."""

    def side(library: str) -> Side:
        arguments = {
            "library": library,
            "kernel": [job.kernel.name, job.kernel.size],
            "dtype": job.dtype,
            "shape": list(shape),
            "threads": setting.threads,
        }
        needs = (MODULES[library],) if library in MODULES else ()
        return Side(library, Call("benchmarks.filters:filter_side", arguments), needs)

    return compare(setting, side("convcli"), [side(peer) for peer in job.peers])


# What runs in a side's own process.


def filter_side(
    library: str, kernel: tuple[str, int], dtype: str, shape: tuple[int, int], threads: int
) -> Measure:
    """Set up one library's filter and a plane; a run filters it once or more."""
    if library == "OpenCV":
        use_threads(threads)
    apply = LIBRARIES[library](Kernel(*kernel))
    plane = random_plane(shape, dtype)
    return lambda: {"ms": 1000 * seconds_per_call(lambda: apply(plane))}


def random_plane(shape: tuple[int, int], dtype: str) -> Plane:
    """Return noise from 0 to 255."""
    rng = np.random.default_rng(0)
    if dtype == "uint8":
        return rng.integers(0, 256, shape, np.uint8)
    return rng.random(shape, np.float32) * np.float32(255)
