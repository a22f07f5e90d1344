"""What a message costs, and how many messages and bytes MPI's collectives take: Hockney's α and β.

A message of n bytes takes `latency` + n / `bandwidth`, and its rank's processor `overhead`. A long one is
first announced and asked for, which takes `handshake` latencies more.

Which algorithm MPI takes for how many bytes is MPICH's default; Open MPI's differ in where they change over.
Source: Thakur, Rabenseifner and Gropp, 2005, "Optimization of Collective Communication Operations in MPICH",
International Journal of High Performance Computing Applications 19 (1).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

RECURSIVE_DOUBLING_BELOW, BRUCK_BELOW = 512 << 10, 80 << 10
"""Bytes that are gathered, below which messages double, in log2 R rounds: of 2, 4, 8, … ranks, of others."""

ALLREDUCE_SHORT = 2 << 10
"""Bytes up to which an Allreduce sends all there is in each of log2 R rounds."""


@dataclass(frozen=True)
class Link:
    """What a rank is connected by.

    Attributes
    ----------
    latency
        Seconds a short message takes to another rank.
    bandwidth
        Bytes a second that a rank sends, and receives at the same time.
    overhead
        Seconds that a message takes of a processor: those under way at once share a latency, but not this.
    handshake, eager
        Latencies that a message of more than `eager` bytes takes besides its own.
    """

    name: str
    latency: float
    bandwidth: float
    overhead: float = 0.0
    handshake: float = 0.0
    eager: int = 16 << 10

    def message(self, size: float) -> float:
        """Return the seconds of one message of so many bytes."""
        return self.start(size) + size / self.bandwidth

    def start(self, size: float) -> float:
        """Return the seconds before the first byte of a message is there."""
        return self.overhead + self.latency * (1 + (self.handshake if size > self.eager else 0))


@dataclass(frozen=True)
class Exchange:
    """What an operation on a rank takes: messages it sends, bytes it sends, seconds.

    >>> Exchange(1, 8, 0.5) + Exchange(2, 8, 0.25)
    Exchange(messages=3, bytes=16, seconds=0.75)
    """

    messages: float = 0
    bytes: float = 0
    seconds: float = 0.0

    def __add__(self, other: Exchange) -> Exchange:
        return Exchange(
            self.messages + other.messages, self.bytes + other.bytes, self.seconds + other.seconds
        )

    def times(self, count: int) -> Exchange:
        """Return it done so many times."""
        return Exchange(self.messages * count, self.bytes * count, self.seconds * count)


def alltoall(link: Link, ranks: int, size: float) -> Exchange:
    """Return what it takes to send each other rank `size` bytes: all messages under way at once.

    >>> alltoall(Link("", latency=1, bandwidth=10, overhead=0.5), 5, 20)  # 1 + 4 · 0.5 + 80 / 10
    Exchange(messages=4, bytes=80, seconds=11.0)
    """
    others = ranks - 1
    if not others:
        return Exchange()
    latency = link.start(size) - link.overhead
    return Exchange(others, others * size, latency + others * link.overhead + others * size / link.bandwidth)


def allgather(link: Link, ranks: int, size: float) -> Exchange:
    """Return what it takes until each rank has the `size` bytes of every other.

    Few bytes in all go in rounds in which a rank passes on all it has, many in a ring: R − 1 times `size`.

    >>> allgather(Link("", latency=1, bandwidth=10), 8, 20)  # 3 rounds of 20, 40, 80 bytes
    Exchange(messages=3, bytes=140, seconds=17.0)
    """
    others = ranks - 1
    total = ranks * size
    doubling = total < RECURSIVE_DOUBLING_BELOW and ranks & others == 0
    if doubling or total < BRUCK_BELOW:
        rounds = math.ceil(math.log2(ranks))
        start = sum(link.start(min(2**step, ranks - 2**step) * size) for step in range(rounds))
        return Exchange(rounds, others * size, start + others * size / link.bandwidth)
    return Exchange(others, others * size, others * link.message(size))


def allreduce(link: Link, ranks: int, size: float) -> Exchange:
    """Return what MPI's own sum of `size` bytes takes: halves, quarters, … are summed, then gathered again.

    Ranks that are more than a power of two hand all they have to a neighbour first, and get it back.

    >>> allreduce(Link("", latency=1, bandwidth=1000), 4, 8000)  # 4000 + 2000 bytes there, and back
    Exchange(messages=4, bytes=12000.0, seconds=16.0)
    """
    if ranks == 1:
        return Exchange()
    rounds = int(math.log2(ranks))
    together = 2**rounds
    if size <= ALLREDUCE_SHORT:
        parts = [size] * rounds
    else:
        parts = [size / 2**step for step in range(1, rounds + 1)] * 2
    if together < ranks:
        parts += [size, size]
    return Exchange(len(parts), sum(parts), sum(map(link.message, parts)))
