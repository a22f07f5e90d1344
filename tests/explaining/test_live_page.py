"""The live page in a real browser: whatever is changed there, its steps are those that Python makes."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from chromium import MARKS
from convcli.cli.explain import MOST_STEPS
from convcli.errors import ConvcliError
from convcli.explaining import TOPICS
from convcli.explaining.network import example, line_detector
from convcli.kernels import KERNELS, named
from convcli.render.explain import FORMATS
from convcli.render.explain.html import digits_of, step_html
from convcli.render.explain.live import SCRIPTS
from explaining.cases import made
from explaining.plain import differences, plain_steps

pytestmark = MARKS

TOLERANCE = 1e-9
PIXELS = re.compile(r"<image [^>]*>\n|<rect [^>]*crispEdges[^>]*>\n")
CHECK = "A numeric check of each gradient"  # whose errors are what rounding leaves, in either language
STILL = {
    "activation": "its curve is a picture that Python draws",
    "groups": "its filters see some channels only, which no control knows",
    "dense": "its weights are rows of neurons, which no control knows",
    "softmax": "its outputs are a column with names, which no control knows",
    "edges": "it filters a whole photo",
    "network": "it is a trained network's",
    "optimizer": "an optimizer is not among what pages compute",
    "batch-norm": "training is not among what pages compute",
    "dropout": "its mask is drawn by NumPy",
    "receptive-field": "a stack of layers is not among what pages compute",
    "step": "training is not among what pages compute",
    "transposed": "a transposed convolution is not among what pages compute here",
}

SETTER = """(values) => {
  for (const [name, value] of Object.entries(values)) {
    const control = find("set-" + name);
    if (control.type === "checkbox") control.checked = value;
    else if (control.options) control.value = [...control.options].findIndex((one) => one.text === value);
    else control.value = value;
  }
  find("set-" + Object.keys(values).at(-1)).dispatchEvent(new Event("input", {bubbles: true}));
}"""
STATE = """JSON.stringify({
  title: document.querySelector("h1").textContent,
  steps: live.steps ?? null,
  where: find("where").value,
  shown: sections.filter((s) => !s.hidden).map((s) => s.querySelector("h2").textContent),
  wrong: Object.fromEntries([...document.querySelectorAll(".wrong")].filter((p) => p.textContent)
    .map((p) => [p.id.slice(6), p.textContent])),
})"""


def state_of(browser):
    return json.loads(browser.evaluate(STATE))


def change(browser, **values):
    """Set controls as a reader does, and return what the page shows then."""
    browser.evaluate(f"({SETTER})({json.dumps(values)})")
    return state_of(browser)


def assert_same(shown, state):
    """Hold a page against an explanation: titles, sentences, marks, numbers."""
    assert state["title"] == shown.title
    assert state["wrong"] == {}
    expected = plain_steps(shown)
    assert [step["title"] for step in state["steps"]] == [step["title"] for step in expected]
    for ours, theirs in zip(expected, state["steps"], strict=True):
        tolerance = 1e-6 if ours["title"] == CHECK else TOLERANCE
        assert list(differences(ours, theirs, tolerance)) == [], ours["title"]


def text_of(array):
    """Return (h, w, c) as it is typed in, in one of the ways there are."""
    planes = [[" ".join(map(repr, row)) for row in plane] for plane in np.moveaxis(array, 2, 0).tolist()]
    return "\n|\n".join("\n".join(rows) for rows in planes)


def drawn(rng, *shape):
    """Return numbers: whole ones, eighths, or any."""
    match rng.integers(3):
        case 0:
            return rng.integers(-9, 10, shape).astype(float)
        case 1:
            return rng.integers(-40, 41, shape) / 8
        case _:
            return rng.normal(size=shape).round(int(rng.integers(1, 16)))


def pair_text(rng, most):
    one, other = (int(n) for n in rng.integers(1, most + 1, 2))
    return str(one) if rng.random() < 0.6 else f"{one}x{other}"


def as_pair(text):
    rows, _, columns = text.partition("x")
    return int(rows), int(columns or rows)


PADDINGS = {"valid": "valid", "same": "same", "full": "full", "1": 1, "2": 2}
SMALL = ["sharing", "backward"]
NAMES = [name for name in KERNELS if len(named(name).parts) == 1 and max(named(name).shape) <= 5]


def random_setting(topic, rng):
    """Return what a reader types, and the request that means the same."""
    takes = TOPICS[topic].takes
    single = topic in ("convolution", "flip", "padding", "stride", "dilation", "sharing")
    channels = 1 if single else int(rng.integers(1, 3 if topic in SMALL else 4))
    side = 5 if topic in SMALL else 9
    size = (int(rng.integers(2, side)), int(rng.integers(2, side)))
    x = drawn(rng, *size, channels)
    typed, request = {"input": text_of(x)}, {"input": text_of(x)}
    for name, most in (("stride", 3), ("dilation", 2), ("size", 3)):
        if name in takes:
            typed[name] = pair_text(rng, most)
            request[name] = as_pair(typed[name])
    padding = str(rng.choice(list(PADDINGS)))
    if topic == "padding":
        typed["padding"] = padding if padding in ("1", "2") else "none"
        request["padding"] = PADDINGS[padding] if padding in ("1", "2") else None
    elif "padding" in takes:
        typed["padding"], request["padding"] = padding, PADDINGS[padding]
    if "pool" in takes:
        typed["padding"], request["padding"] = "0" if padding == "valid" else padding, PADDINGS[padding]
        for name in ("ceil_mode", "count_include_pad"):
            typed[name] = request[name] = bool(rng.integers(2))
        typed["pool"] = request["pool"] = ("max", "mean")[rng.integers(2)]
    if "kernels" in takes:
        filters = 2 if topic in ("volume", "layer") else 1
        if rng.random() < 0.3:
            kernels = (str(rng.choice(NAMES)),) * filters
        else:
            f = (int(rng.integers(1, 4)), int(rng.integers(1, 4)))
            depth = channels if rng.random() < 0.7 else 1
            kernels = tuple(text_of(drawn(rng, *f, depth)) for _ in range(filters))
        typed |= {f"kernel-{k}": text for k, text in enumerate(kernels)}
        request["kernels"] = kernels
        bias = tuple(drawn(rng, filters).tolist()) if rng.random() < 0.6 else ()
        typed["bias"], request["bias"] = " ".join(map(repr, bias)), bias
    if "activation" in takes:
        g = ("none", "relu", "leaky_relu", "elu", "sigmoid", "tanh", "silu", "gelu")[rng.integers(8)]
        typed["activation"] = request["activation"] = g
    return typed, request


def expected_of(topic, request):
    """Return the explanation of a request, or the sentence that says why there is none."""
    try:
        return made(topic, **request)
    except ConvcliError as error:
        sentence = str(error).partition(": ")[2] if str(error).startswith("--") else str(error)
        return sentence[0].upper() + sentence[1:]


def with_gradient(topic, rng, typed, request):
    """Add a gradient of the size that comes out, to every other setting whose topic takes one."""
    typed, fitting = {**typed, "gradient": ""}, expected_of(topic, request)
    if isinstance(fitting, str) or rng.random() < 0.5:
        return typed, request
    shape = np.shape(np.moveaxis(np.array(fitting.data["dA"]), 0, 2))
    text = text_of(drawn(rng, *shape))
    return {**typed, "gradient": text}, {**request, "gradient": text}


def unsaturated(topic, typed, request):
    """Take relu where g has levelled out: of its slope, 1 − A², only the last bit of A is left."""
    expected = expected_of(topic, request)
    if not isinstance(expected, str) and np.abs(np.concatenate(expected.data["Z"], None)).max() > 12:
        return {**typed, "activation": "relu"}, {**request, "activation": "relu"}
    return typed, request


SETTINGS = 20  # of each topic


@pytest.mark.parametrize("topic", SCRIPTS)
def test_random_settings_give_the_steps_that_python_makes(browser, opened, topic):
    opened(topic)
    rng, followed = np.random.default_rng(list(topic.encode())), 0
    while followed < SETTINGS:
        typed, request = random_setting(topic, rng)
        if "activation" in TOPICS[topic].takes:
            typed, request = unsaturated(topic, typed, request)
        if "gradient" in TOPICS[topic].takes:
            typed, request = with_gradient(topic, rng, typed, request)
        expected, state = expected_of(topic, request), change(browser, **typed)
        if isinstance(expected, str):
            assert expected in state["wrong"].values(), typed
        elif len(expected.steps) > MOST_STEPS:
            assert "steps then; at most 400 can be followed." in str(state["wrong"])
        else:
            assert_same(expected, state)
            followed += 1


@pytest.mark.parametrize("topic", SCRIPTS)
def test_scripts_draw_steps_as_the_page_was_written(browser, opened, topic):
    shown = opened(topic)
    drawn_there = browser.evaluate(
        f"(steps => steps.map(step => stepHtml(step, digitsOf(steps))))({json.dumps(plain_steps(shown))})"
    )
    digits = digits_of(shown.steps)
    assert [PIXELS.sub("", html) for html in drawn_there] == [
        PIXELS.sub("", step_html(step, digits)) for step in shown.steps
    ]


@pytest.mark.parametrize("topic", SCRIPTS)
def test_reset_brings_back_what_the_command_said(browser, opened, topic):
    shown = opened(topic)
    numbers = browser.evaluate('find("set-input").value')
    assert change(browser, input=f"7{numbers[1:]}")["steps"] != plain_steps(shown)
    browser.evaluate('document.querySelector("[type=reset]").click()')
    assert_same(shown, state_of(browser))


def test_every_topic_is_live_or_has_its_reason():
    assert {*SCRIPTS, *STILL} == set(TOPICS)
    for topic in STILL:
        page = FORMATS["html"](made(topic)).decode()
        assert page.count("<script") == 1


def test_the_step_stays_where_it_is_while_numbers_change(browser, opened):
    opened("convolution")
    browser.evaluate("show(6)")
    assert change(browser, stride="1")["where"] == "6 / 16"
    assert change(browser, padding="same")["shown"] == ["Row 2, column 2"], "of the same title"
    assert change(browser, padding="valid", stride="3")["where"] == "4 / 4", "the last, where there are fewer"


def test_keys_and_buttons_change_a_number_and_do_not_turn_the_page(browser, opened):
    opened("stride")
    browser.evaluate("show(2)")
    browser.evaluate('find("set-stride").focus()')
    browser.press("ArrowUp")
    state = state_of(browser)
    assert_same(made("stride", stride=3), state)
    browser.press("ArrowLeft")
    browser.press("Home")
    assert state_of(browser)["where"] == state["where"]
    browser.press("ArrowDown")
    browser.press("ArrowDown")
    assert_same(made("stride", stride=1), state_of(browser))
    browser.evaluate("""document.querySelector('[aria-label="Dilation: more"]').click()""")
    assert_same(made("stride", stride=1, dilation=2), state_of(browser))


def test_a_trained_layer_can_be_changed_too(browser, opened, tmp_path):
    PIL.Image.fromarray(example()[:, :, 0]).save(tmp_path / "stroke.png")
    trained = {"model": line_detector(), "image": tmp_path / "stroke.png"}
    for topic in (
        "convolution",
        "padding",
        "stride",
        "volume",
        "layer",
        "backward",
        "pooling",
        "pooling-backward",
    ):
        shown = opened(topic, **trained)
        assert_same(shown, state_of(browser))
        if "stride" in TOPICS[topic].takes:
            state = {**change(browser, stride="2x3"), "wrong": {}}
            if (
                topic != "pooling-backward"
            ):  # its dA of 1, 2, 3, … is no longer the network's, as the page says
                assert_same(made(topic, **trained, stride=(2, 3)), state)


def test_a_layer_of_very_many_weights_is_shown_without_controls(tmp_path):
    numbers = "|".join(["1 2 3; 4 5 6; 7 8 9"] * 60)
    page = FORMATS["html"](made("volume", input=numbers, kernels=(numbers,) * 8)).decode()
    assert 'id="settings"' not in page


def test_a_pixel_is_what_its_number_says(browser, opened, tmp_path):
    opened("pixels", input="0 255; 100 50")
    change(browser, input="0 300; 99.5 -3")
    browser.evaluate("for (const made of document.querySelectorAll('nav, details')) made.hidden = true")
    picture = browser.evaluate("""(({x, y, width}) => [x, y, width])(
        document.querySelector("figure svg rect").getBoundingClientRect())""")
    browser.look(tmp_path / "seen.png", 800, 600)
    x, y, side = picture
    with PIL.Image.open(tmp_path / "seen.png") as seen:
        grey = np.asarray(seen.convert("L"))
    centres = [[grey[int(y + (i + 0.5) * side), int(x + (j + 0.5) * side)] for j in (0, 1)] for i in (0, 1)]
    assert centres == [[0, 255], [100, 0]]


CELL = """((table, cell) => {
  const tables = document.querySelectorAll("section:not([hidden]) table");
  const {x, y, width, height} = tables[table].querySelectorAll("td")[cell].getBoundingClientRect();
  return [x + width / 2, y + height / 2];
})"""


def click(browser, table, cell):
    """Click on a cell of the step that is shown."""
    browser.look(Path(os.devnull), 1000, 1600)
    x, y = browser.evaluate(f"{CELL}({table}, {cell})")
    for kind in ("mousePressed", "mouseReleased"):
        browser.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)


def enter(browser, text, key="Enter"):
    browser.send("Input.insertText", text=text)
    browser.press(key)


def test_a_click_changes_a_number_where_it_is_shown(browser, opened):
    opened("convolution", input="1 2 3; 4 5 6; 7 8 9", kernels=("1 0; 0 -1",), padding=1)
    browser.evaluate("show(5)")
    click(browser, 0, 7)  # the padded plane's second row: 0 1 2 3 0
    enter(browser, "−1.5")
    request = {"input": "1 -1.5 3; 4 5 6; 7 8 9", "padding": 1}
    assert_same(made("convolution", kernels=("1 0; 0 -1",), **request), state_of(browser))
    click(browser, 1, 0)
    enter(browser, "2", "Tab")  # to the next cell
    enter(browser, "1/2")
    state = state_of(browser)
    assert_same(made("convolution", kernels=("2 .5; 0 -1",), **request), state)
    assert state["where"] == "5 / 16"
    assert browser.evaluate('find("set-kernel-0").value') == "2 0.5\n0 -1"


@pytest.mark.parametrize(("text", "key"), [("7", "Escape"), ("x", "Enter"), ("1 2", "Enter"), ("", "Enter")])
def test_what_is_no_number_and_what_is_given_up_change_nothing(browser, opened, text, key):
    opened("convolution")
    click(browser, 1, 0)
    browser.evaluate("document.activeElement.value = ''")
    enter(browser, text, key)
    state = state_of(browser)
    wrong = {} if key == "Escape" else {"kernel-0"}
    assert set(state["wrong"]) == set(wrong)
    assert_same(made("convolution"), {**state, "wrong": {}})


@pytest.mark.parametrize("cell", [0, 4])
def test_padding_and_results_cannot_be_clicked(browser, opened, cell):
    opened("convolution", padding="same")
    click(browser, 0, cell)
    assert browser.evaluate("document.activeElement.tagName") == "BODY"
    click(browser, 3, cell)
    assert browser.evaluate("document.activeElement.tagName") == "BODY"


def test_settings_beyond_the_controls_leave_the_page_still(browser, opened):
    opened("convolution", stride=(1, 100))
    assert browser.evaluate('document.querySelector("form")') is None
    browser.press("ArrowRight")
    assert browser.evaluate('find("where").value') == "2 / 4"


def test_a_kernel_is_chosen_by_name_typed_by_name_or_typed_in(browser, opened):
    opened("convolution")
    listed = browser.evaluate("""[...document.querySelectorAll("select")][0].innerText.split("\\n")""")
    single = [name for name in KERNELS if len(named(name).parts) == 1]
    assert listed == ["typed in", *(name for name in single if max(named(name).shape) <= 16)]
    browser.evaluate("""{
      const list = document.querySelector("select");
      list.value = "sobel-x";
      list.dispatchEvent(new Event("input", {bubbles: true}));
    }""")
    assert_same(made("convolution", kernels=("sobel-x",)), state_of(browser))
    assert browser.evaluate('find("set-kernel-0").value') == "-1 0 1\n-2 0 2\n-1 0 1"
    assert_same(made("convolution", kernels=("kirsch-n",)), change(browser, **{"kernel-0": " kirsch-n "}))
    assert browser.evaluate('document.querySelector("select").value') == "kirsch-n"
    assert_same(made("convolution", kernels=("1/2 −.5",)), change(browser, **{"kernel-0": "1/2 −.5"}))
    assert browser.evaluate('document.querySelector("select").value') == "typed in"


WRONG = [
    ("convolution", {"input": ""}, "Expected rows of numbers, found none."),
    ("convolution", {"input": "1 2; 3"}, "Row 2: expected 2 cells as in row 1, found 1."),
    ("convolution", {"input": "1 x; 3 4"}, "Row 1, column 2: expected a number, found x."),
    ("convolution", {"input": "1 2; 3 1e999"}, "Row 2, column 2: expected a number, found 1e999."),
    (
        "convolution",
        {"input": "1,5 2"},
        "Row 1, part cells by blanks and write decimals with a point, not 1,5.",
    ),
    ("convolution", {"input": "1 2 | 3 4"}, "Expected one matrix, found 2 channels; leave out the |."),
    ("convolution", {"input": " ".join("1" * 17)}, "1 × 17 numbers; at most 16 × 16 can be read."),
    (
        "convolution",
        {"kernel-0": "sobel"},
        "Sobel is made of 2 kernels; name one, such as sobel-x, or type its weights in.",
    ),
    ("convolution", {"kernel-0": "gabor"}, "Gabor is larger than 16 × 16."),
    ("convolution", {"kernel-0": "sobelx"}, "There is no kernel sobelx here: choose one of the list."),
    (
        "convolution",
        {"kernel-0": "log"},
        (
            "A window spanning 13 cells does not fit 6 cells with padding 0 + 0: use a smaller window, a "
            "larger input, or padding of at least 7 in all."
        ),
    ),
    ("stride", {"stride": "0"}, "Expected a whole number from 1 to 99, or rows x columns such as 2x1."),
    ("stride", {"bias": "1 2"}, "Expected a number for each of 1 filter, found 2."),
    ("layer", {"kernel-1": "1 2; 3 4"}, "The filters of one layer have the same size; these do not."),
    ("volume", {"kernel-0": "1 | 2"}, "Expected 3 channels of one size, as the input has, found 2."),
    (
        "sharing",
        {"input": "; ".join(["1 2 3 4 5 6 7"] * 7)},
        (
            "Sharing draws at most 36 inputs and 25 outputs; these are 49 and 36. Take a smaller input, such "
            "as 4 × 4, or a larger stride."
        ),
    ),
    ("backward", {"gradient": "1"}, "Expected the output's size 2 × 2 × 1, found 1 × 1 × 1."),
    (
        "pooling",
        {"dilation": "5", "padding": "4"},
        "A dilation of 5 steps over all 4 cells: use one of at most 4.",
    ),
    (
        "pooling",
        {"input": "|".join(["; ".join(["1 " * 15] * 15)] * 2), "size": "1", "stride": "1"},
        "Pooling has 450 steps then; at most 400 can be followed.",
    ),
]


@pytest.mark.parametrize(("topic", "values", "sentence"), WRONG, ids=lambda value: str(value)[:40])
def test_what_cannot_be_is_said_beside_its_control_and_the_last_steps_stay(
    browser, opened, topic, values, sentence
):
    opened(topic)
    good = state_of(browser)
    bad = change(browser, **values)
    assert list(bad["wrong"].values()) == [sentence]
    assert (bad["steps"], bad["title"], bad["where"]) == (good["steps"], good["title"], good["where"])
    name = next(iter(bad["wrong"]))
    assert browser.evaluate(f'find("set-{name}").ariaInvalid') == "true"
    assert browser.evaluate(f'find("set-{name}").getAttribute("aria-describedby")') == f"wrong-{name}"
    browser.evaluate('document.querySelector("[type=reset]").click()')
    assert state_of(browser)["wrong"] == {}


def test_all_that_cannot_be_read_is_said_at_once(browser, opened):
    opened("convolution")
    wrong = change(browser, input="1 ?", stride="two", bias="b")["wrong"]
    assert sorted(wrong) == ["bias", "input", "stride"]


def test_a_gradient_that_no_longer_fits_gives_way_and_comes_back(browser, opened):
    opened("backward")
    state = change(browser, padding="1")
    told = {"gradient": "These 2 × 2 × 1 do not fit the output's 4 × 4 × 1: 1 everywhere instead."}
    assert state["wrong"] == told
    example = {
        "input": "1 2 0 1; 3 1 2 0; 0 1 1 2; 2 0 1 3",
        "kernels": ("1 0 -1; 2 1 0; 0 -1 1",),
        "bias": (-4,),
    }
    assert_same(made("backward", **example, padding=1, activation="relu"), {**state, "wrong": {}})
    assert_same(made("backward"), change(browser, padding="valid"))


def test_chosen_steps_stay_chosen(browser, tmp_path):
    shown = made("convolution").only([1, 3])
    (tmp_path / "page.html").write_bytes(FORMATS["html"](shown))
    browser.open(tmp_path / "page.html")
    assert_same(made("convolution", dilation=2).only([1, 3]), change(browser, dilation="2"))
    assert change(browser, dilation="1", stride="4")["wrong"] == {
        "stride": "Then there is no more than 1 step, and this page shows later ones."
    }


def test_a_photo_stays_while_its_numbers_do(browser, opened, tmp_path):
    PIL.Image.fromarray(np.arange(1200).astype(np.uint8).reshape(20, 20, 3)).save(tmp_path / "photo.png")
    source = f"{tmp_path}/photo.png@3,4,5,5"
    opened("layer", input=source)
    before = browser.evaluate('document.querySelector("section figure").outerHTML')
    state = change(browser, **{"kernel-0": "sobel-x", "kernel-1": "sobel-y"})
    assert_same(made("layer", input=source, kernels=("sobel-x", "sobel-y")), state)
    assert browser.evaluate('document.querySelector("section figure").outerHTML') == before
    numbers = "1 2 3; 4 5 6; 7 8 9 | 0 0 0; 1 1 1; 0 0 0 | 1 0 0; 0 1 0; 0 0 1"
    state = change(browser, input=numbers)
    assert_same(made("layer", input=numbers, kernels=("sobel-x", "sobel-y"), activation="relu"), state)


def test_without_scripts_all_steps_are_there(browser, opened, tmp_path):
    opened("convolution")
    browser.send("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(tmp_path / "page.html")
        browser.look(tmp_path / "still.png", 800, 600)
        layout = browser.send("Page.getLayoutMetrics")
    finally:
        browser.send("Emulation.setScriptExecutionDisabled", value=False)
    browser.open(tmp_path / "page.html")
    scripted = browser.send("Page.getLayoutMetrics")
    assert layout["cssContentSize"]["height"] > 5 * scripted["cssContentSize"]["height"]
