"""The steps of a chain. Importing this registers them all; a new one is a class here and a line below."""

from convcli.filtering.steps import (  # noqa: F401  (importing them fills the registry)
    canny,
    comparing,
    geometry,
    kernel,
    points,
    ranks,
    sharpening,
    threshold,
    tone,
)
from convcli.filtering.steps.step import STEPS, Step

__all__ = ["STEPS", "Step"]
