"""Words for people: names and texts from outside, lists of them, counts, sizes, bytes."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

LONGEST = 80  # signs of something foreign that a message repeats
_USER = re.compile(
    r"(?<=http)://[^\s/?#]*@|(?<=https)://[^\s/?#]*@|(?<=\w)://[^\s/?#@:]*:(?!\d*/)[^\s\"@]*@", re.IGNORECASE
)
_QUERY = re.compile(r"(https?://[^?\n]*)\?([^\s\"]*)", re.IGNORECASE)
_SECRET = re.compile(r"(?:signature|credential|token|secret|passw|key|accessid|\bsig)[^=&]*=", re.IGNORECASE)
_NAME_PART = re.compile(r"[^./\\_-]*[./\\_-]+|[^./\\_-]+")


def shown(name: str | os.PathLike[str]) -> str:
    """Return the name of a file, or any text, on one line: what is no printable text is spelled out.

    Neither control characters pass nor what turns the order of signs around, nor the secrets of an address.

    >>> shown("photo [1].png"), shown("two\\nlines\\x1b[31m"), shown(os.fsdecode(b"caf\\xe9.png"))
    ('photo [1].png', 'two\\\\nlines\\\\x1b[31m', 'caf\\\\xe9.png')
    """
    text = without_secrets(os.fspath(name))
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else _spelled_out(sign) for sign in text)


def without_secrets(text: str) -> str:
    """Return `text` without what gives access in its addresses: user and password, and a signed query.

    A name alone before @ is a secret of the web only, where a query may be signed, too: elsewhere it is a
    user's or a container's, and ? a sign like others.

    >>> without_secrets("s3://key:secret@bucket/a.jpg"), without_secrets("abfs://photos@account/a.jpg")
    ('s3://bucket/a.jpg', 'abfs://photos@account/a.jpg')
    >>> without_secrets("https://token@host/a.jpg"), without_secrets("s3://photos/what?token=5.jpg")
    ('https://host/a.jpg', 's3://photos/what?token=5.jpg')
    >>> without_secrets("https://host/a.jpg?X-Amz-Signature=0f: no such object, https://host/b.jpg?size=9")
    'https://host/a.jpg: no such object, https://host/b.jpg?size=9'
    """
    if "://" not in text:
        return text
    return _QUERY.sub(_unsigned, _USER.sub("://", text))


def _unsigned(found: re.Match[str]) -> str:
    address, query = found.groups()
    if not _SECRET.search(query):
        return found.group()
    return address + query[len(query.rstrip(":,;.)]}'>")) :]


def _spelled_out(sign: str) -> str:
    byte = ord(sign) - 0xDC00  # as Python keeps a byte that is no text
    return f"\\x{byte:02x}" if 0x80 <= byte <= 0xFF else sign.encode("unicode_escape").decode()


def printable(text: str) -> str:
    """Return `text`, which may have several lines, with control characters spelled out.

    >>> printable("two\\nlines"), printable("red \\x1b[31m")
    ('two\\nlines', 'red \\\\x1b[31m')
    """
    return "".join(
        sign if sign.isprintable() or sign == "\n" else sign.encode("unicode_escape").decode()
        for sign in text
    )


def breakable(word: str) -> list[str]:
    """Return the parts of a long word, such as a file's name, between which a line may end.

    >>> breakable("photos/holiday.camera-roll_2.jpg")
    ['photos/', 'holiday.', 'camera-', 'roll_', '2.', 'jpg']
    """
    return _NAME_PART.findall(word)


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return the end of an error message that helps with a misspelt `word`.

    >>> suggestion("optimzer", ["optimizer", "epochs"])
    " Did you mean 'optimizer'?"
    >>> suggestion("xyz", ["a", "b"])
    ' Known: a, b.'
    """
    names = list(known)
    close = get_close_matches(word.lower(), names, n=1, cutoff=0.6)
    if close:
        return f" Did you mean {close[0]!r}?"
    return f" Known: {first_of([shortened(name, LONGEST // 2) for name in names])}." if names else ""


def shortened(text: str, most: int = LONGEST) -> str:
    """Return `text`, or its beginning if it is too long to be repeated in a message."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def first_of(names: Sequence[str], most: int = 12) -> str:
    """Return names, the first ones of many.

    >>> first_of(["a", "b"]), first_of(["a", "b"], 1)
    ('a, b', 'a, …')
    """
    return ", ".join(names[:most]) + (", …" if len(names) > most else "")


def listed(names: Sequence[str], most: int = 12) -> str:
    """Return the names as a person reads them, cut where there are too many for a message."""
    some = ", ".join(repr(name) for name in names[:most])
    return some if len(names) <= most else f"{some} and {len(names) - most:,} more"


def counted(count: int, thing: str) -> str:
    """Return `1 filter`, `2 filters`."""
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


def by(sizes: Iterable[float]) -> str:
    """Return sizes as one says them.

    >>> by((28, 28, 1)), by((0.5, -1.0))
    ('28 × 28 × 1', '0.5 × −1')
    """
    return " × ".join(map(signed, sizes))


def signed(number: float) -> str:
    """Return a number with a proper minus sign.

    >>> signed(-3), signed(0.5)
    ('−3', '0.5')
    """
    text = str(int(number)) if number % 1 == 0 else f"{number:g}"
    return text.replace("-", "−")


def short_pair(values: Sequence[float]) -> str:
    """Return one number where both axes have the same.

    >>> short_pair((3, 3)), short_pair((3, 5)), short_pair((-0.5, -0.5))
    ('3', '3 × 5', '−0.5')
    """
    return signed(values[0]) if values[0] == values[1] else by(values)


def memory(count: int) -> str:
    """Return a number of bytes in the unit that suits it.

    >>> memory(144), memory(25088), memory(3 << 30)
    ('144 B', '24.5 KiB', '3 GiB')
    """
    power = min(int(math.log2(count)) // 10, 4) if count else 0
    if power == 0:
        return f"{count} B"
    text = f"{count / 1024**power:.1f}".removesuffix(".0")
    return f"{text} {('KiB', 'MiB', 'GiB', 'TiB')[power - 1]}"


def relative_error(value: float) -> str:
    """Return a relative error: two digits are enough.

    >>> relative_error(0.0), relative_error(3.21e-11)
    ('0', '3.2e-11')
    """
    return f"{value:.1e}" if value else "0"
