"""What convcli finds on this machine: versions, BLAS, processors, memory, extras."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, requires, version
from itertools import chain
from typing import Any

import numpy as np

from convcli.bounds import machine_bytes
from convcli.engine.blas import blas_libraries
from convcli.engine.costs import Costs, costs
from convcli.engine.team import Team
from convcli.engine.threads import affinity_cores, available_cores, cgroup_cores
from convcli.runs.environment import cpu_name

_REQUIREMENT = re.compile(r"""(?P<name>[\w.-]+)[^;]*(?:;.*\bextra\s*==\s*['"](?P<extra>[\w-]+)['"])?""")


@dataclass(frozen=True)
class Findings:
    """What there is on a machine.

    Attributes
    ----------
    packages
        Each that convcli needs, and its version; None where it is missing.
    extras
        Each extra, and which of its packages are missing.
    instructions
        Sets of vector instructions that NumPy uses.
    blas
        Name, version, kernels and threads of each library that multiplies matrices.
    costs
        The row by which strategies are chosen, of convolutions and of filters.
    cores
        Of the machine, those the system lets this process have, and the processor time that its control
        groups grant (None: no limit); `used` is what convcli takes.
    memory
        Bytes.
    workers
        What trains side by side: "processes" or "threads".
    """

    convcli: str
    python: str
    system: str
    processor: str
    instructions: tuple[str, ...]
    blas: tuple[dict[str, Any], ...]
    costs: Costs
    cores: dict[str, float | None]
    memory: int
    workers: str
    packages: dict[str, str | None] = field(default_factory=dict)
    extras: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def notes(self) -> Iterator[str]:
        """Yield what is wrong or slower than it could be, each with what to do."""
        for name in (name for name, found in self.packages.items() if found is None):
            yield f"{name} is missing: install convcli again, `python -m pip install --force-reinstall .`."
        if not self.blas:
            yield (
                "No BLAS is known that multiplies matrices for NumPy: products may take all processors and "
                "get in each other's way. Set its own variable for one thread, or use NumPy's wheels."
            )
        wide = any(map(is_avx512, self.instructions))
        for library in self.blas:
            if wide and library["kernels"] in ("Haswell", "Zen"):
                yield (
                    f"The processor has AVX-512, but OpenBLAS multiplies with its {library['kernels']} "
                    "kernels, which have none: unset OPENBLAS_CORETYPE, or set it to SkylakeX."
                )


def examine() -> Findings:
    """Look at this machine."""
    packages: dict[str, str | None] = {}
    extras: dict[str, list[str]] = {}
    for name, extra in _requirements():
        if not extra:
            packages[name] = _version(name)
        else:
            extras.setdefault(extra, []).extend([name] if _version(name) is None else [])
    return Findings(
        convcli=version("convcli"),
        python=platform.python_version(),
        system=platform.platform(),
        processor=cpu_name(),
        instructions=tuple(chain.from_iterable(instructions())),
        blas=tuple(_library(info) for info in blas_libraries()),
        costs=costs(),
        cores={
            "machine": os.cpu_count(),
            "affinity": affinity_cores(),
            "control group": cgroup_cores(),
            "used": available_cores(),
        },
        memory=machine_bytes(),
        workers="processes" if Team(lambda *_: None, 2).forks else "threads",
        packages=packages,
        extras={extra: tuple(missing) for extra, missing in extras.items()},
    )


def _requirements() -> Iterator[tuple[str, str | None]]:
    """Yield each package that convcli names, and the extra that it is for."""
    for line in requires("convcli") or ():
        if match := _REQUIREMENT.match(line):
            yield match["name"], match["extra"]


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def instructions() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the sets of vector instructions that NumPy needs, and those that it finds and uses."""
    config: Any = np.show_config(mode="dicts")
    found = config.get("SIMD Extensions", {})
    return tuple(found.get("baseline", ())), tuple(found.get("found", ()))


def is_avx512(name: str) -> bool:
    """Whether a set of instructions, by NumPy's name for it, is one of AVX-512."""
    return name.startswith(("AVX512", "X86_V4"))


def _library(info: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": info["internal_api"],
        "version": info["version"],
        "kernels": info.get("architecture"),
        "threads": info["num_threads"],
    }
