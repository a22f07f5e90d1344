"""How others write what we compute: names, arguments, axes, caches, classes; recognised, and called so."""

from convcli.grading.conventions.call import Call, Unlike
from convcli.grading.conventions.recognition import Subject, Unknown, recognised

__all__ = ["Call", "Subject", "Unknown", "Unlike", "recognised"]
