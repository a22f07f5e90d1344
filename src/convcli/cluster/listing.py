"""The images that a cluster filters, one by one, each with the places of its results."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from convcli.cluster.addresses import places_of, store_of
from convcli.errors import UsageError
from convcli.files import Address, is_address, plain_name
from convcli.filtering.jobs import Ending, Saving, jobs_for
from convcli.filtering.listing import Listing
from convcli.wording import shown


class Listed(NamedTuple):
    """An image, and where its results go: one for each kernel, in their order.

    Names are as they were given, from the working folder, or addresses with all that gives access.
    """

    source: str
    targets: tuple[str, ...]
    bytes: int | None  # of the file; None where that is not known before it is read


def listed(
    images: Sequence[str],
    endings: Sequence[Ending],
    saving: Saving,
    *,
    recursive: bool,
    tell: Callable[[str], None],
) -> Iterator[Listed]:
    """Yield the images that are named, with the places of their results in --out-dir.

    `endings` tell the results of one kernel from those of others. Errors are those of `Listing` and
    `jobs_for`; what is passed over is told.
    """
    names = [plain_name(name) for name in images]
    if saving.out_dir is None and (remote := [name for name in names if is_address(name)]):
        raise UsageError(f"{shown(remote[0])}: give --out-dir, a folder or an address for the results.")
    if isinstance(saving.out_dir, Address):
        store_of(str(saving.out_dir)).check_writable(str(saving.out_dir))
    folders = Listing(saving.out_dir, recursive, tell, places_of).folders(names)
    for image, jobs in jobs_for(folders, endings, saving, tell=tell):
        size = image.bytes
        if size is None and not is_address(image.source):
            size = _size(image.source)
        yield Listed(image.source, tuple(str(job.target) for job in jobs), size)


def _size(source: str) -> int | None:
    """Return the size of a file, None where there is none: whoever reads it says so."""
    try:
        return os.stat(source).st_size  # noqa: PTH116  (a name may hold a null byte)
    except (OSError, ValueError):
        return None
