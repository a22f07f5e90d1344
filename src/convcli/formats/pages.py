"""What all pages need: their template, and what is from outside, which cannot become a part of them."""

from __future__ import annotations

import json
from functools import cache
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

from convcli.wording import printable


def page(package: str, **parts: str) -> bytes:
    """Return the page that lies in a package as `page.html`, with `parts` in their places.

    They are filled in all at once: what a part holds is never taken for a place, whatever a file is called.
    """
    return _template(package).substitute(parts).encode()


@cache
def _template(package: str) -> Template:
    return Template(source(package, "page.html"))


@cache
def source(package: str, *names: str) -> str:
    """Return scripts or style sheets that lie in a package, one after the other: a part for `page`."""
    return "\n".join((files(package) / name).read_text("utf-8") for name in names)


def escaped(text: str) -> str:
    """Return `text` as it stands on a page of HTML, in an attribute too.

    >>> escaped("<b>"), escaped("\\x07")
    ('&lt;b&gt;', '\\\\x07')
    """
    return escape(printable(text))


def embedded(value: Any) -> str:
    """Return plain JSON as it stands in a page's script element, which no text in it can end.

    >>> embedded({"class": "</script>"})
    '{"class":"\\\\u003c/script>"}'
    """
    return json.dumps(value, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
