"""Many images with Pillow alone, in processes: `python pillow_batch.py FOLDER OUTPUT blur|sobel PROCESSES`.

Pillow's blur is an approximation by boxes; its gradient is |gx| + |gy|, each direction filtered both ways
round, as its results cannot be negative.
"""

import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from PIL import Image, ImageChops, ImageFilter

SOBEL_X = (-1, 0, 1, -2, 0, 2, -1, 0, 1)
SOBEL_Y = (-1, -2, -1, 0, 0, 0, 1, 2, 1)


def blur(image: Image.Image) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(1.4))


def sobel(image: Image.Image) -> Image.Image:
    grey = image.convert("L")

    def slope(kernel: tuple[int, ...]) -> Image.Image:
        there, back = (
            grey.filter(ImageFilter.Kernel((3, 3), [sign * weight for weight in kernel], scale=1))
            for sign in (1, -1)
        )
        return ImageChops.lighter(there, back)

    return ImageChops.add(slope(SOBEL_X), slope(SOBEL_Y))


def one(path: Path, folder: Path, job: str) -> None:
    with Image.open(path) as image:
        image.load()
    made = {"blur": blur, "sobel": sobel}[job](image)
    made.save(folder / f"{path.stem}.png", compress_level=1)


if __name__ == "__main__":
    source, folder, job, processes = sys.argv[1:]
    target = Path(folder)
    target.mkdir(exist_ok=True)
    with ProcessPoolExecutor(int(processes)) as pool:
        list(pool.map(partial(one, folder=target, job=job), sorted(Path(source).iterdir()), chunksize=8))
