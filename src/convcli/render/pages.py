"""What all pages need: their template, and text from outside that cannot become a part of them."""

from __future__ import annotations

from functools import cache
from html import escape
from importlib.resources import files

from convcli.render.plain import printable


@cache
def template(package: str) -> str:
    """Return the page that lies in a package as `page.html`."""
    return (files(package) / "page.html").read_text("utf-8")


def escaped(text: str) -> str:
    """Return `text` as it stands on a page of HTML, in an attribute too.

    >>> escaped("<b>"), escaped("\\x07")
    ('&lt;b&gt;', '\\\\x07')
    """
    return escape(printable(text))
