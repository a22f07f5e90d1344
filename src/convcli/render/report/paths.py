"""Paths as a page shows them that is handed on: it tells nobody how the folders of a machine are called."""

from __future__ import annotations

import re

_ABSOLUTE = r"(?:run:)?(?:~?[/\\]|[A-Za-z]:[/\\])"
_IN_TOML = re.compile(rf'(?<=")({_ABSOLUTE}[^"]*)(?=")')
_FOLDERS = re.compile(r"^(run:)?.*[/\\](?=[^/\\])")


def without_folders(path: str) -> str:
    """Return only the last name of an absolute path, and any other as it is.

    >>> without_folders("/home/ada/photos/"), without_folders("run:/home/ada/runs/a-001#1")
    ('photos/', 'run:a-001#1')
    >>> without_folders("photos/cats"), without_folders("C:\\\\Users\\\\ada\\\\photos")
    ('photos/cats', 'photos')
    """
    return _FOLDERS.sub(r"\1", path) if re.match(_ABSOLUTE, path) else path


def config_without_folders(text: str) -> str:
    """Return a configuration in TOML with every absolute path as its last name.

    >>> config_without_folders('source = "/home/ada/photos"')
    'source = "photos"'
    """
    return _IN_TOML.sub(lambda match: without_folders(match[0]), text)
