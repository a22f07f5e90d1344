"""The page, the pictures and the JSON of a report: whole, the same every time, and safe."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import PIL.Image
import pytest

from convcli import kernel as named_kernel
from convcli.nn.network import Network
from convcli.render.network import (
    layer_rows,
    multiply_adds_in_numbers,
    parameters_in_numbers,
    size_in_numbers,
)
from convcli.render.report import document, figures, page
from convcli.render.report.confusion import MOST_COLUMNS, MOST_DRAWN, confusion
from convcli.render.report.elements import Cell, Chart, Gallery, Table, Words, share
from convcli.render.report.galleries import MOST_KERNELS, MOST_MAPS, feature_maps, kernels
from convcli.render.report.pictures import MOST_SIDE, feature_map, kernel, overlay, photo
from convcli.render.report.png import png
from convcli.render.report.sections import headline, sections
from report.cases import CONV, RECORD, config, drawn, voted

EVIL = ("<script>alert(1)</script>", '"&<b>', "\x1b[31mred")
VOID = {"meta", "link", "img", "source", "br", "wbr"}


class Outline(HTMLParser):
    """Tags that are open, headings in order, attributes by tag."""

    def __init__(self, page):
        super().__init__()
        self.open, self.headings, self.tags = [], [], []
        self.feed(page.decode())
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def all(self, wanted):
        return [attributes for tag, attributes in self.tags if tag == wanted]


@pytest.fixture(scope="module")
def made():
    return drawn()


@pytest.fixture(scope="module")
def written(made):
    return page(made)


@pytest.fixture(scope="module")
def pictures(made):
    return figures(made)


def test_the_page_is_well_formed_and_its_headings_go_down_one_by_one(written):
    outline = Outline(written)
    assert outline.headings[0] == 1
    assert all(
        after <= before + 1 for before, after in zip(outline.headings, outline.headings[1:], strict=False)
    )


def test_every_picture_is_described_and_lies_in_the_page(written):
    images = Outline(written).all("img")
    assert len(images) > 30
    for image in images:
        assert image["alt"].strip()
        assert image["src"].startswith("data:image/")


def test_nothing_on_the_page_comes_from_elsewhere_and_no_script_may_run(written):
    outline = Outline(written)
    for attributes in (attributes for _, attributes in outline.tags):
        for name in ("src", "srcset", "href"):
            assert attributes.get(name, "data:").startswith(("data:", "#"))
    assert outline.all("script") == []
    (policy,) = [meta["content"] for meta in outline.all("meta") if "http-equiv" in meta]
    assert policy == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    assert b"url(" not in written
    assert b"@import" not in written


def test_every_link_leads_to_a_section_and_each_has_its_picture(written, pictures):
    outline = Outline(written)
    places = {section["id"] for section in outline.all("section")}
    links = [link["href"].removeprefix("#") for link in outline.all("a")]
    assert len(links) == 10
    assert set(links) == places == set(pictures)


def test_the_same_run_gives_the_same_bytes(written, pictures):
    again = drawn()
    assert page(again) == written
    for section in sections(again):
        if section.name in ("curves", "mistakes"):
            assert png(section) == pictures[section.name]


def test_figures_are_pictures_of_a_size_to_look_at(pictures):
    for name, data in pictures.items():
        with PIL.Image.open(io.BytesIO(data)) as picture:
            assert picture.format == "PNG"
            assert min(picture.size) > 150, name
            assert len(picture.convert("L").getcolors()) > 20, name


def test_foreign_text_is_text_and_nothing_more():
    shown = drawn(EVIL)
    record = replace(RECORD, name="<u>run</u>", config='a = "</pre><script>"')
    written = page(replace(shown, record=record, data="<s>data</s>"))
    text = written.decode()
    assert not re.search("<(script|b|s|u|processor)>", text)
    assert "\x1b" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "&quot;&amp;&lt;b&gt;" in text
    assert "\\x1b[31mred" in text
    assert "a &lt;processor&gt;" in text
    assert Outline(written).all("script") == []


def test_a_sign_of_the_template_in_a_name_stays_as_it_is():
    written = page(drawn(("$sections", "$$", "${title}")))
    assert written.count(b"$sections") > 1
    assert b"${title}" in written


def test_json_has_every_number_and_nothing_that_json_has_not(made):
    told = json.loads(json.dumps(document(made), allow_nan=False))
    assert told["samples"] == 30
    assert told["split"] == "validation"
    assert np.array(told["confusion"]).sum() == 30
    assert told["mistakes"]["count"] == round(30 * (1 - told["accuracy"]))
    assert len(told["epochs"]) == 3
    assert told["best"]["epoch"] == 2
    assert len(told["kernels"]["ranges"]) == 3
    assert [layer["layer"] for layer in told["feature_maps"][0]["layers"]] == [1, 2, 3]
    assert told["timing"]["total"] == 6
    assert told["environment"]["threads"] == 2


def test_a_report_without_mistakes_and_kernels_says_so():
    made = voted([[9, 0, 0], [0, 9, 0]], [0, 1])
    made = replace(made, kernels=None)
    written = page(made)
    assert b"There are none: all 2 images were classified correctly." in written
    assert b"No class was mixed up with another." in written
    assert b"No layer lays its weights on the image itself" in written
    assert b"no convolution and no pool" in written


def test_mistakes_of_a_network_without_planes_stand_alone_and_the_page_says_why():
    made = voted([[9, 0, 0]], [1])
    gallery, words = part(made, "mistakes")
    assert [card.beside for card in gallery.cards] == [()]
    assert [cell.text for cell in gallery.cards[0].lines] == [
        "b → a",
        "predicted 75.2%",
        "true 12.4%",
        "image 0",
    ]
    assert words.text.startswith("Without Grad-CAM: no layer of this network gives a plane of cells")
    assert document(made)["mistakes"]["grad_cam"] is None
    assert document(made)["mistakes"]["surest"][0]["grad_cam"] is None


def test_beside_a_mistake_stands_what_spoke_for_each_class_on_one_scale(made):
    gallery, words = part(made, "mistakes")
    assert "layer 4, batch_norm momentum=0.9, weighed by" in words.text
    told = document(made)["mistakes"]
    assert told["grad_cam"] == 4
    for card, judged, one in zip(gallery.cards, made.mistakes, told["surest"], strict=True):
        predicted, true = card.beside
        assert predicted.lines[0].text == f"for {judged.predicted}"
        assert true.description.endswith(
            f"Grad-CAM for {judged.true}, true {share(one['true_probability']).text}"
        )
        maps = {"predicted": judged.why.predicted, "true": judged.why.true}
        assert one["grad_cam"] == {name: plane.max() for name, plane in maps.items()}
        largest = max(one["grad_cam"].values())
        for beside, plane in zip(card.beside, maps.values(), strict=True):
            np.testing.assert_array_equal(beside.pixels, overlay(judged.pixels, plane, largest))


def test_an_overlay_is_the_image_in_grey_where_nothing_speaks_and_warm_where_most_does():
    image = np.full((2, 3, 3), (10, 200, 90), np.uint8)
    drawn = overlay(image, np.array([[0, 0, 0], [0, 0, 5.0]]), 5.0).astype(int)
    grey = 0.299 * 10 + 0.587 * 200 + 0.114 * 90
    assert np.abs(drawn[0, 0] - grey).max() <= 4
    red, green, blue = drawn[1, 2]
    assert red > 200 > green > blue
    assert overlay(image[:, :, :1], np.zeros((2, 3)), 0.0).shape == (2, 3, 3)
    assert overlay(image.repeat(50, 0), np.zeros((100, 3)), 0.0).shape == (96, 3, 3)


def part(report, name):
    """Return the elements of a section."""
    return next(section for section in sections(report) if section.name == name).elements


@pytest.mark.parametrize("judged", ["test", "validation"])
def test_the_summary_tells_of_the_judged_images_and_of_the_recorded_validation(judged):
    facts = dict(part(voted([[9, 0, 0], [9, 0, 0]], [0, 1], part=judged), "summary")[0].items)
    assert facts[f"{judged.capitalize()} accuracy"] == Cell("50.00%", "1 of 2 images", "0.5")
    recorded = Cell("80.00%", "after epoch 2", "0.8")
    assert (facts["Validation accuracy"] == recorded) == (judged == "test")


def test_images_from_elsewhere_are_called_new_and_not_training_images():
    made = voted([[9, 0, 0]], [0], part="new")
    assert headline(made) == "100.00% of 1 new images classified correctly"
    results, setup = part(made, "summary")
    assert [name for name, _ in results.items][:2] == ["New accuracy", "New loss"]
    assert dict(setup.items)["Judged on"].text == "new images of votes.npz"
    assert headline(replace(made, part="train")) == "100.00% of 1 training images classified correctly"


def test_a_run_without_validation_has_dashes_in_its_place():
    history = tuple(replace(row, validation_loss=None, validation_accuracy=None) for row in RECORD.history)
    made = replace(voted([[9, 0, 0]], [0]), record=replace(RECORD, history=history))
    assert not any("Validation" in name for name, _ in part(made, "summary")[0].items)
    _, table = part(made, "curves")
    assert [[cell.text for cell in row[3:5]] for row in table.rows] == [["–", "–"]] * 3


@pytest.mark.parametrize(
    ("count", "kind"), [(MOST_COLUMNS, Table), (MOST_COLUMNS + 1, Chart), (MOST_DRAWN + 1, Words)]
)
def test_a_confusion_of_many_classes_is_a_picture_and_of_too_many_only_words(count, kind):
    made = voted([[9, *[0] * (count - 1)]] * 2, [0, 1], classes=[f"class {n}" for n in range(count)])
    assert isinstance(confusion(made).elements[0], kind)


def test_a_picture_of_the_confusion_names_every_class_twice():
    classes = [f"class {n}" for n in range(98)] + ["<script>--></script>", "x" * 200]
    made = voted([[9, *[0] * 99], [0, 9, *[0] * 98]], [0, 0], classes=classes)
    chart = confusion(made).elements[0]
    drawing = chart.svg(True)
    parser = ElementTree.XMLParser(target=ElementTree.TreeBuilder(insert_comments=True))
    names = [part.text.strip() for part in ElementTree.fromstring(drawing, parser).iter(ElementTree.Comment)]
    assert all(names.count(f"class {n}") == 2 for n in range(98))
    assert names.count(f"{'x' * 19}…") == 2
    assert chart.description == "Confusion matrix of 100 classes: 50.00% of the images lie on the diagonal."


def test_a_confusion_matrix_has_the_counts_and_is_shaded_by_them():
    rows = [[0, 9, 0]] * 2 + [[0, 0, 9]] + [[9, 0, 0]] + [[0, 9, 0]]
    table = confusion(voted(rows, [0, 0, 0, 0, 1])).elements[0]
    assert [[cell.text for cell in row] for row in table.rows] == [
        ["a", "1", "2", "1"],
        ["b", "0", "1", "0"],
        ["c", "0", "0", "0"],
    ]
    assert [cell.fill for cell in table.rows[0][1:]] == ["right2", "heat10", "heat5"]
    assert table.rows[1][2].fill == "right10"


def test_a_rare_class_that_is_always_mixed_up_is_as_warm_as_a_frequent_one():
    rows = [[9, 0, 0]] * 8 + [[0, 0, 9]] * 10
    table = confusion(voted(rows, [0] * 8 + [2] * 9 + [1])).elements[0]
    assert [cell.text for cell in table.rows[1]] == ["b", "0", "0", "1"]
    assert table.rows[1][3].fill == "heat10"
    assert table.rows[2][3].fill == "right10"


def test_no_more_kernels_and_maps_are_shown_than_can_be_looked_at():
    layers = [{"type": "conv", "filters": 70}, {"type": "flatten"}, {"type": "dense"}]
    made = drawn(layers=layers, shape=(5, 5, 1), count=3)
    (gallery,) = kernels(made).elements
    assert len(gallery.cards) == MOST_KERNELS
    assert gallery.title == "Layer 1, conv 70 × 3×3, p=valid: 64 of 70 kernels of 3 × 3 × 1"
    maps = [part for part in feature_maps(made).elements if isinstance(part, Gallery) and part.inner]
    assert [len(gallery.cards) for gallery in maps] == [MOST_MAPS] * 3
    assert "32 of 70 maps of 3 × 3" in maps[0].title


def test_kernels_are_grey_at_0_and_white_at_the_largest():
    picture = kernel(np.array([[[-2.0], [0.0]], [[1.0], [2.0]]]), 2.0)
    assert picture.tolist() == [[0, 128], [191, 255]]
    assert kernel(np.zeros((2, 2, 3)), 0.0).shape == (2, 2, 3)


def test_feature_maps_go_from_black_to_white():
    assert feature_map(np.array([[0.0, 0.5], [1.0, 0.25]])).tolist() == [[0, 128], [255, 64]]
    assert feature_map(np.ones((2, 2))).tolist() == [[0, 0], [0, 0]]


def test_each_map_goes_from_its_own_black_to_its_own_white(made):
    maps = [part for part in feature_maps(made).elements if isinstance(part, Gallery) and part.inner]
    varied = [card.pixels for gallery in maps for card in gallery.cards if np.ptp(card.pixels)]
    assert varied
    assert all((pixels.min(), pixels.max()) == (0, 255) for pixels in varied)
    assert all(" … " in card.description for gallery in maps for card in gallery.cards)


def test_kernels_stand_by_how_much_they_are_like_a_named_one():
    layers = [
        {"type": "conv", "filters": 3},
        {"type": "flatten"},
        {"type": "dense"},
    ]
    made = drawn(layers=layers, shape=(8, 8, 3), count=3)
    weights = np.random.default_rng(0).normal(size=(3, 3, 3, 3))
    weights[2] = -0.1 * np.repeat(named_kernel("sobel-x")[:, :, None], 3, axis=2)
    changed = replace(made, kernels=replace(made.kernels, weights=weights))
    (gallery,) = kernels(changed).elements
    first, *others = gallery.cards
    assert [line.text for line in first.lines[:2]] == ["3", "−sobel-x 1.00"]
    cosines = [float(card.lines[1].text.rpartition(" ")[2]) for card in gallery.cards]
    assert cosines == sorted(cosines, reverse=True)
    assert sorted(card.lines[0].text for card in others) == ["1", "2"]


def test_a_page_to_hand_on_names_no_folder_of_the_machine():
    made = drawn(count=3)
    config = f'[data]\nsource = "/home/ada/photos"\n{made.record.config}'
    record = replace(made.record, config=config, origin="/home/ada/nets/net.onnx")
    written = page(replace(made, record=record, data="/home/ada/photos")).decode()
    assert "/home" not in written
    assert "source = &quot;photos&quot;" in written
    assert "of absolute paths only the last name" in written


def test_images_are_shown_as_they_are_and_no_larger_than_needed():
    rng = np.random.default_rng(0)
    colour = rng.integers(0, 256, (9, 7, 3)).astype(np.uint8)
    np.testing.assert_array_equal(photo(colour), colour)
    np.testing.assert_array_equal(photo(colour[..., :1]), colour[..., 0])
    assert photo(np.array([[[10, 20]]], np.uint8)).tolist() == [[15]]  # the mean of two channels
    assert photo(np.zeros((300, 600, 3), np.uint8)).shape == (MOST_SIDE // 2, MOST_SIDE, 3)


def computed(formula):
    """Return what a formula of the network table comes to."""
    text = formula.replace("·", "*").replace("−", "-").replace("⌊", "(").replace("⌋", ")").replace("/", "//")
    return eval(text, {"__builtins__": {}})


LAYERS = [
    {"type": "conv", "filters": 6, "kernel": [3, 5], "padding": 2, "stride": [2, 1]},
    {"type": "batch_norm"},
    {"type": "conv", "filters": 4, "groups": 2, "bias": False, "padding": "same", "dilation": 2},
    {"type": "max_pool", "size": [2, 3], "stride": 2},
    {"type": "conv", "filters": 4, "init": ["sobel-x"], "frozen": True},
    {"type": "dropout"},
    {"type": "flatten"},
    {"type": "dense", "units": 7, "activation": "tanh"},
    {"type": "dense", "bias": False},
]


def test_formulas_of_the_network_come_to_its_numbers():
    network = Network.classifying(config(LAYERS).layers, (20, 25, 3), 5)
    for row in layer_rows(network):
        formula = parameters_in_numbers(row.place)
        assert (computed(formula) if formula else 0) == row.parameters + row.frozen
        adds = multiply_adds_in_numbers(row.place)
        if row.multiply_adds:
            assert computed(adds) == row.multiply_adds
        sizes = [computed(line) for line in size_in_numbers(row).split("\n") if line]
        if sizes:
            plane = list(row.place.output[:2])
            assert sizes == (plane if len(set(sizes)) > 1 else plane[:1])


def test_the_network_table_has_a_row_a_layer_and_the_totals(made):
    table, _ = part(made, "network")
    assert [row[1].text for row in table.rows] == ["input", *(layer["type"] for layer in CONV)]
    assert table.foot[4].exact == str(made.model.network.trained.size)
