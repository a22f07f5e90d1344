"""A chain of steps and its policy, from an image to an image, with its record."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from convcli.bounds import MAX_PIXELS
from convcli.errors import UsageError
from convcli.filtering.chain import DIGITS, Doing, Findings, Laying, apply
from convcli.filtering.notes import of_result
from convcli.filtering.policy import FROM_FILE, Policy
from convcli.images import FORMATS, Image
from convcli.images.curves import curves_of
from convcli.kernels import Kernel

NAMED = 4  # steps, in the name of a result


@dataclass(frozen=True, eq=False)
class Pipeline:
    """Steps, and what holds for all of them and at the end."""

    steps: Sequence[Doing]
    policy: Policy

    def __post_init__(self) -> None:
        """Raise `UsageError` if a step names a fill that its border, or the one of all steps, never shows."""
        for number, step in enumerate(self.steps, 1):
            border = getattr(step, "border", None) or self.policy.border
            if getattr(step, "fill", None) is not None and border != "constant":
                raise UsageError(
                    f"step {number}: {step.label}: fill needs border=constant; found border {border}."
                )

    def check(self, format: str | None) -> None:  # noqa: A002
        """Raise `UsageError` if files of a format hold no integers of the policy's depth."""
        depth = self.policy.depth
        if format is None or depth is None or FORMATS[format].has_depth(depth):
            return
        fitting = [one.endings[0] for one in FORMATS.values() if one.proposed and one.has_depth(depth)]
        raise UsageError(
            f"--depth {depth}: {format.upper()} files hold no {depth} bits; {', '.join(fitting)} files do."
        )

    @classmethod
    def of(cls, kernel: Kernel, policy: Policy, written: str = "") -> Pipeline:
        """Return the pipeline of one kernel; `written` as `Laying` has it."""
        return cls((Laying(kernel, policy, written),), policy)

    @property
    def has_constant_border(self) -> bool:
        """Whether the fill of all steps can be seen: by their border, or a step's that has no own fill."""
        return self.policy.border == "constant" or any(
            getattr(step, "border", None) == "constant" and getattr(step, "fill", None) is None
            for step in self.steps
        )

    @property
    def label(self) -> str:
        """What results are called: the steps' names, the first ones of many."""
        names = [step.label for step in self.steps]
        some = names[:NAMED]
        return "-".join([*some, f"and-{len(names) - NAMED}-more"] if len(names) > NAMED else some)

    @property
    def luma(self) -> bool:
        """Whether only the brightness of an image is looked at, which a JPEG file has ready."""
        return self.steps[0].luma and not self.policy.linear  # brightness is one of stored values

    def __call__(
        self,
        image: Image,
        *,
        format: str | None = None,  # noqa: A002  (the option's name)
        max_pixels: int = MAX_PIXELS,
        threads: int | None = None,
        progress: Callable[[float], None] | None = None,
        extremes: tuple[float, float] | None = None,
    ) -> tuple[Image, Findings, list[str]]:
        """Return the filtered image, as a file of `format` (None: of any) can hold it; what is found; notes.

        `max_pixels` is how many it may have; the other options and the errors are those of `apply`.
        """
        policy = self.policy.naming(image.nodata)
        depth = policy.depth or _depth_for(image.pixels.dtype, format, policy.range)
        linear = policy.linear and image.pixels.dtype.kind != "f"
        result = apply(
            image.pixels,
            self.steps,
            policy,
            opacity=image.alpha,
            depth=depth,
            max_pixels=max_pixels,
            threads=threads,
            progress=progress,
            extremes=extremes,
            curves=curves_of(image.metadata) if linear else (),
        )
        notes = []
        if policy.linear and not linear:
            notes.append("floats are taken for linear light as they are")
        if image.alpha is not None and result.alpha is None and policy.background is None:
            notes.append("raw values are written without the alpha channel.")
        notes += of_result(result)
        if FROM_FILE in self.policy.nodata and image.nodata is None:
            notes.append("the file names no value for no data")
        if image.nodata is not None and not self.policy.nodata:
            notes.append(
                f"the file says that {image.nodata:g} is no data; --nodata auto leaves such pixels out"
            )
        if depth and image.pixels.dtype.kind == "f" and result.found.range != "stretch":
            white = 2**depth - 1
            others = " shows others" if policy.depth else ", .tif and .npy show others"
            notes.append(f"floats are written as 0 … {white}, where 1 is white; --range stretch{others}")
        return Image(result.pixels, result.alpha, image.metadata), result.found, notes

    def record(self) -> dict[str, Any]:
        """Return what tells this pipeline from all others."""
        ends = {name: getattr(self.policy, name) for name in ("range", "alpha", "linear")}
        steps = [step.record() for step in self.steps]
        if len(self.steps) == 1 and isinstance(self.steps[0], Laying):
            own = steps[0]
        else:
            details = hashlib.sha256(json.dumps(steps, sort_keys=True).encode()).hexdigest()[:DIGITS]
            own = {"steps": " then ".join(step.text for step in self.steps), "details": details}
            own |= {"border": self.policy.border, "fill": self.policy.fill}
        nodata = [str(value) for value in self.policy.nodata]
        return {**own, **ends, "nodata": nodata, **self.policy.pixel_record}


def _depth_for(dtype: np.dtype[Any], format: str | None, range: str) -> int | None:  # noqa: A002
    """Return 8 where a result has to be made 8 bits, as its file holds no floats or no numbers as wide."""
    if range == "raw" or format is None:
        return None
    if dtype.kind == "f":
        return None if FORMATS[format].holds("float32") else 8
    return 8 if range == "stretch" and not FORMATS[format].holds(dtype.name) else None
