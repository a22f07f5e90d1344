"""Classes with `forward` and `backward`: made, given our weights, and asked for gradients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from convcli.engine.workspace import Array
from convcli.grading.cases import Case, Limits
from convcli.grading.conventions.call import Plan, Unlike, given, result
from convcli.grading.conventions.layouts import BY_OPERATION, Layout, canonical, hinted, laid, turned
from convcli.grading.conventions.names import (
    BACKWARD,
    COUNTED,
    FORWARD,
    ROLES,
    built_in_size,
    gradient_of,
    role_of,
)
from convcli.grading.operations import NOTATION, OPERATIONS
from convcli.grading.program import ABSENT, Class, Function, Parameter

WEIGHTED = ("conv_forward", "dense", "dense_softmax")
_MAKING = ("stride", "padding", "rows", "columns", "size", "mode", "b", "w")


@dataclass(frozen=True)
class LayerCall:
    """A class with what its constructor takes, and the names of its two passes."""

    cls: Class
    operation: str
    layout: Layout
    making: tuple[tuple[Parameter, str], ...]
    forward: str
    backward: str = ""
    rate: bool = False
    limits: Limits = field(default_factory=Limits)
    words: str = ""

    def plan(self, case: Case) -> Plan:
        """Return how an object is made, given weights, and sent forward and back."""
        weighted = [name for name in ("w", "b") if self._weighted]
        passed = {role for _, role in self.making}
        named = {parameter.name: self._made_of(case, role) for parameter, role in self.making}
        steps: Plan = [
            {
                "do": "call",
                "of": self.cls.name,
                "named": {name: value for name, value in named.items() if value is not ABSENT},
                "keep": "layer",
            }
        ]
        for name in weighted:
            if name not in passed or self.rate:
                zeros = np.zeros(case.arrays["w"].shape[-1])  # whether there is a place for a bias, even so
                array = given(case, self.layout, name) if name in case.arrays else {"array": zeros}
                steps.append(
                    {
                        "do": "put",
                        "on": "layer",
                        "of": name,
                        "value": array,
                        "names": sorted(ROLES[name] | ({"filters", "kernels"} if name == "w" else set())),
                        "loose": name == "b",
                        "tell": f"placed {name}",
                    }
                )
        x = {"do": "call", "on": "layer", "of": self.forward, "arguments": [given(case, self.layout, "x")]}
        if not case.what.backward:
            return [*steps, {**x, "tell": "y"}]
        back = [given(case, self.layout, "dz"), *([1.0] if self.rate else [])]
        steps += [x, {"do": "call", "on": "layer", "of": self.backward, "arguments": back, "tell": "back"}]
        steps.append({"do": "attributes", "on": "layer", "tell": "after"})
        if self.rate:
            names = [name for name in weighted if name in case.arrays]
            steps += [{"do": "get", "on": "layer", "of": name, "tell": f"{name} after"} for name in names]
        return steps

    @property
    def _weighted(self) -> bool:
        return self.operation.removesuffix("_backward") in (*WEIGHTED, "conv")

    def _made_of(self, case: Case, role: str) -> Any:
        if role in ("w", "b"):
            return given(case, self.layout, role) if role in case.arrays else None
        size = case.options.get("size", case.arrays["w"].shape[0] if "w" in case.arrays else 1)
        pair = size if isinstance(size, tuple) else (size, size)
        if role in ("rows", "columns"):
            return pair[role == "columns"]
        if role == "mode":
            return "max" if self.operation.startswith("max") else "average"
        if role == "x_shape":
            shape = laid(case.arrays["x"], canonical(case.operation, "x"), self.layout.x).shape
            return list(shape[1:] if self.layout.x[0] == "n" else shape)
        w = case.arrays.get("w")
        if role in ("k", "u"):
            return w.shape[-1] if w is not None else 1
        if role in ("c", "d"):
            return w.shape[-2] if w is not None else 1
        return {
            "size": size,
            "stride": case.options.get("stride", 1),
            "padding": case.options.get("padding", 0),
        }[role]

    def results(self, case: Case, told: Mapping[str, Any]) -> dict[str, Array | None]:
        """Return its output; or what its backward pass returned, with the gradients that it keeps."""
        gives = OPERATIONS[case.operation].gives
        if "placed b" in told and bool(told["placed b"]) != ("b" in case.arrays):
            raise Unlike("there is a bias" if "b" not in case.arrays else "no attribute holds a bias")
        if not case.what.backward:
            first = told["y"][0] if isinstance(told["y"], tuple) and told["y"] else told["y"]
            if first is None:
                raise Unlike(f"{self.cls.name}.{self.forward} returns nothing")
            return {gives[0]: result(case, self.layout, gives[0], first)}
        back = told["back"]
        parts = list(back) if isinstance(back, tuple) else [back]
        values: dict[str, Any] = dict(zip(gives, parts, strict=False))
        for name, value in told["after"].items():
            role = gradient_of(name)
            if role in gives and role not in values and role != "dx" and isinstance(value, np.ndarray):
                values[str(role)] = value
        for name in ("w", "b"):
            if f"{name} after" in told:
                before = laid(case.arrays[name], canonical(case.operation, name), self.layout.axes(name))
                after = told[f"{name} after"]
                values[f"d{name}"] = (
                    before.reshape(after.shape) - after if after.size == before.size else after
                )
        if values.get("dx") is None:
            values.pop("dx", None)  # a first layer: nobody asks for the gradient of the image
        asked = {name: value for name, value in values.items() if name[1:] in case.arrays}
        if not asked:
            raise Unlike(
                f"{self.cls.name}.{self.backward} returns no gradient, and none is found as an attribute"
            )
        return {
            name: result(case, self.layout, name, self._tied(case, name, value))
            for name, value in asked.items()
        }

    def own_name(self, array: str) -> str:
        """Return what the learner calls one of our arrays."""
        passes = {"x": self.forward, "dz": self.backward}
        method = self.cls.methods.get(passes.get(array, ""))
        if method is not None and method.parameters:
            return method.parameters[0].name
        made = (parameter.name for parameter, role in self.making if role == array)
        return next(made, NOTATION.get(array, array))

    def _tied(self, case: Case, name: str, value: Any) -> Any:
        """Return the sum over each map where every cell has a bias of its own."""
        if (
            name == "db"
            and isinstance(value, np.ndarray)
            and value.ndim == 3
            and value.size > case.arrays["b"].size
        ):
            axes = self.layout.y
            return (
                value.sum(tuple(n for n, axis in enumerate(axes) if axis != "k")) if len(axes) == 3 else value
            )
        return value


def layer_calls(
    cls: Class, operation: str, layouts: Sequence[str] = (), *, flipped: bool = False
) -> tuple[list[LayerCall], list[LayerCall]] | str:
    """Return the ways in which a class may be meant, forward and backward; or why there is none."""
    forward = next((name for name in FORWARD if name in cls.methods), None)
    backward = next((name for name in BACKWARD if name in cls.methods), "")
    if forward is None:
        return "it has no method forward"
    making = _making(cls, operation)
    if isinstance(making, str):
        return making
    rate = False
    if backward:
        _, *more = cls.methods[backward].parameters or (None,)
        rate = any(role_of(one.name, ("rate",)) for one in more)
        other = [one for one in more if one.required and not role_of(one.name, ("rate",))]
        if other:
            return f"the argument {other[0].name!r} of its {backward} is none that is known here"
    roles = {role for _, role in making}
    if operation == "softmax" and roles & {"d", "u"}:
        operation = "dense_softmax"
    found = [
        LayerCall(
            cls,
            operation,
            turned(layout) if flipped else layout,
            making,
            forward,
            backward,
            rate,
            limits,
            words=layout.words(),
        )
        for layout in _ordered(cls.methods[forward], cls, BY_OPERATION[operation], layouts)
        for limits in _limits(cls, operation, roles, layout)
    ]
    back = "conv_backward" if operation == "conv_forward" else f"{operation}_backward"
    if not backward or back not in OPERATIONS:
        return found, []
    return found, [replace(one, operation=back) for one in found]


def _making(cls: Class, operation: str) -> tuple[tuple[Parameter, str], ...] | str:
    made = cls.methods.get("__init__")
    found = []
    for parameter in made.parameters if made else ():
        name = parameter.name.lower().strip("_")
        role = COUNTED.get(name) if operation in (*WEIGHTED, "softmax") else None
        if role == "k" and not operation.startswith("conv"):
            role = None
        if name in ("input_shape", "in_shape", "input_dims") or (
            name == "input_size" and operation == "conv_forward"
        ):
            role = "x_shape"
        role = role or role_of(name, _MAKING)
        if role is None and parameter.required:
            told = f"the argument {parameter.name!r} of its constructor is none that is known here"
            return f"{told}; give it a default"
        if role is not None and not (
            isinstance(parameter.default, str) or (role == "mode" and not parameter.required)
        ):
            found.append((parameter, role))
    return tuple(found)


def _ordered(forward: Function, cls: Class, known: Sequence[Layout], wanted: Sequence[str]) -> list[Layout]:
    chosen = [one for one in known if one.name in wanted]
    if chosen:
        return chosen
    name = forward.parameters[0].name if forward.parameters else ""
    hint = hinted(forward, name) or hinted(replace(forward, doc=cls.doc), name)
    if known and known[0].name == "rows":
        known = [one for one in known if one.name != "columns" or one.w]
        return [one for one in known if one.name != "vector"] + [one for one in known if one.name == "vector"]
    return [one for one in known if one.name == hint] + [one for one in known if one.name != hint]


def _limits(cls: Class, operation: str, roles: set[str], layout: Layout) -> list[Limits]:
    limits = Limits(
        batch="n" in layout.x,
        channels="c" in layout.x,
        filters="k" in layout.w,
        bias=True,
        strides="stride" in roles,
        paddings="padding" in roles,
        size=built_in_size(cls.name),
        rows=layout.name != "vector",
    )
    if operation == "conv_forward":
        if not limits.size and not roles & {"size", "w", "x_shape"}:
            limits = replace(limits, size=3)
        bias = [limits, replace(limits, bias=False)] if "w" not in roles or "b" not in roles else [limits]
        return [*bias, *([] if limits.paddings else [replace(one, padding="same") for one in bias])]
    if "pool" in operation:
        if not roles & {"size", "rows"}:
            limits = replace(limits, size=limits.size or 2)
        if not limits.strides:
            return [replace(limits, stride="size"), replace(limits, stride=1)]
    return [limits]
