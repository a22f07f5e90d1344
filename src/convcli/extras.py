"""Packages that only an extra brings: imported where they are used, and named where they are missing."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from convcli.errors import MissingExtraError


def extra(module: str, name: str, what: str) -> Any:
    """Return a module that the extra `name` of convcli brings, for the sake of `what`.

    Raises
    ------
    MissingExtraError
        If it is not installed; the message says how to get it.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        package = module.partition(".")[0]
        if error.name is not None and error.name.partition(".")[0] != package:
            raise  # it is there, and what it needs itself is not
        raise MissingExtraError(
            f"{what} needs the package {package}, which is not installed: pip install 'convcli[{name}]'"
        ) from None
