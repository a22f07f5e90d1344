"""What a file that `export --to onnx` wrote says of itself, beside its graph."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from convcli.nn.losses import LOSSES
from convcli.nn.preprocessing import Preprocessing

PRODUCER = "convcli"
_ODD = (ValueError, TypeError, KeyError, RecursionError, OverflowError)


@dataclass(frozen=True)
class Own:
    """What such a file says; None where it does not, or not as it was written."""

    classes: tuple[str, ...] | None = None
    preprocessing: Preprocessing | None = None
    loss: str | None = None
    flips: bool = False


def said(producer: str, metadata: Mapping[str, str]) -> Own:
    """Return what a file says of itself that this producer wrote: nothing, if it is another."""
    if producer != PRODUCER:
        return Own()
    formula = metadata.get("probabilities")
    loss = next((name for name, one in LOSSES.items() if one.formula == formula), None)
    flips = _read(metadata, "flips") is True
    return Own(_classes(_read(metadata, "classes")), _preprocessing(metadata), loss, flips)


def _read(metadata: Mapping[str, str], key: str) -> Any:
    try:
        return json.loads(metadata[key])
    except _ODD:
        return None


def _classes(names: Any) -> tuple[str, ...] | None:
    told = isinstance(names, list) and names and all(isinstance(name, str) for name in names)
    return tuple(names) if told and len(set(names)) == len(names) else None


def _preprocessing(metadata: Mapping[str, str]) -> Preprocessing | None:
    try:
        return Preprocessing.from_document(json.loads(metadata["preprocessing"]))
    except _ODD:
        return None
