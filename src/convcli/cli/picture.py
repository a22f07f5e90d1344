"""curves.png in a run's folder: drawn when a training stops, and now and then while it lasts."""

from __future__ import annotations

import gc
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import typer

from convcli.errors import ConvcliError, OutputError

if TYPE_CHECKING:
    from convcli.runs.recording import Recorder

# A drawing takes longer than an epoch of a small network, and the first one longer still, for its imports. So
# it is drawn after the last word of a training, when nobody waits for it any more, and in between no more
# often than this, so that a long training spends next to no time on it.
SECONDS = 60.0


class Picture:
    """The curves of what a recorder records: a context, at whose end they are drawn."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self._drawn = time.monotonic()

    def __enter__(self) -> Picture:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if error is None or isinstance(error, typer.Exit):
            self.draw()
        elif isinstance(error, ConvcliError):
            with suppress(OutputError):  # what went wrong first is what is said
                self.draw()

    def epoch(self) -> None:
        """Draw, at the end of an epoch, if the last drawing is old."""
        if time.monotonic() - self._drawn >= SECONDS:
            self.draw()

    def draw(self) -> None:
        """Write the curves of all epochs that have ended, if one has."""
        run, history = self.recorder.run, self.recorder.training.progress.history
        if history:
            from convcli.render.curves import curves_png
            from convcli.runs.folder import CURVES

            run.write(CURVES, curves_png({run.folder.resolve().name: history}))
            gc.collect()  # a drawing is 10 MB of objects that refer to each other, and training makes none
        self._drawn = time.monotonic()
