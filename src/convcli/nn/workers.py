"""Batches through a network: cut in pieces of a fixed size, shared by a team, summed in a fixed order.

What a batch gives does not depend on how many work on it. Of n lanes piece k belongs to lane k mod n; one
worker takes a lane's pieces in order and adds up their gradients; the lanes are then added in a fixed tree
(`engine/pairs.py`). Their number depends on the network and the size of the batch alone.

Where a layer needs figures of the whole batch, all pieces are under way at once, each on a tape of its own: a
worker's take turns from one such place to the next (`engine/turns.py`), and there all workers meet.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from types import TracebackType
from typing import TypeVar

import numpy as np

from convcli.bounds import check_memory
from convcli.engine.blas import one_thread_each
from convcli.engine.team import MOST_PARTS, Team, shared_zeros
from convcli.engine.threads import available_cores, spread
from convcli.engine.workspace import Array, FreeList
from convcli.nn.augmentation import AugmentationOptions, Augmenter
from convcli.nn.cutting import MOST_LANES, Cutting
from convcli.nn.jobs import Learn, Predict
from convcli.nn.losses import Loss
from convcli.nn.meetings import Meetings
from convcli.nn.network import Network
from convcli.nn.preprocessing import Preprocessing
from convcli.nn.ranks import ALONE, Ranks
from convcli.nn.sharing import CHUNK, MANY_CHUNKS, Sharing, shares, slices
from convcli.nn.tape import Tape, Weights
from convcli.nn.weights import Layout, NetworkWeights

Result = TypeVar("Result")

# Pieces for each worker that are handed out at once where only outputs are asked for.
PIECES_AHEAD = 16

# Multiplications of a forward pass, below which one worker alone is done before another is awake; and those
# that have to come together before helpers are forked, which takes as long.
WORTH_WAKING = 20_000_000
WORTH_FORKING = 200_000_000

# Beside its multiplications each activation takes the time of about so many.
ACTIVATION_WORK = 8


@dataclass(frozen=True)
class BatchResult:
    """The sum of a batch's losses and how many of its samples were classified correctly.

    Of an image that is mixed of two, its class is that of the larger share. `stop` is the number of a signal
    that asks a rank to stop, 0 if there is none.
    """

    loss: float
    correct: int
    stop: int = 0


class Workers:
    """A team that takes batches of pixels through a network. Use it as a context.

    While the context is open, NumPy's matrix products use one thread each: the others are here.

    Parameters
    ----------
    network, weights, preprocessing, loss
        What a batch goes through. The weights may change between calls.
    threads
        How many, see `useful_threads`; all that the process may use if not given.
    augmentation
        How `gradient` changes images before they are learned from; not at all if not given.
    flips
        Whether `outputs` are means of those of an image and of its mirror image, left and right exchanged.
        Source: Jordan, 2024, arXiv:2404.00498, section 3.5, which does so and more.
    ranks
        Who does the same at the same time and takes a share: all call `gradient` and `outputs` with the same,
        and get the same.

    Attributes
    ----------
    total : (parameters,), float32
        The gradient that `gradient` has computed.
    """

    def __init__(
        self,
        network: Network,
        weights: NetworkWeights,
        preprocessing: Preprocessing,
        loss: Loss,
        threads: int | None = None,
        *,
        augmentation: AugmentationOptions | None = None,
        flips: bool = False,
        ranks: Ranks = ALONE,
    ) -> None:
        self.network, self.weights, self.preprocessing, self.loss = network, weights, preprocessing, loss
        self.augmenter = Augmenter(
            augmentation or AugmentationOptions(), preprocessing, network.shapes[-1][-1]
        )
        self.flips = flips
        self.threads = useful_threads(threads)
        self.cutting = Cutting.of(network)
        multiply_adds = network.sequence.multiply_adds(network.shapes[0])
        self._work_of_an_image = (multiply_adds + ACTIVATION_WORK * sum(network.activations)) * (1 + flips)
        self._ranks = ranks
        self._team: Team[Learn | Predict, list[BatchResult]] = Team(self._work, self.threads)
        lanes, size = self.cutting.most_lanes, network.trained.size
        self._lanes = shared_zeros(lanes * size, np.float32).reshape(lanes, -1)
        running = {slot.name: slot.initial for slot in network.kept.slots if slot.initial.kind == "running"}
        self._changed = Layout(network.sequence, running)
        # Of each lane: its loss, how many are right, and what running figures change by.
        self._figured = shared_zeros(lanes * (2 + self._changed.size), np.float64).reshape(lanes, -1)
        self._sharing = Sharing(ranks, self._lanes, self._figured, self.threads)
        self.total = self._sharing.total
        self._views: dict[int, tuple[Weights, Weights]] = {}  # made when a lane is first taken
        self._tapes: FreeList[list[Tape]] = FreeList(list)  # one worker's at a time
        self._alone = 0  # work that would have been shared, had there been helpers
        self._room(0)

    def __enter__(self) -> Workers:
        self._products = one_thread_each()
        self._products.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        self._products.__exit__(kind, error, trace)

    def close(self) -> None:
        """End the helpers. Another batch forks new ones."""
        self._team.close()

    def _room(self, images: int) -> None:
        """Have shared arrays for so many images."""
        self._team.close()  # its helpers know the old arrays
        shape, outputs = self.network.shapes[0], self.network.shapes[-1]
        self._images = shared_zeros(images * math.prod(shape), np.uint8).reshape(images, *shape)
        self._labels, self._places = shared_zeros(images, np.int64), shared_zeros(images, np.int64)
        self._outputs = shared_zeros(images * math.prod(outputs), self.weights.trained.dtype).reshape(
            images, *outputs
        )
        exchanged = self.network.sequence.exchanged(shape)
        pieces, _ = self.cutting.to_learn(images)
        self._figures = shared_zeros(2 * pieces * exchanged, np.float64).reshape(2, pieces, exchanged)

    @property
    def _ahead(self) -> int:
        return min(PIECES_AHEAD * self.threads, MOST_PARTS) * self.cutting.most

    def received(self, size: int) -> int:
        """Return how many bytes other ranks send this one for the sums of a batch of so many images."""
        pieces, _ = self.cutting.to_learn(size)
        return self._sharing.received(self.cutting.lanes(pieces))

    def gradient(
        self, images: Array, labels: Array, batch: Array, seed: tuple[int, ...], asked: Sequence[int] = ()
    ) -> BatchResult:
        """Put the gradient of the mean loss of images[batch] into `total`.

        Parameters
        ----------
        images : (n, h, w, c), uint8
            Of which a rank reads what it takes; with images that are mixed, all.
        labels : (b,)
            Of the batch.
        batch : (b,)
            Indices into `images`.
        seed
            What the random numbers of this batch depend on, besides the piece's number. Where images are
            augmented it begins with the training's seed and the epoch, on which they and the image depend.
        asked
            Begins with the number of a signal, once one has asked to stop.
        """
        size = len(batch)
        if size > len(self._images):
            self._room(max(size, self._ahead))
        pieces, groups = self.cutting.to_learn(size)
        lanes = self.cutting.lanes(pieces)
        held = self._sharing.held(lanes)
        job = Learn(size, pieces, groups, seed, lanes, held)
        self._labels[:size], self._places[:size] = labels, batch
        for chosen in self._taken(job):
            # "clip" takes them straight to `out`; the default would fill a copy first.
            np.take(images, batch[chosen], axis=0, out=self._images[chosen], mode="clip")
        if held:
            self._figured[held.start : held.stop, :2] = self._learned(job)
        figures, stop = self._sharing.add(lanes, asked[0] if asked else 0)
        with np.errstate(all="ignore"):  # as in `_learn_piece`
            change = self._changed.named(np.sum(figures[:, 2:], axis=0))
            for name, kept in self.network.kept.named(self.weights.kept).items():
                if name in change:
                    kept += change[name]
        losses, correct = figures[:, :2].T.tolist()
        return BatchResult(sum(losses), int(sum(correct)), stop)

    def _taken(self, job: Learn) -> list[slice]:
        """Return where the images of a batch lie that are needed here."""
        if len(job.held) == job.lanes or self.augmenter.mixes:
            return [slice(0, job.size)]
        return [job.chosen(piece) for piece in job.pieces_of(job.held)]

    def _learned(self, job: Learn) -> list[tuple[float, int]]:
        """Have the lanes that are held here learned; return what each gives."""
        if self.network.sequence.couples_samples:
            members = min(self._team.members, len(job.held))
            parts = self._team.together(replace(job, members=members), members)
        else:
            parts = self._team.run(job, len(job.held))
        return [(result.loss, result.correct) for result in chain.from_iterable(parts)]

    def in_chunks(self, task: Callable[[slice], Result]) -> list[Result]:
        """Return what `task` makes of slices that cover all parameters, each small enough for a cache."""
        chunks = slices(self.network.trained.size, CHUNK)

        def run(chunk: slice) -> Result:
            with np.errstate(all="ignore"):  # as in `_learn_piece`
                return task(chunk)

        return spread(run, chunks, self.threads if len(chunks) >= MANY_CHUNKS else 1)

    def outputs(self, images: Array, places: Array | None = None) -> Array:
        """Return the network's outputs (n, ...) for `images` (n, h, w, c), uint8, or for images[places]."""
        count = len(images) if places is None else len(places)
        result = np.empty((count, *self._outputs.shape[1:]), self._outputs.dtype)
        work = count * self._work_of_an_image
        pieces = self.cutting.to_predict(count, shared=work >= WORTH_WAKING)
        each = [pieces[own.start : own.stop] for own in shares(len(pieces), self._ranks.size)]
        self._predict_pieces(images, places, result, each[self._ranks.rank])
        taken = [sum(piece.stop - piece.start for piece in own) for own in each]
        self._ranks.collect(result, [math.prod(result.shape[1:]) * images for images in taken])
        return result

    def _predict_pieces(
        self, images: Array, places: Array | None, result: Array, pieces: list[slice]
    ) -> None:
        """Write the outputs for some pieces, which follow each other, to where they lie in `result`."""
        if not pieces:
            return
        work = (pieces[-1].stop - pieces[0].start) * self._work_of_an_image
        shared = self.threads > 1 and len(pieces) > 1 and self._worth_sharing(work)
        if shared and self._team.forks:
            self._by_processes(images, places, result, pieces)
            return

        def predict(piece: slice) -> None:
            with self._tapes.lent() as tapes:
                pixels = images[piece if places is None else places[piece]]
                self._predict(pixels, result[piece], self._tape(tapes, 0))

        spread(predict, pieces, self.threads if shared else 1)

    def _worth_sharing(self, work: int) -> bool:
        """Return whether helpers save more than they cost.

        They are forked when what was done without them would have paid for it: whoever predicts an image now
        and then never has any.
        """
        if work < WORTH_WAKING:
            return False
        self._alone += work
        return self._alone >= WORTH_FORKING

    def _by_processes(self, images: Array, places: Array | None, result: Array, pieces: list[slice]) -> None:
        if self._ahead > len(self._images):
            self._room(self._ahead)
        for numbers in slices(len(pieces), self._ahead // self.cutting.most):
            first, last = pieces[numbers][0], pieces[numbers][-1]
            block, size = slice(first.start, last.stop), last.stop - first.start
            self._images[:size] = images[block if places is None else places[block]]
            count = numbers.stop - numbers.start
            self._team.run(Predict(tuple(piece.stop - block.start for piece in pieces[numbers])), count)
            result[block] = self._outputs[:size]

    # What one worker does. It may run in another process: what it leaves behind lies in the shared arrays.

    def _work(self, job: Learn | Predict, part: int) -> list[BatchResult]:
        with self._tapes.lent() as tapes:
            if isinstance(job, Learn):
                return self._learn(job, part, tapes)
            chosen = slice(job.ends[part - 1] if part else 0, job.ends[part])
            self._predict(self._images[chosen], self._outputs[chosen], self._tape(tapes, 0))
            return []

    def _tape(self, tapes: list[Tape], number: int) -> Tape:
        """Return one of a worker's tapes, which share what a layer may overwrite: one is in use at a time."""
        while number >= len(tapes):
            tapes.append(self.network.tape())
            tapes[-1].current.scratch = tapes[0].current.scratch
        return tapes[number]

    def _learn(self, job: Learn, part: int, tapes: list[Tape]) -> list[BatchResult]:
        """Add up the gradients of each lane's pieces; return what its pieces give."""
        lanes = job.lanes_of(part)
        pieces = job.pieces_of(lanes)
        if job.members is None:
            results = [self._learn_piece(job, piece, self._tape(tapes, 0)) for piece in pieces]
        else:
            meetings: Meetings[BatchResult] = self._meetings(job, leads=part == 0)
            results = meetings.turns.run(
                [
                    partial(self._learn_piece, job, piece, self._tape(tapes, number), meetings)
                    for number, piece in enumerate(pieces)
                ]
            )
        of_pieces = iter(results)
        return [_added_up([next(of_pieces) for _ in job.pieces_of(range(lane, lane + 1))]) for lane in lanes]

    def _views_of(self, lane: int) -> tuple[Weights, Weights]:
        """Return what a lane's pieces add to: gradients, and what running figures change by."""
        if lane not in self._views:
            gradients, changes = self._lanes[lane], self._figured[lane, 2:]
            self._views[lane] = self.network.trained.views(gradients), self._changed.views(changes)
        return self._views[lane]

    # A loss that overflows is found and named by whoever trains; a warning for each step is noise.
    @np.errstate(over="ignore", invalid="ignore", divide="ignore")
    def _learn_piece(
        self, job: Learn, piece: int, tape: Tape, meetings: Meetings[BatchResult] | None = None
    ) -> BatchResult:
        """Take a piece forward and backward, and add its gradients to its lane's."""
        current = tape.current
        current.training, current.forward_only = True, False
        current.fresh, current.batch = piece < job.lanes, job.size
        chosen = job.chosen(piece)
        current.groups = tuple(group.stop - group.start for group in job.in_piece(piece))
        lane = piece % job.lanes
        tape.add_to(*self._views_of(lane))
        if meetings is not None:
            current.over_batch = partial(meetings.over_batch, piece)
        if self.network.sequence.draws:
            current.rng = np.random.Generator(np.random.SFC64((*job.seed, piece)))
        images, targets = self._images[chosen], self._labels[chosen]
        if self.augmenter.active:
            batch = self._images[: job.size], self._labels[: job.size], self._places[: job.size]
            images, targets = self.augmenter.piece(batch, chosen, job.seed)
        outputs = self._forward(images, tape)
        losses, gradient = self.loss.evaluate(outputs, targets)
        gradient *= gradient.dtype.type(1 / job.size)
        labels = targets if targets.ndim == 1 else targets.argmax(1)
        correct = int((outputs.argmax(1) == labels).sum())
        self.network.backward(gradient, self.weights, tape)
        return BatchResult(float(losses.sum(dtype=np.float64)), correct)

    def _meetings(self, job: Learn, *, leads: bool) -> Meetings[BatchResult]:
        each = [job.pieces_of(held) for held in shares(job.lanes, self._ranks.size) if held]
        figures = self._figures[:, : job.pieces]
        return Meetings(figures, each, partial(self._ranks.first, len(each)), self._team.meet, leads=leads)

    @np.errstate(over="ignore", invalid="ignore", divide="ignore")
    def _predict(self, images: Array, outputs: Array, tape: Tape) -> None:
        """Write the outputs for a piece's images."""
        tape.current.training, tape.current.forward_only = False, True
        outputs[:] = self._forward(images, tape)
        if self.flips:
            outputs += self._forward(images[:, :, ::-1], tape)
            outputs *= outputs.dtype.type(0.5)

    def _forward(self, images: Array, tape: Tape) -> Array:
        x = self.preprocessing.apply(images, tape.workspace, self.weights.trained.dtype)
        return self.network.forward(x, self.weights, tape)


def useful_threads(wanted: int | None) -> int:
    """Return how many work on a batch: as many as wanted, but no more than there are lanes or processors."""
    return min(wanted or available_cores(), max(MOST_LANES, available_cores()))


def check_training_memory(
    network: Network, batch_size: int, threads: int | None, ranks: Ranks = ALONE
) -> None:
    """Raise InputError if a training takes more memory than this machine has.

    That is, about: activations with their gradients, of a piece for each worker or of all that are under way
    at once, and all vectors; of each rank on this machine.
    """
    cutting = Cutting.of(network)
    largest = max(cutting.most, 2 * network.sequence.grouped - 1)
    share, lanes = (-(-count // ranks.size) for count in (batch_size, cutting.most_lanes))
    images = min(useful_threads(threads) * largest, share)
    if network.sequence.couples_samples:
        images = share
    activations = 2 * images * sum(network.activations)
    # The lanes' gradients and their sum, the weights and the best ones, what optimizers keep; and beginnings.
    vectors = (lanes + 5) * network.trained.size + 4 * network.kept.size
    if ranks.size > 1:
        vectors += 2 * network.trained.size  # what they send and receive
    check_memory(
        "[[layers]]",
        4 * (activations + vectors) * ranks.beside,
        advice="Set a smaller data.size or training.batch_size, pool earlier, or take fewer --threads.",
    )


def _added_up(results: list[BatchResult]) -> BatchResult:
    return BatchResult(sum(result.loss for result in results), sum(result.correct for result in results))
