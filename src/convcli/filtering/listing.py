"""Which images `convcli filter` reads: files, those of folders, those that patterns match, standard input.

They come folder by folder, so that of any number only the names of one folder for results are held.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from heapq import merge
from itertools import chain, groupby
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple, TypeAlias, overload

from convcli.errors import InputError, UsageError
from convcli.files import is_address
from convcli.filtering.jobs import STREAM, Listed
from convcli.images.folders import image_folders, is_named_as_image, readable_endings
from convcli.images.patterns import is_pattern, matches, no_match
from convcli.images.places import HERE, Entry, Places
from convcli.wording import first_of, shown

Parts: TypeAlias = tuple[str, ...]
_Stream: TypeAlias = Iterator[tuple[Parts, Sequence[Listed]]]
"""Images by the folder for their results, in the order of a walk: a folder, then those in it, by name."""


class Listing(NamedTuple):
    """How the names of images are understood; `places` answers for each where it leads."""

    out_dir: Path | None
    recursive: bool
    tell: Callable[[str], None]
    places: Callable[[str], Places] = lambda _: HERE

    def folders(self, names: Sequence[str]) -> Iterator[Sequence[Listed]]:
        """Yield the images that are named, and in the place of each folder and pattern those it stands for.

        All whose results go into one folder come together, and folders in a fixed order. With `recursive`
        also those in a folder's sub-folders. Beside each stands the folder below --out-dir for its result,
        which is called as the sub-folder; of patterns, as those behind their part without wildcards.
        """
        if list(names).count(STREAM) > 1:
            raise UsageError("Standard input (-) can be read only once.")
        streams = [self._of(name) for name in names]
        if self.out_dir is None and any(self._is_pattern(name) for name in names):
            streams = [_by_own_folder(stream) for stream in streams]
        for _, parts in groupby(merge(*streams, key=itemgetter(0)), key=itemgetter(0)):
            together = [images for _, images in parts]
            yield together[0] if len(together) == 1 else list(chain.from_iterable(together))

    def _is_pattern(self, name: str) -> bool:
        return name != STREAM and is_pattern(name, self.places(name))

    def _of(self, name: str) -> _Stream:
        """Yield what one name stands for."""
        if self._is_pattern(name):
            return self._matched(name)
        if name != STREAM and self.places(name).is_folder(name):
            return self._in_folder(name)
        return iter([((), [Listed(name, Path())])])

    def _in_folder(self, name: str, above: Parts = (), *, flat: bool = False) -> _Stream:
        """Yield the images of a folder; their results lie as they do there, below `above`."""
        places, out_dir = self.places(name), self.out_dir
        if out_dir is None:
            raise UsageError(
                f"{shown(name)} is a folder; give --out-dir, a folder of their own for the results."
            )
        if places.same(name, out_dir):
            raise UsageError(
                f"{shown(name)}: the results would lie among the images, and be filtered with them another "
                "time; give another --out-dir."
            )
        entered = (lambda inner: not places.same(inner, out_dir)) if self.recursive else None
        for parts, folder, entries in image_folders(name, tell=self.tell, entered=entered, places=places):
            under = (*above, *parts)
            yield under, _Images(places, folder, entries, Path(*under))

    def _matched(self, pattern: str) -> _Stream:
        """Yield the images that a pattern matches: its files, or those of its folders if it has no files."""
        places = self.places(pattern)
        is_result = self._where_results_are(pattern, places)
        meant = _Meant.of(pattern, places, is_result)
        if not meant.anything and is_address(pattern):
            raise no_match(pattern)
        if not meant.anything:  # as a file that is missing, which is said with all others
            yield (), [Listed(pattern, Path())]
            return
        if not meant.others:
            raise InputError(
                f"{shown(pattern)}: matches nothing but what is in {shown(str(self.out_dir))}, the results."
            )
        if not meant.files:
            yield from self._in_folders(pattern, places, is_result)
            return
        passed, endings = _Passed(), frozenset(readable_endings())
        for under, folder, entries in matches(pattern, places):
            if is_result(folder):
                passed.results += len(entries)
                continue
            images = [entry for entry in entries if not entry.is_folder]
            for entry in entries:
                if entry.is_folder:
                    passed.folder(entry.name, is_result(places.joined(folder, entry.name)))
            if meant.images:
                named = [entry for entry in images if is_named_as_image(entry.name, endings)]
                passed.others += len(images) - len(named)
                images = [entry for entry in named if entry.is_file]
                passed.no_files += len(named) - len(images)
            if images:
                parts = under if self.recursive else ()
                yield parts, _Images(places, folder, images, Path(*parts))
        if said := passed.said(shown(str(self.out_dir))):
            self.tell(f"{shown(pattern)}: passed over {said}")

    def _in_folders(self, pattern: str, places: Places, is_result: Callable[[str], bool]) -> _Stream:
        """Yield the images of the folders that a pattern matches, each once."""
        folders = sorted(
            ((*under, entry.name), places.joined(folder, entry.name))
            for under, folder, entries in matches(pattern, places)
            for entry in entries
            if not is_result(places.joined(folder, entry.name))
        )
        seen = set[Parts]()
        for parts, folder in folders:
            if self.recursive and any(parts[:end] in seen for end in range(1, len(parts))):
                continue  # those above have brought what is in it
            seen.add(parts)
            yield from self._in_folder(folder, parts if self.recursive else ())

    def _where_results_are(self, pattern: str, places: Places) -> Callable[[str], bool]:
        """Return whether a folder is in that of the results; none is where a pattern looks there alone."""
        out_dir = self.out_dir
        if out_dir is None or places.holds(out_dir, places.parted(pattern)[0]):
            return lambda folder: False
        return lru_cache(4)(lambda folder: places.holds(out_dir, folder))


class _Passed:
    """What a pattern matches and nobody meant."""

    def __init__(self) -> None:
        self.folders = self.results = self.others = self.no_files = 0
        self._some = list[str]()

    def folder(self, name: str, is_result: bool) -> None:
        """Pass over a folder."""
        self.results += is_result
        self.folders += not is_result
        if not is_result and len(self._some) < 4:
            self._some.append(shown(name))

    def said(self, out_dir: str) -> str:
        """Return how much it is."""
        said = []
        if self.folders:
            folders = "folder" if self.folders == 1 else "folders"
            said.append(f"{self.folders:,} {folders} ({first_of(self._some, 3)})")
        if self.results:
            said.append(f"{self.results:,} in {out_dir}, where results go")
        if self.others:
            said.append(f"{self.others:,} whose names do not end as those of image files")
        if self.no_files:
            said.append(f"{self.no_files:,} that are pipes, or links to no file")
        return ", ".join(said)


class _Meant(NamedTuple):
    """What a pattern matches: the first image tells that images are meant; then no more has to be known."""

    anything: bool
    others: bool  # than what lies where results go
    files: bool
    images: bool

    @classmethod
    def of(cls, pattern: str, places: Places, is_result: Callable[[str], bool]) -> _Meant:
        """Return what there is, as far as it has to be looked for."""
        anything = others = files = False
        endings = frozenset(readable_endings())
        for _, folder, entries in matches(pattern, places):
            anything = True
            if is_result(folder):
                continue
            for entry in entries:
                if not entry.is_folder:
                    others = files = True
                    if entry.is_file and is_named_as_image(entry.name, endings):
                        return cls(True, True, True, True)
                elif not others:
                    others = not is_result(places.joined(folder, entry.name))
        return cls(anything, others, files, False)


class _Images(Sequence[Listed]):
    """Images of one folder, made of their names when they are asked for: there may be very many."""

    def __init__(self, places: Places, folder: str, entries: Sequence[Entry], under: Path) -> None:
        self.places, self.folder, self.entries, self.under = places, folder, entries, under

    def __len__(self) -> int:
        return len(self.entries)

    @overload
    def __getitem__(self, at: int) -> Listed: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Listed]: ...
    def __getitem__(self, at: int | slice) -> Listed | Sequence[Listed]:
        if isinstance(at, slice):
            return _Images(self.places, self.folder, self.entries[at], self.under)
        entry = self.entries[at]
        return Listed(self.places.joined(self.folder, entry.name), self.under, entry.bytes)


def _by_own_folder(stream: _Stream) -> _Stream:
    """Yield images by the folder in which they lie, beside which their results will."""
    for _, images in stream:  # each time those of one folder
        yield Path(images[0].source).parent.parts, images
