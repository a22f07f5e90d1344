"""What training sees is what it sees: the very pixels and shares, of images of all classes."""

from __future__ import annotations

import numpy as np
import pytest

import stripes
from convcli.nn.augmentation import Augmenter
from convcli.training_images import MOST_EPOCHS, MOST_IMAGES, as_trained


def seen_by_workers(training, monkeypatch):
    """Return what a training showed its network: pixels and targets by epoch and place."""
    shown = {}
    piece = Augmenter.piece

    def noted(self, batch, chosen, seed):
        images, targets = piece(self, batch, chosen, seed)
        for place, image, target in zip(batch[2][chosen], images, targets, strict=True):
            shown[seed[1], int(place)] = image.copy(), target
        return images, targets

    monkeypatch.setattr(Augmenter, "piece", noted)
    for _ in training.run():
        pass
    return shown


@pytest.mark.parametrize(
    "augmentation", [{"flip": "both", "shift": 2}, {"rotate": 20, "mixup": 1, "cutmix": 1}]
)
def test_each_form_is_what_the_epoch_shows(monkeypatch, augmentation):
    training = stripes.training(augmentation=augmentation, epochs=2)
    found = as_trained(training.model, training.train)
    shown = seen_by_workers(training, monkeypatch)
    assert len(found) == MOST_IMAGES
    for seen in found:
        place = int(seen.image)
        np.testing.assert_array_equal(seen.pixels, training.train.stored[place])
        assert [form.epoch for form in seen.forms] == [1, 2]
        for form in seen.forms:
            image, target = shown[form.epoch, place]
            np.testing.assert_array_equal(form.pixels, np.rint(image).astype(np.uint8))
            if target.ndim:
                shares = {stripes.CLASSES[k]: share for k, share in enumerate(target) if share}
                assert dict(form.shares) == pytest.approx(shares)
            else:
                assert form.shares == ((seen.label, 1.0),)


def test_every_class_comes_before_any_comes_again():
    training = stripes.training(count=30, epochs=9)
    found = as_trained(training.model, training.train)
    assert [seen.label for seen in found] == list(stripes.CLASSES * 3)[:MOST_IMAGES]
    assert len({seen.image for seen in found}) == MOST_IMAGES
    assert {len(seen.forms) for seen in found} == {MOST_EPOCHS}


def test_few_images_are_all_there_is():
    training = stripes.training(count=2, validation=False, augmentation={"mixup": 0.2})
    assert [seen.image for seen in as_trained(training.model, training.train)] == ["0", "1"]
