"""What all pages need: their template, and text from outside that cannot become a part of them."""

from __future__ import annotations

from functools import cache
from html import escape
from importlib.resources import files
from string import Template

from convcli.wording import printable


def page(package: str, **parts: str) -> bytes:
    """Return the page that lies in a package as `page.html`, with `parts` in their places.

    They are filled in all at once: what a part holds is never taken for a place, whatever a file is called.
    """
    return _template(package).substitute(parts).encode()


@cache
def _template(package: str) -> Template:
    return Template((files(package) / "page.html").read_text("utf-8"))


def escaped(text: str) -> str:
    """Return `text` as it stands on a page of HTML, in an attribute too.

    >>> escaped("<b>"), escaped("\\x07")
    ('&lt;b&gt;', '\\\\x07')
    """
    return escape(printable(text))
