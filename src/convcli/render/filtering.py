"""What is said of a filtered image: a line, or a document."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from convcli.filtering import Findings
from convcli.filtering.outcomes import Done
from convcli.filtering.rehearsal import Planned
from convcli.render.kernels import sum_document, sum_words
from convcli.wording import shown


def result_lines(
    where: str, found: Findings, width: int | None = None, frames: int | None = None
) -> list[str]:
    """Return what was made of one image: a line, or several where it is longer than `width` columns.

    `frames` is how many there are of it, if it is no single picture. What is as usual (8 bits, correlation,
    nothing clipped) is left out.
    """
    rows, columns = found.shape[:2]
    size = f"{rows} high, {columns} wide"
    dtype = "" if found.dtype == np.uint8 else f" {found.dtype}"
    clipped = f", {found.clipped:.1%} clipped" if found.clipped else ""
    responses = f"responses {found.minimum:.6g} … {found.maximum:.6g}{clipped}"
    many = [] if frames is None else [f"{frames:,} frame{'' if frames == 1 else 's'}"]
    parts = [where, *many, size + dtype, *_made_by(found), responses]
    lines = [parts[0]]
    for part in parts[1:]:
        if width is not None and len(lines[-1]) + 2 + len(part) > width:
            lines.append(f"  {part}")
        else:
            lines[-1] += f"  {part}"
    return lines


def _made_by(found: Findings) -> list[str]:
    """Return the kernel, or the steps, that an image was made by."""
    if found.laying is None:
        return [f"{'→ ' if number else ''}{shown(step.text)}" for number, step in enumerate(found.steps)]
    kernel, policy = found.laying.kernel, found.laying.policy
    f_h, f_w = kernel.shape
    turned = "" if policy.op == "correlate" else f" ({policy.op})"
    return [f"{shown(kernel.name)}{turned} {f_h} × {f_w}, {sum_words(kernel)}"]


def result_document(done: Done) -> dict[str, Any]:
    """Return what --json says of one image."""
    found = done.found
    return {
        "input": done.job.source,
        "output": str(done.job.target),
        **({} if done.frames is None else {"frames": done.frames}),
        **_steps_document(found),
        "nodata": {"pixels": found.missing, "results": found.blank},
        "not_finite": found.odd,
        "range": found.range,
        "input_shape": list(done.input_shape),
        "shape": list(found.shape),
        "dtype": found.dtype.name,
        "minimum": found.minimum if math.isfinite(found.minimum) else None,
        "maximum": found.maximum if math.isfinite(found.maximum) else None,
        "clipped": found.clipped,
        "seconds": round(done.seconds, 6),
    }


def _steps_document(found: Findings) -> dict[str, Any]:
    """Return what an image was made by: one kernel with all its options, or steps."""
    if found.laying is None:
        ends = {name: getattr(found.policy, name) for name in ("border", "fill", "alpha", "linear")}
        ends |= {name: getattr(found.policy, name) for name in ("depth", "background")}
        return {"steps": [step.document() for step in found.steps], **ends}
    kernel, policy = found.laying.kernel, found.laying.policy
    return {
        "kernel": kernel.name,
        "parameters": dict(kernel.parameters),
        "kernel_shape": list(kernel.shape),
        "kernel_sum": sum_document(kernel),
        "scale": kernel.scale,
        "normalized": kernel.normalized,
        "anchor": None if kernel.anchor is None else list(kernel.anchor),
        **policy.document(),
        "channels": policy.channels_for(kernel),
    }


def planned_line(planned: Planned) -> str:
    """Return what --dry-run says of one result."""
    job, shape = planned.job, planned.input_shape
    target = "standard output" if job.target is None else shown(job.target)
    size = "" if shape is None else f"  {shape[0]} high, {shape[1]} wide"
    return f"{shown(job.source)} → {target}{size}{'  replaced' if planned.replaces else ''}"


def planned_document(planned: Planned) -> dict[str, Any]:
    """Return what --dry-run --json says of one result."""
    job, shape = planned.job, planned.input_shape
    return {
        "input": job.source,
        "output": str(job.target),
        "input_shape": None if shape is None else list(shape),
        "replaces": planned.replaces,
    }
