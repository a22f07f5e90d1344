"""Networks that left come in again, and say the same.

`ONNX_EXAMPLES=1000 pytest tests/interchange/onnx/reading` tries so many random networks, not a few.
"""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convcli.errors import InputError
from convcli.interchange.onnx.network import onnx_of
from convcli.interchange.onnx.reading.importer import Onnx
from convcli.nn.config import EvaluationOptions
from interchange.networks import case_models, drawn_model, images_for, model_of

pytest.importorskip("onnx", reason="onnx is in the extras `onnx` and `bench`")

MANY = int(os.environ.get("ONNX_EXAMPLES", "0"))
CLOSE = 1e-5  # of probabilities

# What the way out has to write as nodes that no layer is: windows that are not the same everywhere, means
# that leave padding out where a window hangs over, zeros behind a transposed convolution, sums over an even
# number of channels; groups of what was shuffled while flat.
WRITTEN_OUT = ("Gather ", "Pad ", "Mul ", "AveragePool ", "Div ", "InstanceNormalization ")


def back(model, path, given_as="uint8"):
    """Return what comes in again of a model that goes out."""
    path.write_bytes(onnx_of(model, given_as)[0].SerializeToString())
    return Onnx().of(path)


def apart(model, other):
    images = images_for(model, 8)
    return float(np.abs(other.predict(images) - model.predict(images)).max())


def without_flips(model):
    return replace(model, config=model.config.model_copy(update={"evaluation": EvaluationOptions()}))


@pytest.mark.long
def test_every_case_of_every_layer_comes_back(tmp_path):
    differences, refused = {}, []
    for name, model in case_models():
        try:
            differences[name] = apart(model, back(model, tmp_path / "net.onnx").model)
        except InputError:
            refused.append(name)
    assert len(differences) > 150
    assert {name: found for name, found in differences.items() if found > CLOSE / 10} == {}
    assert {name.partition(",")[0] for name in refused} <= {"adaptive_max_pool", "adaptive_avg_pool"}


@settings(max_examples=MANY or 12, derandomize=not MANY, deadline=None, database=None)
@given(seed=st.integers(0, 2**32), given_as=st.sampled_from(["uint8", "float"]))
def test_random_networks_come_back(tmp_path_factory, seed, given_as):
    model, path = without_flips(drawn_model(seed)), tmp_path_factory.getbasetemp() / "drawn.onnx"
    refused, imported = tuple[str, ...](), None
    try:
        imported = back(model, path, given_as)
    except InputError as error:
        refused = error.lines[1:]
    assert imported is None or apart(model, imported.model) <= CLOSE
    assert all(line.strip().startswith(WRITTEN_OUT) for line in refused)


def test_classes_preprocessing_and_loss_come_back(tmp_path):
    layers = [{"type": "flatten"}, {"type": "dense"}]
    model = model_of(layers, (4, 5, 3), training={"loss": "mean_squared_error"})
    imported = back(model, tmp_path / "net.onnx")
    assert imported.model.classes == model.classes
    assert imported.model.preprocessing == model.preprocessing
    assert imported.model.loss == model.loss
    assert imported.notes == (
        "no data is named, which evaluate and train need; --data SOURCE writes it down",
    )


def test_what_asks_twice_is_refused(tmp_path):
    model = model_of([{"type": "flatten"}, {"type": "dense"}], (4, 4, 1), evaluation={"flips": True})
    with pytest.raises(InputError, match=r"Export the run again with evaluation.flips = false"):
        back(model, tmp_path / "net.onnx")
