"""What functions are tried on: integers small enough for paper first, then random sizes, then differences."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from convcli.engine.workspace import Array
from convcli.grading.comparison import differing
from convcli.grading.operations import OPERATIONS, Operation
from convcli.shapes import output_size

Origin: TypeAlias = Literal["hand", "random", "gradient"]

TOLERANCE = 1e-6
"""How far, as a part of the largest number of a result, it may be from ours in float64."""
TOLERANCES = {"float16": 1e-2, "float32": 1e-4}

RANDOM = 8  # cases an operation
GRADIENTS = 2
LARGE = 1000.0  # a score whose exponential is infinite


@dataclass(frozen=True, eq=False)
class Case:
    """What goes into an operation: canonical arrays, options, and where it comes from.

    Attributes
    ----------
    origin
        "hand" of small integers; "random"; "gradient" is held against central differences.
    """

    operation: str
    arrays: Mapping[str, Array]
    options: Mapping[str, Any]
    origin: Origin = "hand"

    @property
    def what(self) -> Operation:
        """The operation itself."""
        return OPERATIONS[self.operation]

    @property
    def size(self) -> int:
        """How many numbers go in."""
        return sum(array.size for array in self.arrays.values())

    def expected(self) -> dict[str, Array]:
        """Return what must come out."""
        if self.origin == "gradient":
            numeric = self.what.numeric(self.arrays, self.options)
            return {name: array for name, array in numeric.items() if name in self.what.gives}
        made = self.what.reference(self.arrays, self.options)
        return {name: np.asarray(array, np.float64) for name, array in made.items()}


@dataclass(frozen=True, eq=False)
class Outcome:
    """A case, what must come out, and what came out; None is a result that was not given."""

    case: Case
    expected: Mapping[str, Array]
    found: Mapping[str, Array | None]

    @property
    def wrong(self) -> tuple[str, ...]:
        """The names of the results that are not what they must be."""
        return tuple(
            name
            for name, array in self.expected.items()
            if name in self.found and not same(self.found[name], array)
        )

    @property
    def holds(self) -> bool:
        """Whether all results are right."""
        return not self.wrong

    def tolerance(self, name: str) -> float:
        """Return how far a result may be off, as a part of its largest number."""
        found = self.found[name]
        return TOLERANCE if found is None else tolerance_of(found)

    def first_wrong(self) -> tuple[str, tuple[int, ...] | None] | None:
        """Return the first wrong result and its first wrong cell; no cell where its shape is wrong."""
        for name in self.wrong:
            found, expected = self.found[name], self.expected[name]
            if found is None or found.shape != expected.shape:
                return name, None
            cells = np.argwhere(differing(found, expected, self.tolerance(name)))
            return name, tuple(int(i) for i in cells[0])
        return None


def same(found: Array | None, expected: Array) -> bool:
    """Return whether a result is right, but for the rounding of its type."""
    if found is None or found.shape != expected.shape:
        return False
    return not differing(found, expected, tolerance_of(found)).any()


def tolerance_of(found: Array) -> float:
    """Return how far a result may be off, as a part of the largest number, for its type."""
    return TOLERANCES.get(found.dtype.name, TOLERANCE)


@dataclass(frozen=True)
class Limits:
    """What a function can be asked: what its arguments have no place for is not drawn.

    Attributes
    ----------
    batch, channels, filters
        Whether there may be more than one image, channel, filter.
    bias, strides, paddings
        Whether it takes a bias, a stride, a padding.
    size, stride, padding
        A window's size, stride or padding that is built in: a stride may be the "size", a padding "same".
    rectangular
        Whether windows may have other sides.
    rows
        Whether there may be several examples of a dense layer, an activation.
    ties
        Whether a window's maximum may stand there twice.
    """

    batch: bool = True
    channels: bool = True
    filters: bool = True
    bias: bool = True
    strides: bool = True
    paddings: bool = True
    size: int | None = None
    stride: int | Literal["size"] = 1
    padding: int | Literal["same"] = 0
    rectangular: bool = False
    rows: bool = True
    ties: bool = True


ANYTHING = Limits()


def cases(operation: str, seed: int = 0, limits: Limits = ANYTHING) -> Iterator[Case]:
    """Yield what an operation is tried on: by hand, the smallest first, then random, then differences."""
    what = OPERATIONS[operation]
    rng = np.random.default_rng((seed, sorted(OPERATIONS).index(operation)))
    for arrays, options in _makers(what)(rng, limits):
        yield Case(operation, *_bounded(what, arrays, options, limits), _origin(arrays))
    if what.backward and not _gives_loss(what):
        yield from _differences(what, rng, limits)


def _gives_loss(what: Operation) -> bool:
    return "loss" in what.gives


def _origin(arrays: Mapping[str, Array]) -> Origin:
    whole = all((np.asarray(array) % 1 == 0).all() for array in arrays.values())
    return "hand" if whole else "random"


def _bounded(
    what: Operation, arrays: dict[str, Array], options: dict[str, Any], limits: Limits
) -> tuple[dict[str, Array], dict[str, Any]]:
    """Leave out a bias that is not taken, and see that all is float64."""
    kept = {name: array for name, array in arrays.items() if name in what.takes}
    if not limits.bias:
        kept.pop("b", None)
    return {name: np.asarray(array, np.float64) for name, array in kept.items()}, options


Made: TypeAlias = tuple[dict[str, Array], dict[str, Any]]
Maker: TypeAlias = "Callable[[np.random.Generator, Limits], Iterator[Made]]"


def _makers(what: Operation) -> Maker:
    if what.name in _MAKERS:
        return _MAKERS[what.name]
    family = what.name.removesuffix("_backward")
    return _MAKERS[family]


def _differences(what: Operation, rng: np.random.Generator, limits: Limits) -> Iterator[Case]:
    """Yield random cases without kinks, which are held against differences of the forward pass."""
    random = [made for made in _makers(what)(rng, limits) if _origin(made[0]) == "random"]
    smallest = sorted(random, key=lambda made: sum(array.size for array in made[0].values()))
    for arrays, options in smallest[:GRADIENTS]:
        drawn = {name: _drawn(rng, array.shape) for name, array in arrays.items()}
        drawn["dz"] *= arrays["dz"] != 0  # what no gradient comes back to stays without
        yield Case(what.name, *_bounded(what, drawn, options, limits), "gradient")


def _drawn(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Return numbers no two of which are close, none near 0: where nothing has a kink."""
    count = int(np.prod(shape, dtype=int))
    steps = (rng.permutation(count) + 0.75) / max(count, 1)
    return np.asarray((steps * rng.choice([-1.0, 1.0], count) * 2).reshape(shape))


def integers(shape: tuple[int, ...], first: int = 1, count: int = 9) -> Array:
    """Return small whole numbers, of `count` different ones, that repeat in no line of an array.

    >>> integers((2, 3)).tolist()
    [[-2.0, 2.0, -3.0], [1.0, 5.0, 0.0]]
    """
    places = np.arange(int(np.prod(shape, dtype=int)))
    step = 2 if count == 3 else 4
    return np.asarray(((first + step * places + places // count) % count - count // 3).reshape(shape), float)


# By hand: images, rows, columns, channels; window, filters; stride, padding.
_BY_HAND = (
    (1, 3, 3, 1, 2, 1, 1, 0),
    (1, 3, 4, 1, 2, 1, 1, 0),
    (1, 3, 3, 1, 2, 1, 1, 1),
    (1, 4, 5, 1, 2, 1, 2, 0),
    (1, 3, 3, 2, 2, 1, 1, 0),
    (1, 3, 3, 1, 2, 2, 1, 0),
    (2, 3, 3, 1, 2, 1, 1, 0),
    (1, 4, 4, 2, 3, 2, 1, 1),
    (2, 4, 5, 2, 2, 3, 2, 1),
    (2, 5, 6, 3, 3, 2, 2, 2),
)

Sizes: TypeAlias = tuple[tuple[int, int, int, int], tuple[int, int], int, int, int]


def _windows(rng: np.random.Generator, limits: Limits, *, pool: bool = False) -> Iterator[tuple[bool, Sizes]]:
    """Yield sizes that a function can be asked, small ones first; the first word is whether by hand."""
    told: set[Sizes] = set()

    def allowed(n: int, h: int, w: int, c: int, f: tuple[int, int], k: int, s: int, p: int) -> Sizes | None:
        n, c, k = (n if limits.batch else 1), (c if limits.channels else 1), (k if limits.filters else 1)
        if limits.size:
            f = (limits.size, limits.size)
        if not limits.paddings and limits.padding == "same" and not pool:
            f = (f[0] | 1, f[1] | 1)
            p = f[0] // 2
            f = (f[0], f[0])
        else:
            p = 0 if pool else p if limits.paddings else int(limits.padding)
        if not limits.strides:
            s = f[0] if limits.stride == "size" else int(limits.stride)
            f = (f[0], f[0]) if limits.stride == "size" else f
        h, w = max(h, f[0]), max(w, f[1])
        sizes = ((n, h, w, c), f, k, s, p)
        if sizes in told:
            return None
        told.add(sizes)
        return sizes

    for n, h, w, c, f, k, s, p in _BY_HAND:
        grown = 1 if limits.size and limits.size > f else 0
        if sizes := allowed(n, h + grown, w + grown, c, (f, f), k, s, p):
            yield True, sizes
    for number in range(RANDOM):
        n, c, k = (int(rng.integers(1, 4)) for _ in range(3))
        h, w = (int(rng.integers(4, 9)) for _ in range(2))
        f = int(rng.integers(1, 4))
        other = int(rng.integers(1, 4)) if limits.rectangular and number % 2 else f
        s, p = int(rng.integers(1, 4)), int(rng.integers(0, 3))
        if sizes := allowed(n, h, w, c, (f, other), k, s, p):
            yield False, sizes


def _out(sizes: Sizes) -> tuple[int, int]:
    (_, h, w, _), (f_h, f_w), _, s, p = sizes
    return (
        output_size(h, f_h, padding=p, stride=s),
        output_size(w, f_w, padding=p, stride=s),
    )


def _convolutions(rng: np.random.Generator, limits: Limits) -> Iterator[Made]:
    for by_hand, sizes in _windows(rng, limits):
        x, (f_h, f_w), k, s, p = sizes
        shapes = {"x": x, "w": (f_h, f_w, x[3], k), "b": (k,), "dz": (x[0], *_out(sizes), k)}
        yield (
            {
                name: integers(shape, n + 2) if by_hand else rng.normal(size=shape)
                for n, (name, shape) in enumerate(shapes.items())
            },
            {"stride": s, "padding": p},
        )


def _pools(rng: np.random.Generator, limits: Limits) -> Iterator[Made]:
    for number, (by_hand, sizes) in enumerate(_windows(rng, limits, pool=True)):
        x, (f_h, f_w), _, s, _ = sizes
        dz = (x[0], *_out(sizes), x[3])
        options = {"size": f_h if f_h == f_w else (f_h, f_w), "stride": s}
        if by_hand:
            yield {"x": _distinct(x), "dz": integers(dz, 2)}, options
        else:
            yield {"x": rng.normal(size=x), "dz": rng.normal(size=dz)}, options
        if number == 0:
            yield {"x": _distinct(x) - np.prod(x), "dz": integers(dz, 2)}, options  # all below 0
        if by_hand and limits.ties:
            yield {"x": integers(x, 1, 3), "dz": integers(dz, 2)}, options


def _distinct(shape: tuple[int, ...]) -> Array:
    """Return whole numbers of which no two are equal, negative ones among them."""
    count = int(np.prod(shape, dtype=int))
    step = next(step for step in (7, 11, 13, 17, 19, 23) if np.gcd(step, count) == 1)
    return np.asarray((np.arange(count) * step % count - count // 3).reshape(shape), np.float64)


def _paddings(rng: np.random.Generator, limits: Limits) -> Iterator[Made]:
    for n, h, w, c, p in (
        (1, 2, 2, 1, 1),
        (1, 2, 3, 1, 2),
        (1, 2, 2, 2, 1),
        (2, 2, 3, 1, 1),
        (2, 3, 2, 3, 2),
        (1, 2, 2, 1, 0),
    ):
        shape = (n if limits.batch else 1, h, w, c if limits.channels else 1)
        yield {"x": integers(shape)}, {"padding": p}
    for p in (1, 3):
        shape = (2 if limits.batch else 1, 4, 5, 3 if limits.channels else 1)
        yield {"x": rng.normal(size=shape)}, {"padding": p}


def _single_steps(rng: np.random.Generator, limits: Limits) -> Iterator[Made]:
    for shape in ((2, 2, 1), (2, 2, 2), (3, 3, 3)):
        shape = (*shape[:2], shape[2] if limits.channels else 1)
        yield {"x": integers(shape), "w": integers(shape, 2), "b": np.asarray(3.0)}, {}
    for shape in ((3, 3, 2), (4, 4, 3)):
        shape = (*shape[:2], shape[2] if limits.channels else 1)
        yield (
            {
                "x": rng.normal(size=shape),
                "w": rng.normal(size=shape),
                "b": np.asarray(rng.normal()),
            },
            {},
        )


def _masks(rng: np.random.Generator, limits: Limits) -> Iterator[Made]:
    for shape in ((2, 2), (2, 3), (3, 3)):
        yield {"x": _distinct(shape)}, {}
    yield {"x": -1 - np.abs(_distinct((2, 2)))}, {}
    yield {"x": rng.normal(size=(3, 4))}, {}
    if limits.ties:
        yield {"x": np.array([[1.0, 3], [3, 2]])}, {}
        yield {"x": np.zeros((2, 2))}, {}


def _shares(rng: np.random.Generator, _: Limits) -> Iterator[Made]:
    for value, shape in ((4.0, (2, 2)), (6.0, (2, 3)), (-9.0, (3, 3)), (2.0, (2, 2))):
        yield {"dz": np.asarray(value)}, {"shape": shape}
    yield {"dz": np.asarray(rng.normal())}, {"shape": (4, 2)}


def _dense_layers(rng: np.random.Generator, limits: Limits) -> Iterator[Made]:
    for number, (n, size, units) in enumerate(
        ((1, 2, 2), (1, 3, 2), (2, 2, 2), (2, 3, 4), (3, 4, 2), (2, 5, 3), (4, 3, 3), (1, 6, 4))
    ):
        n = n if limits.rows else 1
        shapes = {"x": (n, size), "w": (size, units), "b": (units,), "dz": (n, units)}
        yield (
            {
                name: integers(shape, k + 2) if number < 4 else rng.normal(size=shape)
                for k, (name, shape) in enumerate(shapes.items())
            },
            {},
        )


def _softmax_layers(rng: np.random.Generator, limits: Limits) -> Iterator[Made]:
    """Yield dense layers whose gradient is one number a row, as that of cross-entropy by probabilities is.

    Layers of popular courses look for that number, and return.
    """
    for number, (arrays, options) in enumerate(_dense_layers(rng, limits)):
        one = np.zeros_like(arrays["dz"])
        rows = np.arange(len(one))
        one[rows, (rows + number) % one.shape[1]] = -1.0 - rows - number % 3
        yield {**arrays, "dz": one}, options


def _activations(rng: np.random.Generator, limits: Limits) -> Iterator[Made]:
    rows = 2 if limits.rows else 1
    for shape in ((1, 3), (rows, 3), (rows, 4)):
        yield {"x": integers(shape, 0, 5), "dz": integers(shape, 2)}, {}
    for shape in ((rows, 5), (3 if limits.rows else 1, 4)):
        yield {"x": rng.normal(size=shape), "dz": rng.normal(size=shape)}, {}


def _scores(rng: np.random.Generator, limits: Limits) -> Iterator[Made]:
    several = ((1, 2), (1, 3), (2, 3), (3, 2), (2, 2))
    for n, classes in several if limits.rows else ((1, 2), (1, 3)):
        labels = (np.arange(n) + 1) % classes
        yield {"x": integers((n, classes), n), "labels": labels.astype(float)}, {}
    rows = 3 if limits.rows else 1
    for classes in (4, 5):
        yield {"x": rng.normal(size=(rows, classes)), "labels": rng.integers(0, classes, rows) * 1.0}, {}
    yield {"x": np.array([[LARGE, LARGE + 1, 0.5]]), "labels": np.array([0.0])}, {}
    yield {"x": np.array([[-LARGE, -LARGE - 1, -LARGE + 0.5]]), "labels": np.array([2.0])}, {}


_MAKERS: dict[str, Maker] = {
    "zero_pad": _paddings,
    "conv_single_step": _single_steps,
    "conv_forward": _convolutions,
    "conv_backward": _convolutions,
    "max_pool": _pools,
    "avg_pool": _pools,
    "create_mask_from_window": _masks,
    "distribute_value": _shares,
    "dense": _dense_layers,
    "dense_softmax": _softmax_layers,
    "relu": _activations,
    "softmax": _scores,
    "cross_entropy": _scores,
    "softmax_loss": _scores,
}
