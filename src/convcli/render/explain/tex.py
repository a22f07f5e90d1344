"""Lines of Unicode mathematics as LaTeX has them: words as text, numbers as numbers, quantities as such."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from itertools import groupby
from typing import Literal, NamedTuple, TypeAlias

from convcli.wording import printable

_ESCAPED = {sign: f"\\{sign}" for sign in "{}$%&#_"}
# fmt: off
_GREEK = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "varepsilon", "ζ": "zeta", "η": "eta",
    "θ": "theta", "κ": "kappa", "λ": "lambda", "μ": "mu", "ν": "nu", "ξ": "xi", "π": "pi", "ρ": "rho",
    "σ": "sigma", "τ": "tau", "φ": "varphi", "χ": "chi", "ψ": "psi", "ω": "omega", "Γ": "Gamma",
    "Δ": "Delta", "Θ": "Theta", "Λ": "Lambda", "Π": "Pi", "Φ": "Phi", "Ψ": "Psi", "Ω": "Omega",
}
# fmt: on
_MATHEMATICS = {
    **_ESCAPED,
    **{sign: f"\\{name} " for sign, name in _GREEK.items()},
    "\\": r"\backslash ",
    "~": r"\sim ",
    "−": "-",
    "·": r"\cdot ",
    "×": r"\times ",
    "*": r"\ast ",
    "∗": r"\ast ",
    "⊙": r"\odot ",
    "∘": r"\circ ",
    "÷": r"\div ",
    "±": r"\pm ",
    "→": r"\to ",
    "←": r"\leftarrow ",
    "⇒": r"\Rightarrow ",
    "↦": r"\mapsto ",
    "⌊": r"\lfloor ",
    "⌋": r"\rfloor ",
    "⌈": r"\lceil ",
    "⌉": r"\rceil ",
    "′": "'",
    "∂": r"\partial ",
    "∇": r"\nabla ",
    "Σ": r"\sum ",
    "∑": r"\sum ",
    "∏": r"\prod ",
    "∞": r"\infty ",
    "∈": r"\in ",
    "≠": r"\neq ",
    "≤": r"\leq ",
    "≥": r"\geq ",
    "≈": r"\approx ",
    "√": r"\surd ",
    "½": r"\tfrac{1}{2}",
    "…": r"\dots ",
    "°": r"^\circ ",
    "<": "<",
    ">": ">",
}
_TEXT = {
    **_ESCAPED,
    **{sign: f"${_MATHEMATICS[sign].strip()}$" for sign in _MATHEMATICS if sign not in "$%&#_…"},
    "^": r"\^{}",
    "|": "$|$",  # another sign in TeX's first fonts, as < and > are
    "…": r"\dots{}",
    "–": "--",
    "—": "---",
    "’": "'",
    "“": "``",
    "”": "''",
}
_ACCENTS = {"\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0308": '"'}
_ACCENTS |= {"\u030c": "v", "\u0327": "c", "\u030a": "r"}
_LETTER_AND_ACCENT = re.compile(r"[A-Za-z][\u0300-\u036f]|.", re.S)
"""A sign, with the accent over it where Unicode has no one sign for both, as of x̂."""
_OVER = {"\u0302": "hat", "\u0303": "tilde", "\u0304": "bar"}
_RAISED = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁱⁿᵀᵗᵏˡ", "0123456789+-inTtkl", strict=True))
_LOWERED = dict(zip("₀₁₂₃₄₅₆₇₈₉₊₋ᵢⱼₖₘₙₜₓ", "0123456789+-ijkmntx", strict=True))

_FUNCTIONS = ("max", "min", "exp", "log", "ln", "tanh", "sin", "cos")
_QUANTITIES = {"out": r"\mathrm{out}", "gx": "g_x", "gy": "g_y"}
_QUANTITIES |= {name: name for name in ("da", "db", "dp", "dw", "dx", "dy", "dz")}
_OPEN, _CLOSE = "([⌊⌈{", ")]⌋⌉}"

_JOINS = r"(?:[-+=<>]|\\(?:cdot|times|ast|to|leftarrow|leq|geq|neq|approx))"

_LETTER = rf"[^\W\d_Σ{''.join(_RAISED)}{''.join(_LOWERED)}]"
_BRACKETS = r"\((?P<{}>(?:[^()]|\([^()]*\))*)\)"
_TOKEN = re.compile(
    rf"""
    (?P<space>\s+)
  | (?P<fraction>(?<![\w./])\d+/\d+(?![\w./]))
  | (?P<number>\d+(?:\.\d+)?(?:e[−+-]?\d+)?)
  | (?P<name>{_LETTER}(?:{_LETTER}|[\d_\u0300-\u036f]|(?<=[a-z])-(?=[a-z]))*)
  | (?P<raised>[{"".join(_RAISED)}]+)
  | (?P<lowered>[{"".join(_LOWERED)}]+)
  | √(?:{_BRACKETS.format("root")}|(?P<radicand>\d+(?:\.\d+)?|\w[\w\u0300-\u036f]*))
  | \^(?:{_BRACKETS.format("exponent")}|(?P<power>[−-]?\w+))
  | (?P<sign>.)
    """,
    re.X | re.S,
)


_Kind: TypeAlias = Literal["text", "math", "blank"]


class _Piece(NamedTuple):
    """A piece of a line in LaTeX: words, mathematics, or a blank between two pieces."""

    kind: _Kind
    tex: str

    @property
    def is_count(self) -> bool:
        """Whether it is a whole number, which among words is one of them."""
        return self.kind == "math" and self.tex.isdecimal()


def text(words: str) -> str:
    """Return words as they are, for outside of mathematics.

    >>> text("50% of A_prev × 2")
    '50\\\\% of A\\\\_prev $\\\\times$ 2'
    """
    return "".join(map(_letter, _LETTER_AND_ACCENT.findall(unicodedata.normalize("NFC", printable(words)))))


def mixed(line: str) -> str:
    r"""Return a line for outside of mathematics, where TeX can break it: what is mathematics is between `$`.

    >>> mixed("unused: the last 2 rows, W * A_prev + 1e−5")
    'unused: the last 2 rows, $W \\ast A_{\\text{prev}} + 1 \\times 10^{-5}$'
    """
    parts = [tex if words else f"${tex}$" for words, tex in _runs(line)]
    return "".join(parts)


def formula(line: str) -> str:
    r"""Return a line for inside of mathematics: what is words is in `\text{}`.

    >>> formula("out = ⌊(n + p_before) / s⌋ + 1")
    '\\mathrm{out} = \\lfloor (n + p_{\\text{before}}) / s\\rfloor + 1'
    >>> formula("2h cells tie")
    '2h\\text{ cells tie}'
    """
    return "".join(rf"\text{{{tex}}}" if words else tex for words, tex in _runs(line))


def _runs(line: str) -> list[tuple[bool, str]]:
    """Return what stands together as words, or as mathematics."""
    flat = unicodedata.normalize("NFC", " ".join(printable(line).split()))
    pieces = _with_blanks(_with_counts(list(_pieces(flat))))
    found: list[tuple[bool, str]] = []
    for words, run in groupby(pieces, lambda piece: piece.kind == "text"):
        tex = re.sub(" {2,}", " ", "".join(piece.tex for piece in run))
        found.append((words, tex if words else tex.strip()))
    # A sign that joins two sides has the blanks of both, also where one side is words.
    for n, (words, tex) in enumerate(found):
        if not words and n and re.match(rf"{_JOINS} ", tex):
            found[n - 1], tex = (True, found[n - 1][1].rstrip()), f"{{}}{tex}"
        if not words and n + 1 < len(found) and re.search(rf"(?<![{{^_]){_JOINS}$", tex):
            found[n + 1], tex = (True, found[n + 1][1].lstrip()), f"{tex}{{}}"
        found[n] = (words, tex)
    return found


def _with_counts(pieces: list[_Piece]) -> list[_Piece]:
    """Return pieces with those numbers made words that have no mathematics beside them."""
    found = list(pieces)
    for n, piece in enumerate(pieces):
        beside = [_beside(pieces, n, step) for step in (-1, 1)]
        kinds = {other.kind for other in beside if other is not None}
        if (piece.is_count and kinds == {"text"}) or (piece.tex == "/" and "text" in kinds):
            found[n] = _Piece("text", piece.tex)
    return found


def _beside(pieces: list[_Piece], n: int, step: int) -> _Piece | None:
    """Return the nearest piece before or behind one that is no blank."""
    n += step
    while 0 <= n < len(pieces) and pieces[n].kind == "blank":
        n += step
    return pieces[n] if 0 <= n < len(pieces) else None


def _with_blanks(pieces: list[_Piece]) -> Iterator[_Piece]:
    """Yield pieces with each blank made one of words, or one between signs, which TeX sets itself."""
    for n, piece in enumerate(pieces):
        if piece.kind != "blank":
            yield piece
        elif "text" in (pieces[n - 1].kind, pieces[n + 1].kind):
            yield _Piece("text", " ")
        else:
            apart = re.search(r"[\w})]$", pieces[n - 1].tex)
            follows = re.match(r"[A-Za-z0-9]|\\(?:mathrm|operatorname|hat|tfrac)", pieces[n + 1].tex)
            yield _Piece("math", r"\ " if apart and follows else " ")


def _pieces(line: str) -> Iterator[_Piece]:
    """Yield the pieces of a line; brackets that hold words are words, too."""
    open_: list[_Piece] = []  # each bracket that is open
    for token in _TOKEN.finditer(line):
        sign, after = token["sign"], line[token.end() :]
        if token["name"]:
            yield _name(token["name"], after)
        elif not sign:
            yield _Piece("blank", " ") if token["space"] else _Piece("math", _scripted(token))
        elif sign in _OPEN:
            open_.append(_Piece("text" if sign != "{" and _begins_with_word(after) else "math", sign))
            yield _set(sign, open_[-1].kind)
        elif sign in _CLOSE:
            yield _set(sign, open_.pop().kind if open_ else "math")
        elif sign == "," and open_ and open_[-1] == ("math", "("):
            yield _Piece("math", r",\allowbreak ")  # a long list may go on in the next line
        else:
            inside = any(bracket.kind == "math" for bracket in open_)
            yield _set(sign, "text" if _is_words(sign, after, inside) else "math")


def _begins_with_word(rest: str) -> bool:
    rest = rest.lstrip()
    first = _TOKEN.match(rest)
    name = first["name"] if first else None
    return name is not None and _name(name, rest[len(name) :]).kind == "text"


def _is_words(sign: str, after: str, inside: bool) -> bool:
    """Say whether a sign belongs to words: as one that ends a part of a sentence does."""
    ends = sign in ",:;?!" and after[:1] in ("", " ") and not inside
    return ends or sign in ".@%&#$\"'|" or (sign not in _MATHEMATICS and not sign.isascii())


def _set(sign: str, kind: _Kind) -> _Piece:
    return _Piece(kind, _letter(sign) if kind == "text" else _MATHEMATICS.get(sign, sign))


def _scripted(token: re.Match[str]) -> str:
    """Return a number, a fraction, a root, or what stands above or below the line."""
    if token["fraction"] or token["number"]:
        return numeral(token[0])
    if token["raised"]:
        return f"^{{{''.join(_RAISED[sign] for sign in token['raised'])}}}"
    if token["lowered"]:
        return f"_{{{''.join(_LOWERED[sign] for sign in token['lowered'])}}}"
    if inside := token["root"] or token["radicand"]:
        return rf"\sqrt{{{formula(inside)}}}"
    return f"^{{{formula(token['exponent'] or token['power'] or '')}}}"


def _name(name: str, after: str) -> _Piece:
    """Return a name as mathematics if it is a quantity's or a function's, and else as a word."""
    base, _, index = name.partition("_")
    digits = re.fullmatch(r"([^\W\d_]{1,2})(\d+)", base)
    if digits and not index:
        base, index = digits[1], digits[2]
    called = after.startswith("(")
    if not index and base in _FUNCTIONS and called:
        return _Piece("math", f"\\{base}")
    if name in ("a", "A") and re.match(r" [a-z]{2}", after):
        return _Piece("text", name)
    quantity = _quantity(base)
    if quantity is None:
        if called and not index and base.isascii() and base.isalpha():
            return _Piece("math", rf"\operatorname{{{base}}}")
        return _Piece("text", text(name))
    parts = [part for part in index.split("_") if part]
    indices = [part if len(part) == 1 or part.isdecimal() else rf"\text{{{text(part)}}}" for part in parts]
    return _Piece("math", f"{quantity}_{{{','.join(indices)}}}" if indices else quantity)


def _quantity(base: str) -> str | None:
    """Return a quantity's name, or None if it is a word: quantities have a letter, or one behind a d."""
    split = unicodedata.normalize("NFD", base)
    if len(split) == 2 and split[1] in _OVER:
        return rf"\{_OVER[split[1]]}{{{_MATHEMATICS.get(split[0], split[0]).strip()}}}"
    behind = len(base) == 2 and base[0] == "d" and base != "do"
    letter = base[1:] if behind else base
    if len(letter) == 1 and (letter.isascii() or letter in _GREEK):
        return ("d" if behind else "") + _MATHEMATICS.get(letter, letter).strip()
    return _QUANTITIES.get(base)


def numeral(number: str) -> str:
    r"""Return a number as it was written for people, or a fraction of two.

    >>> numeral("−0.1235"), numeral("1e−7"), numeral("−1/9")
    ('-0.1235', '1 \\times 10^{-7}', '-\\tfrac{1}{9}')
    """
    digits, _, power = number.replace("−", "-").partition("e")
    digits = re.sub(r"(\d+)/(\d+)", r"\\tfrac{\1}{\2}", digits)
    return rf"{digits} \times 10^{{{power.lstrip('+')}}}" if power else digits


def _letter(sign: str) -> str:
    if sign in _TEXT:
        return _TEXT[sign]
    if sign.isascii():
        return sign if sign != "\n" else " "
    split = unicodedata.normalize("NFD", sign)
    if len(split) == 2 and split[0].isascii() and split[1] in _ACCENTS:
        return f"\\{_ACCENTS[split[1]]}{{{split[0]}}}"
    if sign in _RAISED:
        return f"$^{{{_RAISED[sign]}}}$"
    if sign in _LOWERED:
        return f"$_{{{_LOWERED[sign]}}}$"
    return "".join(rf"\texttt{{U+{ord(part):04X}}}" for part in sign)  # of no font that every TeX has
