"""A folder of photos filtered by a Dask cluster on this machine, beside one process of as many threads."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.batches import KINDS, make_photos
from benchmarks.measuring import Quantity
from benchmarks.setting import Setting
from benchmarks.sides import Command, Match, Side, convcli_command

SIDES = {
    "convcli --cluster local": (("--cluster", "local"), ("distributed",)),
    "convcli --jobs": ((), ()),
}
"""What is said besides the kernel and --jobs, and what is needed for it."""

FOLDERS = (1, 4)
"""How many times as many photos there are: what Dask takes for its start is the same for all."""


def photos(setting: Setting) -> Iterator[Match]:
    """Compare how many photos a second come out, of few and of more."""
    (kind, *_), ours = KINDS, next(iter(SIDES))
    for times in FOLDERS:
        count = setting.sizes.pictures * times
        folder, made = setting.folder / f"cluster{times}", setting.folder / f"made{times}"
        make_photos({kind: folder}, count)
        words = ["filter", folder, "-k", "sobel", "--out-dir", made, "--jobs", setting.threads]
        sides = [
            Side(side, Command([*convcli_command(), *words, *own], folder.parent, made, results=count), needs)
            for side, (own, needs) in SIDES.items()
        ]
        what = f"{count:,} photos"
        yield Match(
            sides,
            [
                Quantity(what, "s", "seconds", ours),
                Quantity(f"{what}, rate", "images/s", "rate", ours),
                Quantity(f"{what}, processor time a photo", "ms", "processor ms", ours),
                Quantity(f"{what}, peak memory", "MB", "peak MB", ours),
            ],
            runs=setting.sizes.picture_runs,
        )
