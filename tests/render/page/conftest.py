"""A browser with the engine's scripts, and the networks that go through it."""

from __future__ import annotations

import pytest

from interchange.networks import case_models
from render.page.browsing import open_scripts


@pytest.fixture(scope="module")
def scripts(browser, tmp_path_factory):
    """Return a browser with the engine's scripts."""
    return open_scripts(browser, tmp_path_factory.mktemp("page"))


@pytest.fixture(scope="session")
def models():
    """Return the network of each of `CASES`."""
    return dict(case_models())
