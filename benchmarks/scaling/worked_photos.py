"""What a photo takes of a core, and how large its result is: `convcli filter` on copies of a photo.

`python -m benchmarks.scaling.worked_photos PHOTO.jpg` writes it to docs/scaling.json: processor time,
which leaves out what others had of the cores; what one photo takes is the difference of six and of one.
"""

from __future__ import annotations

import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from benchmarks.machine import Watch
from benchmarks.scaling.stored import store

WAYS = {"JPEG to PNG": "png", "JPEG to JPEG": "jpeg"}
KERNELS = ("sobel", "gaussian:sigma=2")
MANY, ROUNDS = 6, 3

err = Console(stderr=True, markup=False, highlight=False)


def worked_photos(
    photo: Annotated[Path, typer.Argument(help="A JPEG file, as a camera makes it.")],
    source: Annotated[str, typer.Option(help="Where it is from, for those who want to repeat it.")] = "",
) -> None:
    """Measure each way and kernel, in turn, and put the medians into docs/scaling.json."""
    from convcli.images.reading import read

    times: dict[tuple[str, str], list[float]] = {(way, kernel): [] for way in WAYS for kernel in KERNELS}
    decoding: list[float] = []
    written: dict[tuple[str, str], int] = {}
    watch = Watch()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for number in range(MANY):
            shutil.copy(photo, folder / f"{number}.jpg")
        for number in range(ROUNDS):
            for way, kernel in times:
                one, many = (_seconds(folder, count, kernel, WAYS[way]) for count in (1, MANY))
                times[way, kernel].append((many - one) / (MANY - 1))
                written[way, kernel] = max(path.stat().st_size for path in (folder / "out").iterdir())
                err.print(f"round {number + 1}: {way}, {kernel}: {times[way, kernel][-1]:.3f} s")
            started = time.process_time()
            image = read(photo)
            decoding.append(time.process_time() - started)
    rows: list[dict[str, Any]] = [
        {
            "way": way,
            "kernel": kernel,
            "seconds": [round(second, 4) for second in found],
            "written": written[way, kernel],
        }
        for (way, kernel), found in times.items()
    ]
    store(
        "photos",
        {
            "busy": round(watch.others(), 3),
            "source": source,
            "size": image.pixels.shape[1::-1],
            "read": photo.stat().st_size,
            "decoding": round(statistics.median(decoding), 4),
            "cases": rows,
        },
    )


def _seconds(folder: Path, count: int, kernel: str, kind: str) -> float:
    """Return the processor seconds of one command that filters so many copies."""
    shutil.rmtree(folder / "out", ignore_errors=True)
    copies = [str(folder / f"{number}.jpg") for number in range(count)]
    command = [sys.executable, "-m", "convcli", "filter", *copies, "--kernel", kernel, "--format", kind]
    before = _used()
    subprocess.run(
        [*command, "--out-dir", str(folder / "out"), "--jobs", "1", "--threads", "1"],
        check=True,
        capture_output=True,
    )
    return _used() - before


def _used() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    typer.run(worked_photos)
