"""TOML as text: the standard library reads it, and raises more than one thing; it does not write it."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from typing import Any

MOST_PARTS = 128  # of a key: the standard library takes memory by their square, gigabytes for 50 kB of dots

# Texts and comments, in which dots mean nothing; one that is left open goes to its end, so that each sign is
# looked at once. And so many parts joined by dots.
_NO_KEYS = re.compile(
    r""""{3}(?:\\.|[^\\])*?(?:"{3}|\\?\Z)|\'{3}.*?(?:\'{3}|\Z)"""
    r"""|"(?:\\.|[^"\\\n])*+"?|\'[^\'\n]*+\'?|\#[^\n]*+""",
    re.DOTALL,
)
_LONG_KEY = re.compile(rf"(?<![\w-])[\w-]++(?:[ \t]*+\.[ \t]*+[\w-]++){{{MOST_PARTS}}}")


def loads(text: str) -> dict[str, Any]:
    """Return the document that `text` holds, or raise ValueError (TOMLDecodeError where it is no TOML)."""
    if _LONG_KEY.search(_NO_KEYS.sub("x", text)):
        raise ValueError(f"a key of more than {MOST_PARTS} parts is nested too deeply")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise
    except RecursionError:
        raise ValueError("tables or arrays are nested too deeply") from None
    except ValueError:
        raise ValueError("an integer of thousands of digits; those of TOML have 64 bits") from None


def dumps(document: Mapping[str, Any]) -> str:
    """Return a document of tables, lists, texts, numbers and truth values as TOML.

    >>> print(dumps({"data": {"source": "digits"}, "layers": [{"units": 3, "type": "dense"}]}))
    [data]
    source = "digits"
    <BLANKLINE>
    [[layers]]
    type = "dense"
    units = 3
    <BLANKLINE>
    """
    return _table(document, "") + "\n"


def inline(document: Mapping[str, Any]) -> str:
    """Return a document as what stands between the braces of a table in one line.

    >>> inline({"shift": 2, "cutout": {"size": 8, "probability": 0.5}})
    'shift = 2, cutout = { size = 8, probability = 0.5 }'
    """
    return ", ".join(
        f"{key} = {f'{{ {inline(value)} }}' if isinstance(value, Mapping) else _value(value)}"
        for key, value in document.items()
    )


def _table(table: Mapping[str, Any], prefix: str) -> str:
    # `type` says how to read the rest, so it stands first.
    plain = sorted((key for key in table if not _is_table(table[key])), key=lambda key: key != "type")
    lines = [f"{_key(key)} = {_value(table[key])}" for key in plain]
    for key, value in table.items():
        if isinstance(value, Mapping):
            lines += ["", f"[{prefix}{_key(key)}]", _table(value, f"{prefix}{_key(key)}.")]
        elif _is_table(value):
            for item in value:
                lines += ["", f"[[{prefix}{_key(key)}]]", _table(item, f"{prefix}{_key(key)}.")]
    return "\n".join(lines).strip("\n")


def _is_table(value: object) -> bool:
    return isinstance(value, Mapping) or (
        isinstance(value, list) and bool(value) and all(isinstance(item, Mapping) for item in value)
    )


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _text(key)


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _value(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_value(item) for item in value)}]"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value)
