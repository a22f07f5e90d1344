"""Batches through a network: cut in pieces of a fixed size, spread over threads, summed in a fixed order.

What a batch gives does not depend on the number of threads. Piece k belongs to lane k mod `LANES`; one
thread takes a lane's pieces in order and adds up their gradients; the lanes are then added in order.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Any, TypeVar

import numpy as np
from threadpoolctl import threadpool_limits

from convcli.engine.threads import available_cores
from convcli.engine.workspace import Array
from convcli.nn.layer import Tape
from convcli.nn.losses import Loss
from convcli.nn.network import Network, NetworkWeights
from convcli.nn.preprocessing import Preprocessing

Item = TypeVar("Item")
Result = TypeVar("Result")

LANES = 8

# A piece's largest activation. Small pieces stay in the second-level cache; in large ones dense layers, whose
# weights are read once a piece, are faster. On the networks measured 32 images of 28×28×32 were best.
PIECE_BYTES = 1 << 22
PIECE_RANGE = (4, 64)

# Parameters that an optimizer takes at a time: with its state they fit a second-level cache.
CHUNK = 1 << 16

# Below this the calls themselves cost more than another thread could save.
SMALL_PIECE = 32


@dataclass(frozen=True)
class BatchResult:
    """The sum of a batch's losses and how many of its samples were classified correctly."""

    loss: float
    correct: int


@dataclass
class _Lane:
    gradient: Array
    views: list[Any]


class Workers:
    """Threads that take batches of pixels through a network. Use it as a context.

    While the context is open, NumPy's matrix products use one thread each: the threads are here.

    Parameters
    ----------
    network, preprocessing, loss
        What a batch goes through.
    threads
        How many; all that the process may use if not given.
    """

    def __init__(
        self, network: Network, preprocessing: Preprocessing, loss: Loss, threads: int | None = None
    ) -> None:
        self.network, self.preprocessing, self.loss = network, preprocessing, loss
        self.threads = threads or available_cores()
        self.piece = _piece_size(network)
        self.total = np.zeros(network.trained.size, np.float32)
        self._lanes: list[_Lane] = []
        self._idle: list[list[Tape]] = []

    def __enter__(self) -> Workers:
        self._limits = threadpool_limits(1, user_api="blas")
        self._pool = ThreadPoolExecutor(self.threads - 1) if self.threads > 1 else None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown()
        self._limits.restore_original_limits()

    def gradient(
        self, weights: NetworkWeights, images: Array, labels: Array, batch: Array, seed: tuple[int, ...]
    ) -> BatchResult:
        """Put the gradient of the mean loss of images[batch] into `total`.

        Parameters
        ----------
        images : (n, h, w, c), uint8
        labels : (n,)
        batch : (b,)
            Indices into both.
        seed
            What the random numbers of this batch depend on, besides the piece's number.
        """
        pieces = self._cut(batch)
        lanes = range(min(len(pieces), LANES))
        while len(self._lanes) < len(lanes):
            vector = np.zeros_like(self.total)
            self._lanes.append(_Lane(vector, self.network.trained.views(vector)))

        def run(number: int, tapes: list[Tape]) -> BatchResult:
            lane = self._lanes[number]
            loss, correct = 0.0, 0
            for tape, views in zip(tapes, lane.views, strict=True):
                tape.gradients, tape.training = views, True
            for index in range(number, len(pieces), LANES):
                if self.network.draws:
                    rng = np.random.Generator(np.random.SFC64((*seed, index)))
                    for tape in tapes:
                        tape.rng = rng
                chosen = pieces[index]
                outputs = self._forward(images[chosen], weights, tapes)
                losses, gradient = self.loss.evaluate(outputs, labels[chosen])
                gradient *= gradient.dtype.type(1 / len(batch))
                loss += float(losses.sum(dtype=np.float64))
                correct += int((outputs.argmax(1) == labels[chosen]).sum())
                for tape in tapes:
                    tape.fresh = index == number
                self.network.backward(gradient, weights, tapes)
            return BatchResult(loss, correct)

        results = self._each(run, lanes)
        self.in_chunks(lambda chunk: self._add_lanes(chunk, len(lanes)))
        return BatchResult(sum(result.loss for result in results), sum(result.correct for result in results))

    def _add_lanes(self, chunk: slice, lanes: int) -> None:
        total = self.total[chunk]
        np.copyto(total, self._lanes[0].gradient[chunk])
        for lane in self._lanes[1:lanes]:
            total += lane.gradient[chunk]

    def in_chunks(self, task: Callable[[slice], object]) -> None:
        """Run `task` for slices that cover all parameters, each small enough to stay in a cache."""
        size = self.network.trained.size
        self._spread(task, [slice(start, start + CHUNK) for start in range(0, size, CHUNK)])

    def _cut(self, batch: Array) -> list[Array]:
        """Return the batch in pieces of nearly one size, so that no lane has much more to do than another."""
        if self.network.couples_samples:
            return [batch]
        fewest = -(-len(batch) // self.piece)
        even = min(LANES, len(batch) // SMALL_PIECE)
        return np.array_split(batch, max(fewest, even, 1))

    def outputs(self, weights: NetworkWeights, images: Array) -> Array:
        """Return the network's outputs (n, ...) for `images` (n, h, w, c), uint8."""
        result = np.empty((len(images), *self.network.shapes[-1]), weights.trained.dtype)

        def run(start: int, tapes: list[Tape]) -> None:
            for tape in tapes:
                tape.training = False
            chosen = slice(start, start + self.piece)
            result[chosen] = self._forward(images[chosen], weights, tapes)

        self._each(run, range(0, len(images), self.piece))
        return result

    def _forward(self, images: Array, weights: NetworkWeights, tapes: list[Tape]) -> Array:
        x = tapes[0].workspace.array("input", images.shape, weights.trained.dtype)
        return self.network.forward(self.preprocessing.apply(images, x), weights, tapes)

    def _each(self, task: Callable[[int, list[Tape]], Result], numbers: Sequence[int]) -> list[Result]:
        """Run `task` for every number, each time with tapes that no other thread is using."""

        def run(number: int) -> Result:
            try:
                tapes = self._idle.pop()
            except IndexError:
                tapes = self.network.tapes()
            # A loss that overflows is found and named by whoever trains; a warning for each step is noise.
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                result = task(number, tapes)
            self._idle.append(tapes)
            return result

        return self._spread(run, numbers)

    def _spread(self, task: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
        """Run `task` for every item and return the results in order.

        The calling thread takes its share: one that only waited would have to be woken after each.
        """
        results: list[Any] = [None] * len(items)
        numbers = iter(range(len(items)))

        def work() -> None:
            for number in numbers:  # each goes to the thread that asks first
                results[number] = task(items[number])

        helping = []
        if self._pool is not None:
            helping = [self._pool.submit(work) for _ in range(min(self.threads, len(items)) - 1)]
        work()
        for helper in helping:
            helper.result()
        return results


def _piece_size(network: Network) -> int:
    largest = max(math.prod(shape) for shape in network.shapes)
    fitting = PIECE_BYTES // (4 * largest)
    return max(PIECE_RANGE[0], min(fitting, PIECE_RANGE[1]))
