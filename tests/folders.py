"""What tests of files and folders ask, and where they can be asked."""

from __future__ import annotations

import sys

import pytest

unix = pytest.mark.skipif(sys.platform == "win32", reason="links, pipes, modes and such locks are Unix's")


def names(folder):
    """Return the names of what is in a folder, in order."""
    return sorted(path.name for path in folder.iterdir())
