"""The benchmarks: every comparison runs, on tiny sizes and untimed; what is made of the figures is right."""

from __future__ import annotations

import doctest
import gzip
import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from typer.testing import CliRunner

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))  # the package is not installed with convcli

from benchmarks import (  # noqa: E402
    __main__,
    batches,
    filters,
    instructions,
    measuring,
    networks,
    plots,
    ranks,
    report,
    sides,
    training,
    ways,
)
from benchmarks.comparisons import COMPARISONS  # noqa: E402
from benchmarks.machine import Watch  # noqa: E402
from benchmarks.measuring import Axis, Case, Section, Series, interleave  # noqa: E402
from benchmarks.setting import FULL, QUICK, Setting  # noqa: E402
from benchmarks.sides import (  # noqa: E402
    Call,
    Command,
    Match,
    Side,
    SideFailedError,
    SkippedError,
    answering,
    compare,
)

TINY = replace(
    QUICK,
    warm_ups=0,
    runs=1,
    seconds=0,
    images=dict.fromkeys(networks.LAYERS, 8),
    plane=(48, 64),
    photo=(60, 90),
    megapixels=(0.01,),
    kernel_sizes=(3,),
    batches=(4,),
    files=20,
    pictures=3,
    picture_runs=1,
)

PYTORCH = dict.fromkeys(("PyTorch, contiguous", "PyTorch, channels_last", "PyTorch, compiled"), "torch")

# comparison: each peer and what it needs
PEERS = {
    "train": {**PYTORCH, "onnxruntime": "onnxruntime"},
    "mnist": {"PyTorch": "torch"},
    "filter2d": {"SciPy": "scipy", "OpenCV": "cv2", "scikit-image": "skimage", "Pillow": "PIL"},
    "orders": {"SciPy": "scipy", "OpenCV": "cv2", "scikit-image": "skimage"},
    "commands": {
        "vips sobel": "vips",
        "ImageMagick": "convert",
        "Pillow script": "PIL",
        "OpenCV script": "cv2",
    },
    "chain": {
        "convcli, three commands": "sys",
        "ImageMagick": "convert",
        "pyvips script": "pyvips",
        "OpenCV script": "cv2",
    },
    "photos": {"ImageMagick": "mogrify", "pyvips": "pyvips", "Pillow": "PIL"},
    "cluster": {"convcli --jobs": "sys"},
    "startup": {"import typer": "typer", "python alone": "sys"},
    "threads": {"PyTorch, 1 thread": "torch"},
    "ranks": {"convcli, 2 ranks, plain": "mpi4py", "convcli, 2 threads": "sys", "convcli, 1 thread": "sys"},
    "image-size": {"OpenCV": "cv2"},
    "kernel-size": {"OpenCV": "cv2"},
    "augmentation": dict.fromkeys(training.AUGMENTATIONS, "sys"),
    "batch-memory": {"PyTorch": "torch"},
    "folders": {"Pillow, decoding alone": "PIL"},
    "ways": dict.fromkeys(ways.WAYS, "sys"),
}


@pytest.fixture
def setting(tmp_path, monkeypatch):
    """Return the smallest setting there is; every run is a single call, and what answers does so here.

    Without a process of its own for each side nothing is fair, but all is quick.
    """

    @contextmanager
    def here(name, call, threads):
        yield call.set_up()
        mock.patch.stopall()  # what a side leaves out

    monkeypatch.setattr(sides, "answering", here)
    monkeypatch.setattr(measuring, "LONG_ENOUGH", 0.0)
    monkeypatch.setattr(batches, "KINDS", ("png",))
    monkeypatch.setattr(ranks, "NETWORKS", ("SMALL",))
    if find_spec("torch"):  # to compile for real takes a minute for each network
        monkeypatch.setattr("torch.compile", lambda network: network)
    digits = tmp_path / "digits"
    digits.mkdir()
    images = np.random.default_rng(0).integers(0, 256, (40, 28, 28), np.uint8)
    for name, array in (("images-idx3", images), ("labels-idx1", np.arange(40, dtype=np.uint8) % 10)):
        head = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
        (digits / f"train-{name}-ubyte.gz").write_bytes(gzip.compress(head + array.tobytes()))
    return Setting(TINY, 1, tmp_path, digits)


def test_every_comparison_has_its_peers_here():
    assert PEERS.keys() == COMPARISONS.keys()


@pytest.mark.long
@pytest.mark.parametrize("name", COMPARISONS)
def test_a_comparison_measures_both_sides_or_says_who_is_left_out(name, setting):
    section = COMPARISONS[name].section(setting)
    beside = {peer.side for case in section.cases for peer in case.peers}
    for peer, need in PEERS[name].items():
        left_out = any(note.startswith(f"{peer} is left out") for note in section.notes)
        assert (peer in beside) != left_out
        assert not (left_out and find_spec(need)), section.notes  # a program may be there and refuse
    for case in section.cases:
        assert all(value > 0 for series in (case.ours, *case.peers) for value in series.values)
    assert section.title in report.page(stored({name: section}))


def test_a_comparison_is_made_even_if_nobody_else_is_there(setting, monkeypatch):
    monkeypatch.setattr("benchmarks.sides.find_spec", lambda name: None)
    section = COMPARISONS["kernel-size"].section(setting)
    assert [case.peers for case in section.cases] == [()]
    assert section.notes == ("OpenCV is left out: cv2 not installed.",)
    assert "| 3 × 3 | ms |" in report.page(stored({"kernel-size": section}))


def test_a_comparison_without_its_data_says_what_to_name(setting, tmp_path):
    with pytest.raises(SkippedError, match=r"nowhere has no train-images.* --mnist"):
        COMPARISONS["mnist"].section(Setting(TINY, 1, tmp_path, tmp_path / "nowhere"))


def test_strategies_that_are_left_out_are_there():
    from convcli.engine.batch.strategies import STRATEGIES as IN_NETWORKS
    from convcli.engine.plane.strategies import STRATEGIES as ON_PLANES

    assert {"winograd", "depthwise"} <= IN_NETWORKS.keys()
    assert {"separable", "stacked", "spectral"} <= ON_PLANES.keys()


def test_sizes_are_known_for_every_network():
    for sizes in (FULL, QUICK, TINY):
        assert sizes.images.keys() == networks.LAYERS.keys() == networks.BATCHES.keys()


# Figures.


def test_ratios_are_taken_pair_by_pair():
    case = Case("x", "ms", Series("convcli", (1.0, 2.0, 4.0)), (Series("peer", (3.0, 4.0, 4.0)),))
    ratios = case.advantage(case.peers[0])
    assert ratios.values == (3.0, 2.0, 1.0)
    assert ratios.median == 2.0
    assert (case.ours.median, case.ours.spread) == (2.0, 0.75)


def test_more_is_better_only_of_rates():
    ours, peer = Series("convcli", (20.0,)), Series("peer", (10.0,))
    assert Case("x", "images/s", ours, (peer,)).advantage(peer).median == 2.0
    assert Case("x", "MB", ours, (peer,)).advantage(peer).median == 0.5


def test_sides_take_turns_and_warm_ups_do_not_count():
    calls = []

    def side(name):
        return lambda: {"calls": float(calls.append(name) or len(calls))}

    rounds = interleave(
        {"ours": side("ours"), "peer": side("peer")}, warm_ups=1, runs=2, fewest=1, seconds=60
    )
    assert calls == ["ours", "peer"] * 3
    assert rounds == [
        {"ours": {"calls": 3}, "peer": {"calls": 4}},
        {"ours": {"calls": 5}, "peer": {"calls": 6}},
    ]


def test_rounds_end_when_the_time_is_up_but_not_before_the_fewest():
    def rounds(fewest):
        return len(interleave({"ours": dict}, warm_ups=0, runs=9, fewest=fewest, seconds=0))

    assert (rounds(1), rounds(4)) == (1, 4)


def test_the_examples_in_the_docstrings_hold():
    for module in (measuring, report):
        results = doctest.testmod(module)
        assert results.attempted
        assert not results.failed


def test_what_others_use_is_all_that_is_used_less_what_we_use(monkeypatch):
    seconds = iter([(100.0, 50.0, 3.0), (110.0, 57.0, 6.0)])  # had, worked, worked for us
    monkeypatch.setattr(Watch, "_now", lambda self: next(seconds))
    assert Watch().others() == pytest.approx((7 - 3) / 10)


# Sides.


PRODUCT = Side("convcli", Call(training.product))


def test_a_peer_that_is_not_installed_is_left_out_by_name(setting):
    rounds, notes = compare(setting, Match([PRODUCT, Side("other", Call(dict), ("no_such_thing",))], []))
    assert list(rounds[0]) == ["convcli"]
    assert notes == ["other is left out: no_such_thing not installed."]


def test_a_peer_that_fails_is_left_out_with_its_last_words(setting, tmp_path):
    peer = Side("other", Command([sys.executable, "-c", "raise SystemExit('no luck')"], tmp_path))
    rounds, notes = compare(setting, Match([PRODUCT, peer], []))
    assert list(rounds[0]) == ["convcli"]
    assert notes == ["other is left out: it failed. no luck"]


def test_our_own_failure_is_an_error(setting, tmp_path):
    ours = Side("convcli", Command([sys.executable, "-c", "raise SystemExit('no luck')"], tmp_path))
    with pytest.raises(SideFailedError, match="no luck"):
        compare(setting, Match([ours], []))


def test_a_process_of_its_own_measures_when_asked_and_tells_its_errors():
    side = partial(
        filters.filter_side, kernel=filters.Kernel("random", 3), dtype="float32", shape=(8, 8), threads=1
    )
    with answering("convcli", Call(partial(side, "convcli"), as_convcli=True), 1) as ask:
        assert ask()["ms"] > 0
        assert ask()["ms"] > 0
    with (
        pytest.raises(SideFailedError, match="no_such_library"),
        answering("x", Call(partial(side, "no_such_library")), 1),
    ):
        pass


def took(code, folder, **options):
    return sides.run("python", Command([sys.executable, "-c", code], folder, **options), 2)


def test_peak_memory_is_that_of_the_command_and_not_of_who_started_it(tmp_path):
    ballast = bytearray(200 << 20)
    small, large = (took(code, tmp_path)["peak MB"] for code in ("pass", "bytearray(60 << 20)"))
    assert small < 50 < len(ballast)
    assert large > small + 60


@pytest.mark.skipif(sys.platform != "linux", reason="forks and /proc")
def test_peak_memory_counts_forked_processes(tmp_path):
    """Two processes hold 60 MB each; the launched one alone never has more than one share."""
    script = (
        "import os, time\n"
        "helper = os.fork()\n"
        "held = bytearray(b'x') * 60_000_000\n"
        "time.sleep(2)\n"
        "if helper: os.waitpid(helper, 0)\n"
    )
    assert 120 < took(script, tmp_path)["peak MB"] < 180


def test_the_output_is_removed_before_each_run_and_measured_after(tmp_path):
    code = "open('out', 'xb').write(bytes(2000)); print('7')"
    for _ in range(2):
        reading = took(code, tmp_path, output=tmp_path / "out", read=lambda text: {"said": float(text)})
        assert (reading["output MB"], reading["said"]) == (0.002, 7)


# What the sides compute.


@pytest.mark.parametrize("name", [name for name, (_, dtype) in filters.JOBS.items() if dtype == "float32"])
@pytest.mark.parametrize(("library", "need"), [("SciPy", "scipy"), ("OpenCV", "cv2")])
def test_libraries_are_asked_for_the_same_filter(name, library, need):
    pytest.importorskip(need)
    kernel, dtype = filters.JOBS[name]
    plane = filters.random_plane((40, 50), dtype)
    ours, theirs = (filters.LIBRARIES[side].filter(kernel)(plane) for side in ("convcli", library))
    np.testing.assert_allclose(ours, theirs, rtol=2e-4, atol=1e-2)


@pytest.mark.parametrize("network", networks.LAYERS)
def test_both_sides_train_a_network_of_the_same_size(network):
    pytest.importorskip("torch")
    from convcli.nn.network import Network

    theirs = networks.torch_network(networks.LAYERS[network], networks.SHAPES[network])
    ours = Network.classifying(
        networks.convcli_config(network, 64).layers, networks.SHAPES[network], networks.CLASSES
    )
    trained = [array for array in theirs.parameters() if array.requires_grad]
    assert sum(array.numel() for array in trained) == ours.trained.size


def test_the_arithmetic_of_a_training_step_is_three_products_a_layer_and_two_in_the_first():
    from convcli.nn.network import Network

    config = networks.convcli_config("SMALL", 64)
    network = Network.classifying(config.layers, networks.SHAPES["SMALL"], networks.CLASSES)
    first, others = 28 * 28 * 9 * 8, 14 * 14 * 9 * 8 * 16 + 784 * 64 + 64 * 10
    assert training.training_flops(network) == 2 * (2 * first + 3 * others)


# The report.


CURVE = Section(
    "Growth",
    "How it grows.",
    (
        Case(
            "1 MP", "ms", Series("convcli", (1.0, 1.1, 1.2)), (Series("peer", (2.2, 2.2, 2.2)),), 1, "3 × 3"
        ),
        Case("4 MP", "ms", Series("convcli", (4.0,)), (Series("peer", (2.0,)),), 4, "3 × 3"),
    ),
    ("other is left out: other not installed.",),
    Axis("megapixels", "log both"),
)


def stored(sections, threads=2):
    """Return a result as it comes back from a file."""
    result = report.Result({"Processor": "abacus"}, "python -m benchmarks", "2026-01-02", threads, sections)
    return report.RESULT.validate_json(report.RESULT.dump_json(result))


def test_a_stored_result_is_the_result():
    assert stored({"growth": CURVE}).sections == {"growth": CURVE}


def test_the_page_is_made_from_a_stored_result():
    page = report.page(stored({"growth": CURVE}))
    assert "| 1 MP | ms | peer | 1.10 ±9% | 2.20 ±0% | 2.00× (1.83–2.20) |" in page
    assert "| 4 MP | ms | peer | 4.00 | 2.00 | 0.50× |" in page
    for text in ("## Growth\n", "How it grows.", "on 2 thread(s)", "2026-01-02", "| Processor | abacus |"):
        assert text in page
    assert "python -m benchmarks\n```" in page
    assert "![Growth](images/benchmark-growth.svg)" in page
    assert "- other is left out: other not installed." in page


def test_instruction_sets_stand_side_by_side():
    case = Case("1 MP", "ms", Series("convcli", (3.0,)), (Series("other", (9.0,)),))
    narrow = replace(stored({"growth": replace(CURVE, cases=(case,))}), instructions="AVX2")
    page = report.page(stored({"growth": CURVE}), narrow)
    assert (
        "| convcli | its figure | convcli is | convcli, AVX2 | its figure, AVX2 | convcli is, AVX2 |" in page
    )
    assert "| 1 MP | ms | peer | 1.10 ±9% | 2.20 ±0% | 2.00× (1.83–2.20) |  |  |  |" in page
    assert "| 1 MP | ms | other |  |  |  | 3.00 | 9.00 | 3.00× |" in page
    assert "hidden from every side" in page
    assert "- AVX2: other is left out: other not installed." in page
    assert "images/benchmark-growth-avx2.svg" in page


def test_hiding_avx512_names_no_group_that_numpy_does_not_know():
    environment = {**os.environ, **instructions.without_avx512()}
    code = "import numpy; print(numpy.show_config(mode='dicts')['SIMD Extensions']['found'])"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert not done.stderr
    assert "AVX512" not in done.stdout


def test_plots_show_each_side_as_a_curve_and_are_reproducible(tmp_path):
    assert plots.curves(CURVE) == {
        ("3 × 3", "convcli"): [(1, 1.1), (4, 4.0)],
        ("3 × 3", "peer"): [(1, 2.2), (4, 2.0)],
    }
    plots.draw(CURVE, tmp_path / "one.svg")
    plots.draw(CURVE, tmp_path / "two.svg")
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()


# The command line.


@pytest.fixture
def command(tmp_path, monkeypatch):
    """Return a function that calls the command line, whose documentation folder is `tmp_path`."""
    import typer

    monkeypatch.setattr(__main__, "DOCS", tmp_path)
    app = typer.Typer()
    app.command()(__main__.benchmarks)
    return lambda *words: CliRunner().invoke(app, list(map(str, words)))


def test_stored_results_are_joined_and_written_as_page_and_plots(command, tmp_path):
    for name in ("kernel-size", "image-size"):
        (tmp_path / f"{name}.json").write_bytes(report.RESULT.dump_json(stored({name: CURVE})))
    done = command("--from", tmp_path / "kernel-size.json", "--from", tmp_path / "image-size.json", "--write")
    assert done.exit_code == 0, done.output
    page = (tmp_path / "benchmarks.md").read_text("utf-8")
    assert page.index("benchmark-image-size.svg") < page.index("benchmark-kernel-size.svg")
    assert (tmp_path / "images" / "benchmark-image-size.svg").exists()


def test_results_of_different_machines_are_not_joined(command, tmp_path):
    for threads in (1, 2):
        (tmp_path / f"{threads}.json").write_bytes(report.RESULT.dump_json(stored({}, threads)))
    assert command("--from", tmp_path / "1.json", "--from", tmp_path / "2.json").exit_code == 2


def test_an_unknown_comparison_is_refused(command):
    assert command("--only", "nothing").exit_code == 2
