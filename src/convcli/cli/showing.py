"""`filter --show`: results in the terminal, behind those that are written, or in their place."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from convcli.cli.output import note
from convcli.errors import UsageError

if TYPE_CHECKING:
    from convcli.filtering.outcomes import Done
    from convcli.render.screen import Screen

ShowResults: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--show",
        help="Show each result in the terminal; without -o, --out-dir and --name nothing is written then.",
    ),
]

ALONE = "tiff"
"""The format of results that are shown and not written: it holds whatever comes of an image."""

PLACES = ("output", "out_dir", "name", "repeat")
"""Parameters of `filter` that say where results are written."""

NOT_WITH = {
    "json": "--json and pictures cannot both go to standard output",
    "dry_run": "--dry-run makes nothing that could be shown",
}
NOT_ALONE = {"manifest": "--manifest", "resume": "--resume", "save_pipeline": "--save-pipeline"}


@dataclass(frozen=True, eq=False)
class Showing:
    """Where results are shown, and whether they are written besides; else they lie in `folder` meanwhile."""

    screen: Screen
    folder: Path | None

    @classmethod
    def of(cls, context: typer.Context, protocol: str) -> Showing:
        """Return how the call of `filter` shows its results; the folder is gone when the call ends."""
        from tempfile import TemporaryDirectory

        from convcli.cli.terminal import screen
        from convcli.files import is_stdout

        options: Mapping[str, Any] = context.params
        for name, why in NOT_WITH.items():
            if options[name]:
                raise UsageError(f"{why}; leave out --show.")
        if options["output"] is not None and is_stdout(options["output"]):
            raise UsageError("--show and -o - cannot both go to standard output; leave out one of them.")
        if any(options[name] is not None for name in PLACES):
            return cls(screen(protocol), None)
        for name, option in NOT_ALONE.items():
            if options[name]:
                raise UsageError(
                    f"{option} is about results that are written; with --show give --out-dir too."
                )
        note("nothing is written with --show alone; -o FILE or --out-dir DIR writes results")
        return cls(screen(protocol), Path(context.with_resource(TemporaryDirectory(prefix="convcli-"))))

    def put(self, done: Done) -> None:
        """Show a result, as its file has it."""
        from convcli.cli.show import put
        from convcli.images import read, view

        assert done.job.target is not None
        # What is read here is convcli's own, and as large as it was allowed to be.
        file = BytesIO(done.job.target.read_bytes())
        image = read(file, max_pixels=math.prod(done.found.shape), every=True)
        seen = view(image)
        put(seen, self.screen)
        note(seen.notes)
