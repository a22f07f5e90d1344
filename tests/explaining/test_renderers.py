"""Every renderer makes a well-formed file of every topic."""

from __future__ import annotations

import io
import json
import re
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser

import numpy as np
import PIL.Image
import pytest
from rich.console import Console

from convcli.explaining import TOPICS
from convcli.explaining.elements import (
    Arrow,
    Block,
    Explanation,
    Formula,
    Graph,
    Grid,
    Link,
    Picture,
    Step,
    Words,
    exact,
)
from convcli.explaining.notation import number
from convcli.render.drawing.palette import COLOURS, luminance, shade
from convcli.render.explain import BINARY, FORMATS, grounds
from convcli.render.explain.live import SCRIPTS
from convcli.render.explain.steps import still
from convcli.render.explain.terminal import show
from explaining.cases import made

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = Explanation(
    "hostile",
    "<b>&amp; $x_1$ \x1b[31m {\\bad} | *no*",
    (
        Step(
            "]]> </section><script>alert(1)</script>",
            (
                (Grid.of(np.array([[1e-9, -2.5], [1e20, 3]]), "a | b & <c>", row_names=("<i>", "$%")),),
                (Arrow("→", "100% & <more>"), Block((1, 2, 3), "_{")),
                (
                    Picture(np.zeros((2, 3), np.uint8), "\\input{x}", (0, 0, 1, 1)),
                    Picture(np.zeros((2, 3, 3), np.uint8), "<i>", heat=np.full((2, 3), -1.0)),
                    Formula("a_1 < b & {c} \\x"),
                ),
                (Words("<b> α_k of 50% & $x_1$ \\x"),),
                (Graph(("x1",), ("y1",), (Link(0, 0, 0), Link(0, 0)), "# g"),),
            ),
        ),
    ),
    {},
    (0,),
)


@pytest.fixture(scope="module", params=[*TOPICS, "hostile", "why"])
def shown(request):
    if request.param == "why":
        return made("network", why=True).only((6, 7, 8))
    return HOSTILE if request.param == "hostile" else made(request.param)


def grids(shown):
    return [
        element for step in shown.steps for row in step.rows for element in row if isinstance(element, Grid)
    ]


@pytest.mark.parametrize("name", FORMATS)
def test_what_is_no_text_is_known_not_to_be(name):
    data = FORMATS[name](made("stride"))
    assert (name in BINARY) == (b"\0" in data)


def test_svg_parses_and_knows_light_and_dark(shown):
    root = ElementTree.fromstring(FORMATS["svg"](shown))
    scene = still(shown)
    assert float(root.get("width")) == pytest.approx(scene.width, abs=0.06)
    assert "prefers-color-scheme:dark" in root.find(f"{SVG}style").text
    assert not list(root.iter(f"{SVG}script"))
    for text in root.iter(f"{SVG}text"):
        assert 0 <= float(text.get("x")) <= scene.width
        assert 0 <= float(text.get("y")) <= scene.height


def test_png_opens_at_twice_the_scenes_size(shown):
    picture = PIL.Image.open(io.BytesIO(FORMATS["png"](shown)))
    scene = still(shown)
    assert picture.size == (round(scene.width * 2), round(scene.height * 2))
    assert np.asarray(picture.convert("L")).min() < 80


def test_gif_has_a_frame_a_step_and_fits_800_pixels(shown):
    steps = range(min(len(shown.steps), 4))
    picture = PIL.Image.open(io.BytesIO(FORMATS["gif"](shown.only(steps))))
    assert getattr(picture, "n_frames", 1) == len(steps)
    assert picture.width <= 800


def test_gif_of_the_6_by_6_convolution_is_small_and_has_16_frames():
    data = FORMATS["gif"](made("convolution"))
    picture = PIL.Image.open(io.BytesIO(data))
    assert len(data) < 200_000
    assert getattr(picture, "n_frames", 1) == 16
    assert picture.width == 800


class Tags(HTMLParser):
    """Counts what is opened and closed."""

    VOID = ("meta", "link", "input", "br", "img", "rect", "image", "polyline")

    def __init__(self):
        super().__init__()
        self.open, self.sections, self.tables, self.addresses = [], 0, 0, []

    def handle_starttag(self, tag, attributes):
        self.sections += tag == "section"
        self.tables += tag == "table"
        self.addresses += [value for name, value in attributes if name in ("src", "href", "action")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.addresses += [value for name, value in attributes if name in ("src", "href")]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_html_is_balanced_and_asks_for_nothing(shown):
    page = FORMATS["html"](shown).decode()
    tags = Tags()
    tags.feed(page)
    assert tags.open == []
    assert tags.sections == len(shown.steps)
    assert tags.tables == len(grids(shown))
    assert all(address.startswith("data:") for address in tags.addresses)
    assert "@import" not in page
    assert page.count("<script>") == 1 + (shown.topic in SCRIPTS)
    assert not re.search(r"@\w+@", page)


def test_markdown_tables_have_one_width(shown):
    text = FORMATS["markdown"](shown).decode()
    assert text.count("\n## ") == len(shown.steps)
    tables = re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE)
    assert len(tables) == len(grids(shown))
    for table, grid in zip(tables, grids(shown), strict=True):
        lines = table.splitlines()
        assert {len(re.findall(r"(?<!\\)\|", line)) for line in lines} == {
            grid.shape[1] + 1 + bool(grid.row_names)
        }
        assert len(lines) == grid.shape[0] + 2


def test_latex_is_balanced(shown):
    text = FORMATS["latex"](shown).decode()
    assert text.isascii()
    plain = re.sub(r"\\[{}$\\]", "", text)
    assert plain.count("{") == plain.count("}")
    assert plain.count("$") % 2 == 0
    matrices = [*re.findall(r"\\begin{(array)}", text), *re.findall(r"\\end{(array)}", text)]
    assert len(matrices) == 2 * len(grids(shown))
    for name in ("row", "tikzpicture", "document"):
        assert text.count(rf"\begin{{{name}}}") == text.count(rf"\end{{{name}}}")
    depth = 0
    for sign in plain:
        depth += (sign == "{") - (sign == "}")
        assert depth >= 0


def test_json_is_exact_and_strict(shown):
    document = json.loads(FORMATS["json"](shown))
    assert document["op"] == "correlate"
    assert len(document["steps"]) == len(shown.steps)
    assert document == json.loads(json.dumps(shown.document(), allow_nan=False))


@pytest.mark.parametrize("colours", [None, "truecolor"])
@pytest.mark.parametrize("width", [40, 80])
def test_the_terminal_shows_every_step_within_its_width(shown, width, colours):
    stream = io.StringIO()
    console = Console(
        file=stream, width=width, color_system=colours, force_terminal=colours is not None, markup=False
    )
    show(console, shown, full=True)
    text = stream.getvalue()
    assert all(f"{n}/{len(shown.steps)}  " in text for n in range(1, len(shown.steps) + 1))
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
    assert "\x1b" not in plain
    widest = (
        max(sum(3 + len(number(value or 0)) for value in row) for grid in grids(shown) for row in grid.cells)
        if grids(shown)
        else 0
    )
    longest_word = 60
    assert max(map(len, plain.splitlines())) <= max(width, widest, longest_word, len(shown.title), 120)


@pytest.mark.parametrize("topic", ["dense", "groups", "softmax", "activation", "transposed", "step"])
def test_what_is_printed_without_figures_has_the_errors_of_the_check(topic):
    stream, shown = io.StringIO(), made(topic)
    show(Console(file=stream, width=80, color_system=None, markup=False), shown)
    errors = next(step.data["relative_errors"] for step in shown.steps if "relative_errors" in step.data)
    lines = [line.split() for line in stream.getvalue().splitlines()]
    assert all([name, number(error)] in lines for name, error in errors.items())
    assert max(map(len, stream.getvalue().splitlines())) <= 80


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3.0, "3"),
        (-0.0, "0"),
        (2.5, "2.5"),
        (-1 / 3, "−1/3"),
        (1 / 9 + 1 / 9 + 1 / 9, "1/3"),
        (1 / 25, "0.04"),
        (1 / 16, "0.0625"),
        (31 / 16, "31/16"),
        (2 / 27, "0.07407"),
        (97 / 3, "32.33"),
        (0.3333, "0.3333"),
        (float(np.float32(1 / 3)), "0.3333"),
        (123456.7, "1.235e5"),
        (2e9, "2e9"),
        (7, "7"),
    ],
)
def test_numbers_are_written_as_people_do(value, text):
    assert number(value) == text


def test_exact_keeps_every_digit():
    assert exact(np.array([0.1, 2.0, 1e300])) == [0.1, 2, 1e300]
    assert isinstance(exact(2.0), int)


def test_a_photos_numbers_have_the_colours_of_their_pixels(tmp_path):
    PIL.Image.fromarray(np.array([[[0, 255, 96]] * 3] * 3, np.uint8)).save(tmp_path / "photo.png")
    shown = made("volume", input=str(tmp_path / "photo.png"), kernels=("1 0; 0 1",), padding=1)
    channels = [row[0] for row in shown.steps[1].rows[1:4]]
    assert [grounds.ground(grid, 2, 2)[0] for grid in channels] == ["red0", "green16", "blue6"]
    assert grounds.ground(channels[0], 4, 4) == ("padding", "muted")
    assert grounds.ground(channels[0], 0, 0) == ("window", "ink"), "no pixel, though under the window"
    assert grounds.framed(channels[0], 1, 1)
    assert "background:var(--green16);color:var(--onlight)" in FORMATS["html"](shown).decode()
    typed = made("volume").steps[1].rows[1][0]
    assert grounds.ground(typed, 3, 3) == ("tint3", "ink"), "other channels have a colour of their own"


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_numbers_can_be_read_on_every_ground(mode):
    """WCAG 2.1 asks for a contrast of 4.5 to 1."""

    def contrast(one, other):
        low, high = sorted(luminance(getattr(COLOURS[name], mode)) for name in (one, other))
        return (high + 0.05) / (low + 0.05)

    roles = [
        "cell",
        "window",
        "kernel",
        "result",
        "done",
        "chosen",
        "ground",
        *(n for n in COLOURS if n.startswith("heat")),
    ]
    roles += [name for name in COLOURS if re.fullmatch(r"tint\d", name)]
    shades = [shade(hue, value) for hue in ("grey", "red", "green", "blue") for value in range(256)]
    assert min(contrast(letters, ground) for ground, letters in shades) >= 4.5
    assert {role: contrast("ink", role) for role in roles if contrast("ink", role) < 4.5} == {}
    assert {role for role in ("padding", "ground", "unused") if contrast("muted", role) < 4.5} == set()


SEEN = {
    "trichromats": np.eye(3),
    # Machado, Oliveira and Fernandes, 2009, at full severity
    "deuteranopes": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "protanopes": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
}


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("who", SEEN)
def test_channels_are_told_apart_by_their_tints(who, mode):
    """In CIELAB about 2.3 is just noticed."""
    color = pytest.importorskip("skimage.color", reason="scikit-image is in the extra bench")
    names = [*(f"tint{number}" for number in range(9)), "window"]
    codes = [bytes.fromhex(getattr(COLOURS[name], mode)[1:]) for name in names]
    parts = np.array([list(code) for code in codes]) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ np.array(SEEN[who]).T, 0, 1)
    lab = color.rgb2lab(np.where(seen <= 0.0031308, 12.92 * seen, 1.055 * seen ** (1 / 2.4) - 0.055))
    apart = np.linalg.norm(lab[:, None] - lab, axis=2)
    for group in ([0, 1, 2, 9], [3, 4, 5, 6, 7, 8, 9]):
        pairs = apart[np.ix_(group, group)][~np.eye(len(group), dtype=bool)]
        assert pairs.min() > 7
