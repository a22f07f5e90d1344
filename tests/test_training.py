"""Training: it learns, keeps the best, stops when it should, and goes on exactly where it stopped."""

from __future__ import annotations

import copy
import os
from contextlib import suppress
from dataclasses import asdict, replace
from itertools import islice

import numpy as np
import pytest

import stripes
from convcli import build
from convcli.data import Dataset, Splits, open_source
from convcli.errors import InputError, TrainingError
from convcli.nn.averaging import Averaging
from convcli.nn.evaluation import evaluate
from convcli.runs import checkpoints
from convcli.runs.folder import BEST, Run
from convcli.training import BatchDone, EpochDone, Metrics, Progress, Training, best_metrics

# Everything that has a state or draws random numbers.
LAYERS = [
    *stripes.LAYERS[:2],
    {"type": "batch_norm"},
    {"type": "dropout", "rate": 0.2},
    *stripes.LAYERS[2:],
]
OPTIONS = {
    "optimizer": {"type": "adam", "learning_rate": 0.01, "bias_rate_factor": 2.0},
    "schedule": "one_cycle",
    "clip_norm": 1.0,
    "ema": {"decay": 0.8, "every": 2},
    "loss": {"type": "focal", "gamma": 1, "class_weights": {"across": 2.0}},
}
TIMES = ("seconds", "images_per_second")


def metrics(training):
    """Return the figures of all epochs but the times that they took."""
    rows = [asdict(row) for row in training.progress.history]
    return [{name: value for name, value in row.items() if name not in TIMES} for row in rows]


def weights(model):
    return model.weights.trained.tobytes(), model.weights.kept.tobytes()


def until_it_fails(events):
    with suppress(TrainingError):
        yield from events


def finish(training):
    for _ in training.run():
        pass
    return training


def test_the_loss_falls():
    training = finish(stripes.training(epochs=5, **OPTIONS))
    losses = [row.train_loss for row in training.progress.history]
    assert losses[-1] < 0.5 * losses[0]
    assert training.progress.history[-1].validation_accuracy > 0.9


def test_every_batch_and_every_epoch_is_told():
    training = stripes.training(count=50, epochs=2)
    events = list(training.run())
    assert training.batches == 4
    assert [type(event) for event in events] == ([BatchDone] * 4 + [EpochDone]) * 2
    batches = [event for event in events if isinstance(event, BatchDone)]
    assert [(event.epoch, event.batch, event.batches) for event in batches] == [
        (epoch, batch, 4) for epoch in (1, 2) for batch in (1, 2, 3, 4)
    ]
    assert all(event.images_per_second > 0 for event in batches)
    assert [event.metrics for event in events if isinstance(event, EpochDone)] == training.progress.history
    assert training.finished
    assert list(training.run()) == []


def test_an_epochs_figures_are_those_of_its_last_batch():
    *_, batch, epoch = stripes.training(epochs=1).run()
    assert (epoch.metrics.train_loss, epoch.metrics.train_accuracy) == (batch.loss, batch.accuracy)


def test_every_image_is_seen_once_an_epoch_in_an_order_of_its_own(monkeypatch):
    training = stripes.training(count=50, epochs=2)
    seen = []
    step = Training._step

    def watch(self, workers, batch, asked):
        seen.append(batch.copy())
        return step(self, workers, batch, asked)

    monkeypatch.setattr(Training, "_step", watch)
    finish(training)
    first, second = np.concatenate(seen[:4]), np.concatenate(seen[4:])
    assert sorted(first) == sorted(second) == list(range(50))
    assert (first != second).any()
    assert (first != np.arange(50)).any()


def test_without_validation_the_last_epoch_is_the_best():
    training = finish(stripes.training(validation=False, epochs=2))
    assert training.progress.best_epoch == 2
    assert training.progress.history[0].validation_loss is None
    assert weights(training.best_model()) == weights(training.model)


@pytest.fixture
def scripted(monkeypatch):
    """Return a function that makes a training whose validation figures are these (accuracy, loss)."""

    def make(figures, **options):
        training = stripes.training(count=16, epochs=len(figures), **options)
        script = iter(figures)

        def validate(_workers):
            accuracy, loss = next(script)
            right = evaluate(np.eye(3), np.arange(3), training.model.loss, stripes.CLASSES)
            return replace(right, accuracy=accuracy, loss=loss)

        monkeypatch.setattr(training, "_validate", validate)
        return training

    return make


@pytest.mark.parametrize(
    ("figures", "best"),
    [
        ([(0.5, 1), (0.7, 1), (0.6, 1)], 2),
        ([(0.5, 1), (0.5, 0.9), (0.5, 0.95)], 2),  # among equals, the lower loss
        ([(0.5, 1), (0.5, 1), (0.5, 1)], 1),  # among those, the first
        ([(0.5, 0.1), (0.6, 9), (0.5, 0.01)], 2),  # accuracy comes before the loss
    ],
)
def test_the_best_epoch_is_kept(scripted, figures, best):
    training = scripted(figures)
    kept = {}
    for event in training.run():
        if isinstance(event, EpochDone):
            kept[event.metrics.epoch] = weights(training.model)
            assert event.best == (training.progress.best_epoch == event.metrics.epoch)
    assert training.progress.best_epoch == best
    assert weights(training.best_model()) == kept[best]
    assert checkpoints.best_checkpoint(training).document["epoch"] == best


@pytest.mark.parametrize(
    ("by", "best"),
    [
        ("validation_accuracy", 1),
        ("validation_loss", 2),
        ("validation_macro_f1", 3),
        ("validation_macro_recall", 3),
        ("validation_macro_precision", 3),
        ("train_accuracy", 4),
        ("train_loss", 4),
    ],
)
def test_the_best_epoch_is_that_of_the_figure_that_is_asked_for(by, best):
    rows = [  # accuracy and loss of training and validation, macro figures
        (0.5, 2.0, 0.9, 1.0, 0.5),
        (0.6, 1.9, 0.8, 0.5, 0.5),
        (0.6, 1.9, 0.8, 0.6, 0.7),
        (0.7, 1.8, 0.8, 0.6, 0.6),
        (0.7, 1.8, 0.8, 0.7, 0.7),
    ]
    history = [
        Metrics(epoch, loss, accuracy, judged, right, 0.1, 1.0, 1.0, macro, macro, macro, by)
        for epoch, (accuracy, loss, right, judged, macro) in enumerate(rows, 1)
    ]
    assert best_metrics(history).epoch == best


def test_patience_looks_at_the_same_figure(scripted):
    training = finish(
        scripted([(0.5, 1), (0.6, 2), (0.7, 3), (0.8, 4)], patience=2, best_by="validation_loss")
    )
    assert (training.progress.best_epoch, len(training.progress.history)) == (1, 3)


def test_without_validation_training_may_say_which_epoch_is_the_best():
    still = {"type": "sgd", "learning_rate": 1e-30}
    options = {"best_by": "train_loss", "patience": 2, "optimizer": still}
    training = finish(stripes.training(validation=False, epochs=9, **options))
    assert len(training.progress.history) - training.progress.best_epoch == 2


def test_patience_ends_a_run_that_no_longer_improves(scripted):
    training = scripted([(0.5, 1), (0.6, 1), (0.6, 1), (0.4, 1), (0.9, 1)], patience=2)
    epochs = [event for event in training.run() if isinstance(event, EpochDone)]
    assert [event.stops for event in epochs] == [False, False, False, True]
    assert training.progress.best_epoch == 2
    assert training.finished


def test_an_improvement_renews_the_patience(scripted):
    training = finish(scripted([(0.5, 1), (0.4, 1), (0.6, 1), (0.5, 1), (0.7, 1)], patience=2))
    assert len(training.progress.history) == 5


@pytest.mark.parametrize("clip", [None, 1e30])
@pytest.mark.parametrize(
    ("rate", "batch"),
    [("1e+30", 2), ("1e+300", 1)],  # the second is beyond float32 by itself
)
def test_numbers_beyond_float32_end_the_run_with_the_place_and_the_likely_cause(clip, rate, batch):
    optimizer = {"type": "sgd", "learning_rate": float(rate)}
    training = stripes.training(epochs=3, optimizer=optimizer, clip_norm=clip)
    with pytest.raises(TrainingError) as caught:
        finish(training)
    message = str(caught.value)
    assert message.startswith(
        "The weights became infinite in epoch 1"
        if batch == 1
        else ("The loss became ", "The gradient became infinite")
    )
    assert f" in epoch 1, batch {batch} of 6, at learning rate {rate}. Most likely" in message
    assert "try training.optimizer.learning_rate = 0.1" in message
    assert message.endswith(" or training.clip_norm = 1.0.") == (clip is None)


@pytest.mark.parametrize(
    ("name", "rate", "advice"), [("sgd", 1e4, 0.1), ("adam", 1e12, 0.01), ("sgd", 0.5, 0.05)]
)
def test_the_learning_rate_that_is_advised_is_one_that_works(name, rate, advice):
    training = stripes.training(epochs=2, optimizer={"type": name, "learning_rate": rate}, clip_norm=None)
    message = str(training._diverged("The loss became nan"))
    assert f"try training.optimizer.learning_rate = {advice:g} or" in message
    again = finish(stripes.training(epochs=2, optimizer={"type": name, "learning_rate": advice}))
    assert np.isfinite(again.progress.history[-1].train_loss)


@pytest.mark.parametrize("rate", [1e10, 3e18, 1e25])
@pytest.mark.parametrize("loss", ["cross_entropy", "mean_squared_error"])
def test_a_norm_beyond_float32_is_told_in_our_words_alone(rate, loss, recwarn):
    training = stripes.training(epochs=3, optimizer={"type": "sgd", "learning_rate": rate}, loss=loss)
    for _ in until_it_fails(training.run()):
        pass
    assert not recwarn.list


def test_a_validation_loss_that_is_no_number_ends_the_run_too(scripted):
    training = scripted([(0.5, 1.0), (0.1, float("nan"))])
    with pytest.raises(TrainingError, match=r"The loss became nan in epoch 2, batch 1 of 1"):
        finish(training)
    assert [row.epoch for row in training.progress.history] == [1]


# Where a loss does not tell: tanh hides what flows into it, a batch_norm how large its variance has become.
SATURATED = [{"type": "flatten"}, {"type": "dense", "units": 4, "activation": "tanh"}, {"type": "dense"}]
NORMAL = [{"type": "flatten"}, {"type": "dense", "units": 4}, {"type": "batch_norm"}, {"type": "dense"}]


@pytest.mark.parametrize("validation", [True, False])
def test_weights_beyond_float32_end_the_run_at_their_step_whoever_judges(validation):
    optimizer = {"type": "sgd", "learning_rate": 1e300}
    training = stripes.training(
        SATURATED, validation=validation, batch_size=999, epochs=1, optimizer=optimizer
    )
    with pytest.raises(TrainingError, match="The weights became infinite in epoch 1, batch 1 of 1, at"):
        finish(training)
    assert (training.progress.history, training.progress.best_epoch) == ([], 0)


def test_running_figures_beyond_float32_end_the_run_though_the_loss_is_finite():
    training = stripes.training(NORMAL, validation=False)
    training.model.weights.arrays.inner[1]["W"][:] *= np.float32(1e30)
    with pytest.raises(TrainingError, match="The weights became infinite in epoch 1, batch 1"):
        finish(training)


def test_a_step_that_is_told_leaves_weights_that_a_checkpoint_can_hold():
    training = stripes.training(epochs=3, optimizer={"type": "sgd", "learning_rate": 1e20})
    told = [np.isfinite(training.model.weights.trained).all() for _ in until_it_fails(training.run())]
    assert told
    assert all(told)


def test_a_run_that_failed_leaves_the_best_weights_good():
    schedule = {"type": "step", "every": 1, "gamma": 1e30}
    training = stripes.training(epochs=3, optimizer={"type": "sgd", "learning_rate": 0.05}, schedule=schedule)
    with pytest.raises(TrainingError, match="in epoch 2"):
        finish(training)
    assert training.progress.best_epoch == 1
    assert np.isfinite(training.best.trained).all()


def test_clipping_shortens_a_step_and_keeps_its_direction():
    steps = {}
    for clip in (None, 1e-3, 1e6):
        training = stripes.training(optimizer={"type": "sgd", "learning_rate": 1.0}, clip_norm=clip)
        before = training.model.weights.trained.copy()
        next(iter(training.run()))
        steps[clip] = training.model.weights.trained.astype(np.float64) - before
    length = np.linalg.norm(steps[None])
    assert length > 0.1
    assert np.linalg.norm(steps[1e-3]) == pytest.approx(1e-3, rel=1e-3)
    np.testing.assert_allclose(steps[1e-3] / 1e-3, steps[None] / length, atol=1e-3)
    np.testing.assert_array_equal(steps[1e6], steps[None])


def test_rates_follow_the_schedule():
    optimizer = {"type": "sgd", "learning_rate": 0.01}
    training = stripes.training(epochs=3, optimizer=optimizer, schedule={"type": "step", "every": 1})
    finish(training)
    assert [row.learning_rate for row in training.progress.history] == pytest.approx([1e-2, 1e-3, 1e-4])


STILL = {"type": "sgd", "learning_rate": 1e-30}


@pytest.mark.parametrize(("count", "size"), [(50, 16), (49, 16), (7, 7), (7, 10**15), (1, 64)])
def test_every_image_counts_the_same_however_batches_come_out(count, size):
    training = finish(
        stripes.training(count=count, batch_size=size, epochs=1, validation=False, optimizer=STILL)
    )
    pictures = training.train
    figures = training.model.evaluate(pictures.images, pictures.labels)
    (row,) = training.progress.history
    assert row.train_accuracy == figures.accuracy
    assert row.train_loss == pytest.approx(figures.loss, rel=1e-6)


def test_one_class_alone_is_always_right():
    pictures = stripes.dataset(20)
    only = Dataset(pictures.images, np.zeros(20, np.int64), ("only",))
    training = finish(build.new_training(stripes.config(LAYERS), Splits(only, only.take([3]), None, ())))
    rows = training.progress.history
    assert [(row.train_loss, row.train_accuracy, row.validation_loss) for row in rows] == [(0, 1, 0)] * 3


@pytest.mark.parametrize("level", [0, 7, 255])
def test_images_without_any_contrast_teach_how_frequent_classes_are(level):
    labels = np.array([0] * 30 + [1] * 10)
    flat = Dataset(np.full((40, 8, 8, 1), level, np.uint8), labels, ("often", "seldom"))
    options = {"optimizer": {"type": "sgd", "learning_rate": 1.0}, "epochs": 60, "batch_size": 40}
    chosen = stripes.config([{"type": "flatten"}, {"type": "dense"}], validation=0, **options)
    training = finish(build.new_training(chosen, Splits(flat, None, None, ())))
    np.testing.assert_allclose(training.model.predict(flat.images[:1]), [[0.75, 0.25]], atol=1e-3)


def test_the_same_seed_gives_the_same_weights_whatever_the_threads():
    runs = [finish(stripes.training(LAYERS, threads=threads, **OPTIONS)) for threads in (1, 3, 1)]
    assert len({weights(run.model) for run in runs}) == 1
    assert metrics(runs[0]) == metrics(runs[1])


AUGMENTED = {"augmentation": {"flip": "horizontal", "shift": 1, "cutout": 3}, "evaluation": {"flips": True}}


def test_the_same_holds_where_images_are_augmented():
    runs = [finish(stripes.training(threads=threads, **AUGMENTED)) for threads in (1, 3, 2)]
    assert len({weights(run.model) for run in runs}) == 1
    assert metrics(runs[0]) == metrics(runs[1])
    assert weights(finish(stripes.training()).model) != weights(runs[0].model)


def test_what_pixels_are_scaled_by_is_of_the_images_as_they_are():
    assert stripes.training(**AUGMENTED).model.preprocessing == stripes.training().model.preprocessing


def test_every_figure_is_of_images_and_their_mirror_images_where_that_is_asked_for():
    training = finish(stripes.training(**AUGMENTED))
    model, validation = training.model, stripes.data().validation
    figures = model.evaluate(validation.images, validation.labels)
    last = training.progress.history[-1]
    assert (figures.loss, figures.accuracy) == (last.validation_loss, last.validation_accuracy)
    flipped = np.ascontiguousarray(validation.images[:, :, ::-1])
    np.testing.assert_array_equal(model.predict(flipped), model.predict(validation.images))


def test_another_seed_gives_others():
    runs = [finish(stripes.training(LAYERS, seed=seed, epochs=1)) for seed in (0, 1)]
    assert weights(runs[0].model) != weights(runs[1].model)


def test_the_same_seed_gives_the_same_checkpoint_bytes(tmp_path):
    for name in ("one", "two"):
        training = finish(stripes.training(LAYERS, **OPTIONS))
        Run.create(name, tmp_path / name).write_checkpoint(BEST, checkpoints.best_checkpoint(training))
    assert (tmp_path / "one" / BEST).read_bytes() == (tmp_path / "two" / BEST).read_bytes()


@pytest.mark.parametrize("layers", [LAYERS, [{"type": "conv", "filters": 4, "frozen": True}, *LAYERS]])
@pytest.mark.parametrize("lookahead", [False, True])
def test_averages_of_the_weights_are_what_is_judged_and_kept(layers, lookahead):
    ema = {"decay": 0.6, "every": 3, "lookahead": lookahead}
    training = stripes.training(layers, epochs=1, ema=ema, optimizer={"type": "sgd", "learning_rate": 0.1})
    weights = training.model.weights
    averages = [weights.trained.astype(float), weights.kept.astype(float)]
    for event in training.run():
        if isinstance(event, BatchDone) and event.batch % 3 == 0:
            update = event.batch // 3
            share = 1 - min(0.6, update / (update + 9))
            for average, now in zip(averages, (weights.trained, weights.kept), strict=True):
                if not lookahead:  # otherwise they are the averages by now
                    average += share * (now - average)
    if lookahead:
        assert training.batches % 3 == 0
        averages = [weights.trained, weights.kept]
    best = training.best_model()
    np.testing.assert_allclose(best.weights.trained, averages[0], atol=1e-6)
    np.testing.assert_allclose(best.weights.kept, averages[1], atol=1e-6)
    (row,) = training.progress.history
    figures = best.evaluate(training.validation.images, training.validation.labels)
    assert (figures.loss, figures.accuracy) == (row.validation_loss, row.validation_accuracy)
    assert (best.weights.trained == weights.trained).all() == lookahead


@pytest.mark.parametrize("name", ["sgd", "rmsprop", "adam", "adamw"])
def test_biases_learn_at_a_rate_of_their_own(name):
    steps = {}
    for factor in (1.0, 8.0):
        training = stripes.training(LAYERS, epochs=1, optimizer={"type": name, "bias_rate_factor": factor})
        begun = training.model.weights.trained.copy()
        next(iter(training.run()))
        moved = training.model.weights.trained - begun
        steps[factor] = training.model.network.trained.named(moved)
    for array, step in steps[1.0].items():
        expected = 8 * step if array.endswith((".b", ".beta")) else step
        np.testing.assert_allclose(steps[8.0][array], expected, rtol=1e-4, atol=1e-7)
    assert {array.rpartition(".")[2] for array in steps[1.0]} == {"W", "b", "gamma", "beta"}


def test_lookahead_by_hand():
    weights, averages = np.array([2.0, 4.0]), np.array([0.0, 4.0])
    ema = Averaging(decay=0.05, every=2, lookahead=True)
    ema.update(averages, weights, 1)
    assert (weights.tolist(), averages.tolist()) == ([2, 4], [0, 4])
    ema.update(averages, weights, 2)
    np.testing.assert_allclose((weights, averages), [[1.9, 4]] * 2)


def test_averages_that_begin_later_begin_with_the_weights():
    old = stripes.training(LAYERS, epochs=1)
    for _ in old.run():
        pass
    config = stripes.config(LAYERS, epochs=2, ema={"decay": 0.9})
    training = checkpoints.changed_training(old, config, old.model.preprocessing.presentation, "run")
    assert training.averages.trained.tobytes() == old.model.weights.trained.tobytes()
    assert training.averages.kept.tobytes() == old.model.weights.kept.tobytes()


EVENTS = 3 * (4 + 1)  # epochs of batches, and the end of each


@pytest.fixture(scope="module")
def uninterrupted():
    return last(finish(stripes.training(LAYERS, count=60, **OPTIONS)))


def last(training):
    """Return all that a last checkpoint holds but times: bytes by name, and the document."""
    checkpoint = checkpoints.last_checkpoint(training)
    document = copy.deepcopy(checkpoint.document)
    for row in (document["progress"], *document["progress"]["history"]):
        for name in TIMES:
            row.pop(name, None)
    return {name: array.tobytes() for name, array in checkpoint.arrays.items()}, document


@pytest.mark.parametrize("stop", range(EVENTS + 1))
def test_stopping_anywhere_and_going_on_changes_nothing(uninterrupted, tmp_path, stop):
    training = stripes.training(LAYERS, count=60, **OPTIONS)
    for _ in islice(training.run(), stop):
        pass
    run = Run.create("stripes", tmp_path / "run")
    run.write_checkpoint("last", checkpoints.last_checkpoint(training))

    stored = run.read_checkpoint("last")
    resumed = checkpoints.restore_training(stored, tmp_path, stripes.data(60), threads=2)
    assert last(resumed) == last(training)
    assert last(finish(resumed)) == uninterrupted


def test_patience_goes_on_counting_after_a_stop():
    options = {"epochs": 9, "patience": 2, "optimizer": {"type": "sgd", "learning_rate": 1e-30}}
    whole = finish(stripes.training(**options))
    stopped = stripes.training(**options)
    next(event for event in stopped.run() if isinstance(event, EpochDone) and event.metrics.epoch == 2)
    resumed = checkpoints.restore_training(checkpoints.last_checkpoint(stopped), "run", stripes.data())
    assert last(finish(resumed)) == last(whole)
    assert len(whole.progress.history) == 3


def test_the_step_of_a_schedule_is_that_of_the_epoch_whatever_the_batches_were_before():
    training = stripes.training(epochs=4, optimizer={"type": "sgd", "learning_rate": 1.0}, schedule="cosine")
    training.progress = Progress(epoch=3, batch=0, step=1000)
    assert training.rate == pytest.approx(0.5)


def test_a_training_ends_before_the_next_batch_once_its_file_of_images_is_cut_short(tmp_path):
    images = stripes.dataset()
    np.savez(tmp_path / "stripes.npz", images=images.images, labels=images.labels)
    data = open_source("stripes.npz", base=tmp_path).divided(0.1, 0)
    events = build.new_training(stripes.config(), data).run()
    next(events)
    os.truncate(tmp_path / "stripes.npz", 100)
    with pytest.raises(InputError, match=r"stripes\.npz has 100 bytes where it had"):
        next(events)
