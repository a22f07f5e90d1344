"""A training that ranks do together: the bytes of one process, the same end, the same error."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from itertools import chain

import numpy as np
import pytest

import stripes
from convcli import build
from convcli.errors import TrainingError
from convcli.nn.ranks import ALONE
from convcli.runs.checkpoints import last_checkpoint, restore_training
from convcli.runs.folder import LAST, Checkpoint
from convcli.training import BatchDone
from test_training import LAYERS, OPTIONS, metrics
from threaded_ranks import on_ranks

CONFIG = stripes.config(
    LAYERS, batch_size=40, epochs=2, **OPTIONS, augmentation={"mixup": 0.4}, evaluation={"flips": True}
)


@pytest.fixture(autouse=True)
def _several_pieces(monkeypatch):
    monkeypatch.setattr("convcli.nn.cutting.SMALL_PIECE", 5)


def training_on(ranks, config=CONFIG):
    data = stripes.data()
    return build.training_of(build.new_model(config, data, 1), data, 1, ranks)


def outcome(training):
    """Return figures and a digest of all that is kept of a training."""
    arrays = last_checkpoint(training).arrays
    digest = hashlib.sha256(b"".join(name.encode() + arrays[name].tobytes() for name in sorted(arrays)))
    return digest.hexdigest(), str(metrics(training))


def test_a_training_comes_to_the_bytes_of_one_process():
    alone = outcome(stripes.ended(training_on(ALONE)))
    assert training_on(ALONE).lanes == 8
    for ranks in (2, 3):
        assert set(on_ranks(ranks, lambda own: outcome(stripes.ended(training_on(own))))) == {alone}


def test_it_goes_on_exactly_with_another_number_of_ranks(tmp_path):
    def begun(ranks):
        training = training_on(ranks)
        for event in training.run():
            if isinstance(event, BatchDone) and (event.epoch, event.batch) == (2, 1):
                break
        return b"".join(last_checkpoint(training).parts())

    def ended(ranks, last):
        last = Checkpoint.of(last)
        return outcome(stripes.ended(restore_training(last, tmp_path / LAST, stripes.data(), 1, ranks)))

    alone = outcome(stripes.ended(training_on(ALONE)))
    of_two, _ = on_ranks(2, begun)
    assert ended(ALONE, of_two) == alone
    assert set(on_ranks(3, lambda own: ended(own, begun(ALONE)))) == {alone}


@pytest.mark.parametrize("place", [(1, 2), (2, 1)])
def test_all_stop_behind_the_batch_in_which_one_is_asked_to(place):
    def stopped(ranks):
        training, asked = training_on(ranks), []
        for event in training.run(asked):
            if event.stop:
                return type(event).__name__, training.progress.place, event.stop
            if ranks.rank == 1 and isinstance(event, BatchDone) and (event.epoch, event.batch) == place:
                asked.append(15)
        return None

    (first, second) = on_ranks(2, stopped)
    assert first == second
    assert first[0] == "BatchDone"
    assert first[2] == 15


def test_all_stop_behind_the_epoch_at_whose_end_one_is_asked_to():
    def stopped(ranks):
        training, asked = training_on(ranks), []
        for event in training.run(asked):
            if event.stop:
                return type(event).__name__, training.progress.place
            if ranks.rank == 1 and isinstance(event, BatchDone) and event.batch == event.batches:
                asked.append(2)
        return None

    assert on_ranks(2, stopped) == [("EpochDone", "epoch 1")] * 2


def test_what_diverges_ends_with_the_same_words_on_all_ranks():
    config = stripes.config(LAYERS, batch_size=40, optimizer={"type": "sgd", "learning_rate": 1e30})

    def words(ranks):
        with pytest.raises(TrainingError) as error:
            stripes.ended(training_on(ranks, config))
        return str(error.value)

    assert len({*on_ranks(3, words), words(ALONE)}) == 1


def test_ranks_that_compute_differently_are_told_at_the_end_of_the_epoch():
    def words(ranks):
        training = training_on(ranks)
        training.model.weights.trained[0] += ranks.rank
        with pytest.raises(TrainingError) as error:
            stripes.ended(training)
        return str(error.value)

    first, second = on_ranks(2, words)
    assert first == second
    assert first.startswith("The weights of rank 1 are no longer those of rank 0")


class Noted(np.ndarray):
    """Images that note which of them are taken."""

    taken: list[int]

    def take(self, indices, *args, **options):
        self.taken += np.asarray(indices).tolist()
        return self.view(np.ndarray).take(indices, *args, **options)


def test_each_image_is_read_by_one_rank_once_an_epoch():
    config = stripes.config(batch_size=40, epochs=1, validation=0)

    def read(ranks):
        data = stripes.data(validation=False)
        stored = data.train.stored.view(Noted)
        stored.taken = []
        data = replace(data, train=replace(data.train, stored=stored))
        stripes.ended(build.training_of(build.new_model(config, data, 1), data, 1, ranks))
        return stored.taken

    taken = on_ranks(2, read)
    assert sorted(chain.from_iterable(taken)) == list(range(90))
    assert [len(own) for own in taken] == [45, 45]
