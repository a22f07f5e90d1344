"""Ranks that are threads of this process: what they exchange is what MPI's collectives exchange."""

from __future__ import annotations

from itertools import pairwise
from threading import Barrier, Thread

import numpy as np

from convcli.data.neighbours import Neighbours


class ThreadedRanks:
    """One of `size` threads, which meet at a barrier and look at what each has left on a shared board."""

    def __init__(self, rank, size, board, barrier, *, plain=False):
        self.rank, self.size, self.beside, self.plain = rank, size, size, plain
        self._board, self._barrier = board, barrier
        self._groups = {}

    def all(self, mine):
        """Return what each tells."""
        self._board[self.rank] = mine
        self._barrier.wait()
        told = list(self._board[: self.size])
        self._barrier.wait()
        return told

    def swap(self, send, sent, receive, received):
        assert len(send) == sum(sent)
        ends = np.cumsum([0, *sent])
        told = self.all([send[start:stop].copy() for start, stop in pairwise(ends)])
        parts = [parts[self.rank] for parts in told]
        assert [len(part) for part in parts] == list(received)
        receive[:] = np.concatenate(parts)

    def collect(self, rows, counts):
        assert rows.flags.c_contiguous
        assert rows.size == sum(counts)
        numbers, ends = rows.reshape(-1), np.cumsum([0, *counts])
        own = slice(ends[self.rank], ends[self.rank + 1])
        numbers[:] = np.concatenate(self.all(numbers[own].copy()))

    def add(self, numbers):
        numbers[:] = np.sum(self.all(numbers.copy())[::-1], axis=0)

    def same(self, value):
        return self.all(value)[0]

    def first(self, count):
        if count == self.size:
            return self
        group = self._board[-1].setdefault(count, ([None] * count, Barrier(count)))
        return ThreadedRanks(self.rank, count, *group)


def on_ranks(size, work, *, plain=False):
    """Return what `work(ranks)` returns on each of `size` ranks."""
    board, barrier, results, errors = [*[None] * size, {}], Barrier(size), {}, []

    def run(rank):
        try:
            results[rank] = work(ThreadedRanks(rank, size, board, barrier, plain=plain))
        except BaseException as error:
            errors.append(error)
            barrier.abort()

    threads = [Thread(target=run, args=(rank,)) for rank in range(size)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return [results[rank] for rank in range(size)]


def on_neighbours(count, work):
    """Return what `work(neighbours)` returns for each of `count` that read together."""
    return on_ranks(
        count, lambda ranks: work(Neighbours(ranks.rank, count, ranks.all, scans=ranks.rank == 0))
    )
