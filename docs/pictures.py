"""Makes the pictures of the README with convcli itself: run `python docs/pictures.py` in the checkout."""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.text import Text

from convcli import filter_image, images
from convcli.render.terminal_curves import terminal_curves
from convcli.runs.folder import Run
from convcli.runs.metrics import read_history

ROOT = Path(__file__).parent.parent
TARGET = ROOT / "docs" / "images"
GAP = 8


def strip(photo: Path, kernels: list[str]) -> np.ndarray:
    """Return a photo and what the kernels make of it, side by side."""
    pixels = images.read(photo).pixels
    panels = [pixels]
    for kernel in kernels:
        result = filter_image(pixels, kernel)
        panels.append(result if result.ndim == 3 else np.repeat(result[..., None], 3, axis=2))
    gap = np.full((len(pixels), GAP, 3), 255, np.uint8)
    row = [part for panel in panels for part in (gap, panel)]
    return np.concatenate(row[1:], axis=1)


def training_run() -> str:
    """Return a picture of the terminal in which the README's main job has just run, its curves in place."""
    command = ["convcli", "train", "examples/digits.toml"]
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "examples").symlink_to(ROOT / "examples")
        done = subprocess.run(
            [sys.executable, "-m", *command],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=True,
        )
        history = read_history(Run.open(Path(folder) / "runs" / "digits-001"))
    lines = done.stdout.splitlines()
    *epochs, best, test, written = [*lines[:3], "…", *lines[-6:]]
    width = max(map(len, epochs)) + 2
    console = Console(record=True, width=width, file=io.StringIO())
    console.print(Text("$ " + " ".join(command), style="bold"))
    for line in epochs:
        console.print(Text(line), soft_wrap=True)
    console.print(terminal_curves({"": history}, width))
    for line in (best, test, written):
        console.print(Text(line, style="green" if "test accuracy" in line else ""), soft_wrap=True)
    return console.export_svg(title="convcli")


if __name__ == "__main__":
    TARGET.mkdir(exist_ok=True)
    sheet = strip(ROOT / "sample_images" / "astronaut.png", ["sobel", "emboss"])
    images.write(TARGET / "filtered.jpg", images.Image(sheet))
    (TARGET / "training.svg").write_text(training_run(), encoding="utf-8")
