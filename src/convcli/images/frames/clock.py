"""Times as whole ticks, such that the sum of them stays what it is."""

from __future__ import annotations

from fractions import Fraction

from convcli.errors import OutputError


class Clock:
    """What counts frames' times in ticks, of which each takes `most` at most.

    >>> clock = Clock(100, 65535)
    >>> [clock.ticks(Fraction(1, 24)) for _ in range(6)]
    [4, 4, 4, 5, 4, 4]
    """

    def __init__(self, a_second: int, most: int) -> None:
        self.a_second, self.most = a_second, most
        self._passed, self._counted = Fraction(0), 0

    def ticks(self, seconds: Fraction | None) -> int:
        """Return how many ticks the next frame takes; `OutputError` if they are too many."""
        self._passed += seconds or 0
        whole = round(self._passed * self.a_second) - self._counted
        if whole > self.most:
            raise OutputError(
                f"a frame is shown for {float(seconds or 0):,.6g} s; the file holds "
                f"{self.most / self.a_second:,.6g} s at most. Use .png, or shorten it."
            )
        self._counted += whole
        return whole
