"""The run folder: what stands in it, and how a checkpoint is written so that it is always whole."""

from __future__ import annotations

import csv
import io
import json
import platform
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy
from threadpoolctl import threadpool_info

from convcli.engine.workspace import Array
from convcli.errors import InputError, OutputError
from convcli.files import write_atomically

BEST, LAST = "best.safetensors", "last.safetensors"
CONFIG, RESOLVED, ENVIRONMENT, METRICS = "config.toml", "resolved.toml", "environment.json", "metrics.csv"

# The only key of a checkpoint's metadata: with several, their order in the file would change from run to run.
_KEY = "convcli"


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """Arrays by name, and a JSON document that says what they are."""

    arrays: Mapping[str, Array]
    document: dict[str, Any]


@dataclass(frozen=True)
class Run:
    """A run's folder."""

    folder: Path

    @classmethod
    def create(cls, name: str, folder: Path | None = None) -> Run:
        """Make the folder of a new run: `folder`, or the next free `runs/<name>-NNN`.

        Raises
        ------
        OutputError
            If the folder cannot be made, or `folder` already holds something.
        """
        try:
            if folder is not None:
                folder.mkdir(parents=True, exist_ok=True)
                if any(folder.iterdir()):
                    raise OutputError(
                        f"{folder}: the folder is not empty. Name another with --run-dir, "
                        "or go on with that run with --resume."
                    )
                return cls(folder)
            parent = Path("runs")
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
                    return cls(parent / f"{name}-{number:03}")
        except OSError as error:
            where = folder or Path("runs")
            raise OutputError(f"{where}: the run's folder cannot be made ({error.strerror}).") from error

    @classmethod
    def open(cls, folder: Path) -> Run:
        """Return the run in `folder`.

        Raises
        ------
        InputError
            If there is none.
        """
        if not (folder / RESOLVED).is_file():
            what = "there is no such folder" if not folder.exists() else f"it has no {RESOLVED}"
            raise InputError(f"{folder}: not a run ({what}). Expected a folder that `convcli train` wrote.")
        return cls(folder)

    def write_config(self, text: str, overrides: Iterable[str], resolved: str) -> None:
        """Write the user's file as it was, with what was set over it, and every value in force."""
        lines = "".join(f"# --set {json.dumps(override, ensure_ascii=False)}\n" for override in overrides)
        self.write(CONFIG, (text if not lines else f"{text.rstrip()}\n\n{lines}").encode())
        self.write(RESOLVED, resolved.encode())

    def write_environment(self, *, seed: int, threads: int) -> None:
        """Write what the figures may depend on besides the configuration."""
        blas = [info for info in threadpool_info() if info["user_api"] == "blas"]
        document = {
            "versions": {"python": platform.python_version(), "convcli": version("convcli")}
            | {name: version(name) for name in ("numpy", "pillow", "pydantic", "safetensors")},
            "platform": platform.platform(),
            "cpu": _cpu_name(),
            "blas": [
                {key: info.get(key) for key in ("internal_api", "version", "architecture")} for info in blas
            ],
            "threads": threads,
            "seed": seed,
        }
        self.write(ENVIRONMENT, (json.dumps(document, indent=2) + "\n").encode())

    def write_metrics(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Write the table of all epochs so far."""
        rows = list(rows)
        text = io.StringIO()
        table = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
        self.write(METRICS, text.getvalue().encode())

    def write_checkpoint(self, name: str, checkpoint: Checkpoint) -> None:
        """Write `checkpoint` as safetensors; the same content always gives the same bytes."""
        arrays = {key: np.ascontiguousarray(array) for key, array in checkpoint.arrays.items()}
        document = json.dumps(checkpoint.document, sort_keys=True, allow_nan=False)
        self.write(name, safetensors.numpy.save(arrays, {_KEY: document}))

    def read_checkpoint(self, name: str) -> Checkpoint:
        """Return a checkpoint.

        Raises
        ------
        InputError
            If it is missing, damaged, or not one of ours.
        """
        path = self.folder / name
        try:
            with safetensors.safe_open(path, framework="numpy") as file:
                document = json.loads((file.metadata() or {})[_KEY])
                arrays = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
            return Checkpoint(arrays, document)
        except FileNotFoundError:
            raise InputError(f"{path}: no such checkpoint; the run ended before it wrote one.") from None
        except (safetensors.SafetensorError, TypeError, OSError) as error:  # TypeError: NumPy lacks the dtype
            raise InputError(f"{path}: damaged checkpoint ({error}).") from error
        except (KeyError, json.JSONDecodeError):
            raise InputError(f"{path}: a safetensors file, but not one that convcli wrote.") from None

    def write(self, name: str, data: bytes) -> None:
        """Write a file of the run, as a whole or not at all."""
        write_atomically(self.folder / name, data)


def _cpu_name() -> str:
    """Return the processor's name where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
