"""`convcli explain` through its entry point."""

from __future__ import annotations

import io
import json
import os
import select
import subprocess
import sys
from contextlib import suppress
from typing import get_args, get_type_hints

import numpy as np
import PIL.Image
import pytest

from conftest import ROOT
from convcli import load_run
from convcli.cli.explain import explain
from convcli.explaining import TOPICS
from convcli.render.explain import FORMATS


@pytest.fixture
def photo(tmp_path):
    """Return a picture of 20 × 30 in which every pixel is its place."""
    rows, columns = np.mgrid[0:20, 0:30]
    PIL.Image.fromarray((rows * 10 + columns).astype(np.uint8)).save(tmp_path / "photo.png")
    return "photo.png"


@pytest.fixture
def digit(tmp_path):
    with PIL.Image.open(ROOT / "sample_images" / "camera.png") as picture:
        picture.convert("L").resize((8, 8)).save(tmp_path / "digit.png")
    return "digit.png"


def document(result):
    assert (result.code, result.stderr) == (0, "")
    return json.loads(result.stdout)


def test_without_a_topic_all_are_listed(call):
    result = call("explain")
    assert result.code == 0
    for name, topic in TOPICS.items():
        assert f"  {name} " in result.stdout
        assert topic.summary in result.stdout


@pytest.mark.parametrize(
    "option",
    [("--input", "1 2; 3 4"), ("--kernel", "1"), ("--html", "a.html"), ("--json", "a.json"), ("--step",)],
)
def test_without_a_topic_no_option_is_passed_over(call, option):
    result = call("explain", *option)
    assert result.code == 2
    assert f"{option[0]} needs a topic, or all" in result.stderr


@pytest.mark.parametrize("topic", TOPICS)
def test_every_topic_shows_its_example_on_the_terminal(call, topic):
    result = call("explain", topic)
    assert (result.code, result.stderr) == (0, "")
    assert "\x1b" not in result.stdout
    assert "1/" in result.stdout


def test_a_convolution_in_a_process_of_its_own(run):
    result = run("explain", "convolution", "--input", "1 2 3; 4 5 6; 7 8 9", "--kernel", "1 0; 0 -1")
    assert (result.code, result.stderr) == (0, "")
    assert "1 + 2·0 + 4·0 + 5·(−1) = −4" in result.stdout.replace("1·1", "1")


def test_json_goes_to_standard_output_and_says_the_operation(call):
    shown = document(
        call("explain", "convolution", "--input", "1 2; 3 4", "--kernel", "1 0; 0 1", "--json", "-")
    )
    assert shown["op"] == "correlate"
    assert shown["output"] == [[5]]


def test_csv_files_and_crops_of_photos_are_read(call, photo, tmp_path):
    (tmp_path / "m.csv").write_text("1,2\n3,4\n")
    assert document(call("explain", "pooling", "--input", "m.csv", "--json", "-"))["output"] == [[[4]]]
    shown = document(call("explain", "pixels", "--input", f"{photo}@2,3,2,4", "--json", "-"))
    assert shown["channels"] == {"grey": [[23, 24, 25, 26], [33, 34, 35, 36]]}
    assert shown["crop"] == [2, 3, 2, 4]


def test_options_reach_the_topic(call):
    options = [
        "--input",
        "1 2 3 4 5",
        "--kernel",
        "1 1",
        "--bias",
        "-1",
        "--stride",
        "1x2",
        "--padding",
        "0x1",
    ]
    shown = document(call("explain", "convolution", *options, "--dilation", "1x2", "--json", "-"))
    assert shown["output"] == [[1, 5, 3]]
    pooled = document(
        call(
            "explain",
            "pooling",
            "--input",
            "1 2 3",
            "--size",
            "1x2",
            "--stride",
            "1",
            "--pool",
            "mean",
            "--json",
            "-",
        )
    )
    assert pooled["output"] == [[[1.5, 2.5]]]


def test_the_options_that_name_a_file_to_write_are_the_formats():
    hints = get_type_hints(explain, include_extras=True)
    named = [
        name
        for name, hint in hints.items()
        for info in get_args(hint)
        if getattr(info, "metavar", 0) in ("F", "[F]")
    ]
    assert named == list(FORMATS)


def test_every_format_is_written_at_once(call, tmp_path):
    names = {name: f"f.{name}" for name in FORMATS}
    options = [part for name, file in names.items() for part in (f"--{name}", file)]
    result = call("explain", "stride", *options)
    assert (result.code, result.stderr) == (0, "")
    assert all(file in result.stdout and (tmp_path / file).stat().st_size > 500 for file in names.values())


def test_binary_formats_go_to_standard_output(tmp_path):
    command = [sys.executable, "-m", "convcli", "explain", "stride", "--gif", "-"]
    data = subprocess.run(command, capture_output=True, cwd=tmp_path, check=True).stdout
    assert getattr(PIL.Image.open(io.BytesIO(data)), "n_frames", 1) == 5


def test_an_existing_file_stays_unless_forced(call, tmp_path):
    (tmp_path / "there.svg").write_text("mine")
    result = call("explain", "stride", "--svg", "there.svg", "--json", "new.json")
    assert result.code == 1
    assert "--force" in result.stderr
    assert (tmp_path / "there.svg").read_text() == "mine"
    assert not (tmp_path / "new.json").exists()
    assert call("explain", "stride", "--svg", "there.svg", "--force").code == 0
    assert (tmp_path / "there.svg").read_text().startswith("<svg")


def test_an_input_is_never_overwritten(call, photo, tmp_path):
    before = (tmp_path / photo).read_bytes()
    result = call("explain", "pixels", "--input", f"{photo}@0,0,4,4", "--png", photo, "--force")
    assert result.code == 2
    assert "never overwritten" in result.stderr
    assert (tmp_path / photo).read_bytes() == before


BAD = [
    (["convlution"], 2, "Did you mean 'convolution'?"),
    (["convolution", "--input", "1 2 3; 4 5"], 2, "row 2: expected 3 cells as in row 1, found 2"),
    (["convolution", "--input", "1 2;;3 4"], 2, "row 2"),
    (["convolution", "--input", "1 1/0"], 2, "column 2: expected a finite number, found '1/0'"),
    (["convolution", "--input", "1 2 | 3"], 2, "different sizes"),
    (["convolution", "--input", "1 2 | 3 4"], 2, "expected one matrix"),
    (["convolution", "--input", "none.csv"], 1, "none.csv: no such file"),
    (["convolution", "--input", "none.png@1,1,2,2"], 1, "none.png: no such file"),
    (["pixels", "--input", "photo.png@18,0,4,4"], 2, "rows 18 to 21"),
    (["pixels", "--input", "photo.png@1,2,3"], 2, "expected a crop row,col,height,width"),
    (["pixels", "--input", "photo.png@1,2,3,0"], 2, "at least one row"),
    (["pixels", "--input", "photo.png"], 2, "at most 16 × 16"),
    (["convolution", "--kernel", "sobel"], 2, "sobel-x"),
    (["convolution", "--kernel", "sobl-x"], 2, "Did you mean 'sobel-x'?"),
    (["convolution", "--kernel", "1 2", "--kernel", "3 4"], 2, "one filter, found 2"),
    (["volume", "--kernel", "1 2 | 3 4"], 2, "expected 3 channels"),
    (["volume", "--kernel", "1 2", "--kernel", "1"], 2, "same size"),
    (["volume", "--filter", "9"], 2, "--filter 9: there are 2"),
    (["layer", "--activation", "rela"], 2, "Did you mean 'relu'?"),
    (["layer", "--bias", "1 2 3"], 2, "a number for each of 2 filters, found 3"),
    (["backward", "--gradient", "1 2 3"], 2, "expected the output's size 2 × 2 × 1, found 1 × 3 × 1"),
    (["pooling", "--pool", "mex"], 2, "Did you mean 'max'?"),
    (["pooling", "--kernel", "sobel-x"], 2, "pooling takes no --kernel"),
    (["pooling", "--size", "9"], 2, "does not fit"),
    (["convolution", "--stride", "0"], 2, "stride must be at least 1"),
    (["convolution", "--padding", "30"], 2, "--padding"),
    (["convolution", "--at", "17"], 2, "steps from 1 to 16"),
    (["convolution", "--at", "3-2"], 2, "steps from 1 to 16"),
    (["convolution", "--layer", "1"], 2, "--run RUN"),
    (["convolution", "--run", "nowhere", "--image", "photo.png"], 1, "not a run"),
    (["sharing", "--input", "photo.png@0,0,9,9"], 2, "at most 36 inputs"),
    (["convolution", "--step"], 2, "needs a terminal"),
    (["convolution", "--svg", "a", "--png", "a"], 2, "one place"),
    (["convolution", "--svg", "no/a.svg"], 1, "create it first"),
    (["convolution", "--svg", "."], 1, "found a folder"),
]


@pytest.mark.parametrize(("arguments", "code", "words"), BAD, ids=[" ".join(bad[0]) for bad in BAD])
def test_mistakes_are_explained_and_nothing_is_written(call, photo, tmp_path, arguments, code, words):
    result = call("explain", *arguments, "--json", "out.json")
    assert result.code == code
    assert result.stdout == ""
    assert words in result.stderr
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") <= 2
    assert [path.name for path in tmp_path.iterdir()] == [photo]


def test_tensors_of_a_trained_network_are_its_own(call, trained, digit, tmp_path):
    model = load_run(trained)
    weights = model.weights.arrays.inner[0]["W"].astype(float)
    own = ["--run", trained, "--image", digit, "--json", "-"]
    result = call("explain", "convolution", "--filter", "2", *own)
    shown = json.loads(result.stdout)
    assert shown["kernel"] == weights[:, :, 0, 1].tolist()
    assert shown["layer"] == 1
    layer = document(call("explain", "layer", *own))
    assert len(layer["A"]) == 4
    pooled = document(call("explain", "pooling", "--layer", "2", "--channel", "3", *own))
    np.testing.assert_allclose(pooled["input"][0], layer["A"][2], atol=1e-6)  # there in float32
    network = document(call("explain", "network", *own))
    assert list(network["classes"]) == list(model.classes)
    assert sum(network["probabilities"]) == pytest.approx(1)
    with PIL.Image.open(tmp_path / digit) as picture:
        pixels = np.asarray(picture)[None]
    np.testing.assert_allclose(network["probabilities"], model.predict(pixels)[0], atol=1e-6)
    np.testing.assert_allclose(network["steps"][1]["values"], layer["A"], atol=1e-5)


def test_a_trained_network_says_why_by_its_own_maps(call, trained, digit, tmp_path):
    model = load_run(trained)
    own = ["network", "--run", trained, "--image", digit, "--why"]
    with PIL.Image.open(tmp_path / digit) as picture:
        image = np.asarray(picture)
    predicted = model.classes[int(model.predict(image[None])[0].argmax())]
    for options, name, layer in (
        ([], predicted, 3),
        (["--class", model.classes[0], "--layer", "1"], model.classes[0], 1),
    ):
        *_, cam, covered, slope = document(call("explain", *own, *options, "--json", "-"))["steps"]
        assert (cam["class"], cam["layer"]) == (name, layer)
        np.testing.assert_allclose(cam["map"], model.why(image, name, layer=layer), atol=1e-6)
        np.testing.assert_allclose(covered["map"], model.why(image, name, method="occlusion"), atol=1e-6)
        np.testing.assert_allclose(slope["map"], model.why(image, name, method="gradient"), atol=1e-9)
    shown = call("explain", *own).stdout
    assert f"Why {predicted}: Grad-CAM of layer 3, dropout" in shown
    assert f"Why {predicted}: occlusion" in shown
    assert f"Why {predicted}: the gradient" in shown


def test_backward_through_a_trained_layer_passes_its_check(call, trained, digit):
    own = ["--run", trained, "--image", digit, "--json", "-"]
    shown = document(call("explain", "backward", *own))
    assert max(shown["relative_errors"].values()) < 1e-6
    assert np.abs(shown["dA"]).max() > 0
    back = document(call("explain", "pooling-backward", "--channel", "2", *own))
    np.testing.assert_allclose(back["dA_prev"][0], shown["dA"][1], atol=1e-9)


def test_a_crop_of_a_trained_layer_has_the_networks_own_sums(call, trained, digit):
    own = ["--run", trained, "--image", digit, "--json", "-"]
    whole = document(call("explain", "convolution", *own))
    part = document(call("explain", "convolution", "--crop", "2,3,4,4", *own))
    np.testing.assert_allclose(part["output"], np.array(whole["output"])[2:4, 3:5], atol=1e-12)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["convolution", "--layer", "9"], "layers 1 to 5"),
        (["convolution", "--layer", "2"], "is max_pool"),
        (["pooling", "--layer", "1"], "is conv"),
        (["convolution", "--filter", "5"], "--filter 5: there are 4"),
        (["convolution", "--crop", "0,0,9,1"], "--crop"),
        (["convolution", "--input", "1 2"], "give one of them"),
        (["padding", "--crop", "0,0,4,4"], "--crop"),
        (["pixels"], "pixels takes no"),
        (["network", "--layer", "1"], "network takes --layer with --why"),
        (["network", "--why", "--class", "slant"], "Unknown class 'slant'"),
        (["network", "--why", "--layer", "9"], "no layer 9: the network has layers 1 to 5"),
        (["network", "--why", "--layer", "4"], "layer 4, flatten, gives 36"),
        (["layer", "--why"], "layer takes no --why"),
    ],
)
def test_mistakes_about_a_run_are_explained(call, trained, digit, arguments, words):
    result = call("explain", *arguments, "--run", trained, "--image", digit)
    assert result.code == 2
    assert words in result.stderr


def test_a_run_without_an_image_is_refused(call, trained):
    assert "--run needs --image" in call("explain", "network", "--run", trained).stderr


def test_step_shows_one_step_at_a_time_on_a_terminal(tmp_path):
    ours, theirs = pytest.importorskip("pty", reason="terminals are Unix's").openpty()
    command = [sys.executable, "-m", "convcli", "explain", "stride", "--step"]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100", "LINES": "40"}
    with subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, cwd=tmp_path
    ) as process:
        os.close(theirs)

        def shown(words, seconds):
            """Whether the words are shown, and after them the line that asks for a key."""
            seen = b""
            while select.select([ours], [], [], seconds)[0]:
                seen += os.read(ours, 4096)
                if b"q  end" in seen.partition(words)[2]:
                    return True
            return False

        try:
            assert shown(b"1/5", 60)
            keys = {b"\x1b[C": b"2/5", b"\x1b[D": b"1/5", b"\x1b[F": b"5/5", b"\x1b[H": b"1/5"}
            for key, words in keys.items():
                # A key that is pressed before the program listens is lost, as for anybody.
                assert any(os.write(ours, key) and shown(words, 1) for _ in range(20)), words
            while process.poll() is None:
                os.write(ours, b"q")
                with suppress(subprocess.TimeoutExpired):
                    process.wait(2)
            assert process.returncode == 0
        finally:
            process.kill()
            os.close(ours)


def test_steps_can_be_chosen(call):
    result = call("explain", "convolution", "--at", "2,5-6")
    assert result.stdout.count("products") == 3
    shown = document(call("explain", "convolution", "--at", "4", "--json", "-"))
    assert [step["position"] for step in shown["steps"]] == [[0, 3]]


def test_too_many_steps_are_refused_with_a_way_out(call, photo):
    result = call("explain", "volume", "--input", f"{photo}@0,0,16,16", *["--kernel", "1 1"] * 3)
    assert result.code == 2
    assert "--at" in result.stderr
    chosen = call(
        "explain", "volume", "--input", f"{photo}@0,0,16,16", *["--kernel", "1 1"] * 3, "--at", "1-3"
    )
    assert chosen.code == 0


def test_help_has_examples_and_names_the_operation(call):
    result = call("explain", "--help")
    assert "convcli explain pooling-backward" in result.stdout
    assert "cross-correlation" in result.stdout
