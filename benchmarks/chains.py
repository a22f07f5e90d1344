"""A chain of steps on a photo as one call, beside one command after the other and other tools' own chains."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.commands import MAGICK, make_photo
from benchmarks.measuring import Quantity
from benchmarks.setting import Setting
from benchmarks.sides import Command, Match, Side, convcli_command

CHAIN = "{convcli} filter {source} --step gray --step gaussian:sigma=1.4 --step sobel"
CHAIN += " --step threshold:value=100 -o {target}"

ONE_BY_ONE = "{convcli} filter {source} -k gaussian:sigma=1.4 --channels gray --range raw"
ONE_BY_ONE += " -o {folder}/1.npy --force"
ONE_BY_ONE += " && {convcli} filter {folder}/1.npy -k sobel --range raw -o {folder}/2.npy --force"
ONE_BY_ONE += " && {convcli} filter {folder}/2.npy --step threshold:value=100 -o {target}"

MAGICKS = "{magick} {source} -colorspace Gray -gaussian-blur 0x1.4 -define morphology:compose=Lighten"
MAGICKS += " -morphology Convolve 'Sobel:>' -threshold 39.2% {target}"

TOOLS = {
    "convcli": (CHAIN,),
    "convcli, three commands": (ONE_BY_ONE,),
    "ImageMagick": (MAGICKS, MAGICK),
    "pyvips script": ("{python} {here}/vips_chain.py {source} {target}", "pyvips"),
    "OpenCV script": ("{python} {here}/opencv_chain.py {source} {target} {threads}", "cv2"),
}
"""How each says: brightness, a Gaussian of sigma 1.4, Sobel's gradient, white above 100; what it needs."""


def edges(setting: Setting) -> Iterator[Match]:
    """Compare wall time and peak memory of blur, gradient and threshold on one photo."""
    made = make_photo(setting.sizes.photo)
    for kind in ("jpg", "png"):
        path, way = setting.folder / f"chain.{kind}", f"{kind.upper()} to PNG"
        made.save(path, quality=90, compress_level=3)
        yield Match(
            [_side(name, path, setting) for name in TOOLS],
            [Quantity(f"{way}, time", "s", "seconds"), Quantity(f"{way}, peak memory", "MB", "peak MB")],
        )


def _side(name: str, source: Path, setting: Setting) -> Side:
    line, *needs = TOOLS[name]
    target = setting.folder / "chained.png"
    places = {"source": source, "target": target, "folder": setting.folder, "threads": setting.threads}
    places |= {"magick": MAGICK, "python": sys.executable, "here": Path(__file__).parent}
    script = line.format(convcli=" ".join(convcli_command()), **places)
    return Side(name, Command(["sh", "-c", script], source.parent, target), tuple(needs))
