"""A learner's array against ours: PyTorch's results are right in its layout, changed ones are explained."""

from __future__ import annotations

import numpy as np
import pytest

from convcli.arrays import Given
from convcli.errors import UsageError
from convcli.grading.arrays import RESULTS, Ours, judge_array

RNG = np.random.default_rng(4)
X, W = RNG.integers(-4, 5, (2, 3, 7, 6)).astype(float), RNG.integers(-3, 4, (4, 3, 3, 3)).astype(float)
BIAS = (1.0, -2.0, 0.5, 3.0)
OPTIONS = {"stride": (2, 1), "padding": (1, 2)}


def torchs():
    """Return each result as PyTorch has it, in its layout, and dZ."""
    torch = pytest.importorskip("torch")
    x, w, b = (torch.tensor(array, requires_grad=True) for array in (X, W, np.array(BIAS)))
    z = torch.nn.functional.conv2d(x, w, b, stride=OPTIONS["stride"], padding=OPTIONS["padding"])
    z.retain_grad()
    a = torch.relu(z)
    da = torch.tensor(RNG.integers(-3, 4, tuple(z.shape)).astype(float))
    a.backward(da)
    y = torch.nn.functional.avg_pool2d(x, 2, 1, padding=1, count_include_pad=True)
    made = {
        "Z": z, "A": a, "dZ": z.grad, "dW": w.grad, "db": b.grad, "dA_prev": x.grad,
        "padded": torch.nn.functional.pad(x, (2, 2, 1, 1)), "pool": torch.max_pool2d(x, 2), "mean": y,
    }  # fmt: skip
    return {name: array.detach().numpy() for name, array in made.items()}, da.numpy()


def judged(of, mine, *, layout="nchw", tolerance=1e-5, options=None, **arrays):
    given = {name: Given(np.asarray(array, float), f"{name}.npy") for name, array in arrays.items()}
    ours = Ours(of, Given(np.asarray(mine, float), "mine.npy"), given, options or {}, layout, tolerance)
    return judge_array(ours)


def layer(of, mine, gradient=None, **changed):
    """Return the judgement of one of the layer's results."""
    arrays = {"input": X, "kernel": W} | ({} if gradient is None else {"gradient": gradient})
    takes = RESULTS[of].takes
    options = {name: value for name, value in {**OPTIONS, "bias": BIAS, **changed}.items() if name in takes}
    return judged(of, mine, options=options, **arrays)


def test_results_of_pytorch_are_right_in_its_layout():
    results, da = torchs()
    for of, gradient in (("Z", None), ("A", None), ("dZ", da)):
        assert layer(of, results[of], gradient).comparison.right
    for of in ("dW", "db", "dA_prev"):
        assert layer(of, results[of], results["dZ"]).comparison.right, of
    assert judged("padded", results["padded"], options={"padding": (1, 2)}, input=X).comparison.right
    assert judged("pool", results["pool"], input=X).comparison.right
    assert judged(
        "pool", results["mean"], options={"pool": "mean", "stride": 1, "padding": 1}, input=X
    ).comparison.right


WRONG = {
    "dA_prev, rows and columns": (lambda r, dz: ("dA_prev", r["dA_prev"].swapaxes(2, 3)), None),
    "dW, mean": (lambda r, dz: ("dW", r["dW"] / 2), "mean-over-the-batch"),
    "dW, turned": (lambda r, dz: ("dW", r["dW"][:, :, ::-1, ::-1]), "weight-gradient-rotated"),
    "db, over images": (lambda r, dz: ("db", dz.sum(0)), None),
    "Z, no bias": (lambda r, dz: ("Z", r["Z"] - np.array(BIAS)[:, None, None]), "bias-left-out"),
    "Z, one off": (lambda r, dz: ("Z", r["Z"] + (np.arange(r["Z"].size) == 5).reshape(r["Z"].shape)), None),
}


@pytest.mark.parametrize(("make", "mistake"), WRONG.values(), ids=WRONG)
def test_a_wrong_result_is_no_right_one_and_explained_where_it_can_be(make, mistake):
    results, _ = torchs()
    of, mine = make(results, results["dZ"])
    found = layer(of, mine, results["dZ"] if "gradient" in RESULTS[of].needs else None)
    assert not found.comparison.right
    if mistake is not None:
        assert found.diagnosis.mistake.name == mistake


def test_a_forgotten_activation_is_told():
    results, _ = torchs()
    found = layer("A", results["Z"])
    assert found.diagnosis.mistake.name == "activation-left-out"
    assert layer("A", results["Z"], activation="none").comparison.right


PLANE, KERNEL = [[1, 2, 3], [4, 5, 6], [7, 8, 9]], [[1, 0], [0, -1]]


def test_the_first_wrong_cell_is_told_with_its_products():
    found = judged("Z", [[-4, -4], [7, -4]], layout=None, input=PLANE, kernel=KERNEL)
    assert (found.comparison.count, found.comparison.first) == (1, (1, 0))
    assert found.comparison.place((1, 0)) == "Z[1, 0] (row 2, column 1)"
    [line] = [row[0].text for row in found.cell.rows if len(row) == 1]
    assert line == "Z[2, 1] = 4·1 + 5·0 + 7·0 + 8·(−1) = −4, found 7"


@pytest.mark.parametrize(
    ("of", "options", "arrays", "line"),
    [
        ("dW", {}, {"gradient": [[1, 0], [2, 1]]}, "dW[1, 1] = 1·1 + 2·0 + 4·2 + 5·1 = 14, found 0"),
        ("db", {}, {"gradient": [[1, 0], [2, 1]]}, "db = 1 + 0 + 2 + 1 = 4, found 0"),
        ("dA_prev", {}, {"gradient": [[1, 0], [2, 1]]}, "dA_prev[1, 1] = 1·1 = 1, found 0"),
        ("pool", {"stride": 1}, {"kernel": None}, "out[1, 1] = max(1, 2, 4, 5) = 5, found 0"),
        (
            "pool",
            {"stride": 1, "pool": "mean"},
            {"kernel": None},
            "out[1, 1] = (1 + 2 + 4 + 5) / 4 = 3, found 0",
        ),
        (
            "pool-backward",
            {"stride": 1},
            {"kernel": None, "gradient": [[1, 3], [2, 4]]},
            "dA_prev[2, 2] = 1·1 + 3·0 + 2·0 + 4·0 = 1, found 0",
        ),
    ],
)
def test_each_result_has_its_first_wrong_cell_drawn(of, options, arrays, line):
    given = {
        name: array
        for name, array in {"input": PLANE, "kernel": KERNEL, **arrays}.items()
        if array is not None
    }
    size = {"dW": (2, 2), "db": (1,), "pool": (2, 2)}.get(of, (3, 3))
    found = judged(of, np.zeros(size), layout=None, options=options, **given)
    assert found.cell.rows[-1][0].text == line


def test_shapes_that_differ_are_told_and_still_explained():
    x, dz = np.ones((1, 4, 4, 1)), np.ones((1, 4, 4, 1))
    w = np.arange(9.0).reshape(3, 3, 1, 1)
    padded_gradient = np.pad(
        judged(
            "dA_prev", x, layout="nhwc", options={"padding": 1}, input=x, kernel=w, gradient=dz
        ).comparison.expected,
        ((0, 0), (1, 1), (1, 1), (0, 0)),
    )
    found = judged(
        "dA_prev", padded_gradient, layout="nhwc", options={"padding": 1}, input=x, kernel=w, gradient=dz
    )
    assert found.comparison.summary() == (
        "dA_prev: 1 × 6 × 6 × 1 found, 1 × 4 × 4 × 1 expected (image, row, column, channel)"
    )
    assert (found.comparison.first, found.cell) == (None, None)


@pytest.mark.parametrize("shape", [(4,), (1, 4), (1, 1, 1, 4)])
def test_a_bias_gradient_has_any_of_its_usual_shapes(shape):
    dz = RNG.integers(-3, 4, (1, 2, 2, 4)).astype(float)
    found = judged(
        "db", dz.sum((0, 1, 2)).reshape(shape), layout="nhwc",
        input=np.ones((1, 3, 3, 2)), kernel=np.ones((2, 2, 2, 4)), gradient=dz,
    )  # fmt: skip
    assert found.comparison.right


@pytest.mark.parametrize(
    ("of", "arguments", "message"),
    [
        ("dW", {"input": PLANE, "kernel": KERNEL}, "--of dW needs --gradient."),
        ("Z", {"input": PLANE, "kernel": KERNEL, "options": {"size": 2}}, "--size has no say in Z."),
        ("Z", {"input": PLANE, "kernel": KERNEL, "options": {"bias": (1, 2)}}, "--bias has 2 numbers for 1"),
        ("Z", {"input": np.ones((3, 3, 2)), "kernel": np.ones((2, 2, 3))}, "--kernel has 3 channel"),
        (
            "dW",
            {"input": PLANE, "kernel": KERNEL, "gradient": PLANE},
            "--gradient: expected 1 × 2 × 2 × 1",
        ),
        ("padded", {"input": PLANE, "options": {"padding": "same"}}, "needs --padding in numbers"),
        ("Z", {"input": PLANE, "kernel": KERNEL, "layout": "nhcw"}, "--layout: expected"),
    ],
)
def test_what_does_not_fit_is_one_error(of, arguments, message):
    with pytest.raises(UsageError, match=message):
        judged(of, PLANE, **{"layout": None, **arguments})
