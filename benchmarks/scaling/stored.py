"""What was measured, in docs/scaling.json: each program writes its part, and says on which machine."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from typing import Any

from benchmarks.machine import machine
from benchmarks.setting import ROOT

FILE = ROOT / "docs" / "scaling.json"

DELAY, RATE = 1e-3, 125e6
"""Of the slow link: seconds one way, and bytes a second."""

LOOPBACK = {"MPIR_CVAR_NOLOCAL": "1", "UCX_TLS": "tcp,self"}
"""Has MPICH talk over sockets within one machine, instead of its memory."""


def store(part: str, found: dict[str, Any]) -> None:
    """Put one part into the file."""
    document = stored() if FILE.exists() else {}
    document["machine"] = machine(os.cpu_count() or 1)
    document[part] = {"date": datetime.now(UTC).strftime("%Y-%m-%d"), **found}
    FILE.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def stored() -> dict[str, Any]:
    """Return all parts."""
    document: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return document
