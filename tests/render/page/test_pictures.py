"""Pictures that a reader chooses, drops, pastes or films become what `predict` makes of them."""

from __future__ import annotations

import base64
import json
from dataclasses import replace

import numpy as np
import PIL.Image
import pytest

from chromium import MARKS, Chromium
from convcli.data.presentation import Presentation
from interchange.networks import model_of
from render.page.browsing import ask, click, open_page, page_of, seen, settle, text

pytestmark = MARKS

SIZE = (12, 10)
FAKE_CAMERA = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with Chromium(tmp_path_factory.mktemp("profile"), *FAKE_CAMERA) as browser:
        yield browser


def taking(channels=3, **options):
    """Return a model whose pictures are presented so."""
    made = model_of([{"type": "flatten"}, {"type": "dense"}], (*SIZE, channels))
    return replace(made, preprocessing=replace(made.preprocessing, presentation=Presentation(**options)))


def choose(browser, path):
    """Choose a file as a reader does, and wait until it has been looked at."""
    root = browser.send("DOM.getDocument")["root"]["nodeId"]
    node = browser.send("DOM.querySelector", nodeId=root, selector="#file")["nodeId"]
    browser.send("DOM.setFileInputFiles", files=[str(path)], nodeId=node)
    wait(browser, f"document.getElementById('seen-said').textContent.includes({json.dumps(path.name)})")
    settle(browser)


def wait(browser, condition):
    """Wait until a condition holds."""
    browser.evaluate(f"""(async () => {{
        for (let n = 0; n < 200 && !({condition}); n++) await new Promise(done => setTimeout(done, 25));
        if (!({condition})) throw new Error("it never came");
    }})()""")


def photo(rng, rows, columns, mode):
    """Return a picture of smooth colours, as photos are, in one of Pillow's modes."""
    channels = len(PIL.Image.new(mode, (1, 1)).getbands()) if mode != "P" else 3
    coarse = rng.integers(0, 256, (5, 5, channels), np.uint8)
    planes = [PIL.Image.fromarray(coarse[..., c]).resize((columns, rows)) for c in range(channels)]
    whole = PIL.Image.merge(mode, planes) if channels > 1 and mode != "P" else planes[0]
    return PIL.Image.merge("RGB", planes).quantize(30) if mode == "P" else whole


def test_resizing_is_pillows_to_the_last_bit(browser, tmp_path):
    rng = np.random.default_rng(1)
    cases, expected = [], []
    for n in range(90):
        rows, columns = rng.integers(1, 90, 2).tolist()
        channels = (1, 3)[n % 2]
        size, background = rng.integers(1, 40, 2).tolist(), rng.integers(0, 256, 3).tolist()
        fit = ("stretch", "pad", "crop")[n % 3]
        image = rng.integers(0, 256, (rows, columns, channels), np.uint8)
        cases.append(
            {
                "shape": image.shape,
                "data": image.ravel().tolist(),
                "size": size,
                "fit": fit,
                "background": background,
            }
        )
        expected.append(Presentation(tuple(background), fit=fit).fitted(image, tuple(size)).ravel().tolist())
    open_page(browser, tmp_path, page_of(taking()))
    fitted = """cases => cases.map(({shape, data, size, ...rest}) =>
        [...pixels.fitted({shape, data: Uint8ClampedArray.from(data)}, size, rest).data])"""
    assert ask(browser, fitted, cases) == expected


@pytest.mark.parametrize("fit", ["stretch", "pad", "crop"])
@pytest.mark.parametrize(
    ("mode", "ending"), [("RGB", "png"), ("L", "png"), ("P", "png"), ("RGB", "bmp"), ("L", "gif")]
)
@pytest.mark.parametrize("channels", [1, 3])
def test_a_chosen_file_becomes_the_pixels_that_predict_makes_of_it(
    browser, tmp_path, fit, mode, ending, channels
):
    mine = taking(channels, fit=fit, background=(10, 200, 90))
    photo(np.random.default_rng(2), 37, 53, mode).save(tmp_path / f"one.{ending}")
    open_page(browser, tmp_path, page_of(mine))
    choose(browser, tmp_path / f"one.{ending}")
    expected, _ = mine.preprocessing.presentation.read(tmp_path / f"one.{ending}", channels, SIZE)
    np.testing.assert_array_equal(seen(browser), expected)
    told = ask(
        browser, "pixels => [...net.run(net.prepare(pixels)).probabilities]", expected.ravel().tolist()
    )
    np.testing.assert_allclose(told, mine.predict(expected[None])[0], atol=1e-5)
    assert text(browser, "best") == mine.classes[int(np.argmax(told))]
    assert browser.complaints == browser.asked == []


def test_photos_and_what_is_transparent_differ_by_a_level_or_two_at_most(browser, tmp_path):
    mine = taking(background=(10, 200, 90))
    open_page(browser, tmp_path, page_of(mine))
    for mode, ending in (("RGB", "jpg"), ("RGBA", "png")):
        path = tmp_path / f"one.{ending}"
        photo(np.random.default_rng(3), 61, 47, mode).save(path)
        choose(browser, path)
        expected, _ = mine.preprocessing.presentation.read(path, 3, SIZE)
        assert np.abs(seen(browser).astype(int) - expected).max() <= 2


def test_a_range_that_was_told_and_inverting_hold_here_too(browser, tmp_path):
    mine = taking(1, range=(20.0, 180.0), said=True)
    path = tmp_path / "one.png"
    photo(np.random.default_rng(4), *SIZE, "L").save(path)
    open_page(browser, tmp_path, page_of(mine))
    choose(browser, path)
    expected, _ = mine.preprocessing.presentation.read(path, 1, SIZE)
    np.testing.assert_array_equal(seen(browser), expected)
    click(browser, "invert")
    np.testing.assert_array_equal(seen(browser), 255 - expected)


TRANSFER = """async ({data, kind}) => {
    const bytes = Uint8Array.from(atob(data), sign => sign.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([bytes], `${kind}.png`, {type: "image/png"}));
    const options = {bubbles: true, cancelable: true};
    document.body.dispatchEvent(kind === "drop" ? new DragEvent("drop", {...options, dataTransfer: transfer})
      : new ClipboardEvent("paste", {...options, clipboardData: transfer}));
}"""


@pytest.mark.parametrize("kind", ["drop", "paste"])
def test_what_is_dropped_or_pasted_is_looked_at(browser, tmp_path, kind):
    mine = taking()
    path = tmp_path / "one.png"
    photo(np.random.default_rng(5), 30, 40, "RGB").save(path)
    open_page(browser, tmp_path, page_of(mine))
    ask(browser, TRANSFER, {"data": base64.b64encode(path.read_bytes()).decode(), "kind": kind})
    wait(browser, f"document.getElementById('seen-said').textContent.includes('{kind}.png')")
    np.testing.assert_array_equal(seen(browser), mine.preprocessing.presentation.read(path, 3, SIZE)[0])


def test_until_a_picture_is_there_the_page_invites_to_one(browser, tmp_path):
    open_page(browser, tmp_path, page_of(taking()))
    assert text(browser, "pictures-title") == "A picture"
    assert text(browser, "seen-said").startswith("Nothing yet: choose a picture")
    shown = "[...document.querySelectorAll('.more, #bars i')].filter(part => part.offsetWidth).length"
    assert (browser.evaluate(shown), text(browser, "best")) == (0, "–")


def test_what_is_no_picture_is_said_to_be_none(browser, tmp_path):
    (tmp_path / "one.txt").write_text("no picture")
    open_page(browser, tmp_path, page_of(taking()))
    root = browser.send("DOM.getDocument")["root"]["nodeId"]
    node = browser.send("DOM.querySelector", nodeId=root, selector="#file")["nodeId"]
    browser.send("DOM.setFileInputFiles", files=[str(tmp_path / "one.txt")], nodeId=node)
    wait(browser, "document.getElementById('trouble').textContent")
    assert text(browser, "trouble") == "one.txt: this browser cannot read it as a picture."


def test_the_camera_is_looked_through_until_a_picture_is_kept(browser, tmp_path):
    open_page(browser, tmp_path, page_of(taking()))
    browser.send("Page.bringToFront")
    click(browser, "camera")
    wait(browser, "document.getElementById('seen-said').textContent.startsWith('What the camera sees')")
    assert browser.evaluate("sources.camera.runs")
    click(browser, "keep")
    assert not browser.evaluate("sources.camera.runs")
    assert seen(browser).std() > 0
    assert browser.complaints == browser.asked == []


def test_where_there_is_no_camera_the_page_says_why(browser, tmp_path):
    open_page(browser, tmp_path, page_of(taking()))
    browser.evaluate("Object.defineProperty(navigator, 'mediaDevices', {value: undefined}); 0")
    click(browser, "camera")
    wait(browser, "document.getElementById('trouble').textContent")
    assert text(browser, "trouble").startswith("This browser gives no camera to pages opened in this way")


def test_samples_are_judged_as_they_were(call, trained, browser, tmp_path):
    call("export", trained, "--to", "page", "-o", "page.html")
    open_page(browser, tmp_path, (tmp_path / "page.html").read_bytes())
    samples = browser.evaluate("net.document.samples")
    assert len({sample["truth"] for sample in samples if sample["right"]}) == 10
    assert any(not sample["right"] for sample in samples)
    for n, sample in enumerate(sorted(samples, key=lambda one: not one["right"])):
        browser.evaluate(f"document.querySelectorAll('.samples button')[{n}].click()")
        wait(
            browser, f"document.getElementById('seen-said').textContent.startsWith('Image {sample['name']},')"
        )
        settle(browser)
        assert text(browser, "best") == sample["predicted"]
        assert text(browser, "judged") == (
            "Right." if sample["right"] else f"Wrong: it is {sample['truth']}."
        )
