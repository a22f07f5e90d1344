"""What onnxruntime makes of a model."""

from __future__ import annotations

import numpy as np
import pytest

from convcli.engine.workspace import Workspace
from convcli.interchange.onnx.network import onnx_of
from convcli.nn.weights import NetworkWeights
from interchange.networks import images_for


def session_of(proto):
    """Return a session in one thread, without warnings of the runtime's own."""
    runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is in the extras `onnx` and `bench`")
    options = runtime.SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = 3, 1
    return runtime.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])


def asked(proto, images, given="uint8"):
    """Return probabilities and logits for images (n, h, w, c), uint8."""
    return session_of(proto).run(["probabilities", "logits"], {"images": taken(images, given)})


def taken(images, given):
    """Return images (n, h, w, c), uint8, as a model takes them."""
    if given == "uint8":
        return images
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2), np.float32) / np.float32(255)


def apart(model, given="uint8", batches=(1, 64)):
    """Return by how much a model's probabilities and onnxruntime's differ at most, and the file."""
    proto, _ = onnx_of(model, given)
    session, largest = session_of(proto), 0.0
    for count in batches:
        images = images_for(model, count)
        probabilities, _ = session.run(None, {"images": taken(images, given)})
        largest = max(largest, float(np.abs(probabilities - model.predict(images)).max()))
    return largest, proto


def exactly(model, images):
    """Return a model's probabilities as the engine computes them in float64."""
    weights = NetworkWeights(model.network, np.float64)
    weights.copy_from(model.weights)

    def outputs(pixels):
        x = model.preprocessing.apply(pixels, Workspace(), np.float64)
        return model.network.forward(x, weights, model.network.tape()).copy()

    found = outputs(images)
    if model.config.evaluation.flips:
        found = (found + outputs(images[:, :, ::-1])) / 2
    return model.loss.probabilities(found)
