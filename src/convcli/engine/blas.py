"""The libraries that multiply matrices: which there are, and how many threads each may use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock
from types import ModuleType
from typing import Any

_lock = Lock()
_holders = 0
_limits: Any = None


@cache
def _threadpoolctl() -> ModuleType:
    """Return the module, imported without the variable that it would leave in the environment."""
    known = "KMP_DUPLICATE_LIB_OK" in os.environ
    import threadpoolctl

    if not known:
        os.environ.pop("KMP_DUPLICATE_LIB_OK", None)
    module: ModuleType = threadpoolctl
    return module


def blas_libraries() -> list[dict[str, Any]]:
    """Return what threadpoolctl knows of each library that is loaded."""
    found = _threadpoolctl().threadpool_info()
    return [library for library in found if library["user_api"] == "blas"]


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Hold BLAS to the thread that asks for a product, until the last of those that are within has left.

    The number of its threads is a matter of the whole process. Whoever comes first remembers it and whoever
    leaves last restores it: several threads may be within at a time, and leave in any order.
    """
    global _holders, _limits
    with _lock:
        if not _holders:
            _limits = _threadpoolctl().threadpool_limits(1, user_api="blas")
        _holders += 1
    try:
        yield
    finally:
        with _lock:
            _holders -= 1
            if not _holders:
                _limits.restore_original_limits()


def held() -> bool:
    """Return whether BLAS is held to one thread now."""
    return _holders > 0
