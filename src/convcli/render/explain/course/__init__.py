"""All topics as pages that lie in one folder: an index, and from each page a way to the ones beside it."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from convcli.explaining.everything import Chapter
from convcli.formats.pages import escaped, page
from convcli.render.drawing.palette import custom_properties
from convcli.render.explain.html import course_page
from convcli.wording import counted

INDEX = "index.html"


def names(topics: Sequence[str]) -> list[str]:
    """Return the names of the files of a course, the index last: it is whole when it is there."""
    return [*map(_file, topics), INDEX]


def course(chapters: Sequence[Chapter]) -> dict[str, bytes]:
    """Return the pages by their names."""
    pages = {}
    for n, chapter in enumerate(chapters):
        before = chapters[n - 1] if n else None
        after = chapters[n + 1] if n + 1 < len(chapters) else None
        pages[_file(chapter.topic.name)] = course_page(chapter.explanation, _links(before, after))
    pages[INDEX] = page(
        __package__,
        colours=custom_properties(),
        count=counted(len(chapters), "topic"),
        steps=counted(sum(len(chapter.explanation.steps) for chapter in chapters), "step"),
        topics="\n".join(map(_entry, chapters)),
    )
    return pages


def _file(topic: str) -> str:
    return f"{topic}.html"


def _links(before: Chapter | None, after: Chapter | None) -> str:
    parts = [] if before is None else [_link(before, "prev", f"← {before.topic.name}")]
    parts.append(f'<a href="{INDEX}">All topics</a>')
    parts += [] if after is None else [_link(after, "next", f"{after.topic.name} →")]
    return f'<nav class="course" aria-label="Topics">{"".join(parts)}</nav>\n'


def _link(chapter: Chapter, relation: str, words: str) -> str:
    return f'<a rel="{relation}" href="{quote(_file(chapter.topic.name))}">{escaped(words)}</a>'


def _entry(chapter: Chapter) -> str:
    """Return a topic of the index: what it shows, what it is made of where that is not all, and its steps."""
    file, shown = quote(_file(chapter.topic.name)), chapter.explanation
    steps = "".join(
        f'<li><a href="{file}#step-{n}">{escaped(step.title)}</a></li>'
        for n, step in enumerate(shown.steps, 1)
    )
    said = f'<p class="said">{escaped(chapter.said)}</p>' if chapter.said else ""
    head = (
        f'<h2><a href="{file}">{escaped(chapter.topic.name)}</a></h2><p>{escaped(chapter.topic.summary)}</p>'
    )
    listed = f"<details><summary>{counted(len(shown.steps), 'step')}</summary><ol>{steps}</ol></details>"
    return f'<li>{head}<p class="title">{escaped(shown.title)}</p>{said}{listed}</li>'
