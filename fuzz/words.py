"""Changes of texts by words: most changes of letters only make a word unknown, which nothing looks behind."""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random

from convcli.kernels import KERNELS
from convcli.nn.activations import ACTIVATIONS
from convcli.nn.augmentation import AUGMENTATIONS
from convcli.nn.config import PARTS

WORD = re.compile(rb'"[^"\n]*"|[\w.+-]+')

_PARTS = {name: part for parts in (*PARTS.values(), AUGMENTATIONS) for name, part in parts.items()}
_NAMES = {*_PARTS, *KERNELS, *ACTIVATIONS, "valid", "same", "full", "digits"}
KNOWN = sorted(
    {f'"{name}"'.encode() for name in _NAMES}
    | {key.encode() for part in _PARTS.values() for key in part.model_fields}
)
ODD = [
    *(b"0", b"-1", b"1", b"2", b"3", b"7", b"1000", b"1e308", b"-0.0", b"nan", b"inf", b"true", b'""'),
    *(b"2147483648", b"9223372036854775807", b"9" * 30, b"9" * 5000, b"[]", b"{}", b"[3, 1]"),
    *(b"[[1, 2], [0, 1]]", b"1979-05-27", b'"\\u0000"', b'"@file"', b'"1 0; 0 -1"', b"[" * 500),
]


def with_another_word(text: bytes, rng: Random, change: Callable[[bytes], bytes]) -> bytes:
    """Return `text` with one of its words replaced by a known word, by an odd one, or by its `change`."""
    places = [match.span() for match in WORD.finditer(text)]
    if not places:
        return change(text)
    start, end = rng.choice(places)
    word = rng.choice([rng.choice(KNOWN), rng.choice(ODD), change(text[start:end])])
    return text[:start] + word + text[end:]
