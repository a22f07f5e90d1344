"""The exact numbers as JSON."""

from __future__ import annotations

import json as encoder

from convcli.explaining.elements import Explanation
from convcli.render.explain import FORMATS


@FORMATS.register("json")
def json(explanation: Explanation) -> bytes:
    """Return all numbers of an explanation, in full."""
    return (encoder.dumps(explanation.document(), ensure_ascii=False, allow_nan=False) + "\n").encode()
