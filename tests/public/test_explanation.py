"""`convcli.explain`: the command's topics on arrays, shown by notebooks, and read by programs."""

from __future__ import annotations

import dataclasses
import inspect
import json
import subprocess
import sys
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

import convcli
from convcli.cli.explain import explain as command
from convcli.errors import ConvcliWarning, InputError, UnknownNameError, UsageError
from convcli.explaining import TOPICS, Request
from convcli.render.explain import FORMATS
from explaining.cases import CASES, looked_up

X = np.arange(1, 10).reshape(3, 3)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_texts_give_what_they_give_the_command(case):
    asked = {{"kernels": "kernel"}.get(name, name): value for name, value in case.request.items()}
    document = convcli.explain(case.topic, **asked).data
    for place, value in case.expected.items():
        assert looked_up(document, place) == value


def test_arrays_stand_for_texts():
    typed = convcli.explain("convolution", input="1 2 3; 4 5 6; 7 8 9", kernel="1 0; 0 -1")
    for kernel in ([[1, 0], [0, -1]], np.array([[1, 0], [0, -1]]), [np.array([[1, 0], [0, -1.0]])]):
        assert convcli.explain("convolution", input=X, kernel=kernel).data == typed.data
    assert convcli.explain("convolution", input=X.tolist(), kernel=kernel).data == typed.data


def test_a_volume_has_its_channels_last():
    x = np.random.default_rng(0).integers(0, 9, (4, 5, 2))
    w = np.random.default_rng(1).integers(-3, 4, (2, 2, 2, 3))
    shown = convcli.explain("volume", input=x, kernel=w, bias=[1, 2, 3])
    expected = convcli.conv2d(x[None].astype(float), w.astype(float), np.array([1.0, 2, 3]))[0]
    np.testing.assert_array_equal(np.moveaxis(shown.data["output"], 0, 2), expected)
    one = convcli.explain("volume", input=x, kernel=w[..., 0], bias=1)
    np.testing.assert_array_equal(np.moveaxis(one.data["output"], 0, 2), expected[..., :1])


def test_a_gradient_may_be_an_array():
    x = np.arange(16).reshape(4, 4)
    shown = convcli.explain("pooling-backward", input=x, gradient=[[1, 2], [3, 4]], size=2, stride=2)
    expected = convcli.max_pool2d_backward(
        np.array([[1.0, 2], [3, 4]])[None, :, :, None], x[None, :, :, None].astype(float), 2
    )
    assert shown.data["dA_prev"] == [expected[0, :, :, 0].tolist()]
    back = convcli.explain("backward", input=X, kernel=np.eye(2), gradient=np.ones((2, 2)))
    assert back.data["dA_prev"] == [[[1, 1, 0], [1, 2, 1], [0, 1, 1]]]


def test_edges_take_a_picture_and_no_other_numbers():
    picture = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    shown = convcli.explain("edges", input=picture, kernel=["sobel-x", np.ones((3, 3)) / 9])
    assert [step.get("kernel") for step in shown.data["steps"]][:2] == ["sobel-x", "custom"]
    for wrong in (picture / 255, picture.astype(int) * 2, picture[:, :, :2]):
        with pytest.raises(UsageError, match="expected a picture, 1 or 3 channels of whole numbers from 0"):
            convcli.explain("edges", input=wrong)


def test_it_goes_through_a_trained_network(trained, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "image.png")
    model = convcli.load_run(trained)
    expected = convcli.explain("network", run=trained, image=tmp_path / "image.png").data
    for image in (pixels, pixels / 255, Image.fromarray(pixels)):
        found = convcli.explain("network", run=model, image=image).data
        assert found["probabilities"] == expected["probabilities"]
    layer = convcli.explain("convolution", run=model, image=pixels, layer=1, filter=2, crop=(0, 0, 5, 5))
    assert layer.data["filter"] == 2
    assert np.shape(layer.data["input"]) == (5, 5)
    with pytest.raises(UsageError, match="image: expected one image, found 2"):
        convcli.explain("network", run=model, image=np.stack([pixels] * 2))


def test_a_notebook_shows_its_picture_and_print_its_text():
    shown = convcli.explain("convolution", input=X, kernel=np.eye(2))
    assert ElementTree.fromstring(shown._repr_svg_()).tag == "{http://www.w3.org/2000/svg}svg"
    assert shown.html().startswith("<!doctype html>")
    assert "out[1, 1] = 1·1 + 2·0 + 4·0 + 5·1 = 6" in str(shown) == shown.text()
    assert max(map(len, shown.text(40).splitlines())) <= 40
    assert "\x1b" not in str(shown)
    assert repr(shown) == "Explanation: Convolution (cross-correlation): 3 × 3 * 2 × 2 → 2 × 2 (4 steps)"
    assert json.loads(shown.to("json")) == json.loads(json.dumps(shown.data))
    assert {name: shown.to(name) != b"" for name in FORMATS} == dict.fromkeys(FORMATS, True)


def test_steps_are_chosen_by_their_numbers():
    shown = convcli.explain("convolution", input=X, kernel=np.eye(2), at=(1, 4))
    assert [step["position"] for step in shown.data["steps"]] == [[0, 0], [1, 1]]
    assert len(shown.only(2)) == len(convcli.explain("convolution", input=X, kernel=np.eye(2), at=4)) == 1
    for at in (0, 5, [1, 9]):
        with pytest.raises(UsageError, match="there are 4, counted from 1"):
            convcli.explain("convolution", input=X, kernel=np.eye(2), at=at)


def test_an_array_of_one_axis_is_one_row_as_for_the_command():
    with pytest.warns(convcli.ConvcliWarning, match="read as one row of 3"):
        shown = convcli.explain("dense", input=[2, 1, 3], kernel=np.array([[1, 0, 1]]), activation="none")
    assert shown.data["z"] == [5]
    with pytest.warns(convcli.ConvcliWarning, match="gradient: .*read as one row of 2"):
        shown = convcli.explain("dense", input=np.array([[2, 1]]), kernel=np.eye(2), gradient=[1, -1])
    assert shown.data["dx"] == [1, -1]
    with pytest.warns(convcli.ConvcliWarning):
        assert convcli.explain("softmax", input=[5, 5], label=2).data["dz"] == [0.5, -0.5]


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"input": np.zeros((20, 20))}, "^input: 20 × 20 numbers; at most 16 × 16"),
        ({"input": np.zeros(0)}, r"^input: holds no numbers: its shape is \(0,\)"),
        ({"input": [[1, 2], [3]]}, "^input: expected an array of finite numbers, or a text"),
        ({"input": [[1, np.nan]]}, r"^input: expected finite numbers, found nan at \[0, 1\]"),
        ({"input": np.zeros((3, 3, 2))}, "^input: expected one matrix, found 2 channels"),
        ({"kernel": np.zeros(3)}, r"^kernel: expected an array \(f_h, f_w\), .* found shape \(3,\)"),
        ({"pool": "max"}, "^convolution takes no pool; it takes input, kernel, "),
        ({"why": True}, "^convolution takes no why"),
        ({"layer": 2}, "^layer belongs to a trained network: name it with run=RUN"),
        ({"target": "7"}, "^convolution takes no target; it takes input, "),
        ({"image": np.zeros((8, 8))}, "^image belongs to a trained network: name it with run=RUN"),
    ],
)
def test_a_mistake_is_told_in_the_words_of_python(asked, told):
    with pytest.raises(UsageError, match=told):
        convcli.explain("convolution", **asked)


def test_why_is_told_for_the_class_that_is_named():
    shown = convcli.explain("network", why=True, target="level")
    assert [step["class"] for step in shown.data["steps"][-3:]] == ["level"] * 3
    with pytest.raises(UsageError, match=r"^network takes target with why"):
        convcli.explain("network", target="level")


def test_an_unknown_topic_is_told_with_the_nearest():
    with pytest.raises(UnknownNameError, match="Did you mean 'convolution'"):
        convcli.explain("convolutoin")


def test_every_topic_has_an_example():
    for topic in TOPICS:
        assert convcli.explain(topic).topic == topic


def test_its_arguments_are_the_commands_options():
    own = set(inspect.signature(convcli.explain).parameters) - {"topic"}
    options = set(inspect.signature(command).parameters) - {"context", "topic", "step", "force", *FORMATS}
    assert own == {{"source": "input"}.get(name, name) for name in options}
    fields = {field.name for field in dataclasses.fields(Request)}
    assert {{"kernel": "kernels", "run": "model"}.get(name, name) for name in own - {"at"}} == fields


@pytest.mark.parametrize(
    "lines",
    [
        "import convcli.explaining, convcli.explaining.topics; import convcli; f = convcli.explain",
        "import convcli; f = convcli.explain; import convcli.explaining.topics; assert convcli.explain is f",
        "from convcli import explain as f; import convcli.render.explain.html, convcli",
        "import convcli.cli.explain, convcli; from convcli import explain as f",
    ],
)
def test_it_is_a_function_in_whatever_order_things_are_imported(lines):
    code = f"{lines}\nassert f('pooling').topic == 'pooling' and convcli.explain is f"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_arrays_may_have_their_channels_first():
    x, w = np.arange(75).reshape(1, 3, 5, 5), np.arange(54).reshape(2, 3, 3, 3)
    last = convcli.explain("volume", input=x[0].transpose(1, 2, 0), kernel=w.transpose(2, 3, 1, 0))
    with pytest.warns(ConvcliWarning) as told:
        first = convcli.explain("volume", input=x, kernel=w, layout="nchw")
    assert first.data == last.data
    assert [str(note.message) for note in told] == [
        "input: an array (1, 3, 5, 5) read as nchw: 3 channels of 5 × 5",
        "kernel: an array (2, 3, 3, 3) read as k, c, f_h, f_w: 2 filters of 3 × 3 × 3",
    ]


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (
            {"layout": "cnhw", "input": np.zeros((3, 3))},
            "^layout: expected nhwc, nchw, hwc, chw, hw, not 'cnhw'",
        ),
        ({"layout": "nchw"}, "^layout says which axis of your own arrays is which"),
        ({"layout": "hw", "input": np.zeros((5, 5, 3))}, "^input: layout=hw|^input: .*names 2 axes"),
        ({"input": np.zeros((2, 5, 5, 3))}, r"holds 2 pictures"),
        ({"input": np.zeros((1, 3, 5, 5))}, "may be read in two ways"),
        ({"input": "-"}, "^input: only the command reads standard input"),
        ({"bias": np.ones((2, 2))}, "^bias: expected a number for each filter"),
        ({"input": np.ones((2, 2)) * 1j}, "^input: expected real numbers, found complex128"),
    ],
)
def test_an_array_that_cannot_be_read_is_refused_in_the_words_of_python(asked, told):
    with pytest.raises((UsageError, InputError), match=told):
        convcli.explain("volume", **asked)
