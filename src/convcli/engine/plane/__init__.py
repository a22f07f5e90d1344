"""One plane filtered with one kernel, by whichever of several strategies is fastest for it."""
