"""Every kind of exercise solved from what is given, by plain loops: nothing of convcli is asked."""

from __future__ import annotations

from fractions import Fraction


def correlated(x, w, stride=1, padding=0, flip=False):
    """Return the correlation of two lists of lists."""
    f = len(w)
    if flip:
        w = [row[::-1] for row in w[::-1]]
    wide = len(x[0]) + 2 * padding
    rows = [[0] * wide for _ in range(padding)]
    padded = rows + [[0] * padding + list(row) + [0] * padding for row in x] + rows
    return [
        [
            sum(padded[r + i][c + j] * w[i][j] for i in range(f) for j in range(len(w[0])))
            for c in range(0, wide - len(w[0]) + 1, stride)
        ]
        for r in range(0, len(padded) - f + 1, stride)
    ]


def added(*planes):
    return [[sum(cells) for cells in zip(*rows, strict=True)] for rows in zip(*planes, strict=True)]


def channel(volume, c):
    return [[cell[c] for cell in row] for row in volume]


def through(x, w):
    """Return the plane that a filter (f, f, c) makes of a volume (h, w, c)."""
    return added(*(correlated(channel(x, c), channel(w, c)) for c in range(len(x[0][0]))))


def size(n, f, p, s):
    """Return how many windows fit, by counting them."""
    return sum(start + f <= n + 2 * p for start in range(0, n + 2 * p, s))


def blocks(x, f, s):
    """Yield (row, column, cells under the window with their places)."""
    for i, r in enumerate(range(0, len(x) - f + 1, s)):
        for j, c in enumerate(range(0, len(x) - f + 1, s)):
            yield i, j, [(x[r + k][c + m], (r + k, c + m)) for k in range(f) for m in range(f)]


def pooled(x, f, s, take):
    side = size(len(x), f, 0, s)
    out = [[0] * side for _ in range(side)]
    for i, j, cells in blocks(x, f, s):
        out[i][j] = take([value for value, _ in cells])
    return out


def put_back(x, da, f, s, kind):
    dx = [[0.0] * len(x) for _ in x]
    for i, j, cells in blocks(x, f, s):
        best = max(value for value, _ in cells)
        for value, (r, c) in cells:
            if kind == "mean":
                dx[r][c] += da[i][j] / len(cells)
            elif value == best:
                dx[r][c] += da[i][j]
                break
    return dx


def at(plane, cell):
    return plane[cell[0]][cell[1]]


def _brightest(g):
    _, i, j = max((value, i, j) for i, row in enumerate(g["plane"]) for j, value in enumerate(row))
    return (i + 1, j + 1)


def _missing(g):
    (i, j), w = g["cell"], [list(row) for row in g["kernel"]]
    found = [
        value
        for value in range(-9, 10)
        if sum(
            g["window"][r][c] * (value if (r, c) == (i, j) else w[r][c]) for r in range(2) for c in range(2)
        )
        == g["out"]
    ]
    assert len(found) == 1
    return found[0]


def _direction(g):
    down = [[10 * r for _ in range(3)] for r in range(3)]
    across = [[10 * c for c in range(3)] for _ in range(3)]
    vertical, horizontal = (abs(at(correlated(x, g["kernel"]), (0, 0))) > 1e-9 for x in (across, down))
    flat = abs(sum(map(sum, g["kernel"]))) < 1e-9
    return "neither" if not flat else "vertical" if vertical and not horizontal else "horizontal"


def _uses(g):
    n, p, (i, j) = g["n"], g["padding"], g["cell"]
    starts = range(-p, n + p - 2)
    return sum(r <= i < r + 3 and c <= j < c + 3 for r in starts for c in starts)


def _unused(g):
    end = max(start + g["f"] for start in range(0, g["n"], g["stride"]) if start + g["f"] <= g["n"])
    return g["n"] - end


def _shape(g):
    n, out = g["shape"][0], size(g["shape"][0], g["f"], g["padding"], g["stride"])
    assert n == g["shape"][1]
    return (out, out, g["filters"])


def _filter_shape(g):
    return (g["input"][0] - g["output"][0] + 1,) * 2 + (g["input"][2], g["output"][2])


def _influence(g):
    (i, j), out = g["cell"], g["n"] - g["f"] + 1
    return sum(r <= i <= r + 1 and c <= j <= c + 1 for r in range(out) for c in range(out))


def _tie(g):
    cells = [(i, j) for i in range(2) for j in range(2)]
    best = max(at(g["window"], cell) for cell in cells)
    first = next(cell for cell in cells if at(g["window"], cell) == best)
    return (first[0] + 1, first[1] + 1)


def _scores(g):
    return [
        [sum(a * row[k] for a, row in zip(g["a"][0], g["W"], strict=True)) + g["b"][0][k] for k in range(2)]
    ]


def _probabilities(g):
    e = [Fraction(int(value)) for value in g["exponentials"][0]]
    return [[float(value / sum(e)) for value in e]]


def _previous(g):
    dx = [[0.0] * 3 for _ in range(3)]
    for r in range(2):
        for c in range(2):
            for i in range(2):
                for j in range(2):
                    dx[r + i][c + j] += g["dZ"][r][c] * g["W"][i][j]
    return dx


def _relu(plane, bias=0):
    return [[max(value + bias, 0) for value in row] for row in plane]


def _dense(g):
    out = g["n"] - g["f"] + 1
    return sum(1 for _ in range(g["n"] ** 2) for _ in range(out**2))


SOLVED = {
    ("pixels", "read"): lambda g: at(g["image"], g["cell"])[g["channel"]],
    ("pixels", "count"): lambda g: g["shape"][0] * g["shape"][1] * g["shape"][2],
    ("pixels", "brightest"): _brightest,
    ("pixels", "grey"): lambda g: sum(at(g["image"], g["cell"])) / 3,
    ("convolution", "one-cell"): lambda g: at(correlated(g["input"], g["kernel"]), g["cell"]),
    ("convolution", "whole"): lambda g: correlated(g["input"], g["kernel"]),
    ("convolution", "missing"): _missing,
    ("convolution", "flipped"): lambda g: at(correlated(g["input"], g["kernel"], flip=True), (0, 0)),
    ("edges", "direction"): _direction,
    ("edges", "response"): lambda g: correlated(g["input"], g["kernel"]),
    ("edges", "mean"): lambda g: sum(map(sum, g["input"])) / 9,
    ("edges", "write"): lambda g: [[2, 1, 2], [0, 0, 0], [-2, -1, -2]],
    ("padding", "keep"): lambda g: next(p for p in range(9) if size(g["n"], g["f"], p, 1) == g["n"]),
    ("padding", "fits"): lambda g: next(p for p in range(9) if size(g["n"], g["f"], p, 1) >= g["n"]),
    ("padding", "corner"): lambda g: at(correlated(g["input"], g["kernel"], padding=1), g["cell"]),
    ("padding", "uses"): _uses,
    ("padding", "whole"): lambda g: correlated(g["input"], g["kernel"], padding=1),
    ("stride", "size"): lambda g: size(g["n"], g["f"], g["padding"], g["stride"]),
    ("stride", "cell-at-stride"): lambda g: at(correlated(g["input"], g["kernel"], 2), g["cell"]),
    ("stride", "which-padding"): lambda g: next(
        p for p in range(99) if size(g["n"], g["f"], p, g["stride"]) == g["out"]
    ),
    ("stride", "unused"): _unused,
    ("stride", "whole-at-stride"): lambda g: correlated(g["input"], g["kernel"], 2),
    ("volume", "one-cell"): lambda g: at(through(g["input"], g["filter"]), g["cell"]) + g["bias"],
    ("volume", "shape"): _shape,
    ("volume", "filter-shape"): _filter_shape,
    ("volume", "plane"): lambda g: through(g["input"], g["filter"]),
    ("layer", "activation"): lambda g: _relu(correlated(g["input"], g["kernel"]), g["bias"]),
    ("layer", "parameters"): lambda g: sum(g["f"] ** 2 * g["shape"][2] + 1 for _ in range(g["filters"])),
    ("layer", "bias"): lambda g: g["Z"] - at(correlated(g["input"], g["kernel"]), (0, 0)),
    ("layer", "multiplications"): lambda g: (
        size(g["shape"][0], 3, 0, 1) ** 2 * g["filters"] * 9 * g["shape"][2]
    ),
    ("sharing", "dense"): _dense,
    ("sharing", "window"): lambda g: tuple(x - o + 1 for x, o in zip(g["input"], g["out"], strict=True)),
    ("sharing", "influence"): _influence,
    ("sharing", "connections"): lambda g: size(g["n"], g["f"], 0, 1) ** 2 * g["f"] ** 2,
    ("pooling", "maximum"): lambda g: pooled(g["input"], 2, 2, max),
    ("pooling", "mean"): lambda g: pooled(g["input"], 2, 2, lambda cells: sum(cells) / 4),
    ("pooling", "shape"): lambda g: (size(g["shape"][0], g["size"], 0, g["stride"]),) * 2 + (g["shape"][2],),
    ("pooling", "overlapping"): lambda g: pooled(g["input"], 2, 1, max),
    ("pooling", "parameters"): lambda g: 0,
    ("softmax", "scores"): _scores,
    ("softmax", "probabilities"): _probabilities,
    ("softmax", "gradient"): lambda g: [[p - (k == g["class"]) for k, p in enumerate(g["p"][0])]],
    ("softmax", "parameters"): lambda g: (g["shape"][0] ** 2 * g["shape"][2] + 1) * g["classes"],
    ("pooling-backward", "maximum"): lambda g: put_back(g["input"], g["gradient"], 2, 2, "max"),
    ("pooling-backward", "mean"): lambda g: put_back(g["input"], g["gradient"], 2, 2, "mean"),
    ("pooling-backward", "tie"): _tie,
    ("pooling-backward", "overlapping"): lambda g: put_back(g["input"], g["gradient"], 2, 1, "max"),
    ("backward", "through-relu"): lambda g: [
        [da if z > 0 else 0 for z, da in zip(zs, das, strict=True)]
        for zs, das in zip(g["Z"], g["dA"], strict=True)
    ],
    ("backward", "bias"): lambda g: sum(map(sum, g["dZ"])),
    ("backward", "weight"): lambda g: at(correlated(g["input"], g["dZ"]), g["cell"]),
    ("backward", "weights"): lambda g: correlated(g["input"], g["dZ"]),
    ("backward", "previous"): _previous,
}
"""By the lesson and the kind."""


def as_typed(value):
    """Return an answer as one types it in."""
    if isinstance(value, str):
        return value
    if isinstance(value, tuple):
        return "x".join(map(str, value))
    if isinstance(value, list):
        return "; ".join(" ".join(str(float(cell)) for cell in row) for row in value)
    return repr(float(value))
