"""The run folder: what stands in it, and how a checkpoint is written so that it is always whole."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeVar

import numpy as np

from convcli.bounds import check_memory
from convcli.engine.workspace import Array
from convcli.errors import ConvcliError, InputError, OutputError
from convcli.files import (
    flush_folder,
    is_file_inside,
    lock,
    locked,
    open_inside,
    remove_leftovers,
    write_inside,
)
from convcli.formats.safetensors import read_arrays, read_metadata, tensor_file
from convcli.wording import shortened, suggestion

BEST, LAST = "best.safetensors", "last.safetensors"
CONFIG, RESOLVED, ENVIRONMENT, METRICS = "config.toml", "resolved.toml", "environment.json", "metrics.csv"
RESULTS, CURVES, LOCK = "results.json", "curves.png", ".lock"

USUAL = Path("runs")  # where runs go and are looked for, from where one stands

# The only key of a checkpoint's metadata: with several, their order in the file would change from run to run.
_KEY = "convcli"

TEXT_BYTES = 16 << 20  # of figures, or of a checkpoint's document: more than any training writes
LONGEST_REASON = 200  # signs of what is wrong with a damaged file; it repeats the file's text


Read = TypeVar("Read")


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """Arrays by name, and a JSON document that says what they are."""

    arrays: Mapping[str, Array]
    document: dict[str, Any]

    def parts(self) -> list[bytes | memoryview]:
        """Return it as the parts of a safetensors file; the same content always gives the same bytes."""
        arrays = {key: np.asarray(array, order="C") for key, array in self.arrays.items()}
        document = json.dumps(self.document, sort_keys=True, allow_nan=False)
        return tensor_file(arrays, {_KEY: document})

    @classmethod
    def of(cls, data: bytes) -> Checkpoint:
        """Return the checkpoint that the bytes of such a file are, or raise ValueError."""
        arrays, metadata = read_arrays(io.BytesIO(data))
        return cls(arrays, _document(metadata))


@dataclass(frozen=True)
class Run:
    """A run's folder."""

    folder: Path

    @classmethod
    def create(cls, name: str, folder: Path | None = None) -> Run:
        """Make the folder of a new run: `folder`, or the next free `runs/<name>-NNN`.

        Raises OutputError if the folder cannot be made, or `folder` already holds something.
        """
        try:
            if folder is not None:
                folder.mkdir(parents=True, exist_ok=True)
                run = cls(folder)
                if any(folder.iterdir()) and not run._abandoned:
                    raise run._not_empty()
                return run
            parent = USUAL
            parent.mkdir(exist_ok=True)
            pattern = re.compile(re.escape(name) + r"-(\d+)")
            taken = [int(match[1]) for path in parent.iterdir() if (match := pattern.fullmatch(path.name))]
            number = max(taken, default=0) + 1
            while True:
                try:
                    (parent / f"{name}-{number:03}").mkdir()
                except FileExistsError:  # another run took it in the meantime
                    number += 1
                else:
                    flush_folder(parent)
                    return cls(parent / f"{name}-{number:03}")
        except OSError as error:
            where = folder or USUAL
            raise OutputError(f"{where}: the run's folder cannot be made ({error.strerror}).") from error

    @classmethod
    def open(cls, folder: Path) -> Run:
        """Return the run in `folder`.

        Raises InputError if there is none.
        """
        run = cls(folder)
        if run._abandoned:
            raise InputError(
                f"{folder}: not a run yet: its training was killed before it began. "
                "Start it again with --run-dir and this folder."
            )
        if not run._begun:
            what = "there is no such folder" if not folder.exists() else f"it has no {RESOLVED}"
            if os.path.lexists(folder / RESOLVED):
                what = f"its {RESOLVED} is no file but a link, a folder, a device or a pipe"
            named = folder.parent if len(folder.parts) != 1 else USUAL  # a name alone is looked for there too
            beside = sorted(path.parent.name for path in named.glob(f"*/{RESOLVED}"))
            raise InputError(
                f"{folder}: not a run ({what}). Expected a folder that `convcli train` wrote."
                + suggestion(folder.name, beside)
            )
        return run

    @property
    def _begun(self) -> bool:
        return is_file_inside(self.folder / RESOLVED)

    @property
    def _abandoned(self) -> bool:
        return is_file_inside(self.folder / LOCK) and not os.path.lexists(self.folder / RESOLVED)

    def _not_empty(self) -> OutputError:
        return OutputError(
            f"{self.folder}: the folder is not empty. Name another with --run-dir, "
            "or go on with that run with --resume."
        )

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Keep every other training out of the folder; what one that was killed left half-written is removed.

        Raises OutputError if another process is training there, or nothing can be written there.
        """
        try:
            file = open_inside(self.folder / LOCK, "a+b")
        except OSError as error:
            raise OutputError(f"{self.folder}: cannot be written to ({error.strerror}).") from error
        with file:
            free = _take(file)
            file.seek(0)
            if not free:
                number = file.read(20)
                process = f"process {int(number)}" if number.isdigit() else "another process"
                raise OutputError(
                    f"{self.folder}: {process} is training there now. Stop it or wait for its end."
                )
            if os.fstat(file.fileno()).st_nlink == 1:  # else it is another file, too, not ours to change
                with suppress(OSError):  # on a full disk there is no number to read, but the lock holds
                    file.truncate()
                    file.write(b"%d" % os.getpid())
            remove_leftovers(self.folder)
            yield

    @property
    def held(self) -> bool | None:
        """Whether another process is training into the folder; None where that cannot be known.

        Raises InputError if its lock is no file of its own.
        """
        try:
            with open_inside(self.folder / LOCK) as file:
                return locked(file)
        except FileNotFoundError:
            return False
        except OSError:
            return None

    def write_config(self, text: str, overrides: Iterable[str], resolved: str) -> None:
        """Write the user's file as it was, with what was set over it, and then every value in force.

        The last makes the folder a run.

        Raises OutputError if it is one already, or cannot be written.
        """
        if self._begun:
            raise self._not_empty()
        lines = "".join(f"# --set {json.dumps(override, ensure_ascii=False)}\n" for override in overrides)
        self.write(CONFIG, (text if not lines else f"{text.rstrip()}\n\n{lines}").encode())
        self.write(RESOLVED, resolved.encode())

    def read_results(self) -> dict[str, Any]:
        """Return the figures that a training has ended with; none where it has not. As `read_document`."""
        return self.read_document(RESULTS) if os.path.lexists(self.folder / RESULTS) else {}

    def write_document(self, name: str, document: Mapping[str, Any]) -> None:
        """Write a file of the run that is JSON."""
        self.write(name, (json.dumps(document, indent=2, allow_nan=False) + "\n").encode())

    def read_document(self, name: str) -> dict[str, Any]:
        """Return what `write_document` wrote.

        Raises InputError if there is no such file, or it cannot be read.
        """
        path = self.folder / name
        try:
            document = json.loads(self.read(name))
        except (ValueError, RecursionError) as error:
            raise InputError(
                f"{path}: damaged: not the JSON that `convcli train` wrote ({shortened(str(error))})."
            ) from error
        if not isinstance(document, dict):
            raise InputError(f"{path}: damaged: expected a JSON object, as `convcli train` wrote it.")
        return document

    def read(self, name: str) -> bytes:
        """Return what stands in a file of the run.

        Raises InputError if it is no file, is not there, or no text of a run could be as long.
        """
        path = self.folder / name
        try:
            with open_inside(path) as file:
                data = file.read(TEXT_BYTES + 1)
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror}).") from error
        if len(data) > TEXT_BYTES:
            raise InputError(f"{path}: damaged: more than {TEXT_BYTES:,} bytes.")
        return data

    def digest(self, name: str) -> str:
        """Return the SHA-256 of a file of the run, in hexadecimal."""
        digest = hashlib.sha256()
        with open_inside(self.folder / name) as file:
            while block := file.read(1 << 20):
                digest.update(block)
        return digest.hexdigest()

    def write_checkpoint(self, name: str, checkpoint: Checkpoint) -> None:
        """Write `checkpoint` as safetensors."""
        self.write(name, *checkpoint.parts())

    def read_checkpoint(self, name: str) -> Checkpoint:
        """Return a checkpoint.

        Raises InputError if it is missing, damaged, or not one of ours.
        """
        arrays, metadata = self._read_checkpoint(name, read_arrays)
        return Checkpoint(arrays, self._checkpoint_document(name, metadata))

    def read_checkpoint_document(self, name: str) -> dict[str, Any]:
        """Return what a checkpoint says, without its arrays; raises as `read_checkpoint` does."""
        return self._checkpoint_document(name, self._read_checkpoint(name, read_metadata))

    def _read_checkpoint(self, name: str, read: Callable[[IO[bytes]], Read]) -> Read:
        path = self.folder / name
        try:
            with open_inside(path) as stream:
                size = os.fstat(stream.fileno()).st_size
                check_memory(str(path), size, advice="It is no checkpoint that convcli wrote.")
                return read(stream)
        except FileNotFoundError:
            raise InputError(
                f"{path}: no such file. No epoch of this run has ended yet, or it was removed."
            ) from None
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror or error}).") from error
        except ValueError as error:
            if isinstance(error, ConvcliError):
                raise
            raise InputError(
                f"{path}: damaged checkpoint ({shortened(str(error), LONGEST_REASON)})."
            ) from error

    def _checkpoint_document(self, name: str, metadata: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return _document(metadata)
        except ValueError:
            raise InputError(
                f"{self.folder / name}: a safetensors file, but not one that convcli wrote."
            ) from None

    def write(self, name: str, *parts: bytes | memoryview) -> None:
        """Write a file of the run, as a whole or not at all."""
        write_inside(self.folder / name, *parts)


def _document(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the metadata of a checkpoint say, or raise ValueError if they are not one's."""
    try:
        return dict(json.loads(metadata[_KEY]))
    except (KeyError, TypeError, ValueError, RecursionError):  # no JSON object
        raise ValueError("no checkpoint's metadata") from None


def _take(file: IO[bytes]) -> bool:
    """Return whether the lock of a run could be had. Who asks whether a training runs has it for a moment."""
    with suppress(OSError):  # where there are no locks, we do without
        for _ in range(5):
            if lock(file):
                return True
            time.sleep(0.02)
        return False
    return True
