"""Batches in pieces and on threads: the same gradient as the whole batch, the same bytes for any number."""

from __future__ import annotations

import os
import signal
import sys
import tracemalloc
from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pytest
from threadpoolctl import threadpool_info

import stripes
from convcli.engine.team import Team
from convcli.engine.threads import available_cores
from convcli.engine.workspace import Workspace
from convcli.errors import ConvcliError, InputError
from convcli.nn.augmentation import AugmentationOptions, Augmenter, Draws
from convcli.nn.cutting import MOST_LANES, Cutting
from convcli.nn.jobs import Learn
from convcli.nn.layers import (
    ActivationLayer,
    BatchNorm,
    Conv,
    Dense,
    Dropout,
    Flatten,
    MaxPool,
    Residual,
    Sequence,
)
from convcli.nn.losses import CrossEntropy
from convcli.nn.network import Network
from convcli.nn.preprocessing import Preprocessing
from convcli.nn.ranks import ALONE
from convcli.nn.weights import NetworkWeights
from convcli.nn.workers import BatchResult, Workers, check_training_memory, useful_threads
from threaded_ranks import on_ranks

HEAD = [Conv(filters=4, activation="relu", padding="same"), MaxPool()]
BLOCK = Residual(
    layers=(BatchNorm(), Sequence(layers=(Conv(filters=4, padding="same"), BatchNorm(), Dropout(rate=0.2)))),
    activation="relu",
)
NETWORKS = {
    "plain": [*HEAD, Flatten(), Dense(units=3)],
    "dropout": [*HEAD, Dropout(rate=0.3), Flatten(), Dense(units=8), Dropout(), Dense(units=3)],
    "batch_norm": [*HEAD, BatchNorm(), Flatten(), Dense(units=3)],
    "dropout and batch_norm": [*HEAD, BatchNorm(), Dropout(), Flatten(), Dense(units=3)],
    "groups": [*HEAD, BatchNorm(group=9), Dropout(), Flatten(), Dense(units=3)],
    "groups of two sizes, and none": [
        *HEAD,
        BatchNorm(group=10),
        Flatten(),
        Dense(units=8),
        BatchNorm(group=4),
        BatchNorm(),
        Dense(units=3),
    ],
    "batch_norm within": [*HEAD, BLOCK, BLOCK, Flatten(), Dense(units=8), BatchNorm(), Dense(units=3)],
}
each_network = pytest.mark.parametrize("layers", NETWORKS.values(), ids=NETWORKS.keys())
PICTURES = stripes.dataset(130)
BATCH = np.random.default_rng(0).permutation(130)[:101]


def workers_and_weights(layers, threads, piece=6, lanes=8, **options):
    """Return workers that cut a batch into more pieces than there are lanes, and fresh weights."""
    network = Network(layers, (8, 8, 1))
    preprocessing = Preprocessing.fit([PICTURES.images], "standardize")
    weights = NetworkWeights.initial(network, np.random.default_rng(1))
    workers = Workers(network, weights, preprocessing, CrossEntropy(), threads, **options)
    workers.cutting.most, workers.cutting.most_lanes = piece, lanes
    assert len(BATCH) / piece > lanes  # some lanes have several pieces
    return workers, weights


def gradient_of_the_whole(layers):
    """Return loss, gradient and what is kept of the batch in one piece and in float64, without workers."""
    network = Network(layers, (8, 8, 1))
    weights = NetworkWeights.initial(network, np.random.default_rng(1), np.float64)
    gradient, tape = np.zeros_like(weights.trained), network.tape()
    tape.add_to(network.trained.views(gradient))
    tape.current.training = True
    pixels = PICTURES.images[BATCH] / 255
    outputs = network.forward(
        (pixels - PICTURES.images.mean() / 255) / (PICTURES.images.std() / 255), weights, tape
    )
    losses, dy = CrossEntropy().evaluate(outputs, PICTURES.labels[BATCH])
    network.backward(dy / len(BATCH), weights, tape)
    return losses.sum(), gradient, weights.kept


@pytest.mark.parametrize("group", [1, 2, 7, 50, 51, 1000])
def test_groups_in_pieces_are_those_of_the_whole_batch(group):
    layers = [*HEAD, BatchNorm(group=group), Flatten(), Dense(units=3)]
    workers, weights = workers_and_weights(layers, 2)
    with workers:
        workers.gradient(PICTURES.images, PICTURES.labels[BATCH], BATCH, (0,))
    _, gradient, kept = gradient_of_the_whole(layers)
    assert np.abs(workers.total - gradient).max() / np.abs(gradient).max() < 1e-5
    np.testing.assert_allclose(weights.kept, kept, rtol=1e-5, atol=1e-7)


def test_what_is_left_of_a_batch_is_spread_over_its_groups():
    workers, _ = workers_and_weights([*HEAD, BatchNorm(group=10), Flatten(), Dense(units=3)], 1)
    for size, expected in ((101, [11] + [10] * 9), (19, [19]), (7, [7]), (29, [15, 14])):
        pieces, groups = workers.cutting.to_learn(size)
        job = Learn(size, pieces, groups, (0,), pieces, range(pieces))
        found = [group for piece in range(job.pieces) for group in job.in_piece(piece)]
        assert [group.stop - group.start for group in found] == expected
        assert (found[0].start, found[-1].stop) == (0, size)


@pytest.mark.parametrize("name", ["plain", "batch_norm"])
@pytest.mark.parametrize("threads", [1, 3])
def test_pieces_give_the_gradient_of_the_whole_batch(name, threads):
    workers, _ = workers_and_weights(NETWORKS[name], threads)
    with workers:
        result = workers.gradient(PICTURES.images, PICTURES.labels[BATCH], BATCH, (0,))
    loss, gradient, _ = gradient_of_the_whole(NETWORKS[name])
    assert abs(result.loss / loss - 1) < 1e-5
    assert np.abs(workers.total - gradient).max() / np.abs(gradient).max() < 1e-5


@pytest.fixture(params=["processes", "threads"])
def kind(request, monkeypatch):
    if request.param == "threads":
        monkeypatch.setattr(Team, "forks", False)
    return request.param


@each_network
def test_bytes_do_not_depend_on_the_number_of_threads(kind, layers):
    found = set()
    for threads in (1, 2, 3, 8):
        workers, weights = workers_and_weights(layers, threads)
        with workers:
            for step, size in enumerate((101, 70, 1, 101)):  # the second finds tapes and lanes that were used
                batch = BATCH[:size]
                result = workers.gradient(PICTURES.images, PICTURES.labels[batch], batch, (0, step))
                weights.trained -= np.float32(0.1) * workers.total
        found.add((weights.trained.tobytes(), weights.kept.tobytes(), result.loss, result.correct))
    assert len(found) == 1


@each_network
def test_outputs_do_not_depend_on_threads(kind, layers):
    found = set()
    for threads in (1, 2, 3):
        workers, _ = workers_and_weights(layers, threads)
        with workers:
            found.add(workers.outputs(PICTURES.images).tobytes())
    assert len(found) == 1


@each_network
def test_outputs_of_an_image_do_not_depend_on_its_neighbours(layers):
    workers, _ = workers_and_weights(layers, 2)
    with workers:
        together = workers.outputs(PICTURES.images)
        alone = workers.outputs(PICTURES.images[50:51])
    np.testing.assert_allclose(together[50:51], alone, rtol=1e-5, atol=1e-6)


def test_random_numbers_depend_on_the_seed():
    workers, _ = workers_and_weights(NETWORKS["dropout"], 1)
    totals = []
    with workers:
        for seed in ((0, 1), (0, 1), (0, 2)):
            workers.gradient(PICTURES.images, PICTURES.labels[BATCH], BATCH, seed)
            totals.append(workers.total.copy())
    np.testing.assert_array_equal(totals[0], totals[1])
    assert (totals[0] != totals[2]).any()


AUGMENTATION = AugmentationOptions.model_validate({"flip": "both", "shift": 2, "cutout": 3})
AUGMENTATIONS = {
    "exact": AUGMENTATION,
    "strong": AugmentationOptions.model_validate({"policy": "strong", "noise": 0.1, "crop": 0.5}),
    "cutmix": AugmentationOptions.model_validate({"cutmix": 1.0, "mixup": 1.0}),
}


@pytest.mark.parametrize("augmentation", AUGMENTATIONS.values(), ids=AUGMENTATIONS.keys())
@pytest.mark.parametrize("name", ["dropout", "batch_norm"])
def test_augmented_bytes_do_not_depend_on_the_number_of_threads(kind, name, augmentation):
    found = set()
    for threads in (1, 2, 3):
        workers, _ = workers_and_weights(NETWORKS[name], threads, augmentation=augmentation)
        with workers:
            result = workers.gradient(PICTURES.images, PICTURES.labels[BATCH], BATCH, (0, 1, 2))
        found.add((workers.total.tobytes(), result.loss, result.correct))
    assert len(found) == 1


def steps_on(ranks, layers, **options):
    """Return what a rank finds in a few steps, of batches of more and fewer lanes, and some outputs."""
    workers, weights = workers_and_weights(layers, 1 + ranks.rank % 2, ranks=ranks, **options)
    found = []
    with workers:
        for step, size in enumerate((101, 70, 1, 101)):
            batch = BATCH[:size]
            result = workers.gradient(PICTURES.images, PICTURES.labels[batch], batch, (0, 1, step))
            weights.trained -= np.float32(0.1) * workers.total
            found.append(result)
        found.append(workers.outputs(PICTURES.images, BATCH).tobytes())
    return weights.trained.tobytes(), weights.kept.tobytes(), *found


@each_network
def test_bytes_do_not_depend_on_the_number_of_ranks(layers):
    alone = steps_on(ALONE, layers)
    for ranks in (3, 11):  # of which three have no lane even of the largest batch
        assert set(on_ranks(ranks, lambda own: steps_on(own, layers))) == {alone}


@pytest.mark.parametrize("augmentation", AUGMENTATIONS.values(), ids=AUGMENTATIONS.keys())
def test_augmented_bytes_do_not_depend_on_the_number_of_ranks(augmentation):
    layers = NETWORKS["dropout and batch_norm"]
    alone = steps_on(ALONE, layers, augmentation=augmentation)
    assert set(on_ranks(3, lambda own: steps_on(own, layers, augmentation=augmentation))) == {alone}


class Watched:
    """Images that remember which of them were read."""

    def __init__(self, images):
        self.images, self.read = images, set()

    def take(self, places, **options):
        self.read |= set(places.tolist())
        return self.images.take(places, **options)


@pytest.mark.parametrize("mixed", [False, True])
def test_a_rank_reads_its_own_pieces_unless_images_are_mixed(mixed):
    augmentation = AUGMENTATIONS["cutmix"] if mixed else None

    def read(ranks):
        workers, _ = workers_and_weights(NETWORKS["plain"], 1, ranks=ranks, augmentation=augmentation)
        images = Watched(PICTURES.images)
        with workers:
            workers.gradient(images, PICTURES.labels[BATCH], BATCH, (0, 1, 0))
        return images.read

    each = on_ranks(3, read)
    assert set().union(*each) == set(BATCH.tolist())
    assert sum(map(len, each)) == (3 if mixed else 1) * len(BATCH)


def test_an_image_is_augmented_by_where_it_lies_in_the_data_and_the_epoch():
    seen = Augmenter(AUGMENTATION, Preprocessing.fit([PICTURES.images], "standardize"), 3)
    everything = np.arange(len(PICTURES))
    for epoch in (1, 2):
        images = seen.images(PICTURES.images, Draws(7, epoch, everything))
        workers, _ = workers_and_weights(NETWORKS["plain"], 1)
        with workers:  # the augmented images as they are
            wanted = workers.gradient(images, PICTURES.labels[BATCH], BATCH, (7, epoch, 0)).loss
        for batch, piece in ((0, 6), (5, 11)):
            workers, _ = workers_and_weights(NETWORKS["plain"], 1, piece, augmentation=AUGMENTATION)
            with workers:
                seed = (7, epoch, batch)
                found = workers.gradient(PICTURES.images, PICTURES.labels[BATCH], BATCH, seed).loss
            assert found == pytest.approx(wanted, rel=1e-6)


def test_outputs_are_not_of_augmented_images():
    plain, _ = workers_and_weights(NETWORKS["plain"], 1)
    augmenting, _ = workers_and_weights(NETWORKS["plain"], 1, augmentation=AUGMENTATION)
    with plain, augmenting:
        np.testing.assert_array_equal(augmenting.outputs(PICTURES.images), plain.outputs(PICTURES.images))


@pytest.mark.parametrize("threads", [1, 3])
def test_with_flips_outputs_are_means_of_those_of_both_forms(kind, threads):
    workers, _ = workers_and_weights(NETWORKS["dropout and batch_norm"], 1)
    with workers:
        each = [workers.outputs(images) for images in (PICTURES.images, PICTURES.images[:, :, ::-1])]
    flipping, _ = workers_and_weights(NETWORKS["dropout and batch_norm"], threads, flips=True)
    with flipping:
        np.testing.assert_array_equal(flipping.outputs(PICTURES.images), (each[0] + each[1]) / 2)


def test_correct_answers_are_counted():
    workers, _ = workers_and_weights(NETWORKS["plain"], 2)
    with workers:
        result = workers.gradient(PICTURES.images, PICTURES.labels[BATCH], BATCH, (0,))
        outputs = workers.outputs(PICTURES.images, BATCH)
        np.testing.assert_array_equal(outputs, workers.outputs(PICTURES.images[BATCH]))
    assert result.correct == (outputs.argmax(1) == PICTURES.labels[BATCH]).sum()


def test_an_overflow_gives_a_loss_that_is_not_finite_and_no_warning():
    workers, weights = workers_and_weights(NETWORKS["plain"], 2)
    weights.trained[:] = 1e30
    with workers:
        result = workers.gradient(PICTURES.images, PICTURES.labels[BATCH], BATCH, (0,))
    assert not np.isfinite(result.loss)


@pytest.mark.parametrize("sign", [1, -1])
def test_lanes_that_overflow_are_added_without_a_warning(sign, monkeypatch):
    workers, _ = workers_and_weights(NETWORKS["plain"], 1)

    def work(_job, lane):
        workers._lanes[lane] = np.inf * sign**lane
        return [BatchResult(1.0, 0)]

    monkeypatch.setattr(workers._team, "_work", work)
    with workers:
        workers.gradient(PICTURES.images, PICTURES.labels[BATCH], BATCH, (0,))
    assert not np.isfinite(workers.total).any()


def test_more_pieces_than_a_team_takes_at_once_are_done_in_turn():
    many = np.repeat(PICTURES.images, 5, axis=0)
    found = []
    for threads in (1, 40):
        workers, _ = workers_and_weights([Flatten(), Dense(units=3)], threads, piece=1)
        workers._team = Team(workers._work, min(threads, 2))  # 40 processes would take long to begin
        with workers:
            found.append(workers.outputs(many))
    np.testing.assert_array_equal(*found)


def test_an_error_reaches_the_caller_and_the_next_batch_is_taken():
    workers, _ = workers_and_weights(NETWORKS["plain"], 2)
    labels = np.full_like(PICTURES.labels, 7)  # of three
    with workers:
        with pytest.raises(IndexError):
            workers.gradient(PICTURES.images, labels[BATCH], BATCH, (0,))
        assert workers.gradient(PICTURES.images, PICTURES.labels[BATCH], BATCH, (0,)).loss > 0


def test_matrix_products_use_one_thread_inside_and_what_they_did_outside():
    def limits():
        return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]

    before = limits()
    workers, _ = workers_and_weights(NETWORKS["plain"], 2)
    with workers:
        assert set(limits()) <= {1}
    assert limits() == before


def test_no_more_work_on_a_batch_than_there_is_work_for():
    assert useful_threads(100_000) == max(MOST_LANES, available_cores())
    assert useful_threads(3) == 3
    workers, _ = workers_and_weights(NETWORKS["plain"], 100_000)
    with workers:
        workers.gradient(PICTURES.images, PICTURES.labels[BATCH], BATCH, (0,))
    assert workers.threads == useful_threads(100_000)


@pytest.mark.parametrize("name", ["plain", "dropout and batch_norm"])
def test_many_more_workers_than_processors_give_the_same_bytes(name):
    found = set()
    for threads in (1, 3, 16):
        workers, weights = workers_and_weights(NETWORKS[name], threads, piece=3, lanes=32)
        with workers:
            workers.gradient(PICTURES.images, PICTURES.labels[BATCH], BATCH, (0,))
        found.add(workers.total.tobytes() + weights.kept.tobytes())
    assert len(found) == 1


@pytest.mark.parametrize(("units", "lanes"), [(3, 64), (2000, 32), (40_000, 8)])
def test_there_are_as_many_lanes_as_their_gradients_leave_room_for(units, lanes):
    network = Network([Flatten(), Dense(units=units)], (16, 16, 1))
    preprocessing = Preprocessing((16, 16, 1), (0.0,), (1.0,))
    workers = Workers(network, NetworkWeights(network), preprocessing, CrossEntropy(), 1)
    assert len(workers._lanes) == lanes
    assert workers._lanes.nbytes <= max(1 << 26, 8 * 4 * network.trained.size)


def test_all_processors_are_used_unless_told_otherwise():
    network = Network(NETWORKS["plain"], (8, 8, 1))
    preprocessing = Preprocessing((8, 8, 1), (0.0,), (1.0,))
    workers = Workers(network, NetworkWeights(network), preprocessing, CrossEntropy())
    assert workers.threads == available_cores() >= 1


@pytest.mark.parametrize(("size", "piece"), [(8, 64), (128, 16), (512, 4)])
def test_large_activations_go_in_small_pieces(size, piece):
    network = Network([Conv(filters=4, padding="same"), Flatten(), Dense(units=3)], (size, size, 1))
    assert Cutting.of(network).most == piece


@pytest.mark.parametrize("batch", [128, 512])
def test_a_step_allocates_nothing_large_whatever_the_batch(batch):
    """Activations, columns and gradients live in reused arrays; gathered pixels and masks are small."""
    layers = [Conv(filters=32, padding="same", activation="relu"), MaxPool(), Flatten(), Dense(units=10)]
    network = Network(layers, (28, 28, 1))
    preprocessing = Preprocessing((28, 28, 1), (0.0,), (1.0,))
    rng = np.random.default_rng(0)
    weights = NetworkWeights.initial(network, rng)
    images = rng.integers(0, 256, (batch, 28, 28, 1), np.uint8)
    labels, indices = rng.integers(0, 10, batch), np.arange(batch)
    with Workers(network, weights, preprocessing, CrossEntropy(), 1) as workers:
        workers.gradient(images, labels, indices, (0,))
        tracemalloc.start()
        workers.gradient(images, labels, indices, (1,))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    activations = batch * 28 * 28 * 16 * 4
    assert peak < 400_000 < activations / 10


def torch_twin(torch, weights):
    """Return [Conv, BatchNorm, relu, MaxPool, Flatten, Dense, BatchNorm, Dense] with `weights` in PyTorch."""
    nn = torch.nn
    conv, first, hidden, second, last = (
        weights.arrays.inner[0],
        *(weights.arrays.inner[k] for k in (1, 5, 6, 7)),
    )
    twin = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding="same"),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(64, 8),
        nn.BatchNorm1d(8),
        nn.Linear(8, 3),
    )
    with torch.no_grad():
        twin[0].weight.copy_(torch.tensor(conv["W"].transpose(3, 2, 0, 1).copy()))
        # Ours are flattened with the channels last.
        flat = hidden["W"].reshape(4, 4, 4, 8).transpose(3, 2, 0, 1).reshape(8, 64).copy()
        twin[5].weight.copy_(torch.tensor(flat))
        twin[7].weight.copy_(torch.tensor(last["W"].T.copy()))
        for module in (twin[0], twin[5], twin[7]):
            module.bias.zero_()
    return twin, (first, second)


@pytest.mark.parametrize("threads", [1, 3])
def test_steps_with_batch_norm_in_pieces_are_those_of_pytorch(threads):
    torch = pytest.importorskip("torch", reason="PyTorch is in the `bench` extra")
    layers = [
        Conv(filters=4, padding="same"),
        BatchNorm(),
        ActivationLayer(),
        MaxPool(),
        Flatten(),
        Dense(units=8),
        BatchNorm(),
        Dense(units=3),
    ]
    workers, weights = workers_and_weights(layers, threads)
    twin, norms = torch_twin(torch, weights)
    optimizer = torch.optim.SGD(twin.parameters(), lr=0.1)
    x = workers.preprocessing.apply(PICTURES.images[BATCH], Workspace())
    pixels = torch.tensor(x.transpose(0, 3, 1, 2).copy())
    labels = torch.tensor(PICTURES.labels[BATCH])
    with workers:
        for step in range(5):
            result = workers.gradient(PICTURES.images, PICTURES.labels[BATCH], BATCH, (0, step))
            weights.trained -= np.float32(0.1) * workers.total
            loss = torch.nn.functional.cross_entropy(twin(pixels), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            assert result.loss / len(BATCH) == pytest.approx(loss.item(), rel=2e-5)
    for ours, theirs in zip(norms, (twin[1], twin[6]), strict=True):
        for name, tensor in (
            ("gamma", theirs.weight),
            ("beta", theirs.bias),
            ("mean", theirs.running_mean),
            ("variance", theirs.running_var),
        ):
            np.testing.assert_allclose(ours[name], tensor.detach().numpy(), rtol=2e-4, atol=2e-5)


def test_ranks_on_other_machines_take_a_share_of_what_does_not_fit_this_one(monkeypatch):
    network = Network(NETWORKS["batch_norm"], (8, 8, 1))
    monkeypatch.setattr("convcli.bounds.machine_bytes", lambda: 20 << 20)
    for beside, fits in ((1, True), (4, False)):
        ranks = SimpleNamespace(rank=0, size=4, beside=beside)
        with nullcontext() if fits else pytest.raises(InputError, match="of memory"):
            check_training_memory(network, 10_000, 1, ranks)
    with pytest.raises(InputError, match="of memory"):
        check_training_memory(network, 10_000, 1)


def test_a_batch_that_meets_goes_through_in_few_enough_pieces():
    workers, _ = workers_and_weights(NETWORKS["batch_norm"], 1, piece=1)
    assert workers.cutting.to_learn(10_000)[0] == 256


def test_an_error_in_one_piece_ends_a_batch_that_meets_and_the_next_is_taken(kind):
    workers, _ = workers_and_weights(NETWORKS["batch_norm within"], 3)
    labels = PICTURES.labels[BATCH].copy()
    labels[60] = 7  # of three
    with workers:
        for _ in range(2):
            with pytest.raises(IndexError):
                workers.gradient(PICTURES.images, labels, BATCH, (0,))
            assert workers.gradient(PICTURES.images, PICTURES.labels[BATCH], BATCH, (0,)).loss > 0


@pytest.mark.skipif(sys.platform != "linux", reason="forks on Linux only")
def test_a_worker_that_is_killed_while_others_wait_is_an_error_and_the_next_batch_is_taken(monkeypatch):
    workers, weights = workers_and_weights(NETWORKS["batch_norm within"], 3)
    first, before = os.getpid(), weights.kept.copy()
    meet = workers._team.meet

    def killed():
        if os.getpid() != first:
            os.kill(os.getpid(), signal.SIGKILL)
        meet()

    with workers:
        monkeypatch.setattr(workers._team, "meet", killed)
        with pytest.raises(ConvcliError, match="worker process was killed"):
            workers.gradient(PICTURES.images, PICTURES.labels[BATCH], BATCH, (0,))
        np.testing.assert_array_equal(weights.kept, before)  # a batch counts when it is done
        monkeypatch.undo()
        assert workers.gradient(PICTURES.images, PICTURES.labels[BATCH], BATCH, (0,)).loss > 0
