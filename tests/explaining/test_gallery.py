"""The gallery shows what its commands make."""

from __future__ import annotations

import importlib.util
import re
import sys

import pytest

from conftest import ROOT
from convcli.explaining import TOPICS


def script():
    specification = importlib.util.spec_from_file_location("gallery", ROOT / "docs" / "gallery.py")
    module = importlib.util.module_from_spec(specification)
    sys.modules["gallery"] = module  # where dataclasses look themselves up
    specification.loader.exec_module(module)
    return module


GALLERY = script()


def without_pixels(svg):
    """Return an SVG's text; how pixels are packed differs from one version of Pillow to the next."""
    return re.sub(r'href="data:[^"]*"', "", svg)


@pytest.mark.parametrize("figure", GALLERY.FIGURES, ids=lambda figure: figure.name)
def test_no_figure_is_stale(figure, tmp_path):
    GALLERY.draw(figure, str(tmp_path))
    now = (tmp_path / f"{figure.name}.svg").read_text("utf-8")
    stored = (ROOT / GALLERY.PICTURES / f"{figure.name}.svg").read_text("utf-8")
    assert without_pixels(stored) == without_pixels(now), "run `python docs/gallery.py`"


def without_last_digits(page):
    """Return a page whose long decimals have nine digits; the last ones are one processor's exp and sum."""
    return re.sub(r"-?\d+\.\d{9,}(?:e[-+]\d+)?", lambda found: f"{float(found[0]):.9g}", page)


def test_the_live_page_is_not_stale(tmp_path):
    GALLERY.run(f"convcli explain {GALLERY.LIVE} {tmp_path}/live.html")
    now, stored = (tmp_path / "live.html").read_text("utf-8"), (ROOT / "docs/live.html").read_text("utf-8")
    assert without_last_digits(stored) == without_last_digits(now), "run `python docs/gallery.py`"


def test_the_page_is_what_the_script_writes():
    assert GALLERY.TARGET.read_text("utf-8") == GALLERY.page(), "run `python docs/gallery.py`"


def test_every_topic_has_a_figure_and_all_are_small():
    assert {figure.command.split()[0] for figure in GALLERY.FIGURES} == set(TOPICS)
    names = {path.name for path in (ROOT / GALLERY.PICTURES).iterdir()}
    shown = {f"{figure.name}.svg" for figure in GALLERY.FIGURES} | {
        f"{figure.name}.gif" for figure in GALLERY.FIGURES if figure.animated
    }
    assert names == shown
    assert all((ROOT / GALLERY.PICTURES / name).stat().st_size < 200_000 for name in names)
