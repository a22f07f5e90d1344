"""`convcli explain all`: every topic on one input, as a folder of pages or of files, or on the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from convcli.cli.output import console, note, out, own_words_only
from convcli.errors import UsageError
from convcli.files import is_stdout

if TYPE_CHECKING:
    from convcli.explaining import Request
    from convcli.explaining.everything import Chapter

ENDINGS = {"markdown": "md", "latex": "tex"}
"""Of a format's files, where it is not the format's own name."""


def check(folders: Mapping[str, str], inputs: Sequence[Path], *, force: bool) -> None:
    """Refuse, before anything is computed, what could not or must not be written."""
    from convcli.files import identities, judge_folder

    kept = identities(inputs)
    for name, folder in folders.items():
        if is_stdout(folder):
            raise UsageError(f"all makes a folder of files: name one, such as --{name} course.")
        judge_folder(Path(folder), _names(name), force=force, inputs=kept)


def show_all(request: Request, folders: Mapping[str, str], most: int, *, force: bool) -> None:
    """Show every topic on the terminal, or write them all."""
    from convcli.explaining.everything import every
    from convcli.files import write_folder

    with own_words_only():
        chapters, notes = every(request, most)
    note(notes)
    for chapter in chapters:
        said = [chapter.said] if chapter.said else []
        note(f"{chapter.topic.name}: {words}" for words in (*said, *chapter.explanation.notes))
    if not folders:
        return _on_terminal(chapters)
    made = {name: _files(name, chapters) for name in folders}
    for name, files in made.items():
        write_folder(Path(folders[name]), files, force=force)
        size = sum(map(len, files.values()))
        first = Path(folders[name], "index.html") if name == "html" else Path(folders[name])
        out(f"{first}  {len(files)} files, {size / 1000:.3g} kB, {len(chapters)} topics")
    return None


def _names(name: str) -> list[str]:
    from convcli.explaining import TOPICS
    from convcli.render.explain import course

    if name == "html":
        return course.names(list(TOPICS))
    return [_file(topic, name) for topic in TOPICS]


def _file(topic: str, name: str) -> str:
    return f"{topic}.{ENDINGS.get(name, name)}"


def _files(name: str, chapters: Sequence[Chapter]) -> dict[str, bytes]:
    from convcli.render.explain import FORMATS
    from convcli.render.explain.course import course

    if name == "html":
        return course(chapters)
    return {_file(chapter.topic.name, name): FORMATS[name](chapter.explanation) for chapter in chapters}


def _on_terminal(chapters: Sequence[Chapter]) -> None:
    from convcli.render.explain.terminal import show

    for n, chapter in enumerate(chapters):
        if n:
            out("")
        show(console(), chapter.explanation, full=False)
