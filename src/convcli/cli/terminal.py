"""Which terminal this is: by what its environment says, and by what it answers when it is asked."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple, TypeAlias

import typer

from convcli.errors import UsageError

if TYPE_CHECKING:
    from convcli.render.screen import Screen

Protocol: TypeAlias = Annotated[
    Literal["auto", "kitty", "sixel", "iterm", "blocks", "text"],
    typer.Option(
        "--protocol",
        help="How pictures get to the terminal: as pixels by the protocol of kitty, sixel or iTerm2, as "
        "half-blocks in colour, or as plain characters. auto: the best that the terminal knows; text where "
        "there is none.",
    ),
]

SECONDS = 0.25
"""How long a terminal has to answer. One that knows nothing of the question answers its end at once."""

PROMPT_LINES = 3  # left free below a picture: its name, and the prompt
UNLIMITED = 10_000  # lines of what is no terminal

# Kitty's question by a picture of one pixel that is not shown, the size of a character in pixels, and what
# any terminal answers: its attributes, of which 4 is sixels.
QUESTION = b"\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\\x1b[16t\x1b[c"
_END = re.compile(rb"\x1b\[\?([\d;]*)c")
_CELL = re.compile(rb"\x1b\[6;(\d{1,3});(\d{1,3})t")


class Answer(NamedTuple):
    """What a terminal has answered: whether it knows kitty's pictures and sixels, a character's pixels."""

    kitty: bool = False
    sixel: bool = False
    cell: tuple[int, int] | None = None

    @classmethod
    def of(cls, reply: bytes) -> Answer:
        """Return what a reply to `QUESTION` says.

        >>> Answer.of(b"\\x1b_Gi=31;OK\\x1b\\\\\\x1b[6;36;18t\\x1b[?62;4;22c")
        Answer(kitty=True, sixel=True, cell=(36, 18))
        """
        end, cell = _END.search(reply), _CELL.search(reply)
        size = (int(cell[1]), int(cell[2])) if cell else (0, 0)
        return cls(
            kitty=b"\x1b_Gi=31;OK" in reply,
            sixel=end is not None and b"4" in end[1].split(b";")[1:],
            cell=size if min(size) > 0 else None,
        )


def check_protocol(protocol: str, *, show: bool) -> None:
    """Refuse a protocol for what is not shown."""
    if protocol != "auto" and not show:
        raise UsageError("--protocol goes with --show.")


def screen(protocol: str, *, width: int | None = None, height: int | None = None) -> Screen:
    """Return what pictures are shown on: as asked for, or as standard output turns out to be.

    `width` and `height`, in characters, are the terminal's own unless given.
    """
    from convcli.render.screen import Screen

    is_terminal = sys.stdout.isatty()
    size = get_terminal_size()
    lines = max(size.lines - PROMPT_LINES, 1) if is_terminal else UNLIMITED
    environment, answer = os.environ, Answer()
    if is_terminal and protocol not in ("blocks", "text") and _understands(environment):
        answer = asked()
    if protocol == "auto":
        protocol = chosen(environment, answer, is_terminal=is_terminal, encoding=sys.stdout.encoding or "")
    return Screen(
        protocol,
        columns=width or size.columns,
        lines=height or lines,
        cell=answer.cell or (20, 10),
        many_colours=has_many_colours(environment),
    )


def chosen(environment: Mapping[str, str], answer: Answer, *, is_terminal: bool, encoding: str) -> str:
    """Return the protocol that suits what is known of a terminal.

    >>> chosen({"TERM": "xterm-256color"}, Answer(sixel=True), is_terminal=True, encoding="utf-8")
    'sixel'
    >>> chosen({"TERM": "xterm-256color"}, Answer(), is_terminal=True, encoding="utf-8")
    'blocks'
    """
    if not is_terminal or _is_plain(environment):
        return "text"
    program = environment.get("TERM_PROGRAM", "")
    within = "TMUX" in environment or environment.get("TERM", "").startswith(("screen", "tmux"))
    if not within:  # whose own screen the terminal's pictures would not get to
        if answer.kitty or environment.get("TERM") in ("xterm-kitty", "xterm-ghostty"):
            return "kitty"
        if program == "iTerm.app" or environment.get("LC_TERMINAL") == "iTerm2":
            return "iterm"
    if answer.sixel:
        return "sixel"
    try:
        "▀".encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return "text"
    return "blocks"


def _is_plain(environment: Mapping[str, str]) -> bool:
    """Whether nothing but characters is wanted."""
    if environment.get("NO_COLOR"):
        return True
    return "WT_SESSION" not in environment and environment.get("TERM", "") in ("dumb", "")


def _understands(environment: Mapping[str, str]) -> bool:
    """Whether a terminal passes over questions that it does not know, rather than to write them out."""
    odd = environment.get("TERM", "").startswith(("linux", "vt", "cons"))
    return not (odd or _is_plain(environment) or environment.get("TERM_PROGRAM") == "Apple_Terminal")


def has_many_colours(environment: Mapping[str, str]) -> bool:
    """Whether a terminal shows any colour, rather than those of a palette.

    >>> has_many_colours({"COLORTERM": "truecolor"}), has_many_colours({"TERM": "xterm-256color"})
    (True, False)
    """
    if "WT_SESSION" in environment or environment.get("COLORTERM", "").lower() in ("truecolor", "24bit"):
        return True
    return environment.get("TERM", "").endswith(("-direct", "-kitty", "-ghostty"))


def asked(seconds: float = SECONDS) -> Answer:
    """Return what the terminal of this process answers in time; nothing if it is another's just now."""
    try:
        import termios  # not on Windows

        terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
    except (ImportError, OSError):
        return Answer()
    try:
        with suppress(OSError, termios.error):
            if os.tcgetpgrp(terminal) == os.getpgrp():  # or asking would stop this process
                return Answer.of(reply_of(terminal, seconds))
    finally:
        os.close(terminal)
    return Answer()


def reply_of(terminal: int, seconds: float) -> bytes:
    """Return what an open terminal replies to `QUESTION` within some seconds, which nobody sees.

    Raises `OSError` or `termios.error` if it is no terminal.
    """
    import select
    import termios
    import tty

    before = termios.tcgetattr(terminal)
    reply, until = b"", time.monotonic() + seconds
    try:
        tty.setcbreak(terminal)
        os.write(terminal, QUESTION)
        while not _END.search(reply) and (left := until - time.monotonic()) > 0:
            if select.select([terminal], [], [], left)[0]:
                reply += os.read(terminal, 1024)
    finally:
        # What comes late would stand behind the prompt, as if it had been typed.
        termios.tcsetattr(terminal, termios.TCSADRAIN if _END.search(reply) else termios.TCSAFLUSH, before)
    return reply
