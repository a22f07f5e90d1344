"""Functions of a learner's file: which argument is what, and a call for each way in which it may be meant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from convcli.engine.workspace import Array
from convcli.grading.cases import Case, Limits
from convcli.grading.conventions.call import Plan, Unlike, given, kind, result
from convcli.grading.conventions.layouts import BY_OPERATION, Layout, hinted, turned
from convcli.grading.conventions.names import ROLES, built_in_axes, built_in_size, gradient_of, role_of
from convcli.grading.operations import NOTATION, OPERATIONS
from convcli.grading.program import ABSENT, Function, Parameter

_WINDOW = ("stride", "padding")
_POOLING = ("rows", "columns", "size", "stride", "mode")
WANTED = {
    "conv_forward": ("x", "settings", "stride", "padding", "b", "w"),
    "conv_backward": ("dz", "cache", "settings", "x", "stride", "padding", "b", "w"),
    "conv_single_step": ("x", "b", "w"),
    "zero_pad": ("x", "padding"),
    "max_pool": ("x", "settings", *_POOLING),
    "avg_pool": ("x", "settings", *_POOLING),
    "max_pool_backward": ("dz", "cache", "x", "settings", *_POOLING),
    "avg_pool_backward": ("dz", "cache", "x", "settings", *_POOLING),
    "create_mask_from_window": ("x",),
    "distribute_value": ("dz", "shape"),
    "dense": ("x", "b", "w"),
    "dense_backward": ("dz", "cache", "x", "b", "w"),
    "relu": ("x",),
    "relu_backward": ("dz", "cache", "x"),
    "softmax": ("x",),
    "softmax_loss": ("labels", "x"),
}
ARRAYS = ("x", "w", "b", "dz", "labels")
AVERAGES = ("average", "avg", "mean")
CACHES = {
    "conv_backward": ("x", "w", "b", "settings"),
    "max_pool_backward": ("x", "settings"),
    "avg_pool_backward": ("x", "settings"),
    "dense_backward": ("x", "w", "b"),
    "relu_backward": ("x",),
}


@dataclass(frozen=True)
class FunctionCall:
    """A function with what each of its arguments is, and how its arrays lie."""

    function: Function
    operation: str
    layout: Layout
    arguments: tuple[tuple[Parameter, str], ...]
    limits: Limits = field(default_factory=Limits)
    forward: FunctionCall | None = None
    words: str = ""
    hinted: bool = False

    def plan(self, case: Case) -> Plan:
        """Return one call, and before it that of the forward pass whose cache is needed."""
        steps: Plan = []
        if self.forward is not None:
            steps.append({**self.forward._call(case), "keep": "forward"})
        return [*steps, {**self._call(case), "tell": "out"}]

    def _call(self, case: Case) -> dict[str, Any]:
        positional: list[Any] = []
        named: dict[str, Any] = {}
        for parameter, role in self.arguments:
            value = self._value(case, role, parameter)
            if value is not ABSENT:
                if parameter.required and not named:
                    positional.append(value)
                else:
                    named[parameter.name] = value
        return {"do": "call", "of": self.function.name, "arguments": positional, "named": named}

    def _value(self, case: Case, role: str, parameter: Parameter | None = None) -> Any:
        """Return what an argument is for a case; ABSENT where its default is right."""
        if role in ARRAYS:
            return given(case, self.layout, role) if role in case.arrays else None
        if role == "cache":
            if self.forward is not None:
                return {"kept": "forward", "at": 1}
            parts = [self._value(case, part) for part in CACHES[self.operation]]
            return parts[0] if len(parts) == 1 else parts
        if role == "settings":
            return {"entries": self._settings(case, parameter)}
        if role == "mode":
            return self._mode(parameter)
        if role == "shape":
            return list(case.options["shape"])
        return self._number(case, role, parameter)

    def _number(self, case: Case, role: str, parameter: Parameter | None) -> Any:
        size = case.options.get("size", 1)
        pair = size if isinstance(size, tuple) else (size, size)
        if role in ("rows", "columns"):
            return pair[role == "columns"]
        value = {"size": size, "stride": case.options.get("stride", 1)}.get(
            role, case.options.get("padding", 0)
        )
        if parameter is None:
            return value
        if isinstance(parameter.default, str):
            return ABSENT
        like = [parameter, *(one for one, is_ in self.arguments if (is_, role) == ("size", "stride"))]
        pairs = any(
            isinstance(one.default, tuple) or self.function.unpacked.get(one.name) == 2 for one in like
        )
        if pairs or isinstance(value, tuple):
            return list(value) if isinstance(value, tuple) else [value, value]
        return value

    def _mode(self, parameter: Parameter | None) -> Any:
        if self.operation.startswith("max"):
            return next((word for word in ("max", "MAX", "Max") if word in self.function.words), "max")
        words = {word.lower(): word for word in self.function.words}
        default = parameter.default if parameter is not None and isinstance(parameter.default, str) else ""
        if default in AVERAGES:
            return default
        return next((words[name] for name in AVERAGES if name in words), "average")

    def _settings(self, case: Case, parameter: Parameter | None) -> dict[str, Any]:
        """Return a dictionary of hyperparameters with the usual keys, and those that the text looks up."""
        size = case.options.get("size", case.arrays["w"].shape[0] if "w" in case.arrays else 1)
        pair = size if isinstance(size, tuple) else (size, size)
        found = {
            "stride": case.options.get("stride", 1),
            "pad": case.options.get("padding", 0),
            "f": pair[0],
            "pool_height": pair[0],
            "pool_width": pair[1],
        }
        name = parameter.name if parameter is not None else ""
        for key in self.function.keys.get(name, ()):
            if key not in found:
                role = role_of(key, ("stride", "padding", "rows", "columns", "size"))
                found[key] = self._number(case, role, None) if role else 1
        return found

    def results(self, case: Case, told: Mapping[str, Any]) -> dict[str, Array | None]:
        """Return what it returned: one result, or several in their usual order, or by their names."""
        value, gives = told["out"], OPERATIONS[self.operation].gives
        if len(gives) == 1:
            first = value[0] if isinstance(value, tuple) and value else value
            if first is None:
                raise Unlike(f"{self.function.name} returns nothing")
            return {gives[0]: result(case, self.layout, gives[0], first)}
        asked = tuple(name for name in gives if name != "db" or "b" in case.arrays)
        parts = self._parts(value, asked)
        return {name: result(case, self.layout, name, parts[name]) for name in asked if name in parts}

    def own_name(self, array: str) -> str:
        """Return what the learner calls one of our arrays."""
        calls = (self, self.forward) if self.forward is not None else (self,)
        own = (one.name for call in calls for one, role in call.arguments if role == array)
        return next(own, NOTATION.get(array, array))

    def _parts(self, value: Any, gives: Sequence[str]) -> dict[str, Any]:
        if isinstance(value, dict) and "other" not in value:
            return {role: one for name, one in value.items() if (role := gradient_of(name) or name) in gives}
        if not isinstance(value, tuple):
            if value is None or isinstance(value, dict):
                raise Unlike(f"{self.function.name} returns {kind(value)}, not {', '.join(gives)}")
            return {gives[0]: value}
        named = [gradient_of(name) for name in self.function.returned]
        if len(named) == len(value) and len(set(named)) == len(named) and set(named) <= set(gives):
            return dict(zip([str(name) for name in named], value, strict=True))
        if len(value) < len(gives):
            raise Unlike(f"{self.function.name} returns {kind(value)}, not {', '.join(gives)}")
        return dict(zip(gives, value, strict=False))


def bound(function: Function, operation: str) -> tuple[tuple[Parameter, str], ...] | str:
    """Return which argument is what, or why they cannot be told."""
    wanted = WANTED[operation]
    found: list[tuple[Parameter, str]] = []
    unknown: list[Parameter] = []
    taken: set[str] = set()
    for parameter in function.parameters:
        role = role_of(parameter.name, tuple(one for one in wanted if one not in taken))
        if role is None:
            unknown.append(parameter)
        else:
            found.append((parameter, role))
            taken.add(role)
    needed = [role for role in ("dz", "x", "w", "cache") if role in wanted and role not in taken]
    if "cache" in taken:
        needed = [role for role in needed if role == "dz"]
    else:
        needed = [role for role in needed if role != "cache"]
    for parameter in (one for one in unknown if one.required):
        if not needed:
            return f"its argument {parameter.name!r} is none that is known here; give it a default"
        found.append((parameter, needed.pop(0)))
    if needed:
        return f"it takes no {_ROLE_WORDS.get(needed[0], needed[0])}"
    order = {parameter.name: n for n, parameter in enumerate(function.parameters)}
    return tuple(sorted(found, key=lambda pair: order[pair[0].name]))


_ROLE_WORDS = {"x": "input", "w": "weights", "dz": "gradient of its output"}


def calls(
    function: Function,
    operation: str,
    layouts: Sequence[str] = (),
    forwards: Sequence[FunctionCall] = (),
    *,
    flipped: bool = False,
) -> list[FunctionCall] | str:
    """Return the ways in which a function may be meant, the likeliest first; or why there is none."""
    arguments = bound(function, operation)
    if isinstance(arguments, str):
        return arguments
    roles = {role: parameter for parameter, role in arguments}
    if "cache" in roles and forwards:
        return [
            replace(
                one,
                function=function,
                operation=operation,
                arguments=arguments,
                forward=one,
                words=f"{one.words}, cache of {one.function.name}",
            )
            for one in forwards
        ]
    family = "conv_forward" if operation == "conv_backward" else operation.removesuffix("_backward")
    found = []
    for layout, why in _ordered(function, roles, BY_OPERATION[family], layouts):
        for limits, told in _limits(function, operation, roles, layout):
            for bias in _biases(operation, layout, "settings" in roles or _ng(roles)):
                laid = replace(layout, b=bias)
                found.append(
                    FunctionCall(
                        function,
                        operation,
                        turned(laid) if flipped else laid,
                        arguments,
                        limits,
                        words=", ".join(part for part in (laid.words(), told, why) if part),
                        hinted=bool(why) and (limits.padding != "same" or _pads(function)),
                    )
                )
    return found


def _ng(roles: Mapping[str, Parameter]) -> bool:
    """Whether arguments have the names of the course whose biases are (1, 1, 1, n_C)."""
    return any(parameter.name in ("A_prev", "dZ", "hparameters") for parameter in roles.values())


def _pads(function: Function) -> bool:
    """Whether anything in it speaks of padding."""
    texts = (function.doc, *function.words, *function.uses, *function.names)
    return any("pad" in text.lower() for text in texts)


def _biases(operation: str, layout: Layout, four: bool) -> tuple[str, ...]:
    if operation == "conv_single_step":
        return ("111", "")
    if layout.b != "k" or not operation.startswith("conv"):
        return (layout.b,)
    return ("111k", "k") if four and layout.x == "nhwc" else ("k", "k1")


def _ordered(
    function: Function, roles: Mapping[str, Parameter], known: Sequence[Layout], wanted: Sequence[str]
) -> Iterator[tuple[Layout, str]]:
    """Yield layouts with what speaks for each, the likeliest first; only those of wanted names, if any is."""
    chosen = [one for one in known if one.name in wanted]
    if chosen:
        yield from ((one, "as --layout says") for one in chosen)
        return
    settings = roles["settings"].name if "settings" in roles else ""
    x = roles.get("x", roles.get("dz"))
    hint = hinted(function, x.name) if x is not None else None
    why = "by the names of its axes"
    if hint is None and settings:
        hint, why = (
            ("nchw" if settings.endswith("param") else "nhwc"),
            f"as functions with {settings} have it",
        )
    if hint is None and x is not None and x.name.lower() in ("a_prev", "aprev", "dz", "da"):
        hint, why = "nhwc", f"as functions with {x.name} have it"
    w = roles.get("w")
    if w is not None and function.shapes.get(w.name) and len(function.shapes[w.name]) == 2 and hint is None:
        hint, why = "hw", "by the names of its axes"
    if hint is None and known and known[0].name == "rows" and "vector" in [one.name for one in known]:
        single = [one for one in known if one.name == "vector"]
        rows = [one for one in known if one.name != "vector" and (one.name == "rows" or "w" in roles)]
        yield from ((one, "") for one in (rows if function.axis else [*rows, *single]))
        return
    axes = built_in_axes(function.name)
    if hint is None and axes is not None:
        yield from ((one, f"as {function.name} has it") for one in known if (one.x, one.w) == axes)
        yield from ((one, "") for one in known if (one.x, one.w) != axes)
        return
    yield from ((one, why) for one in known if one.name == hint)
    yield from ((one, "") for one in known if one.name != hint)


def _limits(
    function: Function, operation: str, roles: Mapping[str, Parameter], layout: Layout
) -> Iterator[tuple[Limits, str]]:
    """Yield what can be asked of a function, and what is built into it."""
    keys = (
        {
            role_of(key, ("stride", "padding", "rows", "columns", "size"))
            for key in function.keys.get(roles["settings"].name, ())
        }
        if "settings" in roles
        else set()
    )
    held = "settings" in roles or "cache" in roles
    words = isinstance(roles["padding"].default, str) if "padding" in roles else False
    limits = Limits(
        batch="n" in layout.x,
        channels="c" in layout.x,
        filters="k" in layout.w,
        bias="b" in roles or "cache" in roles,
        strides="stride" in roles or (held and (not keys or "stride" in keys)),
        paddings=("padding" in roles and not words) or (held and (not keys or "padding" in keys)),
        rows=layout.name != "vector",
        size=built_in_size(function.name),
        rectangular=_rectangular(function, operation, roles, layout),
    )
    pool = "pool" in operation
    if pool and not {"size", "rows", "settings", "cache"} & set(roles):
        limits = replace(limits, size=limits.size or 2)
    if pool and not limits.strides:
        one, size = (replace(limits, stride=1), "stride 1"), (replace(limits, stride="size"), "stride = size")
        yield from (one, size) if function.name.startswith("pool") else (size, one)
        return
    yield limits, ""
    if operation.startswith("conv_") and "w" in roles and not limits.paddings:
        yield replace(limits, padding="same"), "pads by itself, so that sizes stay"


def _rectangular(function: Function, operation: str, roles: Mapping[str, Parameter], layout: Layout) -> bool:
    if "pool" in operation:
        return "rows" in roles or function.unpacked.get(roles["size"].name if "size" in roles else "") == 2
    names = function.shapes.get(roles["w"].name, ()) if "w" in roles else ()
    return layout.name in ("nchw", "hw") and "settings" not in roles and len(set(names)) == len(names) > 0


__all__ = ["ROLES", "FunctionCall", "bound", "calls"]
