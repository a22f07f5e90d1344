"""Many images with pyvips, in processes: `python vips_batch.py FOLDER OUTPUT blur|sobel PROCESSES`.

libvips finds the edges of each colour channel.
"""

import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path


def one(path: Path, folder: Path, job: str) -> None:
    import pyvips

    image = pyvips.Image.new_from_file(str(path))
    made = image.gaussblur(1.4) if job == "blur" else image.sobel()
    made.pngsave(str(folder / f"{path.stem}.png"), compression=1, filter="paeth")


if __name__ == "__main__":
    source, folder, job, processes = sys.argv[1:]
    target = Path(folder)
    target.mkdir(exist_ok=True)
    with ProcessPoolExecutor(int(processes)) as pool:
        list(pool.map(partial(one, folder=target, job=job), sorted(Path(source).iterdir()), chunksize=8))
