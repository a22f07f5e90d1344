"""Names that lead to no file of this machine as they stand, but to a store: `s3://bucket/photos/a.jpg`."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

from convcli.errors import InputError
from convcli.wording import shown

_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")
_CUT = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):[/\\]+")  # as a path has it, which keeps one separator of two
WEB = ("http", "https")

_read: Callable[[str, int], bytes] | None = None


class Address(type(Path())):  # type: ignore[misc]  # of this system's kind, which is known here alone
    """A place in a store, where a path is asked for: what is computed with names holds, nothing is there.

    >>> out = Address("s3://bucket/edges")
    >>> str(out / "a_sobel.png"), (out / "a_sobel.png").parent == out
    ('s3://bucket/edges/a_sobel.png', True)
    """

    def __str__(self) -> str:
        protocol, *parts = self.parts or ("",)
        if not protocol.endswith(":"):  # a part of one
            return "/".join(self.parts)
        return f"{protocol}//{'/'.join(parts)}"

    def __fspath__(self) -> str:
        return str(self)


def is_address(name: str) -> bool:
    """Whether a name begins as an address does, whatever its protocol is.

    >>> is_address("s3://photos/a.jpg"), is_address("photos/a.jpg"), is_address("c://photos")
    (True, False, False)
    """
    return _ADDRESS.match(name) is not None


def path_of(name: str | os.PathLike[str]) -> Path:
    """Return a name as a path: an `Address` where it is one, also if a path has cut its separators short.

    `file://` is this machine.

    >>> path_of(Path("s3://bucket/edges")), path_of("file:///tmp/a%20b.png"), path_of("a/b")
    (Address('s3://bucket/edges'), PosixPath('/tmp/a%20b.png'), PosixPath('a/b'))
    """
    if isinstance(name, Address):
        return name
    text = os.fspath(name)
    found = _CUT.match(text)
    if found is None or (not is_address(text) and os.path.lexists(text)):
        return Path(text)
    if found.group(1).lower() in ("file", "local"):
        return Path(f"/{text[found.end() :]}")
    return Address(f"{found.group(1).lower()}://{text[found.end() :]}")


def plain_name(name: str) -> str:
    """Return a name without `file://`, which says no more than a path does."""
    return str(path_of(name)) if name[:9].lower().startswith(("file://", "local://")) else name


def read_by(read: Callable[[str, int], bytes]) -> None:
    """Have `read_address` ask whoever knows stores."""
    global _read
    _read = read


def read_address(address: Address, most: int) -> bytes:
    """Return an object of a store, but no more than so many bytes; raise `InputError` if it cannot be had."""
    if _read is None:
        raise InputError(f"{shown(address)}: an address, from which nothing is read here; copy it to a file.")
    return _read(str(address), most)


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
