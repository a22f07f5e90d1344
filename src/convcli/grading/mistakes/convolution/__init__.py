"""Mistakes of a convolution's forward pass, of one step of it, and of the padding before it."""

# Of several mistakes that explain the same, the first one is told.
# isort: off
from convcli.grading.mistakes.convolution import windows, padding, sums, axes

__all__ = ["axes", "padding", "sums", "windows"]
