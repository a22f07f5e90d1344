"""What a team does with a batch: which pieces each part takes, and where they lie in it."""

from __future__ import annotations

from dataclasses import dataclass

from convcli.engine.threads import share
from convcli.nn.tape import cut


@dataclass(frozen=True)
class Learn:
    """Take `size` images, cut in `pieces`, forward and backward.

    Of the `lanes` some are `held` here. A part is one of these, or where so many `members` do it together, as
    many as each of them has to take.
    A piece holds whole ones of `groups`, if layers take samples in groups.
    """

    size: int
    pieces: int
    groups: int
    seed: tuple[int, ...]
    lanes: int
    held: range
    members: int | None = None

    def lanes_of(self, part: int) -> range:
        """Return the lanes of a part."""
        if self.members is None:
            return self.held[part : part + 1]
        own = share(len(self.held), part, self.members)
        return self.held[own.start : own.stop]

    def pieces_of(self, lanes: range) -> list[int]:
        """Return the pieces of some lanes, one lane after the other."""
        return [piece for lane in lanes for piece in range(lane, self.pieces, self.lanes)]

    def chosen(self, piece: int) -> slice:
        """Return where a piece lies in the batch."""
        groups = self.in_piece(piece)
        return slice(groups[0].start, groups[-1].stop)

    def in_piece(self, piece: int) -> list[slice]:
        """Return where the groups of a piece lie in the batch; where there are none it is one itself."""
        own = share(self.groups, piece, self.pieces)
        return cut(self.size, self.groups)[own.start : own.stop]


@dataclass(frozen=True)
class Predict:
    """Take images forward; a part is a piece, and `ends` is where each ends."""

    ends: tuple[int, ...]
