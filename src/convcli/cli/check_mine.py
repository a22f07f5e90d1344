"""`convcli check-mine`: a learner's own functions, held against ours."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from convcli.cli.options import Json
from convcli.cli.output import console, note, out_text, print_json
from convcli.errors import CheckError

MOST_SECONDS = 3600
LEAST_MEMORY, MOST_MEMORY = 256, 1 << 20


def check_mine(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A .py file or a notebook (.ipynb). It is run.")
    ],
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
    json: Json = False,
) -> None:
    """Judge functions that you wrote yourself: convolution, pooling, dense layers, and their gradients.

    Functions and classes are found by the names that the usual courses give them, and called as these do:
    images last or first, settings in a dictionary, a cache. What was understood is said. Each is tried on
    small integers first, then on random sizes, then its gradients on finite differences. For the first
    failure: the smallest input, the cell that is wrong, and the usual mistake that it looks like. The file
    is run, in a process of its own (see SECURITY.md). Exit code 3 if something is wrong.

    \b
    Examples:
      convcli check-mine mine.py
      convcli check-mine homework.ipynb --only conv_backward
      convcli check-mine mine.py --map my_filter=conv2d --layout hw --json
    """
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
