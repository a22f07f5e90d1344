"""A network in the browser: what it computes is what NumPy computes, forward and back, for every layer."""

from __future__ import annotations

import base64
from typing import NamedTuple

import numpy as np
import pytest

from chromium import MARKS, Chromium
from convcli.interchange.rounding import rounded
from convcli.nn.activations import ACTIVATIONS
from convcli.nn.layer import LAYERS
from convcli.nn.losses import LOSSES
from convcli.render.page.document import document
from render.page.browsing import ask, back, open_scripts
from render.page.networks import CASES, images_for, of_case

pytestmark = MARKS

IMAGES, TRACED = 100, 2

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
    """What a browser makes of images, and the model that NumPy computes."""

    model: object
    images: np.ndarray
    told: dict


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with Chromium(tmp_path_factory.mktemp("profile")) as browser:
        yield open_scripts(browser, tmp_path_factory.mktemp("page"))


def answer(browser, model, precision="float32", count=IMAGES):
    images = images_for(model, count)
    described, weights = document(model, rounded(model, precision))
    told = {
        "document": described,
        "weights": base64.b64encode(weights).decode(),
        "images": base64.b64encode(images.tobytes()).decode(),
        "traced": TRACED,
    }
    return Answer(model, images, ask(browser, RUN, told))


@pytest.fixture(scope="module")
def answers(browser):
    """Return the answer of a case's network, computed once."""
    known = {}

    def of(name):
        if name not in known:
            known[name] = answer(browser, of_case(name))
        return known[name]

    return of


def check_probabilities(answer):
    expected = answer.model.predict(answer.images)
    np.testing.assert_allclose(np.array(answer.told["probabilities"]), expected, atol=1e-5)


def check_traces(answer):
    """Compare what comes out of each layer, and each gradient, by how large their numbers are."""
    network, classes = answer.model.network, len(answer.model.classes)
    for image, told in zip(answer.images, answer.told["traces"], strict=False):
        trace = answer.model.trace(image[None])
        trace.back(np.eye(classes, dtype=np.float32)[[1]])
        np.testing.assert_array_equal(back(told["x"]), trace.input(1)[0])
        for place in network.places:
            number = place.number
            close(back(told["outputs"][str(number)]), trace.output(number)[0], 1e-5)
            close(back(told["gradients"][str(number)]), trace.gradient(number)[0], 1e-4)


def close(ours, expected, tolerance):
    assert ours.shape == expected.shape
    np.testing.assert_allclose(ours, expected, rtol=0, atol=tolerance * max(np.abs(expected).max(), 1e-6))


@pytest.mark.parametrize("name", CASES)
def test_probabilities_are_those_of_predict(answers, name):
    check_probabilities(answers(name))


@pytest.mark.parametrize("name", CASES)
def test_outputs_and_gradients_of_every_layer_are_those_of_numpy(answers, name):
    check_traces(answers(name))


def test_every_layer_activation_and_loss_is_known(browser):
    known = browser.evaluate("[engine.LAYERS, engine.ACTIVATIONS, engine.PROBABILITIES].map(Object.keys)")
    assert [set(names) for names in known] == [set(LAYERS), {*ACTIVATIONS} - {"softmax"}, set(LOSSES)]
