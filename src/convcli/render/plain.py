"""Text from outside, such as the names of files and classes, so that it cannot steer a terminal."""

from __future__ import annotations


def printable(text: str) -> str:
    """Return `text` with control characters spelled out.

    >>> printable("two\\nlines"), printable("red \\x1b[31m")
    ('two\\nlines', 'red \\\\x1b[31m')
    """
    return "".join(
        sign if sign.isprintable() or sign == "\n" else sign.encode("unicode_escape").decode()
        for sign in text
    )
