"""Whole commands, from a cold start: filtering a photo beside other tools, and starting up."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.measuring import Case, Section, case
from benchmarks.setting import ROOT, Setting
from benchmarks.sides import Command, Side, compare, convcli_command

SCRIPTS = Path(__file__).parent
SAMPLES = ("astronaut.png", "chelsea.png", "coffee.jpg")


def photo_commands(setting: Setting) -> Section:
    """Compare wall time, peak memory and file size of one photo's way through each tool."""
    rows, columns = setting.sizes.photo
    cases: list[Case] = []
    notes: list[str] = []
    photo = make_photo(setting.sizes.photo)
    for source, target in (("jpg", "png"), ("jpg", "jpg"), ("png", "png")):
        path = setting.folder / f"a24.{source}"
        if not path.exists():
            save_photo(photo, path)
        ours, *peers = _tools(path, setting.folder / f"edges.{target}", setting.threads)
        rounds, said = compare(setting, ours, peers)
        notes.extend(said)
        way = f"{source.upper()} to {target.upper()}"
        cases += [
            case(rounds, f"{way}, time", "s", "seconds"),
            case(rounds, f"{way}, peak memory", "MB", "peak MB"),
            case(rounds, f"{way}, file written", "MB", "output MB"),
        ]
    return Section(
        "The filter command",
        "`convcli filter a24.jpg --kernel sobel`, the whole process, on a colour photo of "
        f"{columns:,} × {rows:,} pixels: start, decoding, filtering, encoding. Every tool compresses as "
        "it does by default. vips filters each colour channel; ImageMagick lays on one of the two kernels, "
        "on grey.",
        tuple(cases),
        tuple(dict.fromkeys(notes)),
    )


def _tools(source: Path, target: Path, threads: int) -> list[Side]:
    def side(name: str, *arguments: str | Path, needs: tuple[str, ...] = ()) -> Side:
        return Side(name, Command(arguments, source.parent, target), needs)

    magick = "magick" if shutil.which("magick") else "convert"
    convolve = (source, "-colorspace", "Gray", "-morphology", "Convolve", "Sobel", target)
    return [
        side("convcli", *convcli_command("filter"), source, "--kernel", "sobel", "-o", target),
        side("vips sobel", "vips", "sobel", source, target, needs=("vips",)),
        side("ImageMagick", magick, *convolve, needs=(magick,)),
        side("Pillow script", sys.executable, SCRIPTS / "pillow_sobel.py", source, target),
        side(
            "OpenCV script",
            *(sys.executable, SCRIPTS / "opencv_sobel.py", source, target, str(threads)),
            needs=("cv2",),
        ),
    ]


def make_photo(shape: tuple[int, int]) -> Image.Image:
    """Return the sample images side by side and again, mirrored, with noise on them, in colour."""
    rng = np.random.default_rng(0)
    rows, columns = shape
    tiles = [np.asarray(Image.open(ROOT / "sample_images" / name).convert("RGB")) for name in SAMPLES]
    height = min(len(tile) for tile in tiles)
    strip = np.concatenate([tile[:height] for tile in tiles], axis=1)
    strip = np.concatenate([strip, strip[:, ::-1]], axis=1)
    across, down = -(-columns // strip.shape[1]), -(-rows // height)
    pixels = np.tile(strip, (down, across, 1))[:rows, :columns].astype(np.int16)
    for row in pixels:  # one after the other: noise for all at once would take a gigabyte
        row += rng.normal(0, 4, row.shape).round().astype(np.int16)
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def save_photo(photo: Image.Image, path: Path) -> None:
    """Write the photo as a camera or a program would."""
    photo.save(path, quality=90, compress_level=3)


def startup(setting: Setting) -> Section:
    """Compare how long a command takes that does next to nothing."""
    typer = Side("import typer", Command([sys.executable, "-c", "import typer"], setting.folder))
    numpy = Side("import numpy", Command([sys.executable, "-c", "import numpy"], setting.folder))
    python = Side("python alone", Command([sys.executable, "-c", "pass"], setting.folder))
    cases: list[Case] = []
    notes: list[str] = []
    for words in (["--help"], ["shape", "--n", "6", "--f", "3", "--p", "1", "--s", "2"]):
        ours = Side("convcli", Command(convcli_command(*words), setting.folder))
        rounds, said = compare(setting, ours, [typer, numpy, python])
        notes.extend(said)
        cases.append(case(rounds, " ".join(["convcli", *words]), "s", "seconds"))
    return Section(
        "Start-up",
        "Commands that compute next to nothing, beside a Python that only imports the library of the command "
        "line, or NumPy, or nothing.",
        tuple(cases),
        tuple(dict.fromkeys(notes)),
    )
