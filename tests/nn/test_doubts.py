"""What speaks against a network is said, with a remedy that is one; and of a good network nothing is."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

import stripes
from convcli.errors import ConfigError
from convcli.nn.doubts import about, dead_layer
from convcli.nn.losses import LOSSES, CrossEntropy, Focal, MeanSquaredError
from convcli.nn.network import Network
from convcli.training import EpochDone

LAST = len(stripes.LAYERS)


def test_mirrored_digits_and_letters_are_doubted_and_other_classes_are_not():
    training = stripes.training(augmentation={"flip": "horizontal"})
    assert about(training.model, training.train) == []
    signs = dataclasses.replace(training.model, classes=("6", "b", "8"))
    (told,) = about(signs, training.train)
    assert told.startswith(
        "augmentation.flip: the classes (6, b, 8) are named like digits or letters, few of"
    )
    assert told.endswith('Set it to "none" if that is what they are.')  # a policy's flip cannot be left out
    still = stripes.training(augmentation={"flip": "none"}).model
    assert about(dataclasses.replace(still, classes=("6", "b", "8")), training.train) == []


def doubts(layers=stripes.LAYERS, **options):
    training = stripes.training(layers, **options)
    return about(training.model, training.train)


def told(layers=stripes.LAYERS, **options):
    """Return the notes of a training, and its last loss."""
    training = stripes.training(layers, **options)
    notes = [note for event in training.run() if isinstance(event, EpochDone) for note in event.notes]
    return notes, training.progress.history[-1].train_loss


def within(kind, *layers, **options):
    return {"type": kind, "layers": list(layers), **options}


BLOCK = within("residual", {"type": "dense", "units": 3, "activation": "relu"}, {"type": "dropout"})


def ending(*layers):
    return [*stripes.LAYERS[:-1], *layers]


@pytest.mark.parametrize("loss", LOSSES)
def test_of_a_network_that_learns_nothing_is_said(loss):
    assert doubts(loss=loss) == []
    assert told(loss=loss, epochs=4, optimizer={"type": "adam", "learning_rate": 0.01})[0] == []


@pytest.mark.parametrize(
    ("layers", "place", "remedy"),
    [
        (ending({"type": "dense", "activation": "relu"}), f"{LAST} (dense)", "remove its activation"),
        (ending({"type": "dense", "activation": "sigmoid"}), f"{LAST} (dense)", "remove its activation"),
        (ending({"type": "dense", "activation": "leaky_relu"}), f"{LAST} (dense)", "remove its activation"),
        (
            ending({"type": "dense", "units": 3}, {"type": "activation", "function": "tanh"}),
            f"{LAST + 1} (activation)",
            "remove this layer",
        ),
        (
            ending({"type": "dense", "units": 3}, {"type": "dropout", "rate": 0.1}),
            f"{LAST + 1} (dropout)",
            "put it before the last dense layer",
        ),
        (
            ending(within("sequence", {"type": "dense", "units": 3}, {"type": "activation"})),
            f"{LAST} → inside 2 (activation)",
            "remove this layer",
        ),
        (
            [
                within(
                    "sequence",
                    *stripes.LAYERS[:-1],
                    within("sequence", {"type": "dense", "activation": "relu"}),
                )
            ],
            f"1 → inside {LAST} → inside 1 (dense)",
            "remove its activation",
        ),
        (
            ending(within("sequence", {"type": "dense", "units": 3}, {"type": "dropout", "rate": 0.1})),
            f"{LAST} → inside 2 (dropout)",
            "put it before the last dense layer",
        ),
        (
            ending({"type": "dense", "units": 3}, {**BLOCK, "activation": "relu"}),
            f"{LAST + 1} (residual)",
            "remove its activation",
        ),
    ],
)
def test_a_last_layer_that_holds_outputs_back_is_said(layers, place, remedy):
    (note,) = doubts(layers)
    assert note.startswith(f"[[layers]] {place} ")
    assert remedy in note
    assert doubts() == []  # as the remedy has it


def test_what_goes_around_a_relu_and_a_dropout_at_the_end_holds_nothing_back():
    assert doubts(ending({"type": "dense", "units": 3}, BLOCK)) == []


@pytest.mark.parametrize(("name", "low"), [("sigmoid", 0.0), ("softmax", 0.0), ("tanh", -1.0)])
def test_the_loss_that_bounded_outputs_cannot_fall_below_is_the_losss_own(name, low):
    (note,) = doubts(ending({"type": "dense", "activation": name}))
    least = CrossEntropy().evaluate(np.array([[1.0, low, low]]), np.array([0]))[0][0]
    assert f"with {name} the loss cannot fall below {least:.3g};" in note


def test_squared_errors_may_be_of_bounded_outputs():
    assert doubts(ending({"type": "dense", "activation": "sigmoid"}), loss="mean_squared_error") == []


DEAD = {
    "type": "conv",
    "filters": 2,
    "init": ["-1 -1; -1 -1", "-1 -1; -1 -2"],
    "kernel": 2,
    "activation": "relu",
}


def test_a_relu_that_is_dead_from_the_start_is_said_and_the_remedy_is_one():
    options = {"epochs": 3, "optimizer": {"type": "adam", "learning_rate": 0.01}}
    layers = [{"type": "activation", "function": "sigmoid"}, DEAD, *stripes.LAYERS[1:]]
    (note,) = doubts(layers)
    assert note.startswith("the relu of [[layers]] 2 (conv) gives 0 for every image tried at the start")
    assert 'Set activation = "leaky_relu" there' in note
    before = told(layers, **options)[1]
    for remedy in ({**DEAD, "activation": "leaky_relu"}, {**DEAD, "init": "he"}):
        cured = [layers[0], remedy, *layers[2:]]
        assert doubts(cured) == []
        assert told(cured, **options)[1] < before


@pytest.mark.parametrize("depth", [0, 1])
def test_a_dead_relu_in_a_residual_keeps_only_what_is_before_it_in_there_from_learning(depth):
    inner = {"type": "conv", "filters": 4, "padding": "same"}
    dead = {**inner, "init": DEAD["init"] * 2, "kernel": 2, "activation": "relu"}
    row = [inner, {"type": "activation", "function": "sigmoid"}, dead]
    layers = [inner, within("residual", *([within("sequence", *row)] if depth else row)), *stripes.LAYERS[1:]]
    training = stripes.training(layers)
    (note,) = about(training.model, training.train)
    place = f"[[layers]] 2 → inside {'1 → inside ' * depth}3 (conv)"
    assert note.startswith(
        f"the relu of {place} gives 0 for every image tried at the start: nothing up to it "
        "in [[layers]] 2 (residual) can learn."
    )
    before = training.model.weights.trained.copy()
    for _ in training.run():
        pass
    moved = training.model.network.trained.named(training.model.weights.trained != before)
    prefix = "2.1." if depth else "2."
    assert {name for name, changed in moved.items() if not changed.any()} == {
        f"{prefix}{array}" for array in ("1.W", "1.b", "3.W", "3.b")
    }


@pytest.mark.parametrize("key", ["function", "activation"])
def test_relus_that_die_in_training_are_said_once_with_the_layer(key):
    conv = {"type": "conv", "filters": 2, "padding": "same"}
    relu = {"type": "activation", "function": "relu"}
    pair = [{**conv, "activation": "relu"}] * 2 if key == "activation" else [conv, relu, conv, relu]
    layers: list[dict[str, object]] = [*pair, *stripes.LAYERS[2:]]
    training = stripes.training(layers, epochs=4, optimizer={"type": "sgd", "learning_rate": 3.0})
    notes = [note for event in training.run() if isinstance(event, EpochDone) for note in event.notes]
    dead = int(dead_layer(training.model, training.train).number)
    (note,) = notes
    assert note.startswith(
        f"the relu of [[layers]] {dead} ({layers[dead - 1]['type']}) gives 0 for every image"
    )
    assert f'or {key} = "leaky_relu" there.' in note
    rate = float(note.partition("learning_rate = ")[2].partition(",")[0])
    assert told(layers, epochs=4, optimizer={"type": "sgd", "learning_rate": rate})[0] == []


@pytest.mark.parametrize("name", ["sgd", "adam", "rmsprop", "adamw"])
def test_a_rate_at_which_nothing_is_learned_is_said_and_the_other_learns(name):
    (note,), loss = told(epochs=3, optimizer={"type": name, "learning_rate": 1e-9})
    assert "after 2 epochs, and guessing gives 1.099: nothing is learned" in note
    rate = float(note.partition("learning_rate = ")[2].partition(",")[0])
    assert told(epochs=3, optimizer={"type": name, "learning_rate": rate})[1] < loss


def test_a_single_class_has_nothing_to_learn_and_nothing_is_said():
    training = stripes.training(epochs=3)
    object.__setattr__(training.train, "labels", np.zeros_like(training.train.labels))
    assert all(not event.notes for event in training.run() if isinstance(event, EpochDone))


@pytest.mark.parametrize(("warmup", "epochs"), [(3, 3), (5.5, 2)])
def test_a_warm_up_that_takes_the_whole_run_is_said(warmup, epochs):
    (note,) = doubts(epochs=epochs, schedule={"type": "cosine", "warmup": warmup})
    assert note.startswith(f"training.schedule.warmup = {warmup:g} takes all {epochs} epoch(s)")
    assert doubts(epochs=epochs, schedule={"type": "cosine", "warmup": epochs / 2}) == []


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
@pytest.mark.parametrize("shares", [[0.5, 0.5, 0.0], [0.2, 0.3, 0.5], [1 / 3] * 3])
def test_the_loss_of_guessing_is_the_least_that_one_answer_for_all_can_have(smoothing, shares):
    labels = np.repeat(np.arange(3), np.rint(np.array(shares) * 30).astype(int))
    rng = np.random.default_rng(0)
    weights = {"class_weights": {"a": 0.5, "b": 1.5, "c": 1.0}}
    losses = [
        kind(label_smoothing=smoothing, **options)
        for kind in (CrossEntropy, Focal, MeanSquaredError)
        for options in ({}, weights)
    ]
    for loss in losses:
        guess = loss.of_guessing(np.bincount(labels, minlength=3) / len(labels))
        near = np.log(np.maximum(np.array(shares), 1e-3)) if loss.name() != "mean_squared_error" else shares
        others = [near + rng.normal(0, size, 3) for size in (3, 0.3, 0.03) for _ in range(200)]
        found = [loss.evaluate(np.tile(answer, (len(labels), 1)), labels)[0].mean() for answer in others]
        assert min(found) >= guess - 1e-7
        assert min(found) < guess + 0.05
    assert CrossEntropy().of_guessing(np.full(10, 0.1)) == pytest.approx(math.log(10))


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (
            {"type": "dense", "activation": "Log-Softmax"},
            "softmax belongs to the loss .*leave",
        ),
        ({"type": "softmax"}, "softmax belongs to the loss .*end with a dense layer"),
        ({"type": "gelu"}, "That is type = 'activation' with function = 'gelu'"),
        ({"type": "relu"}, "That is type = 'activation' with function = 'relu'"),
        ({"type": "linear"}, "That is called 'dense' here"),
        ({"type": "activation", "function": "rleu"}, "Did you mean 'relu'"),
    ],
)
def test_names_from_elsewhere_lead_to_ours(layer, message):
    with pytest.raises(ConfigError, match=message):
        stripes.config(ending(layer))


def test_a_network_that_ends_with_a_volume_is_led_to_a_flat_one():
    with pytest.raises(ConfigError, match="end with flatten and a dense layer without `units`"):
        stripes.training(stripes.LAYERS[:2])
    assert Network.classifying(stripes.config().layers, (8, 8, 1), 3).shapes[-1] == (3,)


NORMALISED = [
    {"type": "flatten"},
    {"type": "dense", "units": 4},
    {"type": "batch_norm"},
    {"type": "dense"},
]
IMAGES = len(stripes.training().train)


@pytest.mark.parametrize(
    ("batch_size", "where"), [(1, "every batch"), (IMAGES - 1, "the last batch of every epoch")]
)
def test_a_batch_of_one_value_a_channel_is_said_and_the_size_named_has_none(batch_size, where):
    """PyTorch refuses such a batch; normalised, it is 0 whatever the image."""
    (note,) = doubts(NORMALISED, batch_size=batch_size)
    assert f"[[layers]] 3 (batch_norm) has one value a channel in {where}" in note
    assert doubts(NORMALISED, batch_size=int(note.rstrip(".").split()[-1])) == []


@pytest.mark.parametrize(
    ("group", "said"),
    [
        (1, "has one value a channel in every group, which it makes 0 for any image. Set a larger group."),
        (2, None),
        (8, None),
        (9, "has group = 9, so that a batch of 16 is one group, which one worker takes"),
    ],
)
def test_groups_of_one_value_and_those_of_a_whole_batch_are_said(group, said):
    notes = doubts([*NORMALISED[:2], {"type": "batch_norm", "group": group}, NORMALISED[3]], batch_size=16)
    assert len(notes) == (said is not None)
    assert said is None or f"[[layers]] 3 (batch_norm) {said}" in notes[0]


def test_maps_of_several_cells_have_values_enough_in_a_batch_of_one():
    layers = [
        {"type": "conv", "filters": 2, "kernel": 3},
        {"type": "batch_norm"},
        *NORMALISED[:1],
        NORMALISED[3],
    ]
    assert doubts(layers, batch_size=1) == []
    assert doubts(NORMALISED, batch_size=IMAGES) == []


@pytest.mark.parametrize(("size", "doubted"), [(1, True), (2, False)])
def test_mixing_an_image_with_itself_is_doubted(size, doubted):
    training = stripes.training(batch_size=size, augmentation={"cutmix": 1})
    note = "augmentation.cutmix: a batch of one image has no other to mix it with."
    assert (note in about(training.model, training.train)) == doubted
