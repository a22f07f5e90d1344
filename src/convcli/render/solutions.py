"""All answers to the size formula turned round, with the inequality that they come from."""

from __future__ import annotations

from typing import Any

from convcli.shapes import AXES, NAMED_PADDINGS, axis_padding
from convcli.shapes.solving import Answers, Given, Unknown

MOST_LISTED = 12
CONDITION = "(out−1)·s ≤ n + p_before + p_after − d(f−1) − 1 < out·s"

BothAxes = tuple[Given, Given]
BothAnswers = tuple[Answers, Answers]


def solutions_text(axes: BothAxes, answers: BothAnswers) -> str:
    """Return the answers of both axes, or of one where they are the same."""
    lines = [f"out windows fit where {CONDITION}", ""]
    if (axes[0], answers[0]) == (axes[1], answers[1]):
        return "\n".join([*lines, *_axis_lines("", axes[0], answers[0])])
    for name, axis, found in zip(AXES, axes, answers, strict=True):
        lines += _axis_lines(f"{name}: ", axis, found)
    return "\n".join(lines)


def condition(axis: Given, found: Answers) -> str:
    """Return the inequality with the axis' numbers in it.

    >>> from convcli.shapes.solving import solve
    >>> axis = Given(28, f=5, s=2)
    >>> condition(axis, solve(Unknown.p, axis, 14))
    '26 ≤ 23 + 2p < 28'
    """
    wanted = found.wanted
    if found.unknown is Unknown.f:
        room = axis.n - 1
        if not isinstance(axis.padding, str):
            room += sum(axis_padding(axis.padding, 1))
        reach = {"same": "", "full": f" + {axis.d}(f−1)"}.get(str(axis.padding), f" − {axis.d}(f−1)")
        return f"{(wanted - 1) * axis.s} ≤ {room}{reach} < {wanted * axis.s}"
    room = axis.n - 1 - axis.d * (axis.f - 1)
    if found.unknown is Unknown.p:
        return f"{(wanted - 1) * axis.s} ≤ {room} + 2p < {wanted * axis.s}".replace("≤ -", "≤ −")
    if found.unknown is Unknown.d:
        room = axis.n - 1 + (0 if isinstance(axis.padding, str) else sum(axis_padding(axis.padding, 1)))
        taken = {"same": "", "full": f" + {axis.f - 1}d"}.get(str(axis.padding), f" − {axis.f - 1}d")
        return f"{(wanted - 1) * axis.s} ≤ {room}{taken} < {wanted * axis.s}"
    room += sum(axis_padding(axis.padding, axis.f, axis.d))
    return f"{wanted - 1}s ≤ {room} < {wanted}s".replace("≤ -", "≤ −")


def _axis_lines(start: str, axis: Given, found: Answers) -> list[str]:
    letter, given = found.unknown.value, condition(axis, found)
    if found.first is None:
        return [f"{start}{given}  has no answer.", *_nearest(found)]
    if found.last is None:
        values = f"every {letter} from {found.first} on"
    elif found.last - found.first >= MOST_LISTED:
        values = f"{letter} = {found.first} … {found.last}, {found.last - found.first + 1} answers"
    else:
        numbers = range(found.first, found.last + 1)
        values = f"{letter} = {', '.join(_named(letter, value, axis) for value in numbers)}"
    return [f"{start}{given}  →  {values}"]


def _named(letter: str, value: int, axis: Given) -> str:
    """Return a value; a padding with its name, if it has one."""
    name = padding_name(value, axis) if letter == "p" else ""
    return f"{value} ({name})" if name else str(value)


def padding_name(value: int, axis: Given) -> str:
    """Return the name, or names, of a padding on both sides, "" if it has none.

    >>> padding_name(2, Given(28, f=5)), padding_name(1, Given(28, f=5))
    ('same', '')
    """
    return ", ".join(name for name in NAMED_PADDINGS if axis_padding(name, axis.f, axis.d) == (value, value))


def _nearest(found: Answers) -> list[str]:
    near = " and ".join(f"{found.unknown} = {value} gives {size}" for value, size in found.near)
    lines = [f"Nearest: {near}."] if near else ["Not one window fits, whatever it is."]
    if found.uneven is not None:
        before, after = found.uneven
        lines.append(f"Padding {before} before and {after} after gives {found.wanted}.")
    return lines


def solutions_document(axes: BothAxes, answers: BothAnswers) -> dict[str, Any]:
    """Return the same as plain JSON; every whole number from `first` to `last` is an answer."""
    return {
        "unknown": answers[0].unknown.value,
        "condition": CONDITION,
        **{
            name: {
                "wanted": found.wanted,
                "condition": condition(axis, found),
                "first": found.first,
                "last": found.last,
                "nearest": [{"value": value, "output": size} for value, size in found.near],
                "uneven": None if found.uneven is None else list(found.uneven),
            }
            for name, axis, found in zip(AXES, axes, answers, strict=True)
        },
    }
