"""Names that lead to no file of this machine as they stand, but to a store: `s3://bucket/photos/a.jpg`."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")
WEB = ("http", "https")


def is_address(name: str) -> bool:
    """Whether a name begins as an address does, whatever its protocol is.

    >>> is_address("s3://photos/a.jpg"), is_address("photos/a.jpg"), is_address("c://photos")
    (True, False, False)
    """
    return _ADDRESS.match(name) is not None


def protocol_of(address: str) -> str:
    """Return what stands before `://`, in small letters; of a file's name `file`."""
    found = _ADDRESS.match(address)
    return found.group(1).lower() if found else "file"


def as_path(name: str) -> Path:
    """Return a name as the path after which a result is called: of an address what follows its protocol.

    Of the web's the query is no part of it, and `%20` is the sign it stands for; a store's are as they are.

    >>> as_path("s3://bucket/1 %20#.jpg").name, as_path("https://host/my%20photo.jpg?size=9").name
    ('1 %20#.jpg', 'my photo.jpg')
    """
    found = _ADDRESS.match(name)
    if found is None:
        return Path(name)
    if protocol_of(name) in WEB:
        parts = urlsplit(name)
        return Path(parts.hostname or "", *(unquote(part) for part in parts.path.split("/") if part))
    return Path(name[found.end() :].rstrip("/"))
