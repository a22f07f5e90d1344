"""A report as a page, as pictures, and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convcli.render.report.document import document
from convcli.render.report.html import html
from convcli.render.report.png import png
from convcli.render.report.sections import headline, sections

if TYPE_CHECKING:
    from convcli.report import Report

__all__ = ["document", "figures", "page"]


def page(report: Report, live: str | None = None) -> bytes:
    """Return the page; `live` is the file beside it in which the network itself runs, if there is one."""
    return html(report.record.name, headline(report), tuple(sections(report)), live)


def figures(report: Report) -> dict[str, bytes]:
    """Return a PNG of each section of the page, by its name."""
    return {section.name: png(section) for section in sections(report)}
