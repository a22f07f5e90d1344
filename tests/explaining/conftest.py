"""Pages of explanations in a browser."""

from __future__ import annotations

import pytest

from convcli.render.explain import FORMATS
from explaining.cases import made


@pytest.fixture
def opened(browser, tmp_path):
    """Return a function that opens the page of a topic, and returns its explanation."""

    def open_(topic, **request):
        shown = made(topic, **request)
        (tmp_path / "page.html").write_bytes(FORMATS["html"](shown))
        browser.open(tmp_path / "page.html")
        return shown

    return open_
