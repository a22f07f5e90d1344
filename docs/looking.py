"""Makes the pictures of docs/looking.md by its own commands: run `python docs/looking.py` in the checkout."""

from __future__ import annotations

import os
import shlex
import tempfile
from contextlib import suppress
from pathlib import Path

import PIL.Image

from convcli.cli.app import app

ROOT = Path(__file__).parent.parent
TARGET = ROOT / "docs" / "images" / "looking"
WIDTH = 1200  # pixels at most
QUALITY = 80

COMMANDS = {
    "soft": "filter sample_images/coffee.jpg --kernel gaussian:sigma=1.5 -o soft.png",
    "side": "compare sample_images/coffee.jpg soft.png -o side.png",
    "edges": "preview sample_images/coffee.jpg --kernels edges -o edges.png",
    "chain": "preview sample_images/coffee.jpg --step gaussian:sigma=1.4 --step sobel --step threshold "
    "-o chain.png",
    "gaussian": "kernels gaussian:sigma=2 --frequency -o gaussian.png",
    "sobel": "kernels sobel --frequency -o sobel.png",
    "sheet": "kernels --sheet -o sheet.png",
}
"""By the picture's name, without `convcli`; the first is what others are about."""


def main() -> None:
    """Run each command, and keep its picture as a JPEG no wider than a page."""
    TARGET.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "sample_images").symlink_to(ROOT / "sample_images")
        os.chdir(folder)
        for name, command in COMMANDS.items():
            with suppress(SystemExit):
                app(shlex.split(command), standalone_mode=False)
            if name != "soft":
                with PIL.Image.open(Path(folder) / f"{name}.png") as picture:
                    picture.thumbnail((WIDTH, 4 * WIDTH), PIL.Image.Resampling.LANCZOS)
                    picture.convert("RGB").save(TARGET / f"{name}.jpg", quality=QUALITY, optimize=True)


if __name__ == "__main__":
    main()
