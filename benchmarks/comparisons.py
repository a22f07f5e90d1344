"""The one table of comparisons: name → function from a `Setting` to a `Section`, in their order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from benchmarks import commands, filters, folders, mnist, training
from benchmarks.measuring import Section
from benchmarks.setting import Setting

Comparison: TypeAlias = Callable[[Setting], Section]

COMPARISONS: Mapping[str, Comparison] = {
    "train": training.train,
    "mnist": mnist.mnist,
    "filter2d": filters.filter2d,
    "commands": commands.photo_commands,
    "startup": commands.startup,
    "threads": training.threads,
    "image-size": filters.image_size,
    "kernel-size": filters.kernel_size,
    "batch-memory": training.batch_memory,
    "folders": folders.folders,
}
