"""Explanations as plain JSON, and what it takes for two of them to be one and the same."""

from __future__ import annotations

import re

from convcli.explaining.elements import Arrow, Block, Formula, Graph, Grid, Picture
from convcli.explaining.reading import MOST_SIDE

NUMBER = re.compile(r"−?\d+(?:\.\d+)?(?:e−?\d+)?")
BRACKETED = re.compile(rf"\((−{NUMBER.pattern[2:]})\)")
"""A negative number as it stands in a product; what rounding leaves of a 0 may be one, or none."""


def plain_steps(explanation):
    """Return the steps as a live page's scripts make them."""
    return [
        {"title": step.title, "rows": [list(map(plain, row)) for row in step.rows]}
        for step in explanation.steps
    ]


def plain(element):
    match element:
        case Grid(cells, caption, marks, heat, hottest, names, tint, shade, margin):
            return {
                "grid": [list(row) for row in cells],
                "caption": caption,
                "marks": {f"{i},{j}": role for (i, j), role in marks.items()},
                "hottest": hottest if heat else None,
                "names": list(names),
                "tint": tint,
                "shade": shade,
                "margin": [list(ends) for ends in margin],
            }
        case Arrow(sign, note):
            return {"arrow": sign, "note": note}
        case Formula(text):
            return {"formula": text}
        case Block(shape, caption, count, tints, padding, parts, largest, to_scale):
            return {
                "block": list(shape),
                "caption": caption,
                "count": count,
                "tints": list(tints),
                "padding": [list(ends) for ends in padding],
                "parts": [
                    {
                        "rows": list(part.rows),
                        "columns": list(part.columns),
                        "channels": list(part.channels),
                        "role": part.role,
                    }
                    for part in parts
                ],
                "largest": largest,
                "toScale": to_scale,
            }
        case Graph(inputs, outputs, links, caption, legend):
            plain_links = [[link.start, link.end, link.weight, link.strong] for link in links]
            return {
                "inputs": list(inputs),
                "outputs": list(outputs),
                "links": plain_links,
                "caption": caption,
                "legend": list(legend),
            }
        case Picture(pixels, caption):
            # Those of a photo stand on the page already.
            return {"picture": caption, "pixels": pixels.tolist() if max(pixels.shape) <= MOST_SIDE else None}


def differences(expected, found, tolerance, at="steps"):
    """Yield where two documents differ: numbers by more than `tolerance`, in texts too; the rest at all."""
    if expected == found:
        return
    match expected, found:
        case dict(), dict() if expected.keys() == found.keys():
            for key in expected:
                yield from differences(expected[key], found[key], tolerance, f"{at}.{key}")
        case list(), list() if len(expected) == len(found):
            for n, pair in enumerate(zip(expected, found, strict=True)):
                yield from differences(*pair, tolerance, f"{at}.{n}")
        case (int() | float(), int() | float()) if not isinstance(expected, bool):
            if not abs(expected - found) <= tolerance * max(1, abs(expected)):
                yield at, expected, found
        case str(), str() if _without_numbers(expected) == _without_numbers(found):
            yield from differences(_numbers(expected), _numbers(found), tolerance, at)
        case _:
            yield at, expected, found


def _without_numbers(text):
    return NUMBER.sub("#", BRACKETED.sub(r"\1", text))


def _numbers(text):
    return [float(found.replace("−", "-")) for found in NUMBER.findall(text)]
