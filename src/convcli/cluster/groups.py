"""Images in groups: small ones together, as each group costs a scheduler a millisecond, whatever is in it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from convcli.cluster.listing import Listed

MOST_IMAGES = 64
MOST_BYTES = 2**25
"""Of files, in a group: when a worker dies, or somebody presses Ctrl-C, no more than that is under way."""
UNKNOWN_BYTES = 2**20  # taken for the size of a file that tells none
SHARE = 4  # groups of the largest size for each thread, among those that came before


class Killed(NamedTuple):
    """What has come of an image, or a group of them, whose workers died, so many one after the other."""

    times: int


class Groups:
    """Groups of the images of a listing, which is gone through once and never ahead.

    They begin small and grow: none has more than a share of all images before it, so that few images are
    spread over all threads, and the last group of many is no long wait for one of them.
    """

    def __init__(self, listing: Iterable[Listed]) -> None:
        self._listing = iter(listing)
        self._next: Listed | None = None
        self.count = 0  # images that have been given

    def take(self, threads: int) -> list[Listed]:
        """Return the next group for so many threads; an empty one when there are no more images."""
        most = min(MOST_IMAGES, 1 + self.count // (SHARE * max(threads, 1)))
        group: list[Listed] = []
        size = 0
        while len(group) < most:
            image = self._next or next(self._listing, None)
            self._next = None
            if image is None:
                break
            size += UNKNOWN_BYTES if image.bytes is None else image.bytes
            if group and size > MOST_BYTES:
                self._next = image
                break
            group.append(image)
        self.count += len(group)
        return group


class Remaining:
    """What is still to be given to workers: new groups, and those that ended their workers, taken apart.

    Whatever is on a worker when it dies is suspect. A group that was there time after time is taken apart; an
    image that was, even so, is tried at the end with nothing beside it: so none is blamed for another.
    """

    def __init__(self, groups: Groups) -> None:
        self._groups = groups
        self._apart: deque[Sequence[Listed]] = deque()
        self._suspects: deque[Sequence[Listed]] = deque()
        self._alone = False  # a suspect is under way

    def take(self, threads: int, *, under_way: int) -> Sequence[Listed]:
        """Return the next group; an empty one if there is none now."""
        if self._alone:
            return []
        if self._apart:
            return self._apart.popleft()
        if group := self._groups.take(threads):
            return group
        if under_way or not self._suspects:
            return []
        self._alone = True
        return self._suspects.popleft()

    def put_back(self, group: Sequence[Listed]) -> None:
        """Have a group that nobody has begun once more."""
        self._alone = False
        self._apart.append(group)

    def cleared(self) -> None:
        """Hear that a group has come to its end."""
        self._alone = False

    def is_guilty(self, group: Sequence[Listed]) -> bool:
        """Hear of a group whose workers died, one by one; return whether that can only be its own fault."""
        if self._alone:
            self._alone = False
            return True
        if len(group) > 1:
            self._apart.extend([image] for image in group)
        else:
            self._suspects.append(group)
        return False
