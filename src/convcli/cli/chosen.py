"""A class that a name on the command line stands for, with the options that were given."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from convcli.errors import UsageError


def with_options(home: str, options: Mapping[str, Any], lack: str) -> Any:
    """Return an object of the class at `home`, `module:Class`, whose fields are its options.

    Options that are None were not given. Raises UsageError, which ends with `lack`, for one that it has not.
    """
    module, _, name = home.partition(":")
    chosen = getattr(import_module(module), name)
    given = {option: value for option, value in options.items() if value is not None}
    for option in given:
        if option not in chosen.model_fields:
            raise UsageError(f"--{option.replace('_', '-')}: {lack}.")
    return chosen(**given)
