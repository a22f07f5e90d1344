"""Kernels against hand-written grids, SciPy and OpenCV; and what is refused when they are named or read."""

from __future__ import annotations

import io
import json
import math
import tracemalloc

import numpy as np
import pytest
from scipy import ndimage

from convcli.errors import InputError, KernelError, UnknownNameError, UsageError
from convcli.kernels import KERNELS, kernel, kernel_names, named, parse, shape_of
from convcli.kernels.definition import PARAMETERS
from convcli.render.kernels import kernel_document, kernel_text

TURNED_RAMPS = {  # brightness rising to the right, and downward
    "x": np.tile(np.arange(9.0), (9, 1)),
    "y": np.tile(np.arange(9.0), (9, 1)).T,
}


def grid(text):
    return np.array([[float(cell) for cell in row.split()] for row in text.strip().splitlines()])


def impulse_response(filtered, sides):
    """Return what a filter makes of one bright pixel, turned by 180°: the kernel that it correlates with."""
    plane = np.zeros(sides)
    plane[sides[0] // 2, sides[1] // 2] = 1
    return filtered(plane)[::-1, ::-1]


def compass(*bright):
    mask = np.full((3, 3), -3.0)
    mask[1, 1] = 0
    for cell in bright:
        mask[cell] = 5
    return mask


SOBEL_X, SOBEL_Y = grid("-1 0 1\n-2 0 2\n-1 0 1"), grid("-1 -2 -1\n0 0 0\n1 2 1")
PREWITT_X, PREWITT_Y = grid("-1 0 1\n-1 0 1\n-1 0 1"), grid("-1 -1 -1\n0 0 0\n1 1 1")
SCHARR_X, SCHARR_Y = grid("-3 0 3\n-10 0 10\n-3 0 3"), grid("-3 -10 -3\n0 0 0\n3 10 3")
ROBERTS_X, ROBERTS_Y = grid("0 1\n-1 0"), grid("-1 0\n0 1")
ROOT = math.sqrt(2)
FREI_CHEN_X = np.array([[-1, 0, 1], [-ROOT, 0, ROOT], [-1, 0, 1]])
# Farid and Simoncelli 2004, table 1, five-tap first derivative; products of the two columns to four digits.
FARID_X = grid(
    """
    -0.0041 -0.0104 0 0.0104 0.0041
    -0.0273 -0.0689 0 0.0689 0.0273
    -0.0467 -0.1180 0 0.1180 0.0467
    -0.0273 -0.0689 0 0.0689 0.0273
    -0.0041 -0.0104 0 0.0104 0.0041
    """
)
KIRSCH = {
    "kirsch-n": compass((0, 0), (0, 1), (0, 2)),
    "kirsch-nw": compass((1, 0), (0, 0), (0, 1)),
    "kirsch-w": compass((0, 0), (1, 0), (2, 0)),
    "kirsch-sw": compass((1, 0), (2, 0), (2, 1)),
    "kirsch-s": compass((2, 0), (2, 1), (2, 2)),
    "kirsch-se": compass((2, 1), (2, 2), (1, 2)),
    "kirsch-e": compass((0, 2), (1, 2), (2, 2)),
    "kirsch-ne": compass((0, 1), (0, 2), (1, 2)),
}


def scipy_log(sigma):
    """Return SciPy's Laplacian of a Gaussian as a kernel, with its mean taken off."""
    weights = impulse_response(lambda plane: ndimage.gaussian_laplace(plane, sigma), (13, 13))
    return weights - weights.mean()


def scipy_gaussian(sigma, side):
    return impulse_response(
        lambda plane: ndimage.gaussian_filter(plane, sigma, radius=side // 2), (side, side)
    )


def gabor_by_hand():
    """Return the default Gabor kernel from its formula, cell by cell."""
    envelope, wave = np.empty((49, 25)), np.empty((49, 25))
    for row in range(49):
        for column in range(25):
            x, y = column - 12, 24 - row
            envelope[row, column] = math.exp(-(x * x + 0.25 * y * y) / 32)
            wave[row, column] = math.cos(2 * math.pi * x / 8)
    envelope /= envelope.sum()
    return envelope * (wave - (envelope * wave).sum())


CASES = {
    "identity": grid("0 0 0\n0 1 0\n0 0 0"),
    "box": np.full((3, 3), 1 / 9),
    "gaussian": scipy_gaussian(1, 9),
    "motion": np.full((1, 9), 1 / 9),
    "sharpen": grid("0 -1 0\n-1 5 -1\n0 -1 0"),
    "unsharp": 2 * np.pad([[1.0]], 4) - scipy_gaussian(1, 9),
    "emboss": grid("-2 -1 0\n-1 1 1\n0 1 2"),
    "sobel": np.stack([SOBEL_X, SOBEL_Y]),
    "sobel-x": SOBEL_X,
    "sobel-y": SOBEL_Y,
    "prewitt": np.stack([PREWITT_X, PREWITT_Y]),
    "prewitt-x": PREWITT_X,
    "prewitt-y": PREWITT_Y,
    "scharr": np.stack([SCHARR_X, SCHARR_Y]),
    "scharr-x": SCHARR_X,
    "scharr-y": SCHARR_Y,
    "roberts": np.stack([ROBERTS_X, ROBERTS_Y]),
    "roberts-x": ROBERTS_X,
    "roberts-y": ROBERTS_Y,
    "frei-chen": np.stack([FREI_CHEN_X, FREI_CHEN_X.T]),
    "frei-chen-x": FREI_CHEN_X,
    "frei-chen-y": FREI_CHEN_X.T,
    "farid": np.stack([FARID_X, FARID_X.T]),
    "farid-x": FARID_X,
    "farid-y": FARID_X.T,
    "kirsch": np.stack(list(KIRSCH.values())),
    **KIRSCH,
    "laplacian": grid("0 1 0\n1 -4 1\n0 1 0"),
    "laplacian8": grid("1 1 1\n1 -8 1\n1 1 1"),
    "log": scipy_log(1.4),
    "dog": scipy_gaussian(1, 13) - scipy_gaussian(1.6, 13),
    "gabor": gabor_by_hand(),
    "horizontal-edges": grid("1 2 1\n0 0 0\n-1 -2 -1"),
    "diagonal-edges": grid("0 1 2\n-1 0 1\n-2 -1 0"),
    "corner-cross": grid("1 0 -1\n0 0 0\n-1 0 1"),
}
MEAN_PRESERVING = {"identity", "box", "gaussian", "motion", "sharpen", "unsharp", "emboss"}


def test_every_registered_kernel_has_a_case():
    assert set(CASES) == set(kernel_names())


@pytest.mark.parametrize("name", CASES)
def test_kernel_has_the_weights_of_its_source(name):
    tolerance = 5e-5 if name.startswith("farid") else 1e-12
    np.testing.assert_allclose(kernel(name), CASES[name], rtol=0, atol=tolerance)


@pytest.mark.parametrize("name", CASES)
def test_kernel_keeps_brightness_or_gives_zero_on_flat_areas(name):
    built = named(name)
    assert built.sums_to_zero == (name not in MEAN_PRESERVING)
    if name in MEAN_PRESERVING:
        assert built.weights.sum() == pytest.approx(1)


@pytest.mark.parametrize("name", CASES)
def test_kernel_names_its_source_and_what_it_does(name):
    definition = KERNELS[name]
    assert len(definition.source) > 5
    assert definition.summary.endswith(".")
    assert set(definition.defaults) <= set(PARAMETERS)


@pytest.mark.parametrize("axis", ["x", "y"])
@pytest.mark.parametrize("family", ["sobel", "prewitt", "scharr", "roberts", "frei-chen", "farid"])
def test_gradient_is_positive_where_brightness_rises_along_its_axis(family, axis):
    response = ndimage.correlate(TURNED_RAMPS[axis], kernel(f"{family}-{axis}"))
    assert response[4, 4] > 0


@pytest.mark.parametrize(
    ("name", "axis"), [("sobel-x", 1), ("sobel-y", 0), ("prewitt-x", 1), ("prewitt-y", 0)]
)
def test_gradient_has_the_sign_and_the_scale_of_scipy(name, axis):
    plane = np.random.default_rng(0).random((12, 15))
    reference = getattr(ndimage, name.partition("-")[0])(plane, axis=axis, mode="mirror")
    np.testing.assert_allclose(ndimage.correlate(plane, kernel(name), mode="mirror"), reference, atol=1e-12)


def test_gradients_agree_with_opencv():
    cv2 = pytest.importorskip("cv2")
    plane = np.random.default_rng(0).random((12, 15))
    for name, reference in (
        ("sobel-x", cv2.Sobel(plane, cv2.CV_64F, 1, 0, ksize=3)),
        ("sobel-y", cv2.Sobel(plane, cv2.CV_64F, 0, 1, ksize=3)),
        ("scharr-x", cv2.Scharr(plane, cv2.CV_64F, 1, 0)),
        ("scharr-y", cv2.Scharr(plane, cv2.CV_64F, 0, 1)),
        ("laplacian", cv2.Laplacian(plane, cv2.CV_64F, ksize=1)),
    ):
        np.testing.assert_allclose(
            ndimage.correlate(plane, kernel(name), mode="mirror"), reference, atol=1e-12, err_msg=name
        )


@pytest.mark.parametrize("theta", [0, 30, 90, 135])
def test_gabor_is_opencvs_scaled_and_without_its_mean(theta):
    cv2 = pytest.importorskip("cv2")
    ours = kernel("gabor", theta=theta, wavelength=6, sigma=3, gamma=0.8)
    rows, columns = ours.shape
    # OpenCV's y grows downward and its kernel is turned by 180°; an even wave does not mind the second.
    size, angle = (columns, rows), -math.radians(theta)
    reference = cv2.getGaborKernel(size, 3, angle, 6, 0.8, psi=0)
    envelope = cv2.getGaborKernel(size, 3, angle, 1e12, 0.8, psi=0)
    reference, envelope = reference / envelope.sum(), envelope / envelope.sum()
    np.testing.assert_allclose(ours, reference - reference.sum() * envelope, atol=1e-7)


def test_farid_agrees_with_scikit_image():
    filters = pytest.importorskip("skimage.filters")
    plane = np.random.default_rng(0).random((12, 15))
    for name, reference in (("farid-x", filters.farid_v), ("farid-y", filters.farid_h)):
        ours = ndimage.correlate(plane, kernel(name))[3:-3, 3:-3]
        np.testing.assert_allclose(np.abs(ours), np.abs(reference(plane))[3:-3, 3:-3], atol=1e-12)


def test_gaussian_of_even_size_is_centred_between_the_cells():
    weights = kernel("gaussian", sigma=1, size=4)
    assert weights.shape == (4, 4)
    np.testing.assert_allclose(weights, weights[::-1, ::-1])


@pytest.mark.parametrize(("angle", "shape"), [(0, (1, 5)), (90, (5, 1)), (180, (1, 5)), (-90, (5, 1))])
def test_motion_along_an_axis_is_a_line_of_equal_weights(angle, shape):
    np.testing.assert_allclose(kernel("motion", size=5, angle=angle), np.full(shape, 0.2))


def test_motion_at_a_positive_angle_rises_to_the_right():
    weights = kernel("motion", size=9, angle=45)
    assert weights[0, -1] > 0
    assert weights[0, 0] == 0
    np.testing.assert_allclose(weights, weights.T[::-1, ::-1])


def test_kernel_returns_weights_that_may_be_changed_without_harm():
    weights = kernel("sobel-x")
    weights[:] = 0
    assert kernel("sobel-x").any()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 0 -1; 2 0 -2; 1 0 -1", [[1, 0, -1], [2, 0, -2], [1, 0, -1]]),
        ("1,0,-1;2,0,-2", [[1, 0, -1], [2, 0, -2]]),
        ("1, 2 ,3", [[1, 2, 3]]),
        ("1/4 -1/2; .5 1e-1;", [[0.25, -0.5], [0.5, 0.1]]),
        ("7", [[7]]),
        ("-1", [[-1]]),
        ("  1 2\t3 ; 4 5 6 ", [[1, 2, 3], [4, 5, 6]]),
    ],
)
def test_matrix_is_read_as_typed(text, expected):
    parsed = parse(text)
    assert parsed.name == "custom"
    np.testing.assert_array_equal(parsed.parts[0], expected)


def test_name_takes_parameters_after_a_colon():
    parsed = parse("gaussian:sigma=1.5, size=9")
    assert parsed.parameters == {"sigma": 1.5, "size": 9}
    np.testing.assert_array_equal(parsed.weights, kernel("gaussian", sigma=1.5, size=9))
    np.testing.assert_array_equal(parse("box:size=5").weights, np.full((5, 5), 1 / 25))
    assert parse("dog:sigma1=1/2").parameters["sigma1"] == 0.5


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("gausian", UnknownNameError, ["gausian", "gaussian"]),
        ("Sobel", UnknownNameError, ["'sobel'"]),
        ("sobel_x", UnknownNameError, ["'sobel-x'"]),
        ("gaussian:sgma=1", UnknownNameError, ["sgma", "'sigma'"]),
        ("gausian:sigma=1", UnknownNameError, ["'gaussian'"]),
        ("gaussian:sigma=abc", KernelError, ["gaussian: sigma", "a number from 0.1", "'abc'"]),
        ("gaussian:sigma=nan", KernelError, ["sigma", "nan"]),
        ("gaussian:sigma=inf", KernelError, ["sigma", "inf"]),
        ("gaussian:sigma=-1", KernelError, ["sigma", "-1"]),
        ("gaussian:sigma=0", KernelError, ["sigma", "found 0"]),
        ("gaussian:sigma=1/0", KernelError, ["sigma", "1/0"]),
        ("box:size=2.5", KernelError, ["size", "an integer", "2.5"]),
        ("box:size=0", KernelError, ["size", "found 0"]),
        ("box:size=5000", KernelError, ["4096", "5000"]),
        ("box:size=" + "9" * 400, KernelError, ["4096"]),
        ("gaussian:2", KernelError, ["sigma=…", "'2'"]),
        ("gaussian:", KernelError, ["sigma=…"]),
        ("gaussian:sigma=", KernelError, ["'sigma='"]),
        ("box:size=3,size=5", KernelError, ["size", "twice"]),
        ("roberts:size=3", KernelError, ["roberts", "no parameters", "size"]),
        ("dog:sigma1=2,sigma2=1", KernelError, ["sigma1", "sigma2"]),
        ("gabor:sigma=500,gamma=0.01", KernelError, ["gabor", "4096"]),
        ("", KernelError, ["empty"]),
        ("  ", KernelError, ["empty"]),
        ("1 2; 3", KernelError, ["row 2", "expected 2 cells", "found 1"]),
        ("1 nan; 2 3", KernelError, ["row 1, column 2", "'nan'"]),
        ("1 2; 3 -inf", KernelError, ["row 2, column 2", "'-inf'"]),
        ("1 1e999", KernelError, ["row 1, column 2", "1e999"]),
        ("1 x", KernelError, ["row 1, column 2", "'x'"]),
        ("1,,2", KernelError, ["row 1, column 2", "nothing"]),
        ("1 2;;3 4", KernelError, ["row 2 is empty"]),
        (";", KernelError, ["row 1 is empty"]),
        ("1/0 2", KernelError, ["row 1, column 1", "1/0"]),
    ],
)
def test_wrong_kernel_is_refused_with_what_was_found(text, error, words):
    with pytest.raises(error) as caught:
        parse(text)
    assert all(word in str(caught.value) for word in words), str(caught.value)


@pytest.mark.parametrize("value", [True, "3", None, 2.0, 1.5, float("nan"), 10**400])
def test_wrong_kind_of_parameter_is_refused_in_python_too(value):
    with pytest.raises(KernelError, match="box: size"):
        kernel("box", size=value)


def npy(array):
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("k.csv", b"1,0,-1\n2,0,-2\n", [[1, 0, -1], [2, 0, -2]]),
        ("k.txt", b"# corners\n1 0\n\n0 1/2  # half\n", [[1, 0], [0, 0.5]]),
        ("k.CSV", b"\xef\xbb\xbf1;".replace(b";", b"\r\n"), [[1]]),
        ("k.json", b"[[1, 2.5], [3, 4]]", [[1, 2.5], [3, 4]]),
        ("k.json", b"[1, 2]", [[1, 2]]),
        ("k.json", b'{"weights": [[1, 2]]}', [[1, 2]]),
        ("k.npy", npy(np.array([[1, 2], [3, 4]], dtype=np.int16)), [[1, 2], [3, 4]]),
        ("k.npy", npy(np.array([1.5, 2])), [[1.5, 2]]),
    ],
)
def test_kernel_file_is_read(tmp_path, name, content, expected):
    (tmp_path / name).write_bytes(content)
    parsed = parse(f"@{tmp_path / name}")
    assert parsed.name == "k"
    np.testing.assert_array_equal(parsed.parts[0], expected)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("k.csv", b"", ["found none"]),
        ("k.csv", b"1,2\n3\n", ["row 2", "expected 2 cells", "found 1"]),
        ("k.csv", b"1,NaN\n", ["row 1, column 2", "NaN"]),
        ("k.csv", b"\xff\xfe\x00", ["as text"]),
        ("k.csv", b"1\n" * 4097, ["4096 rows"]),
        ("k.csv", b",".join([b"1"] * 5000), ["row 1", "4096 cells"]),
        ("k.json", b"{", ["JSON"]),
        ("k.json", b"[" * 100_000, ["JSON"]),
        ("k.json", b"{}", ["list of rows"]),
        ("k.json", b"[]", ["list of rows"]),
        ("k.json", b"[[1], 2]", ["row 2", "found 2"]),
        ("k.json", b"[[1], []]", ["row 2", "found []"]),
        ("k.json", b"[[1, 2], [3]]", ["row 2", "expected 2 cells"]),
        ("k.json", b"[[1, NaN]]", ["row 1, column 2", "NaN"]),
        ("k.json", b"[[true]]", ["row 1, column 1", "true"]),
        ("k.json", b'[[1, "2"]]', ["row 1, column 2", '"2"']),
        ("k.json", b"[[1" + b"0" * 400 + b"]]", ["row 1, column 1"]),
        ("k.npy", b"not numpy", ["npy"]),
        ("k.npy", npy(np.ones((3, 3)))[:-8], ["npy"]),
        ("k.npy", npy(np.array([["a"]])), ["real numbers"]),
        ("k.npy", npy(np.array([[1j]])), ["real numbers"]),
        ("k.npy", npy(np.array([[True]])), ["real numbers"]),
        ("k.npy", npy(np.zeros((2, 2, 2))), ["rows and columns", "(2, 2, 2)"]),
        ("k.npy", npy(np.zeros((0, 3))), ["empty"]),
        ("k.npy", npy(np.zeros((5000, 2))), ["5000 × 2", "4096"]),
        ("k.npy", npy(np.array([[0, np.inf]])), ["row 1, column 2", "inf"]),
        ("k.pkl", b"", [".csv", "k.pkl"]),
        ("k", b"", [".csv"]),
    ],
)
def test_wrong_kernel_file_is_refused_with_its_name_and_what_was_found(tmp_path, name, content, words):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(KernelError) as caught:
        parse(f"@{path}")
    assert all(word in str(caught.value) for word in [str(path), *words]), str(caught.value)


def test_pickled_kernel_is_never_loaded(tmp_path):
    path = tmp_path / "k.npy"
    np.save(path, np.array([[{}]], dtype=object), allow_pickle=True)
    with pytest.raises(KernelError, match="Python objects, which are never unpickled"):
        parse(f"@{path}")


def test_kernel_file_that_cannot_be_read_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="no such kernel file"):
        parse(f"@{tmp_path / 'none.csv'}")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(InputError, match="found a folder"):
        parse(f"@{tmp_path / 'folder.csv'}")
    with pytest.raises(InputError, match="cannot be read"):
        parse("@a\0b.csv")


def test_huge_kernel_file_is_refused(tmp_path):
    path = tmp_path / "huge.npy"
    with path.open("wb") as file:
        file.truncate(10**9)
    with pytest.raises(KernelError, match="at most 160 MiB"):
        parse(f"@{path}")


def test_printed_json_is_read_back(tmp_path):
    path = tmp_path / "k.json"
    path.write_text(json.dumps({"weights": kernel("log").tolist(), "name": "log"}))
    np.testing.assert_array_equal(parse(f"@{path}").weights, kernel("log"))


@pytest.mark.parametrize(
    "text",
    [
        *KERNELS,
        "box:size=4",
        "gaussian:sigma=0.1",
        "gaussian:size=6",
        "unsharp:sigma=2",
        "log:sigma=3",
        "dog:sigma1=2,sigma2=3",
        "gabor:theta=30,sigma=2",
        "1 2; 3 4; 5 6",
        *(
            f"motion:size={size},angle={angle}"
            for size in (1, 2, 5, 8)
            for angle in (0, 12.5, 45, 77, 90, 135, -200)
        ),
    ],
)
def test_shape_is_told_without_building(text):
    assert shape_of(text) == parse(text).shape


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("box:size=4097", "4096"),
        ("dog:sigma1=2,sigma2=1", "sigma1 must be below sigma2"),
        ("gabor:sigma=500,gamma=0.01", "at most 4096"),
        ("gausian", "gaussian"),
    ],
)
def test_shape_is_refused_as_the_kernel_is(text, words):
    for asked in (shape_of, parse):
        with pytest.raises(UsageError, match=words):
            asked(text)


def test_shape_of_the_largest_kernels_takes_no_memory():
    tracemalloc.start()
    try:
        for text in ("box:size=4096", "gaussian:sigma=500", "log:sigma=500", "motion:size=4096,angle=30"):
            shape_of(text)
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def test_a_page_of_a_large_kernel_takes_little_more_memory_than_its_weights():
    kernel = parse("box:size=512")
    tracemalloc.start()
    try:
        kernel_text(kernel)
        for _ in json.JSONEncoder().iterencode(kernel_document(kernel)):
            pass
        assert tracemalloc.get_traced_memory()[1] < 2 * 8 * 512**2
    finally:
        tracemalloc.stop()


def test_a_large_box_is_one_number_in_memory():
    (weights,) = named("box", size=4096).parts
    assert weights.strides == (0, 0)
    assert weights.sum() == pytest.approx(1)
    assert kernel("box", size=3).flags.writeable, "a copy of its own, for whoever asks"
