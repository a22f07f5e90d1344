"""The page of a run in a browser: the network answers as it does in Python, and nothing leaves the page."""

from __future__ import annotations

import numpy as np
import pytest

import convcli
from chromium import MARKS
from convcli.interchange.rounding import restored, rounded
from interchange.networks import images_for
from render.page.browsing import ask

pytestmark = MARKS

PREDICT = "images => images.map(pixels => [...net.run(net.prepare(pixels)).probabilities])"


@pytest.mark.parametrize("precision", ["float32", "float16", "int8"])
def test_it_answers_as_the_run_does_and_nothing_leaves_it(call, trained, tmp_path, browser, precision):
    call("export", trained, "--to", "page", "--weights", precision, "-o", "page.html")
    browser.open(tmp_path / "page.html")
    model = convcli.load_run(trained)
    images, kept = images_for(model, 100), restored(model, rounded(model, precision))
    told = ask(browser, PREDICT, [image.ravel().tolist() for image in images])
    np.testing.assert_allclose(np.array(told), kept.predict(images), atol=1e-5)
    asked = [event for event in browser.events if event.get("method") == "Network.requestWillBeSent"]
    schemes = {event["params"]["request"]["url"].partition(":")[0] for event in asked}
    assert schemes <= {"file", "data", "blob"}
    complaints = ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")
    assert [event for event in browser.events if event.get("method") in complaints] == []
