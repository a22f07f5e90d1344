"""Softmax and cross-entropy, forward and back, typed in and of a trained network."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from convcli.errors import UsageError
from convcli.explaining.network import example, line_detector
from convcli.explaining.reading import Input
from convcli.nn.losses import LOSSES, CrossEntropy
from explaining.cases import made
from explaining.test_topics import formulas, typed


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_softmax_goes_back_at_once_as_in_two_steps_and_as_differences_say(smoothing):
    z = np.random.default_rng(5).normal(size=6) * 3
    shown = made("softmax", input=typed(z[None, :, None]), label="4", label_smoothing=smoothing).document()
    p = np.exp(z) / np.exp(z).sum()
    y = smoothing / 6 + (1 - smoothing) * (np.arange(6) == 3)
    np.testing.assert_allclose(shown["p"], p, atol=1e-12)
    np.testing.assert_allclose(shown["loss"], -(y * np.log(p)).sum(), rtol=1e-12)
    np.testing.assert_allclose(shown["dz"], p - y, atol=1e-12)
    np.testing.assert_allclose(shown["steps"][4]["dz"], p - y, atol=1e-12)
    assert shown["relative_errors"]["dz"] < 1e-6


def test_a_wrong_gradient_does_not_pass_the_check(monkeypatch):
    right = CrossEntropy.evaluate
    monkeypatch.setattr(CrossEntropy, "evaluate", lambda *a: (right(*a)[0], 1.01 * right(*a)[1]))
    assert made("softmax").data["relative_errors"]["dz"] > 1e-3


def test_softmax_of_a_trained_network_has_its_classes_and_its_loss(tmp_path):
    Image.fromarray(example()[:, :, 0]).save(tmp_path / "stroke.png")
    model = line_detector()
    trained = {"model": model, "image": tmp_path / "stroke.png"}
    shown = made("softmax", **trained, label="level")
    np.testing.assert_allclose(shown.data["p"], model.predict(example()[None])[0], rtol=1e-6)
    assert (shown.data["label"], shown.notes) == ("level", ())
    assert any(text.startswith("dz_level = ") for text in formulas(shown.steps[3]))
    assert "the predicted class, upright, is taken" in made("softmax", **trained).notes[0]
    own = Input(example(), "test:3", label="rising")  # a picture of the run's own, whose class is known
    assert made("softmax", model=model, image=own).data["label"] == "rising"
    assert made("softmax", model=model, image=own, label="level").data["label"] == "level"
    with pytest.raises(UsageError, match=r"Unknown class 'levle'\. Did you mean 'level'"):
        made("softmax", **trained, label="levle")
    other = replace(model, loss=LOSSES["mean_squared_error"]())
    with pytest.raises(UsageError, match="its loss is mean_squared_error; this topic shows cross_entropy"):
        made("softmax", **{**trained, "model": other})


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"input": "1 2; 3 4"}, "expected the outputs for one image, a row of them, found 2 × 2"),
        ({"label": "4"}, "--label 4: there are 3, counted from 1"),
        ({"label": "cat"}, "--label: expected the number of a class, from 1 to 3, not 'cat'"),
        ({"label_smoothing": 1.0}, "--label-smoothing: expected a share from 0 to less than 1, not 1"),
        (
            {"activation": "relu"},
            "softmax takes no --activation; it takes --input, --label, --label-smoothing",
        ),
    ],
)
def test_what_softmax_cannot_be_asked_is_refused(request_, words):
    with pytest.raises(UsageError, match=words):
        made("softmax", **request_)
