"""Where the pieces of a batch wait for each other, and get what all give at one place of the network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from typing import Generic, TypeVar

from convcli.engine.turns import Turns
from convcli.engine.workspace import Array
from convcli.nn.ranks import Ranks

Result = TypeVar("Result")


class Meetings(Generic[Result]):
    """One member's side of them: its pieces take turns, then the members of a rank meet, then the ranks.

    Parameters
    ----------
    figures : (2, pieces, width), float64
        Which the members share. Twice: who has read those of one place may be ahead of others who have not.
    pieces
        Those of each rank that has some, in the order in which ranks exchange them.
    ranks
        Who has some.
    meet
        Returns when all members have come.
    leads
        Whether this member exchanges what the others of its rank have given, too.
    """

    def __init__(
        self,
        figures: Array,
        pieces: Sequence[Sequence[int]],
        ranks: Callable[[], Ranks],
        meet: Callable[[], None],
        *,
        leads: bool,
    ) -> None:
        self.turns: Turns[Result] = Turns(self._meet)
        self._figures, self._pieces, self._ranks = figures, pieces, ranks
        self._members, self._leads = meet, leads
        self._width = 0

    def over_batch(self, piece: int, sums: Array) -> Array:
        """Return the figures that all pieces give at one place of the network, (pieces, *sums.shape)."""
        rows, self._width = self._rows(sums.size), sums.size
        rows[piece] = sums.ravel()
        self.turns.wait()
        return rows.reshape(len(rows), *sums.shape)

    def _rows(self, width: int) -> Array:
        rows: Array = self._figures[self.turns.meetings % 2, :, :width]
        return rows

    def _meet(self) -> None:
        self._members()
        if len(self._pieces) > 1:
            if self._leads:
                self._exchange(self._rows(self._width))
            self._members()

    def _exchange(self, rows: Array) -> None:
        order = list(chain.from_iterable(self._pieces))
        in_order = rows[order]
        self._ranks().collect(in_order, [len(own) * rows.shape[1] for own in self._pieces])
        rows[order] = in_order
