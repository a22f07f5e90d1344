"""Every topic on one input: each takes of a request what it knows, or has its own example instead."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

import numpy as np

from convcli.errors import UsageError
from convcli.explaining.bringing import bring
from convcli.explaining.elements import Explanation
from convcli.explaining.reading import Input, read_input
from convcli.explaining.request import RUN, Request, option_of
from convcli.explaining.topics import TOPICS, Topic, explain

EVERYTHING = "all"
"""What stands for every topic where one is named."""

FILTERS = ("sobel-x", "sobel-y")
"""What lies on an input of any channels where no kernel is given and a topic's own has others."""

_HOW = ("layout", "max_pixels")  # how numbers are read: of no topic


@dataclass(frozen=True, eq=False)
class Chapter:
    """A topic among all, and in a line what of the request it was not made of, and why; empty if of all."""

    topic: Topic
    explanation: Explanation
    said: str = ""


def every(request: Request, most: int) -> tuple[list[Chapter], tuple[str, ...]]:
    """Return all topics, each on as much of a request as fits it, with at most so many steps; and notes.

    What is brought is read once, be it from standard input.

    Raises
    ------
    UsageError
        If something was given that no topic can be made of.
    InputError
        If a file cannot be read.
    """
    request, notes = bring(request)
    given = [name for name in _names() if _is_given(request, name)]
    chapters, used, refused = list[Chapter](), set[str](), dict[str, UsageError]()
    for topic in TOPICS.values():
        taken = [name for name in topic.takes if name in given]
        chapter, of = _chapter(topic, request, taken, refused)
        used |= of
        chapters.append(_cut(chapter, most))
    for name in given:
        if name not in used:
            raise refused.get(name) or UsageError(f"no topic takes {option_of(name)}.")
    return chapters, notes


def _chapter(
    topic: Topic, request: Request, taken: list[str], refused: dict[str, UsageError]
) -> tuple[Chapter, set[str]]:
    """Return a topic made of what can be taken of a request, and the names of that."""
    wanting = [
        name for name in ("input", "model") if getattr(request, name) is not None and name not in taken
    ]
    reason = f"it takes no {option_of(wanting[0])}" if wanting else ""
    for asked, words in _ways(topic, request, taken):
        of = {name for name in taken if _is_given(asked, name)}
        try:
            shown = explain(topic.name, asked)
        except UsageError as error:
            if not of:
                raise
            reason = reason or str(error)
            for name in of:
                refused.setdefault(name, error)
            continue
        return Chapter(topic, shown, f"{words} ({_clause(reason)})" if words else ""), of
    raise AssertionError("the last way is a topic's own example")


def _ways(topic: Topic, request: Request, taken: list[str]) -> Iterator[tuple[Request, str]]:
    """Yield what of a request a topic is asked with, the most first, and in words what is missing then."""
    source = [name for name in taken if name in ("input", *RUN)]
    sourced = source or (request.input is None and request.model is None)
    yield _only(request, taken), "" if sourced else "on its own example"
    if "input" in taken and "kernels" in topic.takes and not request.kernels:
        words = f"with {' and '.join(FILTERS)} as filters, for its own do not fit"
        yield replace(_only(request, taken), kernels=FILTERS), words
    first = _first_channel(request) if "input" in taken else None
    if first is not None:
        yield replace(_only(request, taken), input=first), "on the input's first channel"
    left = [option_of(name) for name in taken if name not in source]
    if source and left:
        yield _only(request, source), f"without {', '.join(left)}"
        if first is not None:
            words = f"on the input's first channel, without {', '.join(left)}"
            yield replace(_only(request, source), input=first), words
    if taken:
        yield _only(request, []), "on its own example"


def _first_channel(request: Request) -> Input | None:
    """Return the first channel of an input of several that is no photo, which has one way to be grey."""
    try:
        found = read_input(request.input, max_pixels=request.max_pixels)  # type: ignore[arg-type]
    except UsageError:
        return None
    if found.volume.shape[2] == 1 or found.photo is not None:
        return None
    return replace(found, volume=np.ascontiguousarray(found.volume[:, :, :1]))


def _names() -> list[str]:
    return [field.name for field in fields(Request) if field.name not in _HOW]


def _is_given(request: Request, name: str) -> bool:
    value = getattr(request, name)
    return value is not None and not (isinstance(value, tuple) and not value)


def _only(request: Request, names: list[str]) -> Request:
    empty = Request()
    others = {name: getattr(empty, name) for name in _names() if name not in names}
    return replace(request, **others)


def _clause(reason: str) -> str:
    """Return the first line of a reason; folders that it names are nobody's who reads a page."""
    return re.sub(r"(?<![\w.])/(?:[^/\s:]+/)+", "", reason.splitlines()[0].rstrip(".")) if reason else ""


def _cut(chapter: Chapter, most: int) -> Chapter:
    count = len(chapter.explanation.steps)
    if count <= most:
        return chapter
    cut = f"the first {most} of {count} steps"
    said = f"{chapter.said}; {cut}" if chapter.said else cut
    return replace(chapter, explanation=chapter.explanation.only(range(most)), said=said)
