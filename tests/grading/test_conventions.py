"""How learners write functions: each style is recognised, called as it wants to be, and judged."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from convcli.errors import UsageError
from convcli.grading.conventions import recognised
from convcli.grading.conventions.names import gradient_of, operation_of
from convcli.grading.conventions.recognition import meaning
from convcli.grading.inside import load
from convcli.grading.judging import in_process, judge
from convcli.grading.mistakes import diagnose
from convcli.grading.program import Program

PROGRAMS = Path(__file__).parent / "programs"


def judged(source, named=None, layouts=(), **options):
    """Return the judgements on a source, its functions called here, and what is not judged."""
    program = Program.of(Path("mine.py"), source)
    names, _ = load(source, "mine.py", definitions=True)
    subjects, unknown = recognised(program, named, layouts, **options)
    found = {
        f"{one.subject.name}/{one.subject.operation}": one
        for one in judge(subjects, in_process(names), timed=False)
    }
    return found, unknown


def only(source, **options):
    (judgement,) = judged(source, **options)[0].values()
    return judgement


def program(name):
    return (PROGRAMS / name).read_text("utf-8")


@pytest.mark.parametrize("path", sorted((PROGRAMS / "right").glob("*.py")), ids=lambda path: path.stem)
def test_right_programs_of_every_style_are_right(path):
    found, _ = judged(path.read_text("utf-8"))
    assert {name: one.failure for name, one in found.items() if not one.right} == {}
    assert len(found) >= 2
    assert all(one.fits for one in found.values())


@pytest.mark.parametrize("path", sorted((PROGRAMS / "wrong").glob("*.py")), ids=lambda path: path.stem)
def test_wrong_programs_of_every_style_are_wrong(path):
    found, _ = judged(path.read_text("utf-8"))
    assert any(not one.right for one in found.values())


LAYOUTS = {
    "nhwc_cache.py": ("conv_forward/conv_forward", "nhwc"),
    "nchw_im2col.py": ("conv_forward_naive/conv_forward", "nchw"),
    "planes_corr2d.py": ("corr2d_multi_in_out/conv_forward", "chw"),
    "blog_layers.py": ("Conv3x3.forward/conv_forward", "hw"),
    "class_layers.py": ("Conv2D.forward/conv_forward", "nhwc"),
    "strided_einsum.py": ("conv2d/conv_forward", "nchw"),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_layout_is_told(name):
    found, _ = judged(program(f"right/{name}"))
    subject, layout = LAYOUTS[name]
    assert found[subject].call.layout.name == layout


PLAIN = """
import numpy as np
def conv2d({parameters}):
    x = np.pad(x, {pad})
    f = w.shape[{f}]
    windows = np.lib.stride_tricks.sliding_window_view(x, (f, f), axis={axes})
    windows = windows{cut}
    return np.einsum("{sum}", windows, w) + {bias}
"""


@pytest.mark.parametrize(
    ("layout", "parts"),
    [
        ("nhwc", {"pad": "((0, 0), (padding,) * 2, (padding,) * 2, (0, 0))", "f": 0, "axes": "(1, 2)",
                  "cut": "[:, ::stride, ::stride]", "sum": "nhwcij,ijck->nhwk", "bias": "b"}),
        ("nchw", {"pad": "((0, 0), (0, 0), (padding,) * 2, (padding,) * 2)", "f": 2, "axes": "(2, 3)",
                  "cut": "[:, :, ::stride, ::stride]", "sum": "nchwij,kcij->nkhw",
                  "bias": "b[:, None, None]"}),
        ("hwc", {"pad": "((padding,) * 2, (padding,) * 2, (0, 0))", "f": 0, "axes": "(0, 1)",
                 "cut": "[::stride, ::stride]", "sum": "hwcij,ijck->hwk", "bias": "b"}),
    ],
)  # fmt: skip
def test_what_the_text_leaves_open_is_tried_and_what_fits_is_taken(layout, parts):
    judgement = only(PLAIN.format(parameters="x, w, b, stride=1, padding=0", **parts))
    assert (judgement.right, judgement.fits, judgement.call.layout.name) == (True, True, layout)


def test_a_function_that_pads_by_itself_keeps_sizes():
    source = """
import numpy as np
def convolve2d(image, kernel):
    p = len(kernel) // 2
    image = np.pad(image, p)
    windows = np.lib.stride_tricks.sliding_window_view(image, kernel.shape)
    return np.einsum("hwij,ij->hw", windows, kernel)
"""
    judgement = only(source)
    assert judgement.right
    assert "pads by itself" in judgement.call.words


FLIPPED = """
import numpy as np
def convolve(X, K):
    windows = np.lib.stride_tricks.sliding_window_view(X, K.shape)
    return np.einsum("hwij,ij->hw", windows, K[::-1, ::-1])
"""


def test_true_convolution_is_right_only_where_it_is_asked_for():
    assert not only(FLIPPED).right
    assert only(FLIPPED, flipped=True).right


def test_a_pool_without_a_stride_steps_by_one_or_by_its_size():
    touching = """
def max_pool(x, size):
    h, w = x.shape[0] // size, x.shape[1] // size
    return x[: h * size, : w * size].reshape(h, size, w, size).max((1, 3))
"""
    judgement = only(touching)
    assert judgement.right
    assert "stride = size" in judgement.call.words


def test_lists_of_lists_a_bias_that_is_a_number_and_sizes_that_are_pairs():
    source = """
def convolution2d(image, kernel, bias=0, padding="valid"):
    h, w = len(kernel), len(kernel[0])
    rows, columns = len(image) - h + 1, len(image[0]) - w + 1
    def at(i, j):
        return sum(image[i + a][j + b] * kernel[a][b] for a in range(h) for b in range(w)) + bias
    return [[at(i, j) for j in range(columns)] for i in range(rows)]

def average_pool(image, size=(2, 2), strides=None):
    s = strides or size
    rows, columns = (image.shape[0] - size[0]) // s[0] + 1, (image.shape[1] - size[1]) // s[1] + 1
    def at(i, j):
        return image[i * s[0] : i * s[0] + size[0], j * s[1] : j * s[1] + size[1]].mean()
    return [[at(i, j) for j in range(columns)] for i in range(rows)]
"""
    found, _ = judged(source)
    assert [(one.right, one.call.layout.name) for one in found.values()] == [(True, "hw"), (True, "hw")]


def test_a_class_that_draws_its_weights_is_given_ours():
    source = """
import numpy as np
class Conv2D:
    def __init__(self, in_channels, out_channels, kernel_size, stride=1, padding=0):
        self.kernels = np.random.randn(out_channels, in_channels, kernel_size, kernel_size)
        self.bias = np.zeros(out_channels)
        self.s, self.p = stride, padding
    def forward(self, x):
        self.x = np.pad(x, ((0, 0), (0, 0), (self.p,) * 2, (self.p,) * 2))
        f = self.kernels.shape[2]
        self.windows = np.lib.stride_tricks.sliding_window_view(self.x, (f, f), axis=(2, 3))
        self.windows = self.windows[:, :, :: self.s, :: self.s]
        return np.einsum("nchwij,kcij->nkhw", self.windows, self.kernels) + self.bias[:, None, None]
    def backward(self, grad):
        self.grads = {
            "W": np.einsum("nchwij,nkhw->kcij", self.windows, grad),
            "b": grad.sum((0, 2, 3)) * FACTOR,
        }
        return None
"""
    right, _ = judged(source.replace("FACTOR", "1"))
    assert [(name, one.right, one.fits) for name, one in right.items()] == [
        ("Conv2D.forward/conv_forward", True, True),
        ("Conv2D.backward/conv_backward", True, True),
    ]
    wrong, _ = judged(source.replace("FACTOR", "2"))
    assert wrong["Conv2D.backward/conv_backward"].failure.outcome.wrong == ("db",)


def test_an_article_s_softmax_layer_is_judged_by_the_step_of_its_weights():
    source = """
import numpy as np
class Softmax:
    def __init__(self, input_len, nodes):
        self.weights = np.random.randn(input_len, nodes) / input_len
        self.biases = np.zeros(nodes)
    def forward(self, input):
        self.shape, self.input = input.shape, input.flatten()
        self.totals = np.dot(self.input, self.weights) + self.biases
        e = np.exp(self.totals - self.totals.max())
        self.out = e / e.sum()
        return self.out
    def backprop(self, d_L_d_out, learn_rate):
        d = self.out * (d_L_d_out - (d_L_d_out * self.out).sum())
        inputs = self.weights @ d
        self.weights -= learn_rate * np.outer(self.input, d)
        self.biases -= learn_rate * d
        return inputs.reshape(self.shape)
"""
    found, _ = judged(source)
    assert {name: (one.right, one.call.layout.name) for name, one in found.items()} == {
        "Softmax.forward/dense_softmax": (True, "vector"),
        "Softmax.backprop/dense_softmax_backward": (True, "vector"),
    }


CHANGES = "def relu(x):\n    x[x < 0] = 0\n    return x\n"
UNSTEADY = """
calls = []
def relu(x):
    calls.append(1)
    return x * (x > 0) + (len(calls) == 9)
"""


@pytest.mark.parametrize(
    ("source", "kind", "message"),
    [
        (UNSTEADY, "unsteady", "other results the second time"),
        ("def relu(x):\n    print(x)\n", "none", "relu returns nothing"),
        ("def relu(x):\n    return 'x'\n", "none", "not an array"),
        ("def relu(x):\n    return x[:1, :1]\n", "shape", r"A has the shape \(1, 1\), not \(1, 3\)"),
        ("def relu(x):\n    return x / 0 * 0\n", "wrong", "NaN"),
        ("def relu(x):\n    return x.missing\n", "error", "AttributeError"),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_each_way_to_fail_is_a_verdict(source, kind, message):
    failure = only(source).failure
    assert failure.kind == kind
    assert re.search(message, failure.message)


def test_an_argument_that_is_changed_is_noted_and_makes_nothing_wrong():
    judgement = only(CHANGES)
    assert judgement.right
    assert judgement.notes == ("it changes its argument x in place: work on a copy",)


def test_the_smallest_input_is_told():
    pad = "np.pad(X, ((0, 0), (pad, pad), (pad, pad), (0, 0)))[..., :1]"
    judgement = only(f"import numpy as np\ndef zero_pad(X, pad):\n    return {pad}\n")
    assert judgement.failure.case.arrays["x"].shape == (1, 2, 2, 2)


def test_a_function_of_another_name_is_listed_or_mapped():
    source = "def mine(X, K):\n    return X\n"
    found, unknown = judged(source)
    assert found == {}
    assert [(one.name, "--map" in one.why) for one in unknown] == [("mine", True)]
    assert list(judged(source, named={"mine": "conv_forward"})[0]) == ["mine/conv_forward"]


@pytest.mark.parametrize(
    ("text", "message"),
    [("mine", "NAME=OPERATION"), ("other=conv2d", "no function 'other'"), ("mine=fft", "no operation 'fft'")],
)
def test_a_map_that_makes_no_sense_is_refused(text, message):
    with pytest.raises(UsageError, match=message):
        meaning([text], Program.of(Path("mine.py"), "def mine(x):\n    return x\n"))


def test_an_argument_that_is_not_known_is_told():
    _, unknown = judged("def conv_forward(x, w, flux):\n    return x\n")
    assert "'flux'" in unknown[0].why


@pytest.mark.parametrize(
    "name", ["conv_forward_naive", "conv2d", "Conv2D_forward", "my_conv", "corr2d", "convolve_2d"]
)
def test_names_of_convolutions(name):
    assert operation_of(name) == "conv_forward"


@pytest.mark.parametrize("name", ["train", "plot", "load_data", "im2col"])
def test_other_names_are_none(name):
    assert operation_of(name) is None


def test_gradients_have_many_names():
    assert [gradient_of(name) for name in ("dW", "grad_w", "weights_gradient", "grads.b", "dx")] == [
        "dw", "dw", "dw", "db", "dx",
    ]  # fmt: skip
    assert gradient_of("W") is None


def test_a_gradient_is_not_blamed_for_the_forward_pass_before_it():
    source = program("right/nhwc_cache.py")
    broken = source + (
        "\n_forward = conv_forward\n"
        "def conv_forward(A_prev, W, b, hparameters):\n"
        "    if hparameters['stride'] CONDITION:\n"
        "        raise ValueError('too large')\n"
        "    Z, cache = _forward(A_prev, W, b, hparameters)\n"
        "    return Z, cache\n"
    )
    found, _ = judged(broken.replace("CONDITION", "> 1"))
    assert "too large" in found["conv_forward/conv_forward"].failure.message
    backward = found["conv_backward/conv_backward"]
    assert backward.right
    assert backward.tried < 20
    assert re.match(r"conv_forward fails in \d+ more cases", *backward.notes)
    never, _ = judged(broken.replace("CONDITION", "> 0"))
    message = never["conv_backward/conv_backward"].failure.message
    assert message == "conv_forward, which comes before it, fails: ValueError: too large"


def test_functions_of_a_course_are_read_as_it_has_them_where_none_fits():
    """A fault in corr2d is one of the functions that call it, and no argument of another shape."""
    source = program("right/planes_corr2d.py").replace(" + 1", "")
    found, _ = judged(source)
    for name in ("corr2d_multi_in", "corr2d_multi_in_out"):
        one = found[f"{name}/conv_forward"]
        assert (one.call.layout.name, one.failure.kind) == ("chw", "shape")


def test_an_output_as_large_as_the_input_is_no_padding():
    source = """
import numpy as np
def corr2d(X, K):
    h, w = K.shape
    Y = np.zeros_like(X)
    for i in range(X.shape[0] - h + 1):
        for j in range(X.shape[1] - w + 1):
            Y[i, j] = (X[i : i + h, j : j + w] * K).sum()
    return Y
"""
    judgement = only(source)
    assert judgement.failure.message == "Z has the shape (3, 3), not (2, 2)"
    assert [one.mistake.name for one in diagnose(judgement.outcomes)] == ["size-of-the-input"]


def test_a_pool_that_does_not_heed_its_mode_is_no_mean():
    source = """
def pool_forward(A_prev, hparameters, mode="max"):
    f, s = hparameters["f"], hparameters["stride"]
    windows = np.lib.stride_tricks.sliding_window_view(A_prev, (f, f), axis=(1, 2))[:, ::s, ::s]
    return windows.max((-1, -2)), (A_prev, hparameters)
import numpy as np
"""
    found, _ = judged(source)
    assert {name: one.right for name, one in found.items()} == {
        "pool_forward/max_pool": True,
        "pool_forward/avg_pool": False,
    }


def test_arguments_and_results_are_called_as_the_learner_calls_them():
    source = """
class Relu:
    def forward(self, x):
        self.mask = x <= 0
        out = x.copy()
        out[self.mask] = 0
        return out
    def backward(self, dout):
        dout[self.mask] = 0
        return dout
def corr2d(X, K):
    return "done"
"""
    found, _ = judged(source)
    assert "its argument dout in place" in found["Relu.backward/relu_backward"].notes[0]
    assert found["corr2d/conv_forward"].failure.message == "Z is of the type str, not an array"
