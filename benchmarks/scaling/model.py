"""The time of a training step: the images of the busiest worker, what every rank does, the exchange.

    T(R) = t_0 + t_i · images of the busiest worker + t_a · floats a rank adds + exchange(R)

Pieces, lanes and the tree are convcli's (docs/architecture.md): a batch is cut in pieces, piece k belongs to
lane k mod L, each rank has lanes that follow each other, and its workers take a lane at a time.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, replace

from benchmarks.scaling.links import Exchange, Link, allgather, allreduce, alltoall
from convcli.engine.pairs import subtrees
from convcli.nn.cutting import Cutting, most_lanes
from convcli.nn.sharing import shares

FLOAT, DOUBLE = 4, 8


@dataclass(frozen=True)
class Network:
    """What a network takes.

    Attributes
    ----------
    parameters
        That are trained.
    piece
        Images in a piece, at most.
    image
        Seconds a core takes for one image, forward and backward, while the machine's other cores do the same.
    image_alone
        The same of a core whose neighbours do nothing.
    fixed
        Seconds of a step that no rank can hand to another: weights changed by the optimizer, calls.
    add
        Seconds to add one float of a gradient to another.
    meetings
        Places at which layers need figures of the whole batch (batch_norm), forward and backward, each with
        `figures` numbers of every piece.
    """

    name: str
    parameters: int
    piece: int
    image: float
    image_alone: float
    fixed: float
    add: float = 0.0
    meetings: int = 0
    figures: int = 0

    @property
    def most_lanes(self) -> int:
        """How many lanes there are at most: as many as 64 MiB hold gradients of, but 8 to 64."""
        return most_lanes(self.parameters)


@dataclass(frozen=True)
class Cut:
    """How a batch is cut."""

    batch: int
    pieces: int
    lanes: int

    @classmethod
    def of(cls, batch: int, piece: int, most_lanes: int, *, meeting: bool = False) -> Cut:
        """Cut a batch as convcli does, into pieces of `piece` images at most and so many lanes at most.

        Pieces that meet are all under way at once: there are no more than 256, however large they are then.

        >>> Cut.of(1024, piece=41, most_lanes=16)
        Cut(batch=1024, pieces=32, lanes=16)
        """
        cutting = Cutting(piece, most_lanes, meets=meeting)
        pieces, _ = cutting.to_learn(batch)
        return cls(batch, pieces, cutting.lanes(pieces))

    def busiest(self, ranks: int, threads: int = 1) -> float:
        """Return how many images the worker takes that takes most.

        >>> Cut(1024, pieces=32, lanes=16).busiest(ranks=3)  # 6 of 16 lanes, of two pieces of 32 images each
        384.0
        """
        most = 0
        for held in shares(self.lanes, ranks):
            workers = [0] * threads
            for lane in held:
                heapq.heapreplace(workers, workers[0] + len(range(lane, self.pieces, self.lanes)))
            most = max(most, *workers)
        return most * self.batch / self.pieces

    def subtrees(self, ranks: int) -> list[int]:
        """Return of how many whole subtrees each rank sends the sums.

        >>> Cut(256, pieces=8, lanes=8).subtrees(2), Cut(256, pieces=8, lanes=8).subtrees(3)
        ([1, 1], [1, 2, 2])
        """
        return [len(subtrees(held, self.lanes)) for held in shares(self.lanes, ranks)]


@dataclass(frozen=True)
class Step:
    """What a step takes; seconds, and of the exchange messages and bytes that a rank sends."""

    compute: float
    fixed: float
    exchange: Exchange

    @property
    def seconds(self) -> float:
        return self.compute + self.fixed + self.exchange.seconds


def step(
    network: Network, cut: Cut, link: Link, ranks: int = 1, threads: int = 1, *, plain: bool = False
) -> Step:
    """Return what a step takes on so many ranks of so many threads each.

    >>> network = Network("", parameters=1000, piece=32, image=2.0, image_alone=2.0, fixed=5.0)
    >>> link = Link("", latency=1.0, bandwidth=1000.0)
    >>> step(network, Cut(256, 8, 8), link, ranks=2).compute  # 4 pieces of 32 images
    256.0
    >>> step(network, Cut(256, 8, 8), link, ranks=2).exchange  # twice 500 floats there and 500 back
    Exchange(messages=2, bytes=4000.0, seconds=6.0)
    """
    image = network.image if ranks * threads > 1 else network.image_alone
    size = FLOAT * network.parameters
    added = max(map(len, shares(cut.lanes, ranks))) - 1.0  # of its own lanes; then as many floats, or fewer
    exchanged = Exchange()
    if ranks > 1:
        exchanged = allreduce(link, ranks, size) if plain else tree(link, cut.subtrees(ranks), size)
        added += (ranks - 1) / ranks if plain else (sum(cut.subtrees(ranks)) - 1) / ranks
        meeting = allgather(link, ranks, -(-cut.pieces // ranks) * network.figures * DOUBLE)
        exchanged += meeting.times(network.meetings)
    return Step(
        cut.busiest(ranks, threads) * image,
        network.fixed + added * network.parameters * network.add,
        exchanged,
    )


def tree(link: Link, sent: list[int], size: float) -> Exchange:
    """Return what it takes to sum `size` bytes in the fixed tree, of which each rank sends so many subtrees.

    Each rank is sent the subtrees' sums of its share, and then everybody's share: what the rank that sends
    most takes.

    >>> tree(Link("", latency=1.0, bandwidth=1000.0), [1, 1], 4000)
    Exchange(messages=2, bytes=4000.0, seconds=6.0)
    """
    ranks = len(sent)
    return alltoall(link, ranks, max(sent) * size / ranks) + allgather(link, ranks, size / ranks)


def efficiency(
    network: Network, batch: int, link: Link, ranks: int, threads: int = 1, *, plain: bool = False
) -> float:
    """Return the share of its time in which a worker does what one alone would have to do, 0 to 1.

    One alone is one beside others that are busy: what cores of a machine take from each other is not counted.
    """
    busy = replace(network, image_alone=network.image)
    one = step(busy, cut_for(network, batch, 1), link).seconds
    shared = cut_for(network, batch, ranks * threads)
    return one / (ranks * threads * step(network, shared, link, ranks, threads, plain=plain).seconds)


def cut_for(network: Network, batch: int, workers: int) -> Cut:
    """Return how a batch is cut if there may be as many lanes as workers, where convcli has fewer."""
    return Cut.of(batch, network.piece, max(network.most_lanes, workers), meeting=network.meetings > 0)


def pays_from(
    network: Network, link: Link, ranks: int, *, plain: bool = False, least: float = 0.5
) -> int | None:
    """Return the smallest batch, a power of two, on which so many ranks work at `least` that efficiency.

    None if none of up to 2⁴⁰ images is one.
    """
    batches = (2**power for power in range(41))
    return next(
        (batch for batch in batches if efficiency(network, batch, link, ranks, plain=plain) >= least), None
    )


def slower(network: Network, batch: int, link: Link, *, most: int = 1 << 12, plain: bool = False) -> int:
    """Return from how many ranks, a power of two, twice as many take longer for a step of this batch."""
    ranks = 1
    while ranks < most:
        now, then = (
            step(network, cut_for(network, batch, count), link, count, plain=plain).seconds
            for count in (ranks, 2 * ranks)
        )
        if then >= now:
            return ranks
        ranks *= 2
    return most
