"""A model in Python: whatever stands for images goes in, a row of probabilities for each comes out."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import warnings
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

import convcli
import stripes
from convcli.errors import ConvcliWarning, InputError, OutputError, ShapeError, UsageError
from convcli.runs import checkpoints

LAYERS = [{"type": "conv", "filters": 2}, {"type": "flatten"}, {"type": "dense"}]


@pytest.fixture(scope="module")
def model():
    return convcli.Model.of(stripes.trained(epochs=4).best_model())


@pytest.fixture(scope="module")
def coloured():
    """Return a network for colour pictures of 6 rows and 5 columns."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (12, 6, 5, 3), dtype=np.uint8)
    return convcli.Classifier(layers=LAYERS, epochs=1, threads=1).fit(pixels, np.arange(12) % 2).model_


@pytest.fixture(scope="module")
def images():
    return stripes.dataset(12, 5).images


def same(found, expected):
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_single_image_is_a_batch_of_one(model, images):
    expected = model.predict(images)[:1]
    assert expected.shape == (1, 3)
    for one in (images[0], images[0, :, :, 0], images[:1], images[0] / 255):
        same(model.predict(one), expected)


def test_an_image_in_colour_is_one_by_its_last_axis(coloured):
    image = np.random.default_rng(1).integers(0, 256, (6, 5, 3), dtype=np.uint8)
    assert coloured.predict(image).shape == (1, 2)
    same(coloured.predict(image), coloured.predict(image[None]))


@pytest.mark.parametrize("method", ["grad_cam", "occlusion", "gradient"])
def test_it_says_why_of_whatever_stands_for_one_image(model, images, tmp_path, method):
    expected = model.why(images[0], 1, method=method)
    assert expected.shape == (8, 8)
    Image.fromarray(images[0, :, :, 0]).save(tmp_path / "stripe.png")
    for one in (images[0, :, :, 0], images[:1], images[0] / 255, tmp_path / "stripe.png"):
        np.testing.assert_allclose(model.why(one, stripes.CLASSES[1], method=method), expected, atol=1e-9)
    with pytest.raises(UsageError, match="why takes one image, not 12"):
        model.why(images, method=method)


def test_long_names_of_classes_are_cut_where_it_is_shown(model):
    long = dataclasses.replace(model, classes=("x" * 250, "short", "\x1b[31m"))
    assert f"tells 3 classes: {'x' * 29}…, short, \\x1b[31m" in repr(long)
    with pytest.raises(UsageError) as refused:
        long.why(np.zeros((8, 8), np.uint8), "q")
    assert len(str(refused.value)) < 120


def test_floats_from_0_to_1_are_what_bytes_are(model, images):
    np.testing.assert_array_equal(model.predict(images / 255), model.predict(images))
    np.testing.assert_array_equal(model.predict((images / 255).astype(np.float32)), model.predict(images))
    sixteen = images.astype(np.uint16) * 257
    np.testing.assert_array_equal(model.predict(sixteen), model.predict(images))
    np.testing.assert_array_equal(model.predict(images > 128), model.predict((images > 128) * np.uint8(255)))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            lambda x: x.astype(float),
            "expected uint8, or floats from 0 .black. to 1 .white.; found float64 from",
        ),
        (lambda x: x.astype(int), r"found int64 from 0 to 2\d\d. If 255 is white, images.astype\(np.uint8\)"),
        (lambda x: x / 127 - 1, "Divide them by what is white"),
        (lambda x: np.where(x > 200, np.nan, x / 255), "expected numbers, found NaN or infinity"),
    ],
)
def test_what_is_black_and_white_is_not_guessed(model, images, change, told):
    with pytest.raises(UsageError, match=told):
        model.predict(change(images))


def test_numbers_of_the_range_that_it_was_trained_on_are_understood(images):
    numbers = images / 51.0  # 0 … 5
    made = convcli.Classifier(layers=LAYERS, epochs=1, threads=1).fit(numbers, np.arange(12) % 3).model_
    assert made.predict(numbers).shape == (12, 3)
    with pytest.warns(ConvcliWarning, match=r"\d+\.\d% of the values lie outside .* and are cut"):
        made.predict(numbers * 2)
    with pytest.warns(ConvcliWarning, match="nearly all black to the network, whose white is"):
        made.predict(numbers / 20)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (
            np.zeros((2, 64), np.uint8),
            r"found \(2, 64\). Rows of 64 numbers .* images.reshape\(-1, 8, 8, 1\)",
        ),
        (
            np.zeros((9, 12, 4), np.uint8),
            r"expected \(n, h, w\) or \(h, w\), found \(9, 12, 4\). With an alpha channel",
        ),
        (np.zeros((1, 2, 3, 4, 5), np.uint8), r"found \(1, 2, 3, 4, 5\)"),
        (np.zeros(3, np.uint8), r"found \(3,\)"),
        (np.zeros((2, 0, 8), np.uint8), "expected at least one pixel"),
        ([], r"found \(0,\)"),
        (
            {"a": 1},
            "expected arrays, pictures of Pillow's, or names of files, folders or patterns, found dict",
        ),
        ([[1, 2], [3]], "found list"),
        (["a.png", np.zeros((8, 8), np.uint8)], "expected files or arrays, found both in one list"),
    ],
)
def test_what_is_no_images_is_called_by_its_name(model, given, told):
    with pytest.raises(UsageError, match=told):
        model.predict(given)


def test_channels_that_come_first_are_named(coloured):
    for shape in ((3, 6, 5), (7, 3, 6, 5)):
        with pytest.raises(ShapeError, match=r"Channels come last: np.moveaxis\(images, [01], -1\)"):
            coloured.predict(np.zeros(shape, np.uint8))


def test_grey_and_colour_become_what_the_network_needs(model, coloured):
    colour = np.random.default_rng(3).integers(0, 256, (5, 8, 8, 3), dtype=np.uint8)
    grey = np.stack([np.asarray(Image.fromarray(image).convert("L")) for image in colour])
    same(model.predict(colour), model.predict(grey))
    same(model.predict(colour[0]), model.predict(grey[:1]))
    same(model.predict(colour / 255), model.predict(grey))
    three = np.repeat(grey[..., None], 3, axis=3)
    same(coloured.predict(grey[..., None]), coloured.predict(three))
    same(coloured.predict(grey[0]), coloured.predict(three[:1]))
    with pytest.raises(ShapeError, match=r"found \(5, 8, 8\)"):  # five of grey, or channels that come first?
        coloured.predict(grey)


def test_no_images_give_no_rows(model):
    assert model.predict(np.zeros((0, 8, 8), np.uint8)).shape == (0, 3)


def test_pictures_of_a_list_may_have_any_size(model, images):
    large = [np.kron(image, np.ones((k, k), np.uint8)) for k, image in enumerate(images[:3, :, :, 0], 1)]
    expected = np.concatenate([model.predict(image) for image in large])
    same(model.predict(large), expected)
    same(model.predict([Image.fromarray(image) for image in large]), expected)
    same(model.predict(Image.fromarray(large[0])), expected[:1])


def test_a_picture_of_pillows_is_read_as_its_file_is(model, coloured, tmp_path):
    rng = np.random.default_rng(2)
    pixels = rng.integers(0, 256, (11, 9, 4), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6  # turned
    path = tmp_path / "turned.png"
    Image.fromarray(pixels).save(path, exif=exif)
    for network in (model, coloured):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvcliWarning)  # it is transparent
            same(network.predict(Image.open(path)), network.predict(path))


@pytest.fixture
def folder(tmp_path, images):
    """Return a folder with the images as files."""
    for number, pixels in enumerate(images):
        Image.fromarray(pixels[..., 0]).save(tmp_path / f"{number:02}.png")
    return tmp_path


def test_files_are_named_as_for_the_command(model, images, folder):
    expected = model.predict(images)
    same(model.predict(folder), expected)
    same(model.predict(str(folder)), expected)
    same(model.predict(f"{folder}/0*.png"), expected[:10])
    same(model.predict(folder / "03.png"), expected[3:4])
    same(model.predict([folder / "05.png", str(folder / "01.png")]), expected[[5, 1]])
    with pytest.raises(InputError, match="none that it matches as a pattern"):
        model.predict(f"{folder}/*.jpg")
    with pytest.raises(InputError, match=r"gone\.png"):
        model.predict([folder / "01.png", folder / "gone.png"])


def test_what_a_command_notes_is_a_warning_at_the_callers_line(model, folder):
    (folder / "notes.txt").write_text("none")
    with pytest.warns(ConvcliWarning, match="1 passed over whose names") as told:
        model.predict(folder)
    assert told[0].filename == __file__
    Image.new("L", (8, 8), 255).save(folder / "white.png")
    with pytest.warns(ConvcliWarning, match="1 of 1 images much brighter or darker"):
        model.predict(folder / "white.png")


def test_black_and_white_are_exchanged_where_that_is_asked_for(model, images, folder):
    same(model.predict(255 - images, invert=True), model.predict(images))
    Image.fromarray(255 - images[0, :, :, 0]).save(folder / "ink.png")
    same(model.predict(folder / "ink.png", invert=True), model.predict(images[:1]))
    with pytest.warns(ConvcliWarning, match="are black and white exchanged. Try invert=True"):
        model.predict(folder / "ink.png")


def test_it_speaks_as_scikit_learn_does(model, images):
    np.testing.assert_array_equal(model.predict_proba(images), model.predict(images))
    assert model.classes_.tolist() == list(model.classes)
    assert model.classes_[model.predict(images).argmax(1)].shape == (12,)


def test_outputs_and_figures_take_the_same_images(model, images):
    labels = stripes.dataset(12, 5).labels
    assert model.evaluate(images / 255, labels).accuracy == model.evaluate(images, labels).accuracy
    np.testing.assert_array_equal(
        model.outputs(images[0] / 255)[0].argmax(), model.outputs(images)[0].argmax()
    )
    assert model.far_from_training(np.full((8, 8), 1.0)).tolist() == [True]


def test_a_run_says_what_it_is_in_three_lines(trained):
    loaded = convcli.load_run(trained)
    first, second, third = repr(loaded).splitlines()
    assert first == "Model: conv → max_pool → dropout → flatten → dense, 410 weights"
    assert second == "  sees 8 × 8 × 1, tells 10 classes: 0, 1, 2, 3, 4, 5, …"
    assert third.startswith(f"  from {trained}, epoch 2: validation accuracy ")
    assert "test accuracy" in third


class Cells(HTMLParser):
    """Collects the cells of a table, and complains about tags that are not closed."""

    def __init__(self, text):
        super().__init__()
        self.open, self.rows = [], []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        if tag != "br":
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ("td", "th"):
            self.rows[-1][-1] += data


def test_a_notebook_shows_the_table_of_its_network(trained):
    rows = Cells(convcli.load_run(trained)._repr_html_()).rows
    assert rows[0] == ["#", "layer", "options", "output", "weights", "multiply-adds", "sees"]
    assert rows[2][:2] == ["1", "conv"]
    assert rows[2][3:] == ["6 × 6 × 4", "40", "1,296", "3 × 3"]
    assert rows[-1] == ["", "total", "", "", "410", "1,656", ""]


def test_names_from_outside_cannot_become_markup(model):
    named = dataclasses.replace(model, classes=("<b>", "b", "c"), origin="from <script>")
    assert "<script>" not in named._repr_html_()
    assert "<b>" not in named._repr_html_()


def test_a_saved_model_is_a_run(call, model, images, tmp_path):
    folder = model.save(tmp_path / "mine")
    again = convcli.load_run(folder)
    np.testing.assert_array_equal(again.predict(images), model.predict(images))
    assert repr(again).splitlines()[2] == f"  from {folder}, which came from Python code"
    Image.fromarray(images[0, :, :, 0]).save(tmp_path / "one.png")
    assert call("predict", "mine", "one.png", "--top", 1).stdout.startswith("one.png: ")
    with pytest.raises(OutputError, match="mine"):
        model.save(folder)


def test_a_run_that_is_saved_elsewhere_names_its_data_still(trained, tmp_path, monkeypatch):
    again = convcli.load_run(convcli.load_run(trained).save(tmp_path / "copy"))
    assert again.config.data.source == "digits"
    monkeypatch.chdir(trained.parent)
    assert convcli.load_run("run").classes == again.classes


def test_it_is_copied_and_pickled_whole(model, images):
    expected = model.predict(images)
    for again in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        assert type(again) is convcli.Model
        np.testing.assert_array_equal(again.predict(images), expected)


def test_the_commands_read_the_same_run(trained):
    core = checkpoints.load_run(trained)
    assert set(core.weights) == set(convcli.load_run(trained).weights)
