"""Explanations as files: a function a format, explanation in, bytes out. A new one is a file and a line."""

from __future__ import annotations

from collections.abc import Callable

from convcli.explain.figure import Explanation
from convcli.registry import Registry
from convcli.render.explain.documents import json
from convcli.render.explain.html import html
from convcli.render.explain.latex import latex
from convcli.render.explain.markdown import markdown
from convcli.render.explain.pictures import gif, png, svg

FORMATS: Registry[Callable[[Explanation], bytes]] = Registry("format")
for function in (svg, png, gif, html, markdown, latex, json):
    FORMATS.register(function.__name__)(function)
