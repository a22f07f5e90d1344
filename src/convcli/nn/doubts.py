"""What speaks against a network: seen in its configuration, in its first weights, and while it learns."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from convcli.data import Dataset
from convcli.nn.losses import CrossEntropy
from convcli.nn.model import Model
from convcli.nn.network import Network
from convcli.nn.optimizers import Optimizer
from convcli.nn.places import Place
from convcli.nn.schedules import Schedule
from convcli.wording import first_of

SAMPLES = 64  # images that a layer is tried with
CHANCE = 0.98  # of the loss of guessing: what is above it has learned nothing
FALLING, FAR = 0.97, 3.0  # what is that much less than an epoch ago is learning, unless so many times chance
SINGLE = ((), (1, 1))  # rows and columns of a layer's input that has one value a channel
RANGES = {"sigmoid": (0.0, 1.0), "softmax": (0.0, 1.0), "tanh": (-1.0, 1.0)}


def about(model: Model, train: Dataset) -> list[str]:
    """Return what a person should hear of a network that has not begun to learn from `train`."""
    options = model.config.training
    notes = [
        *_about_the_end(model),
        *_about_single_values(model, len(train)),
        *_about_groups(model),
        *_about_warm_up(options.schedule, options.epochs),
        *model.config.augmentation.doubts(train.shape),
        *_about_mirrored_signs(model),
        *_about_mixing_alone(model, len(train)),
    ]
    if (dead := dead_layer(model, train)) is not None:
        notes.append(
            f"the relu of {dead.name} gives 0 for every image tried at the start: "
            f"{_before(dead, model.network)} can learn. "
            f'Set {dead.layer.function_option} = "leaky_relu" there, or another init.'
        )
    return notes


def _about_the_end(model: Model) -> list[str]:
    """Return what is wrong with a last layer, whose outputs the loss takes."""
    last = _giving_outputs(model.network)
    if last.layer.draws and not last.layer.children:
        return [f"{last.name} drops outputs of the network: put it before the last dense layer."]
    name = last.layer.ends_with
    if name == "none" or not isinstance(model.loss, CrossEntropy):
        return []
    remedy = "remove this layer" if last.layer.name() == "activation" else "remove its activation"
    told = f"{last.name} ends the network with {name}, but {model.loss.name()}, which has the softmax,"
    return [f"{told} needs outputs of any size: {_loss_of(model.loss, name, len(model.classes))}; {remedy}."]


def _giving_outputs(network: Network) -> Place:
    """Return the layer that the network's outputs come from: of layers in a row the last."""
    place = network.place(len(network.layers))
    while place.layer.serial:
        place = network.place(f"{place.number}.{len(place.layer.children)}")
    return place


def _about_single_values(model: Model, images: int) -> list[str]:
    """Return what is wrong with a batch whose mean is its only value: normalised, that is 0 for any image."""
    size = model.config.training.batch_size
    single = [
        place
        for place in model.network.places
        if place.layer.couples_samples and not place.layer.children and place.input[:-1] in SINGLE
    ]
    if not single or images == 1 or (size > 1 and images % size != 1):
        return []
    better = next(other for other in range(max(size - 1, 2), images + 2) if images % other != 1)
    batch = "every batch" if size == 1 else "the last batch of every epoch"
    told = f"{single[0].name} has one value a channel in {batch}, which it makes 0 for any image."
    return [f"{told} Set training.batch_size = {better}."]


def _about_groups(model: Model) -> list[str]:
    """Return what is wrong with groups of one value a channel, and with those that are whole batches."""
    size = model.config.training.batch_size
    notes = []
    for place in model.network.places:
        group = 0 if place.layer.children else place.layer.grouped
        if group == 1 and place.input[:-1] in SINGLE:
            notes.append(
                f"{place.name} has one value a channel in every group, which it makes 0 for any image. "
                "Set a larger group."
            )
        elif group > size / 2 and size > 1:
            notes.append(
                f"{place.name} has group = {group}, so that a batch of {size} is one group, which one worker "
                "takes: without `group` all of them do, with the same result."
            )
    return notes


def _loss_of(loss: CrossEntropy, name: str, classes: int) -> str:
    if name not in RANGES or loss != CrossEntropy():
        return f"{name} holds some of them back"
    low, high = RANGES[name]
    least = math.log1p((classes - 1) * math.exp(low - high))
    return f"with {name} the loss cannot fall below {least:.3g}"


def _about_warm_up(schedule: Schedule, epochs: int) -> list[str]:
    if schedule.warmup < epochs:
        return []
    told = (
        f"training.schedule.warmup = {schedule.warmup:g} takes all {epochs} epoch(s): the learning rate never"
    )
    return [f"{told} gets to where the schedule begins. Set a smaller warmup, or more training.epochs."]


def _about_mirrored_signs(model: Model) -> list[str]:
    """Return what is wrong with mirror images of digits and letters."""
    flip, names = model.config.augmentation.flip, model.classes
    if flip is None or flip.idle or not all(len(name) == 1 and name.isalnum() for name in names):
        return []
    told = f"augmentation.flip: the classes ({first_of(names)}) are named like digits or letters"
    return [f'{told}, few of which are the same when mirrored. Set it to "none" if that is what they are.']


def _about_mixing_alone(model: Model, images: int) -> list[str]:
    """Return what is wrong with batches of one image, which has no other to be mixed with."""
    options = model.config.augmentation
    mixing = [one.name() for one in (options.mixup, options.cutmix) if one is not None and not one.idle]
    if not mixing or min(images, model.config.training.batch_size) > 1:
        return []
    return [f"augmentation.{mixing[0]}: a batch of one image has no other to mix it with."]


def dead_layer(model: Model, train: Dataset) -> Place | None:
    """Return the first layer whose relu gives 0 for all of some images, if there is one.

    Its gradient is 0 then, and so is that of all that lies before it and has no other way to the outputs.
    """
    spread = np.linspace(0, len(train) - 1, min(SAMPLES, len(train))).astype(int)
    trace = model.trace(train.take(spread).images)
    for place in model.network.places:
        if place.layer.ends_with == "relu" and not trace.output(place.number).any():
            return place
    return None


def _before(place: Place, network: Network) -> str:
    """Return the words for what has no gradient but through a layer: around a residual's, others have one."""
    while place.within is not None:
        place = network.place(place.within)
        if not place.layer.serial:
            return f"nothing up to it in {place.name}"
    return "nothing up to it"


def about_learning(model: Model, train: Dataset, losses: Sequence[float], chance: float) -> str | None:
    """Return why a network that has not learned in its last epoch does not, as far as that can be told.

    Parameters
    ----------
    train
        What it learns from.
    losses
        Of the epochs so far, at least one.
    chance
        What guessing gives; see `Loss.of_guessing`.
    """
    if losses[-1] < CHANCE * chance or chance < 1e-6:  # with a single class there is nothing to learn
        return None
    optimizer = model.config.training.optimizer
    if (dead := dead_layer(model, train)) is not None:
        return (
            f"the relu of {dead.name} gives 0 for every image tried: {_before(dead, model.network)} learns. "
            f"Try training.optimizer.learning_rate = {_less(optimizer):g}, or "
            f'{dead.layer.function_option} = "leaky_relu" there.'
        )
    if len(losses) < 2 or losses[-2] < CHANCE * chance:
        return None
    if losses[-1] < min(FALLING * losses[-2], FAR * chance):
        return None  # it only began badly
    usual = type(optimizer)().learning_rate
    better = usual if optimizer.learning_rate < usual / 3 else _less(optimizer)
    return (
        f"the loss is {losses[-1]:.4g} after {len(losses)} epochs, and guessing gives {chance:.4g}: nothing "
        f"is learned. Try training.optimizer.learning_rate = {better:g}, and look at the labels."
    )


def _less(optimizer: Optimizer) -> float:
    return min(optimizer.learning_rate / 10, type(optimizer)().learning_rate)
