"""Several images as an .npy file, a stack: (n, h, w) or (n, h, w, c), image by image."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

import numpy as np

from convcli.images.frames.frame import Frame


def write(stream: IO[bytes], frames: Iterator[Frame], *_: object) -> None:
    """Write images of one shape and dtype. The header has room for any number, and gets it at the end."""
    count, start = 0, 0
    shape: tuple[int, ...] = ()
    dtype = np.dtype(np.uint8)

    def head() -> None:
        stream.seek(0)
        said = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False}
        np.lib.format.write_array_header_1_0(stream, {**said, "shape": (count or 10**9, *shape)})

    for frame in frames:
        samples = frame.image.samples
        if not count:
            shape, dtype = samples.shape, samples.dtype
            head()
            start = stream.tell()
        stream.write(np.ascontiguousarray(samples).data)
        count += 1
    head()
    assert stream.tell() == start
