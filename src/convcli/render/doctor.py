"""What there is on a machine, in lines."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from convcli.doctor import Findings
from convcli.wording import memory


def doctor_text(found: Findings) -> str:
    """Return it for a person to read."""
    lines = list(_lines(found))
    width = max(len(name) for name, _ in lines) + 2
    return "\n".join(f"{name:{width}}{text}" for name, text in lines)


def _lines(found: Findings) -> Iterator[tuple[str, str]]:
    yield "convcli", found.convcli
    yield "Python", f"{found.python}, {found.system}"
    yield "packages", ", ".join(f"{name} {version or 'MISSING'}" for name, version in found.packages.items())
    yield "processor", f"{found.processor}: {', '.join(found.instructions)}"
    yield "cores", _cores(found)
    yield "memory", "unknown" if found.memory == sys.maxsize else memory(found.memory)
    for library in found.blas:
        kernels, threads = library["kernels"] or "unknown", library["threads"]
        yield "BLAS", f"{library['name']} {library['version']}, {kernels} kernels, {threads} thread(s)"
    row = found.costs
    yield "costs", f"row {row.kernels}: Winograd from {row.winograd_channels} channels"
    for extra, missing in found.extras.items():
        yield f"extra {extra}", f"missing: {', '.join(missing)}" if missing else "installed"


def _cores(found: Findings) -> str:
    cores, granted = found.cores, found.cores["control group"]
    limit = "" if granted is None else f", {granted:g} granted by its control group"
    scheduled = f"{cores['affinity']} for this process of {cores['machine']}{limit}"
    return f"{cores['used']} used ({scheduled}); training with {found.workers}"
