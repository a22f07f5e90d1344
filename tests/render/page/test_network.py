"""A network in the browser: what it computes is what NumPy computes, forward and back, for every layer."""

from __future__ import annotations

import base64
import json
import tomllib
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from chromium import MARKS
from convcli.interchange.rounding import restored, rounded
from convcli.nn.activations import ACTIVATIONS
from convcli.nn.layer import LAYERS
from convcli.nn.losses import LOSSES
from convcli.nn.model import Model
from convcli.render.page.document import document
from interchange.networks import drawn_model, images_for, model_of
from render.page.browsing import CASES, ask, back

pytestmark = MARKS

EXAMPLES = Path(__file__).parents[3] / "examples"
DRAWN, PARTS = 120, 6  # networks drawn at random, and among how many tests they are shared

RUN = """({document, weights, images, traced}) => {
  const net = engine.network(document, engine.bytes(weights)), pixels = new Uint8Array(engine.bytes(images));
  const size = engine.count(document.input), result = {probabilities: [], traces: []};
  for (let at = 0; at < pixels.length; at += size) {
    const run = net.run(net.prepare(pixels.subarray(at, at + size)));
    result.probabilities.push([...run.probabilities]);
    if (result.traces.length === traced) continue;
    const trace = {x: sent(run.x), image: sent(run.gradient(1)), outputs: {}, gradients: {}};
    for (const {number} of document.places) {
      trace.outputs[number] = sent(run.output(number));
      trace.gradients[number] = sent(run.gradient(1, number));
    }
    result.traces.push(trace);
  }
  return result;
}"""


class Answer(NamedTuple):
    """What the scripts make of images, and the model that NumPy computes."""

    model: Model
    images: np.ndarray
    told: dict


def answer(scripts, model, *, precision="float32", count=100, traced=2):
    images, kept = images_for(model, count), rounded(model, precision)
    described, weights = document(model, kept)
    told = {
        "document": described,
        "weights": base64.b64encode(weights).decode(),
        "images": base64.b64encode(images.tobytes()).decode(),
        "traced": traced,
    }
    return Answer(restored(model, kept), images, ask(scripts, RUN, told))


@pytest.fixture(scope="module")
def answers(scripts, models):
    """Return the answer of a case's network, computed once."""
    known = {}

    def of(name):
        if name not in known:
            known[name] = answer(scripts, models[name])
        return known[name]

    return of


def check_probabilities(answer):
    expected = answer.model.predict(answer.images)
    np.testing.assert_allclose(np.array(answer.told["probabilities"]), expected, rtol=0, atol=1e-5)


def check_outputs(answer):
    """Compare what goes in, and what comes out of each layer, with how large its numbers are."""
    for image, told in zip(answer.images, answer.told["traces"], strict=False):
        trace = answer.model.trace(image[None])
        np.testing.assert_array_equal(back(told["x"]), trace.input(1)[0])
        for place in answer.model.network.places:
            close(back(told["outputs"][str(place.number)]), trace.output(place.number)[0], 1e-5)


def check_gradients(answer):
    """Compare the image's gradient, and that of each layer's output, likewise."""
    for image, told in zip(answer.images, answer.told["traces"], strict=False):
        ofimage, gradients = gradients_of(answer.model, image)
        close(back(told["image"]), ofimage, 1e-4)
        for number, gradient in gradients.items():
            close(back(told["gradients"][str(number)]), gradient, 1e-4)


def gradients_of(model, image):
    """Return the gradients of the second output: of the image, and of what comes out of each layer.

    With flips the outputs are means of two, of which the layers' are those of the image as it is.
    """
    passes = []
    for seen in (image, image[:, ::-1]) if model.config.evaluation.flips else (image,):
        trace, network = model.trace(seen[None]), model.network
        dy = np.eye(len(model.classes), dtype=np.float32)[[1]]
        trace.back(dy)
        passes.append((trace, network.backward(dy, model.weights, trace.tape)[0]))
    (trace, direct), *others = passes
    ofimage = sum([direct, *(mirrored[:, ::-1] for _, mirrored in others)]) / len(passes)
    return ofimage, {
        place.number: trace.gradient(place.number)[0] / len(passes) for place in model.network.places
    }


def close(ours, expected, tolerance):
    assert ours.shape == expected.shape
    np.testing.assert_allclose(ours, expected, rtol=0, atol=tolerance * max(np.abs(expected).max(), 1e-6))


@pytest.mark.parametrize("name", CASES)
def test_probabilities_are_those_of_predict(answers, name):
    check_probabilities(answers(name))


@pytest.mark.parametrize("name", CASES)
def test_outputs_and_gradients_of_every_layer_are_those_of_numpy(answers, name):
    check_outputs(answers(name))
    check_gradients(answers(name))


@pytest.mark.parametrize("part", range(PARTS))
def test_so_it_is_for_networks_drawn_at_random(scripts, part):
    """Over all layers, losses, and with flips."""
    for seed in range(part, DRAWN, PARTS):
        one = answer(scripts, drawn_model(seed), count=20, traced=1)
        check_probabilities(one)
        check_outputs(one)
        check_gradients(one)


@pytest.mark.parametrize(("example", "shape"), [("mnist", (28, 28, 1)), ("cifar10", (32, 32, 3))])
def test_networks_of_the_size_that_people_train_give_what_numpy_gives(scripts, example, shape):
    """Their gradients are not compared: rounding decides which of thousands of numbers are maxima."""
    layers = tomllib.loads((EXAMPLES / f"{example}.toml").read_text("utf-8"))["layers"]
    one = answer(scripts, model_of(layers, shape, classes=10), count=3, traced=1)
    check_probabilities(one)
    check_outputs(one)


@pytest.mark.parametrize("precision", ["float16", "int8"])
def test_smaller_weights_come_back_as_in_python(scripts, precision):
    for seed in range(20):
        check_probabilities(answer(scripts, drawn_model(seed), precision=precision, count=20, traced=0))


def test_every_layer_activation_and_loss_is_known(scripts):
    known = scripts.evaluate("[engine.LAYERS, engine.ACTIVATIONS, engine.PROBABILITIES].map(Object.keys)")
    assert [set(names) for names in known] == [set(LAYERS), {*ACTIVATIONS} - {"softmax"}, set(LOSSES)]


def test_outputs_beyond_float32_are_refused_as_in_python(scripts):
    model = model_of([{"type": "flatten"}, {"type": "dense"}], (2, 2, 1))
    model.weights["2.W"][...] = 3e38
    with pytest.raises(AssertionError, match="The outputs are beyond float32"):
        answer(scripts, model)


def test_pixels_of_another_size_are_refused(scripts):
    described, _ = document(model_of([{"type": "flatten"}, {"type": "dense"}], (2, 3, 1)), {})
    asked = f"engine.network({json.dumps(described)}, new ArrayBuffer(0)).prepare([1, 2, 3, 4])"
    with pytest.raises(AssertionError, match="Expected 2 × 3 × 1 numbers, found 4"):
        scripts.evaluate(asked)
