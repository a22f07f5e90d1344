"""The steps of a chain: a file a family. A new one is a class there, and its name among `step.FAMILIES`."""

from convcli.filtering.steps.step import STEPS, Step

__all__ = ["STEPS", "Step"]
