"""Stores of objects, by fsspec: what is asked of names there, and objects read and written whole.

An object's place is its address. Nothing is kept of what a store has said: it may be another's in a moment.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from errno import ENOENT
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

from convcli.errors import (
    ConvcliError,
    InputError,
    MissingExtraError,
    OutputError,
    UnknownNameError,
    UsageError,
)
from convcli.extras import extra
from convcli.files import Address, is_address, protocol_of
from convcli.images.places import HERE, Entry, Places, is_wild
from convcli.wording import shortened, shown, suggestion

COMMON = ("s3", "gs", "az", "abfs", "http", "https", "sftp", "hdfs", "memory", "file")
LONGEST_REASON = 200  # signs: some stores answer with a page

_EXCLUSIVE = ("s3", "s3a", "gs", "gcs", "memory")
"""Where an object can be written on condition that there is none; `memory` is one process's own."""
_REMEMBERING = ("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "http", "https")
"""Whose drivers keep what a store has said, unless they are told not to; others take no such option."""
_WITH_FOLDERS = ("sftp", "ssh", "smb", "hdfs", "webhdfs", "ftp", "arrow_hdfs")
_LOGGING = ("fsspec", "google", "azure", "paramiko")  # what drivers build on
_TIMES = ("LastModified", "Last-Modified", "mtime", "updated", "last_modified", "modified", "created")


class Info(NamedTuple):
    """What a store says of an object."""

    bytes: int | None
    modified: int | None  # in nanoseconds since 1970
    etag: str | None


def places_of(name: str) -> Places:
    """Return where a name leads: this machine, or a store; as `store_of`."""
    return store_of(name) if is_address(name) else HERE


def store_of(address: str) -> Store:
    """Return the store that an address is of.

    Raises `UnknownNameError` of a protocol that there is none of, `MissingExtraError` of one that needs
    another package.
    """
    fsspec = extra("fsspec", "dask", "an address")
    protocol = protocol_of(address)
    try:
        kind = fsspec.get_filesystem_class(protocol)
    except ValueError:
        like = suggestion(protocol, fsspec.available_protocols())
        hint = suggestion(protocol, COMMON) if " Known: " in like else like
        raise UnknownNameError("protocol", protocol, (), hint.strip()).placed(address) from None
    except ImportError as error:
        package = _package(protocol, error)
        raise MissingExtraError(
            f"{shown(address)}: {protocol}:// needs the package {package}, which is not installed: "
            f"pip install {package}, and so on each worker."
        ) from None
    with _told(address, InputError, "cannot be reached"):
        options = kind._get_kwargs_from_urls(address)
        options.pop("path", None)
    return _store(protocol, tuple(sorted(options.items())))


def _package(protocol: str, error: ImportError) -> str:
    """Return what is to be installed for a protocol."""
    known = extra("fsspec.registry", "dask", "an address").known_implementations
    module = str(known[protocol]["class"]).partition(".")[0]
    cause = error.__cause__
    if isinstance(cause, ModuleNotFoundError) and cause.name:
        module = cause.name.partition(".")[0]
    return {"azure": "adlfs", "requests": "aiohttp", "smbclient": "smbprotocol"}.get(module, module)


@lru_cache(32)
def _store(protocol: str, options: tuple[tuple[str, Any], ...]) -> Store:
    fsspec = extra("fsspec", "dask", "an address")
    _unprinted(fsspec.get_filesystem_class(protocol).__module__.partition(".")[0])
    with _told(f"{protocol}://", InputError, "cannot be reached"):
        own = {"use_listings_cache": False} if protocol in _REMEMBERING else {}
        files = fsspec.filesystem(protocol, **own, **dict(options))
    return _KINDS.get(protocol, Store)(protocol, files)


def _unprinted(driver: str) -> None:
    """Keep what a driver logs, such as each of its tries with where it failed, out of the terminal.

    Python prints what nobody takes. A program that has set up logging still gets it.
    """
    for name in (driver, *_LOGGING):
        logging.getLogger(name).addHandler(logging.NullHandler())


class Store:
    """What is asked of one store. Errors are of one line, which names the address without its secrets."""

    def __init__(self, protocol: str, files: Any) -> None:
        self.protocol, self._files = protocol, files

    # What is asked of names, as `Places` has it.

    def entries(self, folder: str) -> Iterator[Entry]:
        """Yield what a folder holds; what marks the folder itself, and has its name, is nothing in it."""
        with _told(folder, InputError, "cannot be listed", missing="no such folder there"):
            own = self._path(folder).rstrip("/")
            for found in self._files.ls(self._path(folder), detail=True):
                name = str(found["name"]).rstrip("/")
                if name != own:
                    is_folder = found["type"] == "directory"
                    yield _entry(name.rpartition("/")[2], is_folder, None if is_folder else found.get("size"))

    def entry(self, folder: str, name: str) -> Entry | None:
        """Return what a folder holds under a name."""
        place = self.joined(folder, name)
        if self.is_folder(place):
            return _entry(name, True, None)
        info = self.info(place)
        return None if info is None else _entry(name, False, info.bytes)

    def is_folder(self, name: str) -> bool:
        """Whether a name is that of a folder, or the beginning of objects' names up to a stroke."""
        with _told(name, InputError, "cannot be looked for"):
            return name.endswith("/") or bool(self._files.isdir(self._path(name)))

    def exists(self, name: str) -> bool:
        """Whether an object or a folder is called so."""
        return self.info(name) is not None or self.is_folder(name)

    def joined(self, folder: str, name: str) -> str:
        """Return the address of something in a folder."""
        return f"{folder}{name}" if folder.endswith("/") else f"{folder}/{name}"

    def deeper(self, folder: str, name: str) -> str:
        """Return the address of a folder in a folder."""
        return f"{self.joined(folder, name)}/"

    def parted(self, pattern: str) -> tuple[str, list[str]]:
        """Return the folder before the first part with wildcards, and the parts."""
        begin, _, path = pattern.partition("://")
        host, _, path = path.partition("/")
        parts = path.split("/")
        count = next((number for number, part in enumerate(parts) if is_wild(part)), len(parts) - 1)
        return "/".join([f"{begin}://{host}", *parts[:count], ""]), parts[count:]

    def same(self, folder: str, other: Path) -> bool:
        """Whether a folder is the one for results."""
        return isinstance(other, Address) and self._normal(folder) == self._normal(str(other))

    def holds(self, other: Path, folder: str) -> bool:
        """Whether a folder is the one for results, or in it."""
        if not isinstance(other, Address):
            return False
        return f"{self._normal(folder)}/".startswith(f"{self._normal(str(other))}/")

    # What is done with objects.

    def info(self, address: str) -> Info | None:
        """Return what there is of an object, None if there is none."""
        try:
            with _told(address, InputError, "cannot be looked for"):
                found = self._files.info(self._path(address))
        except InputError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                return None
            raise
        if found.get("type") == "directory":
            return None
        times = (_nanoseconds(found[key]) for key in _TIMES if found.get(key) is not None)
        etag = found.get("ETag") or found.get("etag")
        return Info(found.get("size"), next(times, None), None if etag is None else str(etag).strip('"'))

    def fetch(self, address: str, file: Path) -> None:
        """Copy an object into a file of this machine."""
        with _told(address, InputError, "cannot be read"):
            self._files.get_file(self._path(address), str(file))

    def read(self, address: str, most: int) -> bytes:
        """Return so many bytes of an object, or all."""
        with (
            _told(address, InputError, "cannot be read"),
            self._files.open(self._path(address), "rb") as file,
        ):
            return bytes(file.read(most))

    def put(self, file: Path, address: str, *, replace: bool) -> None:
        """Make an object of a file, whole or not at all.

        Raises `OutputError`, of `FileExistsError` where there is one that must not be replaced: see
        `is_exclusive`.
        """
        self.check_writable(address)
        path = self._path(address)
        with _told(address, OutputError, "cannot be written"):
            if not replace and self.info(address) is not None:
                raise FileExistsError  # also where a store takes the condition, and does not keep it
            if self.protocol in _WITH_FOLDERS:
                self._files.makedirs(path.rpartition("/")[0], exist_ok=True)
            self._files.put_file(str(file), path, mode="overwrite" if replace else "create")

    def remove(self, address: str) -> None:
        """Remove an object."""
        with _told(address, OutputError, "cannot be removed"):
            self._files.rm_file(self._path(address))

    def now(self, folder: str) -> int:
        """Return the time by the clock that dates what is written below a folder, in nanoseconds.

        An object is written there for a moment, so that it is known as well whether one may.
        """
        self.check_writable(folder)
        marker = self.joined(folder, f".convcli-{uuid.uuid4().hex}.tmp")
        with _told(folder, OutputError, "cannot be written"):
            self._files.pipe_file(self._path(marker), b"when")
        try:
            info = self.info(marker)
        finally:
            self.remove(marker)
        return (info.modified if info is not None else None) or 0

    def check_writable(self, address: str) -> None:
        """Raise `UsageError` where nothing is written."""

    @property
    def is_exclusive(self) -> bool:
        """Whether it can tell two who write one object at the same time apart; else the last one counts."""
        return self.protocol in _EXCLUSIVE

    def _path(self, address: str) -> str:
        return str(self._files._strip_protocol(address))

    def _normal(self, address: str) -> str:
        return self._path(address).rstrip("/")


class _S3(Store):
    """S3, and what answers as it does: folders are looked through page by page, of a thousand names."""

    def entries(self, folder: str) -> Iterator[Entry]:
        """Yield what a folder holds, in the order of its names."""
        bucket, key, _ = self._files.split_path(self._path(folder))
        if not bucket:
            raise UsageError(f"{shown(folder)}: expected a bucket, such as s3://bucket/photos.")
        begin, more, empty = f"{key}/" if key else "", dict[str, str](), True
        while True:
            with _told(folder, InputError, "cannot be listed", missing="no such bucket"):
                page = self._page(bucket, begin, **more)
            for found in page.get("CommonPrefixes", ()):
                empty = False
                yield _entry(found["Prefix"][len(begin) : -1], True, None)
            for found in page.get("Contents", ()):
                empty = False
                if found["Key"] != begin:  # which stands for the folder itself
                    yield _entry(found["Key"][len(begin) :], False, found["Size"])
            if not page.get("IsTruncated"):
                break
            more = {"ContinuationToken": page["NextContinuationToken"]}
        if empty and key:
            raise FileNotFoundError(ENOENT, "no such folder there")

    def is_folder(self, name: str) -> bool:
        """Whether a name is that of a bucket, or the beginning of objects' names up to a stroke."""
        bucket, key, _ = self._files.split_path(self._path(name))
        if not key or name.endswith("/"):
            return True
        if self.info(name) is not None:
            return False
        with _told(name, InputError, "cannot be looked for"):
            found = self._page(bucket, f"{key}/", MaxKeys=1)
        return bool(found.get("Contents") or found.get("CommonPrefixes"))

    def _page(self, bucket: str, begin: str, **more: Any) -> dict[str, Any]:
        page = self._files.call_s3("list_objects_v2", Bucket=bucket, Prefix=begin, Delimiter="/", **more)
        return dict(page)


class _Google(Store):
    """Google's store, whose folders are looked through page by page as well."""

    def entries(self, folder: str) -> Iterator[Entry]:
        """Yield what a folder holds, in the order of its names."""
        bucket, key, _ = self._files.split_path(self._path(folder))
        if not bucket:
            raise UsageError(f"{shown(folder)}: expected a bucket, such as gs://bucket/photos.")
        begin, more, empty = f"{key.rstrip('/')}/" if key else "", dict[str, str](), True
        while True:
            with _told(folder, InputError, "cannot be listed", missing="no such bucket"):
                page = self._files.call(
                    "GET", "b/{}/o", bucket, delimiter="/", prefix=begin, json_out=True, **more
                )
            for prefix in page.get("prefixes", ()):
                empty = False
                yield _entry(prefix[len(begin) : -1], True, None)
            for found in page.get("items", ()):
                empty = False
                if found["name"] != begin:  # which stands for the folder itself
                    yield _entry(found["name"][len(begin) :], False, int(found["size"]))
            if not page.get("nextPageToken"):
                break
            more = {"pageToken": page["nextPageToken"]}
        if empty and key:
            raise FileNotFoundError(ENOENT, "no such folder there")


class _Web(Store):
    """The web, which is read only. A folder's address ends with a stroke; it is what its page links to."""

    def entries(self, folder: str) -> Iterator[Entry]:
        """Yield what a folder's page links to, by name."""
        for entry in super().entries(folder):
            name = unquote(entry.name.partition("?")[0].partition("#")[0])
            yield _entry(name, entry.is_folder, entry.bytes)

    def is_folder(self, name: str) -> bool:
        """Whether an address ends as that of a folder."""
        return name.partition("?")[0].endswith("/")

    def exists(self, name: str) -> bool:
        """Whether an address is one and no pattern: ? begins a query here."""
        return not any(sign in name.partition("?")[0] for sign in "*[")

    def joined(self, folder: str, name: str) -> str:
        """Return the address of something in a folder, which must be quoted."""
        return super().joined(folder, quote(name, safe=""))

    def check_writable(self, address: str) -> None:
        """Raise `UsageError`: nothing is."""
        raise UsageError(
            f"{shown(address)}: {self.protocol}:// is read only; give a folder or a store for the results."
        )

    def _path(self, address: str) -> str:
        return address


_KINDS: dict[str, type[Store]] = {
    "s3": _S3,
    "s3a": _S3,
    "gs": _Google,
    "gcs": _Google,
    "http": _Web,
    "https": _Web,
}


def _entry(name: str, is_folder: bool, size: int | None) -> Entry:
    """Return an entry; a folder whose name no file system has is not gone into, as if it were a link."""
    odd = is_folder and ("/" in name or name in ("", ".", ".."))
    return Entry(name or "''", is_folder, not is_folder, odd, size)


@contextmanager
def _told(
    address: str, kind: type[ConvcliError], what: str, missing: str = "no such file there"
) -> Iterator[None]:
    """Turn whatever a store's driver raises into one line, of what is `missing` into that."""
    try:
        yield
    except (ConvcliError, MemoryError):
        raise
    except FileNotFoundError as error:
        if kind is OutputError:
            raise OutputError(f"{shown(address)}: cannot be written: there is no such bucket.") from error
        raise InputError(f"{shown(address)}: {missing}.") from error
    except FileExistsError as error:
        raise OutputError(
            f"{shown(address)} exists already: it was made in the meantime; nothing was written."
        ) from error
    except Exception as error:
        told = kind(f"{shown(address)}: {what} ({_reason(error)}).")
        # A result that cannot be put, not for want of permission, is one: a store is busy for a while.
        raise told from (error if kind is InputError or isinstance(error, PermissionError) else None)


def _reason(error: Exception) -> str:
    """Return in a few words what a driver says."""
    if isinstance(error, PermissionError):
        return "access denied"
    name = type(error).__name__
    if "Credentials" in name:  # of several packages, which are not imported for this
        return "no credentials for it are found, or they do not hold"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    said = getattr(error, "strerror", None) or " ".join(str(error).split()).rstrip(".")
    return shortened(said, LONGEST_REASON) if said else name


def _nanoseconds(time: Any) -> int | None:
    """Return a time as stores say it: a number of seconds, a text of the web or of ISO 8601, or a date."""
    if isinstance(time, int | float):
        return int(time * 10**9)
    if isinstance(time, str):
        for read_time in (datetime.fromisoformat, parsedate_to_datetime):
            try:
                time = read_time(time)
                break
            except (TypeError, ValueError):
                continue
    if not isinstance(time, datetime):
        return None
    seconds = (time if time.tzinfo is not None else time.replace(tzinfo=UTC)).timestamp()
    return int(seconds) * 10**9 + time.microsecond * 1000
