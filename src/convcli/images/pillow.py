"""What of Pillow belongs to the whole process, its warnings and its limit of pixels, and its many errors."""

from __future__ import annotations

import logging
import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

import PIL.Image

from convcli.errors import InputError, MissingExtraError
from convcli.images.bounds import too_large
from convcli.wording import shortened, shown

MOST_WARNINGS = 3  # of one file: some can be had a thousand times

logging.getLogger("PIL").addHandler(logging.NullHandler())  # what it would say on stderr, its errors say too


class _Reading:
    """While anyone reads: warnings go to the thread that caused them, and Pillow's limit is out of the way.

    `warnings.catch_warnings` alone would have threads undo what others have done.
    """

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        self.lock = threading.Lock()
        self.readers = 0
        self.texts = threading.local()

    def enter(self, max_pixels: int) -> list[str]:
        with self.lock:
            if not self.readers:
                self.usual_limit = PIL.Image.MAX_IMAGE_PIXELS
                self.caught = warnings.catch_warnings()
                self.caught.__enter__()
                warnings.simplefilter("always")
                self.usual, warnings.showwarning = warnings.showwarning, self.note
            self.readers += 1
            if PIL.Image.MAX_IMAGE_PIXELS is not None:
                PIL.Image.MAX_IMAGE_PIXELS = max(PIL.Image.MAX_IMAGE_PIXELS, max_pixels)
        texts: list[str] = []
        self.texts.mine = texts
        return texts

    def leave(self) -> None:
        del self.texts.mine
        with self.lock:
            self.readers -= 1
            if not self.readers:
                PIL.Image.MAX_IMAGE_PIXELS = self.usual_limit
                self.caught.__exit__(None, None, None)

    def note(
        self,
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        texts = getattr(self.texts, "mine", None)
        if texts is None:  # another thread's, which does not read
            self.usual(message, category, filename, lineno, file, line)
        elif category is not PIL.Image.DecompressionBombWarning:  # at half its limit the image is just large
            text = _line(message)
            if text not in texts and len(texts) < MOST_WARNINGS:
                texts.append(text)


# One for the process, as are Pillow's limit and Python's way to show warnings, which it changes meanwhile.
_READING = _Reading()
if hasattr(os, "register_at_fork"):  # a child would find the lock as it was, taken perhaps, and for ever
    os.register_at_fork(after_in_child=_READING.begin)


@contextmanager
def reading(where: str, max_pixels: int) -> Iterator[list[str]]:
    """Turn Pillow's errors into `InputError`; yield a list that fills with its warnings.

    `max_pixels` are what the caller allows; where Pillow's own limit is lower, it is raised meanwhile.
    """
    texts = _READING.enter(max_pixels)
    try:
        yield texts
    except (InputError, MissingExtraError, MemoryError):
        raise
    except PIL.Image.DecompressionBombError as error:
        raise too_large(f"{where}: its pixels", max_pixels) from error
    except Exception as error:  # damaged files raise OSError, SyntaxError, struct.error, zlib.error and more
        if isinstance(error, OSError) and error.errno:
            raise InputError(f"{where}: cannot be read ({error.strerror}).") from error
        raise InputError(f"{where}: the image is damaged or cut short ({_line(error)}).") from error
    finally:
        _READING.leave()


def _line(error: Exception | str) -> str:
    """Return what Pillow says, or the kind of its error, as a part of a line."""
    return shortened(shown(str(error) or type(error).__name__), 160).rstrip(".")
