"""Writes docs/onnx-nodes.md: ONNX's own tests, taken in as networks and run; run it after changing that."""

from __future__ import annotations

import re
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from convcli.errors import ConvcliError
from convcli.interchange.onnx.reading.file import parse
from convcli.interchange.onnx.reading.foreign import filled, foreign, layers_of, network_of

TARGET = Path(__file__).with_name("onnx-nodes.md")
KINDS = {
    "node": "operators, one at a time",
    "pytorch-operator": "operators as PyTorch exported them",
    "pytorch-converted": "modules of PyTorch",
    "simple": "small graphs",
}
OF_LINES = 3  # reasons of an operator that are given

INTRODUCTION = """\
# ONNX's own tests

The package `onnx` brings tests for those who run its models: a graph, inputs, and what has to come out.
Here each is taken in as `convcli import` takes files in, without classes, so that a graph need be no
classifier: its first input is the image, the others are constants, as weights are. What then is a network
of layers runs, and has to give the expected output within the test's own tolerances; the rest is listed
with the reason. `python docs/onnx_nodes.py` writes this page.
"""


class Outcome(NamedTuple):
    """What became of a test: "" where it has passed, what differs, or why no layers are what it tests."""

    kind: str
    op: str
    name: str
    mapped: bool
    reason: str


def cases() -> Iterator[tuple[str, Any, list[tuple[Any, Any]], float, float]]:
    """Yield (kind, model, data sets, relative and absolute tolerance) of each test with its name."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from onnx.backend.test.case.node import collect_testcases
        from onnx.backend.test.loader import load_model_tests

        for case in collect_testcases(None):
            yield "node", case, case.data_sets, case.rtol, case.atol
        for kind in list(KINDS)[1:]:
            for case in load_model_tests(kind=kind):
                yield kind, case, [], case.rtol, case.atol


def loaded(case: Any) -> tuple[Any, list[tuple[Any, Any]]]:
    """Return the model and the data sets of a test that lies in a folder."""
    import onnx

    folder = Path(case.model_dir)
    model = onnx.load(folder / "model.onnx")
    sets = []
    for data in sorted(folder.glob("test_data_set_*")):
        inputs, outputs = (
            [onnx.numpy_helper.to_array(onnx.load_tensor(path)) for path in sorted(data.glob(f"{what}_*.pb"))]
            for what in ("input", "output")
        )
        sets.append((inputs, outputs))
    return model, sets


def outcome(kind: str, case: Any, sets: list[tuple[Any, Any]], rtol: float, atol: float) -> Outcome:
    """Return what becomes of a test."""
    model = case.model
    if model is None:
        model, sets = loaded(case)
    ops = [node.op_type for node in model.graph.node if node.op_type != "Constant"]
    op = re.sub(r"_expanded.*|_cpu$", "", case.name.removeprefix("test_"))
    op = ops[0] if len(ops) == 1 else f"several: {op}" if kind != "node" else "written out"
    for inputs, outputs in sets:
        reason, mapped = one(model, inputs, outputs, rtol, atol)
        if reason:
            return Outcome(kind, op, case.name, mapped, reason)
    return Outcome(kind, op, case.name, True, "")


def one(model: Any, inputs: Any, outputs: Any, rtol: float, atol: float) -> tuple[str, bool]:
    """Return what is wrong with one set of inputs and outputs, and whether the graph is layers at all."""
    import onnx

    constant = {tensor.name for tensor in model.graph.initializer}
    names = [value.name for value in model.graph.input if value.name not in constant]
    if not inputs or not all(isinstance(array, np.ndarray | np.generic) for array in [*inputs, *outputs]):
        return "takes or gives lists, or nothing", False
    first, expected, *others = map(np.asarray, (inputs[0], outputs[0], *inputs[1:]))
    if first.dtype.kind != "f" and first.dtype != np.uint8:
        return f"takes {first.dtype}, not pixels or floats", False
    fixed = dict(zip(names[1:], others, strict=False))
    try:
        graph = parse(onnx, model.SerializeToString(), Path("test.onnx"), fixed)
        found = foreign(onnx, graph)
        layers, _ = layers_of(graph.where, found.steps)
        network, arrays = network_of(layers, found.image.own_shape)
        dtype = np.float64 if first.dtype == np.float64 else np.float32
        weights = filled(network, arrays, dtype)
    except ConvcliError as error:
        return short(error), False
    x = found.image.ours(first.astype(dtype))
    y = found.outcome.theirs(np.asarray(network.forward(x, weights, network.tape())))
    if y.shape != expected.shape:
        return f"a shape of {y.shape}, not {expected.shape}", True
    apart = np.abs(y - expected.astype(np.float64))
    wrong = apart > atol + rtol * np.abs(expected)
    return (f"apart by {apart[wrong].max():.2g}" if wrong.any() else ""), True


def short(error: ConvcliError) -> str:
    """Return why a graph is not layers, without names and numbers of this one."""
    line = error.lines[1] if len(error.lines) > 1 else error.lines[0]
    line = re.sub(r"^\s*[\w:.]+ '[^']*'( \([^)]*\))?: ", "", line.removeprefix("test.onnx: "))
    line = re.sub(r"'[^']*'", "…", line)
    return re.sub(r"(\d+ × )*\d+ × \d+|\b\d+\b", "…", line).strip().rstrip(".")


@cache
def outcomes() -> tuple[Outcome, ...]:
    """Return what becomes of all tests."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return tuple(outcome(*case) for case in cases())


def page() -> str:
    """Return the whole page."""
    found = outcomes()
    lines = [INTRODUCTION, "| tests | in all | run | passed | not mapped |", "|---|---:|---:|---:|---:|"]
    for kind, words in KINDS.items():
        mine = [one for one in found if one.kind == kind]
        run = [one for one in mine if one.mapped]
        passed = sum(not one.reason for one in run)
        lines.append(f"| {words} | {len(mine):,} | {len(run):,} | {passed:,} | {len(mine) - len(run):,} |")
    by_op: dict[str, list[Outcome]] = defaultdict(list)
    for one in found:
        by_op[one.op if not one.op.startswith("several") else "several nodes"].append(one)
    some = {op: mine for op, mine in sorted(by_op.items()) if any(one.mapped for one in mine)}
    none = {op: mine for op, mine in sorted(by_op.items()) if op not in some}
    lines += ["", "## Operators that layers are", ""]
    lines += ["| operator | run | passed | not mapped | why not |", "|---|---:|---:|---:|---|"]
    lines += [row(op, mine) for op, mine in some.items()]
    lines += ["", "## Operators that no layer is", ""]
    lines += ["| operator | tests | why not |", "|---|---:|---|"]
    lines += [f"| {op} | {len(mine)} | {reasons(mine)} |" for op, mine in none.items()]
    return "\n".join([*lines, ""])


def row(op: str, mine: list[Outcome]) -> str:
    """Return the line of an operator some of whose tests run."""
    run = [one for one in mine if one.mapped]
    passed = sum(not one.reason for one in run)
    return f"| {op} | {len(run)} | {passed} | {len(mine) - len(run)} | {reasons(mine)} |"


def reasons(mine: list[Outcome]) -> str:
    """Return the most frequent reasons for which tests are not mapped."""
    counts = Counter(one.reason.replace("|", "\\|") for one in mine if not one.mapped)
    told = [f"{reason} ({count})" for reason, count in counts.most_common(OF_LINES)]
    return "; ".join(told) + ("; …" if len(counts) > OF_LINES else "")


if __name__ == "__main__":
    TARGET.write_text(page(), encoding="utf-8")
