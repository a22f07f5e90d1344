import numpy as np
import pytest

from convcli.kernels import KERNELS, Kernel, named
from convcli.kernels.frequency import DIRECTIONS, response_at, responses_of


def kernels():
    rng = np.random.default_rng(0)
    sizes = [(1, 1), (2, 2), (3, 5), (1, 8), (11, 4)]
    drawn = [Kernel("custom", (rng.normal(size=size),)) for size in sizes]
    return [*(named(name) for name in KERNELS), *drawn]


@pytest.mark.parametrize("kernel", kernels(), ids=lambda kernel: f"{kernel.name}-{kernel.shape}")
def test_responses_are_those_of_the_fourier_transform(kernel):
    for part in responses_of(kernel):
        n = 64
        plane = np.zeros((n, n))
        plane[: kernel.shape[0], : kernel.shape[1]] = part.weights
        plane = np.roll(plane, (-part.centre[0], -part.centre[1]), (0, 1))
        expected = np.conj(np.fft.fft2(plane))  # laid on unflipped
        waves = np.fft.fftfreq(n)
        found = response_at(part.weights, waves, waves, part.centre)
        assert np.abs(found - expected).max() <= 1e-13 * part.size
        real, imaginary = (np.abs(one).max() <= 1e-12 * part.size for one in (expected.imag, expected.real))
        assert part.phase == ("real" if real else "imaginary" if imaginary else "complex")
        assert part.dc == pytest.approx(expected[0, 0].real, abs=1e-12 * part.size)


def test_cuts_are_lines_of_the_map():
    (part,) = responses_of(Kernel("custom", (np.random.default_rng(1).normal(size=(4, 5)),)))
    values = part.map(33)
    lines = {"across": values[16, 16:], "down": values[16:, 16], "diagonal": np.diag(values)[16:]}
    for name in DIRECTIONS:
        np.testing.assert_allclose(part.cut(name, 17), lines[name], atol=1e-12)
        assert part.nyquist(name) == pytest.approx(abs(lines[name][-1]))


def test_a_line_of_weights_responds_as_scipy_says():
    signal = pytest.importorskip("scipy.signal")
    weights = np.random.default_rng(2).normal(size=7)
    waves, expected = signal.freqz(weights, worN=np.linspace(0, np.pi, 50))
    found = response_at(weights[None], [0], waves / (2 * np.pi), (0, 0))[0]
    np.testing.assert_allclose(np.conj(found), expected, atol=1e-12)


def test_a_gaussian_halves_the_power_where_its_formula_says():
    (part,) = responses_of(named("gaussian", sigma=2.0))
    expected = np.sqrt(np.log(2)) / (2 * np.pi * 2)  # exp(−2π²σ²f²) = 1/√2
    assert part.half_power("across") == pytest.approx(expected, rel=1e-3)
    assert part.half_power("diagonal") == pytest.approx(expected / np.sqrt(2), rel=1e-3)
    assert responses_of(named("sobel-x"))[0].half_power("across") is None
    assert responses_of(named("identity"))[0].half_power("across") is None


def test_the_largest_gain_is_that_of_the_slowest_wave_to_the_right():
    (part,) = responses_of(named("sobel-x"))
    assert part.peak() == pytest.approx((8, 0, 0.25))


def test_a_wave_that_is_filtered_is_itself_times_the_response():
    from convcli import filter2d

    weights = np.random.default_rng(3).normal(size=(3, 4))
    rows, columns = np.mgrid[:24, :24]
    wave = np.exp(2j * np.pi * (rows * 2 / 24 + columns * 5 / 24))
    filtered = filter2d(wave.real, weights, border="wrap") + 1j * filter2d(wave.imag, weights, border="wrap")
    response = response_at(weights, [2 / 24], [5 / 24], (1, 1))[0, 0]
    np.testing.assert_allclose(filtered, wave * response, atol=1e-12)
