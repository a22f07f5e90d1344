"""Writes tests/filtering/compat.npz: what the real tools make of small images and kernels.

Run `python docs/compat_results.py` where they are installed.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import cv2
import numpy as np
import PIL
import PIL.Image
import PIL.ImageFilter
import scipy
from scipy import ndimage

TARGET = Path(__file__).parent.parent / "tests" / "filtering" / "compat.npz"
SIZES = [(12, 15), (7, 8), (5, 5)]
KERNELS = {
    "3x3": np.array([[1, 2, 0], [3, 5, 1], [0, 2, 2]]) / 16,
    "5x5": np.outer([1, 4, 6, 4, 2], [1, 3, 6, 4, 1]) / 255,
    "2x2": np.array([[3, 1], [2, 2]]) / 8,
    "4x3": np.array([[1, 0, 2], [0, 4, 1], [3, 1, 0], [1, 2, 1]]) / 16,
    "3x4": np.array([[1, 0, 2, 1], [0, 4, 1, 2], [3, 1, 0, 1]]) / 16,
    "1x5": np.array([[1, 2, 3, 4, 6]]) / 16,
    "signed": np.array([[-1, 0, 2], [-2, 1, 1], [0, -1, 1]]) / 4,
    "sum zero": np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]) / 4,
}


def images() -> dict[str, np.ndarray]:
    """Return grey and coloured images of 8 and 16 bits."""
    rng = np.random.default_rng(7)
    made = {}
    for rows, columns in SIZES:
        for channels, tail in ((1, ()), (3, (3,))):
            for dtype in (np.uint8, np.uint16):
                name = f"{rows}x{columns} {channels} {np.dtype(dtype).name}"
                made[name] = rng.integers(
                    0, np.iinfo(dtype).max, (rows, columns, *tail), dtype, endpoint=True
                )
    return made


def opencv(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    return cv2.filter2D(image, -1, kernel)


def with_scipy(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    planes = image[..., None] if image.ndim == 2 else image
    made = [ndimage.correlate(planes[..., c].astype(float), kernel) for c in range(planes.shape[2])]
    return made[0] if image.ndim == 2 else np.stack(made, axis=2)


def pillow(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    filter_ = PIL.ImageFilter.Kernel(kernel.shape[::-1], (kernel * 1000).ravel().tolist())
    return np.asarray(PIL.Image.fromarray(image).filter(filter_))


def in_text(kernel: np.ndarray, head: str, between: str) -> str:
    return head + between.join(" ".join(f"{value:.17g}" for value in row) for row in kernel)


def imagemagick(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "a.png", Path(folder) / "b.png"
        cv2.imwrite(str(source), image if image.ndim == 2 else image[..., ::-1])
        text = f"{kernel.shape[1]}x{kernel.shape[0]}: " + ",".join(
            f"{value:.17g}" for value in kernel.ravel()
        )
        subprocess.run(["convert", source, "-morphology", "Convolve", text, target], check=True)
        found = cv2.imread(str(target), cv2.IMREAD_UNCHANGED)
        if found.ndim == 3 and image.ndim == 2:
            raise SystemExit(f"expected grey, found {found.shape}")
        return found if image.ndim == 2 else found[..., ::-1]


def vips(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    with tempfile.TemporaryDirectory() as folder:
        source, matrix, made, raw = (Path(folder) / name for name in ("a.png", "k.mat", "b.v", "b.raw"))
        cv2.imwrite(str(source), image if image.ndim == 2 else image[..., ::-1])
        matrix.write_text(in_text(kernel, f"{kernel.shape[1]} {kernel.shape[0]} 1 0\n", "\n"))
        subprocess.run(["vips", "conv", source, made, matrix, "--precision", "float"], check=True)
        subprocess.run(["vips", "rawsave", made, raw], check=True)
        return np.fromfile(raw, np.float32).reshape(image.shape)


TOOLS = {
    "opencv": opencv,
    "scipy": with_scipy,
    "imagemagick": imagemagick,
    "pillow": pillow,
    "vips": vips,
}


def main() -> None:
    """Write images, kernels and results, and the tools' versions."""
    stored = {f"image/{name}": image for name, image in images().items()}
    stored |= {f"kernel/{name}": kernel for name, kernel in KERNELS.items()}
    for tool, does in TOOLS.items():
        for name, image in images().items():
            for size, kernel in KERNELS.items():
                fits = kernel.shape in ((3, 3), (5, 5)) and image.dtype == np.uint8 and kernel.sum() > 0
                if tool != "pillow" or fits:
                    stored[f"{tool}/{name}/{size}"] = does(image, kernel)
    programs = []
    for name in ("convert", "vips"):
        said = subprocess.run([name, "--version"], capture_output=True, text=True, check=True).stdout
        programs.append(said.splitlines()[0])
    libraries = [f"OpenCV {cv2.__version__}", f"SciPy {scipy.__version__}", f"Pillow {PIL.__version__}"]
    versions = "; ".join(libraries + programs)
    np.savez_compressed(TARGET, versions=versions, **stored)


if __name__ == "__main__":
    main()
