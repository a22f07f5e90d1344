"""Windows one after the other, written shortly: `conv3p1s2 pool2 conv5n16`.

chain   = step, spaces or a comma, step, …
step    = conv SIZE options  |  pool SIZE options      with spaces between them or not: conv 3 s2
SIZE    = 3 or 3x5
options = p 1 | 1x2 | valid | same | full      padding, 0 if not given
          s 2 or 2x1                           stride; 1 for conv, the size for pool if not given
          d 2 or 2x1                           dilation, 1 if not given
          n 16                                 filters, as many as channels come in if not given
          g 4                                  groups, 1 if not given
          c                                    the size rounded up (ceil mode), down if not given
Only conv takes n and g, only pool c. The order of the options is free, each stands once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from convcli.errors import ShapeError, UsageError
from convcli.shapes.pooling import PoolWindow
from convcli.shapes.volume import Cost, convolution_cost, volume_bytes
from convcli.shapes.window import NAMED_PADDINGS, Pair, ReceptiveField, Window
from convcli.wording import shortened

GRAMMAR = (
    "A step is conv or pool, a size and options: p 1|1x2|valid|same|full, s, d, for conv n (filters), "
    "g (groups), for pool c (rounded up), as in 'conv3p1s2 pool2 conv3x5psamed2n16' or 'conv 3 p1, pool 2'."
)

_KIND = re.compile(r"conv|pool")
_SIZE = re.compile(r"(\d+)(?:x(\d+))?")
_OPTION = re.compile(rf"(?:p(?:{'|'.join(NAMED_PADDINGS)}|\d)|[sdng]\d|c(?!onv))\S*|[psdng]")
_OPTIONS = {
    "p": re.compile(rf"{'|'.join(NAMED_PADDINGS)}|\d+(?:x\d+)?"),
    "s": _SIZE,
    "d": _SIZE,
    "n": re.compile(r"\d+"),
    "g": re.compile(r"\d+"),
    "c": re.compile(""),
}


@dataclass(frozen=True, slots=True)
class ChainStep:
    """One step of a chain.

    Attributes
    ----------
    text
        As it was written.
    kind
        "conv" or "pool".
    filters
        None: as many as channels come in.
    """

    text: str
    kind: str
    window: Window
    filters: int | None = None
    groups: int = 1


@dataclass(frozen=True, slots=True)
class Link:
    """A step with the volume it takes, what it gives, and what one cell of that sees of the first plane."""

    step: ChainStep
    plane: Pair
    output: Pair
    channels: int
    filters: int
    field: ReceptiveField
    cost: Cost


def parse_chain(text: str) -> list[ChainStep]:
    """Return the steps of a chain.

    Raises
    ------
    UsageError
        If it is empty or a step cannot be read; names the position and shows the grammar.
    ShapeError
        If a number is out of range.

    Examples
    --------
    >>> [step.window.stride for step in parse_chain("conv3p1s2 pool2")]
    [(2, 2), (2, 2)]
    """
    steps = _parted(text)
    if not steps:
        raise UsageError(f"The chain is empty. {GRAMMAR}")
    return [_step(word, number, columns) for number, (word, columns) in enumerate(steps, 1)]


def _parted(text: str) -> list[tuple[str, list[int]]]:
    """Return each step without its spaces, and where each of its signs and its end stand in the text, from 1.

    >>> [word for word, _ in _parted("conv 3 s2, pool2 conv3")]
    ['conv3s2', 'pool2', 'conv3']
    """
    steps: list[tuple[str, list[int]]] = []
    ended = True
    for found in re.finditer(r"[^\s,]+|,", text):
        word, at = found[0], found.start() + 1
        columns = list(range(at, at + len(word) + 1))
        if word == ",":
            if ended:
                steps.append(("", [at]))
            ended = True
        elif not ended and _goes_on(steps[-1][0], word):
            before, own = steps[-1]
            steps[-1] = (before + word, own[:-1] + columns)
        else:
            steps.append((word, columns))
            ended = False
    return steps


def _goes_on(step: str, word: str) -> bool:
    """Whether a word after a space belongs to the step before it: its size, an option, or a value."""
    if _KIND.fullmatch(step) or step[-1:] in (*_OPTIONS,):
        return bool(_SIZE.match(word)) or (step[-1:] == "p" and word.startswith(NAMED_PADDINGS))
    return bool(_OPTION.fullmatch(word))


def _step(word: str, number: int, columns: list[int]) -> ChainStep:
    def wrong(at: int, expected: str) -> UsageError:
        found = f"{word[at:]!r}" if at < len(word) else "its end"
        return UsageError(
            f"Step {number} of the chain, {shortened(word)!r}: expected {expected} at character "
            f"{columns[at]}, found {found}.",
            GRAMMAR,
        )

    kind = _KIND.match(word)
    if kind is None:
        raise wrong(0, "conv or pool")
    size = _SIZE.match(word, kind.end())
    if size is None:
        raise wrong(kind.end(), "a size such as 3 or 3x5")
    at, options = size.end(), dict[str, str]()
    allowed = "psdng" if kind[0] == "conv" else "psdc"
    while at < len(word):
        if word[at] not in allowed or word[at] in options:
            left = ", ".join(letter for letter in allowed if letter not in options)
            raise wrong(at, f"one of {left}" if left else "a space")
        value = _OPTIONS[word[at]].match(word, at + 1)
        if value is None:
            raise wrong(at + 1, f"a value for {word[at]}")
        options[word[at]] = value[0]
        at = value.end()
    try:
        return _made(word, kind[0], size[0], options)
    except ShapeError as error:
        raise ShapeError(f"Step {number} of the chain, {shortened(word)!r}: {error}") from None


def _made(word: str, kind: str, size: str, options: dict[str, str]) -> ChainStep:
    padding = options.get("p", "valid")
    filters, groups = int(options["n"]) if "n" in options else None, int(options.get("g", 1))
    if filters == 0 or groups == 0:
        raise ShapeError("n and g must be at least 1.")
    window = (Window if kind == "conv" else PoolWindow).of(
        _pair(size),
        stride=_pair(options.get("s", "1" if kind == "conv" else size)),
        padding=padding if padding in NAMED_PADDINGS else _pair(padding),
        dilation=_pair(options.get("d", "1")),
        ceil_mode="c" in options,
    )
    return ChainStep(word, kind, window, filters, groups)


def _pair(text: str) -> Pair:
    rows, _, columns = text.partition("x")
    return int(rows), int(columns or rows)


def links(steps: Sequence[ChainStep], plane: Pair, channels: int = 1) -> Iterator[Link]:
    """Yield every step with its sizes, costs and receptive field, from a volume (*plane, channels) on.

    Raises
    ------
    ShapeError
        If a step cannot take what the one before it gives; names the step.

    Examples
    --------
    >>> [(link.output, link.field.size) for link in links(parse_chain("conv3p1s2 pool2 conv5"), (32, 32))]
    [((16, 16), (3, 3)), ((8, 8), (5, 5)), ((4, 4), (21, 21))]
    """
    field = ReceptiveField()
    for number, step in enumerate(steps, 1):
        filters = channels if step.filters is None else step.filters
        try:
            output = step.window.output_shape(plane)
            if step.kind == "conv":
                cost = convolution_cost(
                    plane, output, step.window.size, channels=channels, filters=filters, groups=step.groups
                )
            else:
                cost = Cost(0, 0, 0, volume_bytes(*plane, channels), volume_bytes(*output, channels), 0)
        except ShapeError as error:
            size = f"{plane[0]} × {plane[1]} × {channels}"
            raise ShapeError(
                f"Step {number} of the chain, {shortened(step.text)!r}, cannot take its input "
                f"of {size}. {error}"
            ) from None
        field = field.through(step.window)
        yield Link(step, plane, output, channels, filters, field, cost)
        plane, channels = output, filters
