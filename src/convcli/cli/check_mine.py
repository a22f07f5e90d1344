"""`convcli check-mine`: a learner's own functions, held against ours."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import typer

from convcli.cli.check_array import check_array
from convcli.cli.options import Json
from convcli.cli.output import console, note, out_text, print_json
from convcli.errors import CheckError, UsageError

MOST_SECONDS = 3600
LEAST_MEMORY, MOST_MEMORY = 256, 1 << 20


def check_mine(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]", help="A .py file or a notebook (.ipynb). It is run.", show_default=False
        ),
    ] = None,
    named: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="NAME=OPERATION", help="What a function is: mine=conv2d. Repeatable."),
    ] = None,
    layout: Annotated[
        str | None,
        typer.Option("--layout", help="nhwc, nchw, hwc, chw or hw; of dense layers rows, columns or vector."),
    ] = None,
    op: Annotated[
        Literal["correlate", "convolve"],
        typer.Option("--op", help="convolve: functions are to turn their kernels by 180°."),
    ] = "correlate",
    ties: Annotated[
        Literal["first", "any"],
        typer.Option("--ties", help="Which of equal maxima counts; any: no case has equal ones."),
    ] = "first",
    only: Annotated[
        list[str] | None, typer.Option("--only", metavar="FUNCTION", help="Judge this one. Repeatable.")
    ] = None,
    time_limit: Annotated[
        float, typer.Option("--time-limit", min=0.1, max=MOST_SECONDS, help="Seconds for each function.")
    ] = 10.0,
    memory_limit: Annotated[
        int,
        typer.Option("--memory-limit", min=LEAST_MEMORY, max=MOST_MEMORY, help="MiB, where it can be held."),
    ] = 2048,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the random cases.")] = 0,
    array: Annotated[
        str | None,
        typer.Option(
            "--array",
            metavar="X",
            help="In place of FILE: a result that you computed: .npy, .npz, .csv, '1 2; 3 4', [[1, 2]] or -.",
        ),
    ] = None,
    of: Annotated[
        str | None,
        typer.Option(
            "--of",
            metavar="NAME",
            help="What --array is: Z, A, dZ, dW, db, dA_prev, padded, pool, pool-backward.",
        ),
    ] = None,
    source: Annotated[
        str | None, typer.Option("--input", metavar="X", help="With --array: A_prev, read likewise.")
    ] = None,
    kernel: Annotated[
        str | None, typer.Option("--kernel", metavar="W", help="With --array: all filters as one array.")
    ] = None,
    bias: Annotated[
        str | None, typer.Option(metavar="B", help="With --array: a number for each filter, such as '1 -2'.")
    ] = None,
    gradient: Annotated[
        str | None,
        typer.Option(metavar="DZ", help="With --array: dZ; for --of dZ dA; dA of a pool's output."),
    ] = None,
    stride: Annotated[
        str | None, typer.Option(metavar="S|SYxSX", help="With --array: 1; of a pool its size.")
    ] = None,
    padding: Annotated[
        str | None, typer.Option(metavar="same|valid|full|N", help="With --array: valid unless given.")
    ] = None,
    size: Annotated[
        str | None, typer.Option(metavar="S|SYxSX", help="With --array: of a pool's window, 2 unless given.")
    ] = None,
    pool: Annotated[
        str | None, typer.Option(metavar="max|mean", help="With --array: which pool, max unless given.")
    ] = None,
    activation: Annotated[
        str | None, typer.Option(metavar="G", help="With --array: g of A and dZ, relu unless given.")
    ] = None,
    tolerance: Annotated[
        float | None,
        typer.Option(
            min=0, help="With --array: what a cell may be off, as a part of the largest; 1e-5 unless given."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Judge functions that you wrote yourself: convolution, pooling, dense layers, and their gradients.

    Functions and classes are found by the names that the usual courses give them, and called as these do:
    images last or first, settings in a dictionary, a cache. What was understood is said. Each is tried on
    small integers first, then on random sizes, then its gradients on finite differences. For the first
    failure: the smallest input, the cell that is wrong, and the usual mistake that it looks like. The file
    is run, in a process of its own (see SECURITY.md). With --array a result is judged, cell by cell, and no
    file is run. Exit code 3 if something is wrong.

    \b
    Examples:
      convcli check-mine mine.py
      convcli check-mine homework.ipynb --only conv_backward
      convcli check-mine mine.py --map my_filter=conv2d --layout hw --json
      convcli check-mine --array "4 4; 4 4" --of Z --input "1 2 3; 4 5 6; 7 8 9" --kernel "1 0; 0 -1"
      convcli check-mine --array mine.npy --of dW --input x.npy --kernel w.npy --gradient dz.npy --layout nchw
    """
    given = {
        "input": source, "kernel": kernel, "bias": bias, "gradient": gradient, "stride": stride,
        "padding": padding, "size": size, "pool": pool, "activation": activation,
    }  # fmt: skip
    made_of = {"of": of, **given, "tolerance": tolerance}
    judged = {"map": named, "op": op != "correlate", "ties": ties != "first", "only": only}
    if array is not None:
        _check_idle({"FILE": file, **_options(judged)}, "--array")
        check_array(array, of, given, layout, tolerance, json)
        return
    if file is None:
        raise UsageError("Expected a FILE, or --array with --of: convcli check-mine mine.py.")
    _check_idle(_options(made_of), "FILE")
    from convcli.grading.grade import Asked, grade, subjects_of
    from convcli.grading.process import Bounds
    from convcli.grading.program import Program
    from convcli.render.grading import graded_document, graded_failure, graded_summary, show_graded
    from convcli.render.progress import steps

    asked = Asked(
        tuple(named or ()),
        layout,
        tuple(only or ()),
        flipped=op == "convolve",
        any_tie=ties == "any",
    )
    program = Program.read(file)
    bounds = Bounds(time_limit, whole=12 * time_limit, memory=memory_limit << 20)
    count = 0 if program.failure else len(subjects_of(program, asked)[0])
    with steps(count, "judging") as advance:
        graded = grade(program, asked, bounds, seed, advance)
    note(graded.notes)
    if json:
        print_json(graded_document(graded, bounds, seed))
    else:
        show_graded(console(), graded)
    if failure := graded_failure(graded):
        raise CheckError(*failure)
    if not json:
        out_text(graded_summary(graded))


def _options(values: Mapping[str, object]) -> dict[str, object]:
    return {f"--{name}": value for name, value in values.items()}


def _check_idle(values: Mapping[str, object], way: str) -> None:
    """Raise UsageError for what is given and would have no say."""
    idle = [name for name, value in values.items() if value not in (None, False, [])]
    if idle:
        raise UsageError(f"{', '.join(idle)} cannot go with {way}.")
