"""A pipeline as a manifest has it: a document that reads back, and a digest of all that it means."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from convcli import kernels
from convcli.filtering.chain import DIGITS
from convcli.filtering.pipeline import Pipeline
from convcli.filtering.pipeline_file import read_pipeline
from convcli.filtering.steps.parsing import Read


@dataclass(frozen=True, eq=False)
class Recipe:
    """A pipeline that has been read from a document.

    Attributes
    ----------
    digest
        Tells it from all others, with the weights of files and of trained networks, which the document only
        names.
    """

    document: Mapping[str, Any]
    digest: str
    pipeline: Pipeline = field(repr=False)

    @classmethod
    def of(cls, document: Mapping[str, Any], where: str, read: Read = kernels.parse) -> Recipe:
        """Return what a document says; `where` names it in errors, which are those of `read_pipeline`."""
        pipeline = read_pipeline(document, where, read=read)
        record = json.dumps(pipeline.record(), sort_keys=True).encode()
        return cls(document, hashlib.sha256(record).hexdigest()[:DIGITS], pipeline)
