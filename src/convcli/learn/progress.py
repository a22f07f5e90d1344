"""What somebody has answered: a small file of JSON, read with care and written whole."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from convcli import files
from convcli.errors import InputError, reason
from convcli.learn.lesson import LESSONS, Lesson
from convcli.wording import shown

VERSION = 1
MOST_BYTES = 2**20


@dataclass
class Progress:
    """How often each kind of exercise was answered rightly and wrongly.

    Attributes
    ----------
    place
        Where it is kept.
    counts
        (right, wrong) by the lesson's name and the kind's.
    """

    place: Path
    counts: dict[str, dict[str, tuple[int, int]]] = field(default_factory=dict)

    def add(self, lesson: Lesson, kind: str, *, right: bool) -> None:
        """Count an answer."""
        own = self.counts.setdefault(lesson.name, {})
        rights, wrongs = own.get(kind, (0, 0))
        own[kind] = (rights + right, wrongs + (not right))

    def done(self, lesson: Lesson) -> list[str]:
        """Return the kinds of a lesson that were answered rightly at least once."""
        own = self.counts.get(lesson.name, {})
        return [kind for kind in lesson.kind if own.get(kind, (0, 0))[0]]

    def open(self, lesson: Lesson) -> list[str]:
        """Return the kinds that were not."""
        done = self.done(lesson)
        return [kind for kind in lesson.kind if kind not in done]

    def document(self, lessons: Iterable[Lesson]) -> dict[str, object]:
        """Return it as plain JSON."""
        return {
            "progress": str(self.place),
            "lessons": [
                {
                    "number": lesson.number,
                    "name": lesson.name,
                    "title": lesson.title,
                    "topic": lesson.topic,
                    "exercises": {
                        kind: dict(
                            zip(
                                ("right", "wrong"),
                                self.counts.get(lesson.name, {}).get(kind, (0, 0)),
                                strict=True,
                            )
                        )
                        for kind in lesson.kind
                    },
                    "done": not self.open(lesson),
                }
                for lesson in lessons
            ],
        }

    def write(self) -> None:
        """Write the file, whole or not at all, or raise `OutputError`."""
        lessons = {
            lesson: {kind: list(pair) for kind, pair in own.items()} for lesson, own in self.counts.items()
        }
        data = json.dumps({"convcli": "progress", "version": VERSION, "lessons": lessons}, indent=1) + "\n"
        if self.place == usual_place():
            files.make_folder(self.place.parent)
        files.write(self.place, data.encode(), force=True)


def usual_place() -> Path:
    """Return where progress is kept unless somebody says otherwise: beside the state of other programs."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
    else:
        base = os.environ.get("XDG_STATE_HOME") or ""
        if not os.path.isabs(base):  # as the XDG specification has it: others are to be ignored  # noqa: PTH117
            base = str(Path.home() / ".local" / "state")
    return Path(base) / "convcli" / "progress.json"


def read_progress(place: Path) -> Progress:
    """Return what a file holds; nothing if there is none.

    Raises
    ------
    InputError
        If it is damaged, or no such file; what is unknown in one of a newer convcli is refused, too, for it
        would be lost.
    """
    try:
        with place.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        return Progress(place)
    except (OSError, ValueError) as error:
        raise InputError(f"{shown(place)}: progress cannot be read ({reason(error)}).") from error
    return Progress(place, _counts(data, place))


def _counts(data: bytes, place: Path) -> dict[str, dict[str, tuple[int, int]]]:
    try:
        if len(data) > MOST_BYTES:
            raise ValueError("it is too large")
        document = json.loads(data)
        if not isinstance(document, dict) or document.get("convcli") != "progress":
            raise ValueError("it does not say that it is one")
        if document.get("version") != VERSION:
            raise ValueError(f"its version is not {VERSION}")
        return {
            str(lesson): {str(kind): _pair(pair) for kind, pair in own.items()}
            for lesson, own in document["lessons"].items()
            if lesson in LESSONS
        }
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
        why = str(error) if type(error) is ValueError else "it is damaged"
        raise InputError(
            f"{shown(place)}: expected a progress file of convcli, and {why}.",
            "Move it away, or name another place with --progress FILE.",
        ) from error


def _pair(found: object) -> tuple[int, int]:
    if not (
        isinstance(found, list) and len(found) == 2 and all(type(n) is int and 0 <= n < 10**9 for n in found)
    ):
        raise ValueError("a count in it is none")
    return found[0], found[1]
