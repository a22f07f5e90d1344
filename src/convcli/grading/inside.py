"""What runs a learner's file, in a process that has nothing else: started by `process`, as a script.

It is told by lines of JSON what to call, and answers likewise; arrays are bytes with a shape, and nothing
is ever unpickled on either side. The learner's own output goes to another pipe. It knows no other part of
convcli.
"""

from __future__ import annotations

import ast
import base64
import json
import os
import sys
import time
import traceback
from collections.abc import Mapping
from typing import Any

MOST_NUMBERS = 1 << 20  # of an array that is sent back
MOST_ITEMS = 64
DEFINING = "FunctionDef AsyncFunctionDef ClassDef Import ImportFrom Assign AnnAssign"


def load(source: str, name: str, *, definitions: bool) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Run a file, statement by statement, and return its names and what failed on the way.

    A statement that fails is passed over, so that a picture that cannot be shown, or a file that is not
    there, hides no function. With `definitions` only imports, assignments, functions and classes are run.
    """
    import types

    module = types.ModuleType("learner")  # not "__main__": what stands under that guard is not run
    module.__file__ = name
    sys.modules["learner"] = module
    failures = []
    for statement in ast.parse(source, name).body:
        if definitions and type(statement).__name__ not in DEFINING.split():
            continue
        try:
            exec(compile(ast.Module([statement], []), name, "exec"), module.__dict__)
        except BaseException as error:
            failures.append({**described(error, name), "line": statement.lineno})
    return module.__dict__, failures


def described(error: BaseException, name: str) -> dict[str, Any]:
    """Return an error as plain JSON: its type, its words, and the last line of the file it went through."""
    frames = traceback.walk_tb(error.__traceback__)  # extract_tb would look for the text of every line
    lines = [line for frame, line in frames if frame.f_code.co_filename == name]
    try:
        words = str(error)
    except BaseException:
        words = ""
    return {"type": type(error).__name__, "message": words[:300], "line": lines[-1] if lines else None}


class Bench:
    """The names of a learner's file, and what was kept of calls."""

    def __init__(self, names: dict[str, Any]) -> None:
        self.names = names
        self.kept: dict[str, Any] = {}
        self.given: list[tuple[str, Any, Any]] = []
        self.places: dict[str, str] = {}
        self.at = ""

    def perform(self, steps: list[dict[str, Any]]) -> dict[str, Any]:
        """Take the steps of a plan; return what they tell, how long calls took, which inputs changed."""
        import numpy as np

        self.kept, self.given, self.places, told, seconds = {}, [], {}, {}, 0.0
        for step in steps:
            self.at = str(step.get("of", ""))
            begin = time.perf_counter()
            value = self._step(step)
            seconds += (time.perf_counter() - begin) if step["do"] == "call" else 0.0
            if "keep" in step:
                self.kept[step["keep"]] = value
            if "tell" in step:
                told[step["tell"]] = value
        changed = [
            name for name, array, copy in self.given if not np.array_equal(array, copy, equal_nan=True)
        ]
        return {"told": told, "seconds": seconds, "changed": sorted(set(changed))}

    def _step(self, step: dict[str, Any]) -> Any:
        if step["do"] == "call":
            target = self.kept[step["on"]] if "on" in step else None
            function = self.names[step["of"]] if target is None else getattr(target, step["of"])
            arguments = [self._argument(one) for one in step.get("arguments", ())]
            named = {name: self._argument(one) for name, one in step.get("named", {}).items()}
            return function(*arguments, **named)
        target = self.kept[step["on"]]
        if step["do"] == "put":
            return self._put(target, step)
        if step["do"] == "get":
            return getattr(target, self.places[step["of"]]).copy()
        return attributes(target)

    def _put(self, target: Any, step: dict[str, Any]) -> bool:
        """Set the attribute that holds an array of this shape, or, `loose`, of this size or of a map each."""
        array, names = step["value"]["array"], step["names"]
        own = {name: value for name, value in vars(target).items() if hasattr(value, "shape")}
        order = sorted(own, key=lambda name: name.lower().strip("_") not in names)
        for name in order:
            shape = own[name].shape
            if name in self.places.values():
                continue
            if shape == array.shape or (step["loose"] and own[name].size == array.size):
                new = array.reshape(shape)
            elif step["loose"] and len(shape) == 3 and array.size in (shape[0], shape[-1]):
                by_map = array.reshape(-1, 1, 1) if array.size == shape[0] else array.reshape(1, 1, -1)
                new = by_map + 0.0 * own[name]
            else:
                continue
            setattr(target, name, new.copy())
            self.places[step["of"]] = name
            return True
        wanted = " × ".join(map(str, array.shape))
        if not step["loose"]:
            raise AttributeError(f"no attribute holds an array of {wanted}, for {step['of']}")
        return False

    def _argument(self, one: Any) -> Any:
        """Return what stands for an argument: `{"array": …}`, `{"kept": …}`, `{"entries": …}`, or itself."""
        if not isinstance(one, dict):
            return tuple(map(self._argument, one)) if isinstance(one, list | tuple) else one
        if "array" in one:
            array = one["array"].copy()
            self.given.append((one["name"], array, array.copy()))
            return float(array) if one.get("scalar") else array
        if "kept" in one:
            value = self.kept[one["kept"]]
            return value[one["at"]] if "at" in one else value
        return {name: self._argument(value) for name, value in one["entries"].items()}


def attributes(target: Any) -> dict[str, Any]:
    """Return the arrays that an object holds, those in its dictionaries as `name.key`."""
    found: dict[str, Any] = {}
    for name, value in list(getattr(target, "__dict__", {}).items())[:MOST_ITEMS]:
        if isinstance(value, dict):
            found |= {f"{name}.{key}": one for key, one in list(value.items())[:MOST_ITEMS]}
        else:
            found[name] = value
    return {name: value for name, value in found.items() if hasattr(value, "shape") or _number(value)}


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def encoded(value: Any) -> Any:
    """Return a value as plain JSON: arrays by their bytes, tuples by items, the rest by its type."""
    import numpy as np

    if value is None:
        return None
    if isinstance(value, tuple):
        return {"items": [encoded(one) for one in value[:MOST_ITEMS]]}
    if isinstance(value, Mapping):
        pairs = list(value.items())[:MOST_ITEMS]
        return {"entries": {str(name): encoded(one) for name, one in pairs}}
    try:
        array = np.asarray(value)
    except Exception:
        return {"other": type(value).__name__}
    if array.dtype.kind not in "biuf" or array.dtype.itemsize > 8:
        if isinstance(value, list):
            return {"items": [encoded(one) for one in value[:MOST_ITEMS]]}
        kind = f" of {array.dtype}" if isinstance(value, np.ndarray) else ""
        return {"other": f"{type(value).__name__}{kind}"}
    if array.size > MOST_NUMBERS:
        return {"other": f"array of {array.shape}"}
    data = base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
    return {"dtype": array.dtype.newbyteorder("=").str, "shape": list(array.shape), "data": data}


def decoded(value: Any) -> Any:
    """Return what `encoded` made plain, numbers as arrays; {"other": …} stays as it is."""
    import numpy as np

    if isinstance(value, list):
        return [decoded(one) for one in value]
    if not isinstance(value, dict):
        return value
    if "data" in value:
        data = base64.b64decode(value["data"])
        return np.frombuffer(data, np.dtype(value["dtype"])).reshape(value["shape"]).copy()
    if "items" in value:
        return tuple(decoded(one) for one in value["items"])
    if "entries" in value:
        return {name: decoded(one) for name, one in value["entries"].items()}
    return {name: decoded(one) for name, one in value.items()}


def hold(limits: dict[str, int]) -> None:
    """Set the limits of this process, where the system has them."""
    try:
        import resource
    except ImportError:
        return
    for name, value in limits.items():
        kind = getattr(resource, name, None)
        if kind is not None:
            _, hard = resource.getrlimit(kind)
            value = value if hard == resource.RLIM_INFINITY else min(value, hard)
            try:
                resource.setrlimit(kind, (value, value))
            except (ValueError, OSError):  # macOS knows some of them, and does not take them
                continue


def main() -> None:
    """Serve requests until there are no more."""
    asking, telling = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)

    def tell(answer: dict[str, Any]) -> None:
        telling.write(json.dumps(answer).encode() + b"\n")
        telling.flush()

    begin = json.loads(asking.readline())
    sys.path[:] = begin["path"]
    import numpy  # noqa: F401 (nobody's time but ours)

    hold(begin["limits"])
    tell({"begun": True})
    names, failures = load(begin["source"], begin["name"], definitions=begin["definitions"])
    tell({"failures": failures})
    bench = Bench(names)
    for line in asking:
        try:
            answer = bench.perform([_plain(step) for step in json.loads(line)])
            tell({**answer, "told": {name: encoded(one) for name, one in answer["told"].items()}})
        except BaseException as error:
            tell({"error": {**described(error, begin["name"]), "of": bench.at}})
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except Exception:
                continue


def _plain(step: Any) -> Any:
    """Return a step with its arrays as arrays."""
    if isinstance(step, list):
        return [_plain(one) for one in step]
    if isinstance(step, dict):
        return decoded(step) if "data" in step else {name: _plain(one) for name, one in step.items()}
    return step


if __name__ == "__main__":
    main()
