"""Logs of a training for TensorBoard, in a folder of its name.

Records are written one by one, by this process: the library's usual writer has a queue and threads, beside
which no helpers could be forked safely.
"""

from __future__ import annotations

import platform
import struct
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from convcli.errors import OutputError, reason
from convcli.extras import extra
from convcli.nn.evaluation import Evaluation
from convcli.training import BatchDone, EpochDone, Training

SECONDS = 10.0  # from picture to picture of the confusion, whose drawing may take longer than an epoch
PATTERN = "events.out.tfevents.*"


def prepare(folder: Path) -> None:
    """Refuse, before any work, a folder that cannot be made; and to go on without the extra."""
    from convcli.files import make_folder

    extra("tensorboardX", "tensorboard", "train --tensorboard")
    make_folder(folder)


class TensorBoard:
    """Writes what a training does into a log: a context.

    The axis of all that is drawn are steps, batches learned from. A training that begins in a folder with
    older logs takes their place; one that goes on takes the place of what was written after its last
    checkpoint, and where the log has nothing of it yet, its epochs are written first.
    """

    def __init__(self, folder: Path, training: Training) -> None:
        self.folder, self.training = folder, training
        self.proto = extra("tensorboardX.proto.event_pb2", "tensorboard", "train --tensorboard")
        self.summaries = extra("tensorboardX.proto.summary_pb2", "tensorboard", "train --tensorboard")
        self._undrawn: tuple[Evaluation, int] | None = None
        self._drawn = 0.0

    def __enter__(self) -> TensorBoard:
        from tensorboardX.record_writer import RecordWriter

        from convcli.files import make_folder

        make_folder(self.folder)
        older = sorted(self.folder.glob(PATTERN))
        with self._complaining():
            self._writer = RecordWriter(str(self._new_file(older).absolute()))
        step = self.training.progress.step
        self._event(0, file_version="brain.Event:2")
        if older:
            start = self.proto.SessionLog(status=self.proto.SessionLog.START)
            self._event(step + 1 if step else 0, session_log=start)
        elif step:
            self._catch_up()
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._draw()
        finally:
            self._writer.close()

    def record(self, event: BatchDone | EpochDone, *, flush: bool = False) -> None:
        """Write what is to be seen of a batch or an epoch; after an epoch, or to `flush`, it is on the disk.

        A checkpoint comes after that: whoever goes on from it finds in the log all that came before.
        """
        from convcli.render.tensorboard import batch_figures, epoch_figures, kernels_png

        step = self.training.progress.step
        if isinstance(event, BatchDone):
            self._scalars(batch_figures(event), step)
        else:
            self._scalars(epoch_figures(event.metrics), step)
            self._picture("kernels", kernels_png(self.training.model), step)
            self._confusion(event, step)
        if flush or isinstance(event, EpochDone):
            with self._complaining():
                self._writer.flush()

    def _confusion(self, event: EpochDone, step: int) -> None:
        if event.figures is not None:
            self._undrawn = event.figures, step
        if time.monotonic() - self._drawn >= SECONDS:
            self._draw()

    def _new_file(self, older: list[Path]) -> Path:
        """Return a name behind all `older` ones, in whose order logs are read."""
        seconds = int(time.time())
        for path in older:
            digits = path.name.split(".")[3]
            seconds = max(seconds, int(digits) + 1 if digits.isdecimal() else 0)
        return self.folder / f"events.out.tfevents.{seconds:010d}.{platform.node()}"

    def _catch_up(self) -> None:
        """Write the figures of epochs that ended before there was this log."""
        from convcli.render.tensorboard import epoch_figures

        progress = self.training.progress
        ended = progress.step - progress.batch
        for number, metrics in enumerate(progress.history, 1):
            self._scalars(epoch_figures(metrics), ended * number // len(progress.history))

    def _draw(self) -> None:
        """Write the confusion of the last epoch that has ended, if it is not there yet."""
        if self._undrawn is None:
            return
        from convcli.render.tensorboard import confusion_png

        figures, step = self._undrawn
        self._picture("confusion", confusion_png(figures), step)
        self._undrawn, self._drawn = None, time.monotonic()

    def _scalars(self, figures: Mapping[str, float], step: int) -> None:
        value = self.summaries.Summary.Value
        self._summary([value(tag=name, simple_value=figure) for name, figure in figures.items()], step)

    def _picture(self, name: str, png: bytes | None, step: int) -> None:
        if png is None:
            return
        width, height = struct.unpack(">II", png[16:24])
        summary = self.summaries.Summary
        image = summary.Image(height=height, width=width, colorspace=3, encoded_image_string=png)
        self._summary([summary.Value(tag=name, image=image)], step)

    def _summary(self, values: list[Any], step: int) -> None:
        self._event(step, summary=self.summaries.Summary(value=values))

    def _event(self, step: int, **content: Any) -> None:
        event = self.proto.Event(wall_time=time.time(), step=step, **content)
        with self._complaining():
            self._writer.write(event.SerializeToString())

    @contextmanager
    def _complaining(self) -> Iterator[None]:
        """Say where it was that the system refused to write."""
        try:
            yield
        except OSError as error:
            raise OutputError(f"{self.folder}: the log cannot be written ({reason(error)}).") from error
