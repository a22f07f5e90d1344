"""A folder of very many images in one command, interrupted and gone on with, while its memory is measured."""

from __future__ import annotations

import json
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import PIL.Image

from reliability.memory import mebibytes
from reliability.states import expect

DISTINCT = 200  # images that are copied until there are enough
DAMAGED = 3
SETTLED = 500  # results after which the memory is taken for that of the beginning


@dataclass(frozen=True)
class Sample:
    """The memory of the process after so many results."""

    results: int
    mebibytes: float


@dataclass(frozen=True)
class Part:
    """What one call came to: results made, its memory, and how it ended."""

    results: int
    first: Sample
    last: Sample
    code: int
    seconds: float


def prepare(home: Path, count: int) -> None:
    """Make a folder of `count` images, of which a few are damaged, and the results of the distinct ones."""
    photos, once = home / "photos", home / "once"
    photos.mkdir()
    once.mkdir()
    rng = np.random.default_rng(0)
    for number in range(min(DISTINCT, count)):
        coarse = PIL.Image.fromarray(rng.integers(0, 256, (12, 16, 3), np.uint8))
        coarse.resize((320, 240)).save(once / f"{number:03}.jpg", quality=90)
    for number in range(count):
        shutil.copyfile(once / f"{number % DISTINCT:03}.jpg", photos / f"{number:05}.jpg")
    for path in sorted(photos.iterdir())[:: max(count // DAMAGED, 1)][:DAMAGED]:
        path.write_bytes(path.read_bytes()[:1000])
    subprocess.run(_call(once, home / "expected"), check=True, stdout=subprocess.DEVNULL)


def go_through(home: Path, interruptions: int, rng: random.Random) -> Iterator[Part]:
    """Filter the folder, interrupted so often by Ctrl-C and gone on with, and once more when all is done.

    Raises
    ------
    BrokenError
        If a result is not what it should be, is made twice, or something else is left behind.
    """
    photos, edges = home / "photos", home / "edges"
    count = len(list(photos.iterdir()))
    moments = sorted(rng.sample(range(1, count), interruptions))
    for moment, before in zip([*moments, count], [0, *moments], strict=True):
        made = len(list(edges.glob("*.png"))) if edges.exists() else 0
        part = _run(_call(photos, edges, "--keep-going", "--resume", "--json"), moment - before)
        # Ctrl-C may come when nothing is left to be begun; then the failures are what the call ends with.
        expect(part.code in ((1,) if moment == count else (1, 130)), f"the call ended with {part.code}")
        results = len(list(edges.glob("*.png")))
        expect(results - made >= part.results, f"{part.results} results were told, {results - made} made")
        expect(not list(edges.glob("*.tmp")), "a temporary file was left")
        yield part
    expect(results == count - DAMAGED, f"{results} results of {count} images")
    for path in edges.glob("*.png"):
        expected = home / "expected" / f"{int(path.name[:5]) % DISTINCT:03}_sobel.png"
        expect(path.read_bytes() == expected.read_bytes(), f"{path}: not what an undisturbed call makes")
    again = _run(_call(photos, edges, "--keep-going", "--resume", "--json"), count)
    expect(again.results == 0, f"{again.results} results were made although all were finished")


def _call(photos: Path, edges: Path, *options: str) -> list[str]:
    command = [sys.executable, "-m", "convcli", "filter", str(photos), "--kernel", "sobel"]
    return [*command, "--out-dir", str(edges), *options]


def _run(command: list[str], results: int) -> Part:
    """Run a command, interrupt it after so many results, and measure its memory meanwhile."""
    began = time.monotonic()
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    )
    samples, told, asked = [Sample(0, 0.0)], 0, False
    assert process.stdout is not None
    for line in process.stdout:
        told += "error" not in json.loads(line)
        if told % 100 == 1 and (held := mebibytes(process.pid)):
            samples.append(Sample(told, held))
        if told >= results and not asked:
            process.send_signal(signal.SIGINT)
            asked = True
    settled = next((sample for sample in samples if sample.results >= SETTLED), samples[-1])
    return Part(told, settled, samples[-1], process.wait(), time.monotonic() - began)
