"""`convcli check-mine --array`: a learner's result held against ours, cell by cell."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import typer

from convcli.cli.options import parse_padding, parse_pair
from convcli.cli.output import console, note, print_json
from convcli.errors import CheckError, UnknownNameError, UsageError

if TYPE_CHECKING:
    from convcli.grading.arrays import Ours

TENSORS = ("input", "kernel", "gradient")


def check_array(
    mine: str,
    of: str | None,
    given: Mapping[str, str | None],
    layout: str | None,
    tolerance: float | None,
    json: bool,
) -> None:
    """Print where an array differs from what comes out, and leave with 3 if it does.

    Parameters
    ----------
    mine, of
        The array, and whose result it is.
    given
        The texts of the options that say what it was made of, by their names.
    """
    from convcli.grading.arrays import judge_array
    from convcli.render.mine import judged_document, show_judged

    ours = _ours(mine, of, {name: text for name, text in given.items() if text is not None}, layout)
    if tolerance is not None:
        from dataclasses import replace

        ours = replace(ours, tolerance=tolerance)
    judged = judge_array(ours)
    note(judged.notes)
    if json:
        print_json(judged_document(judged))
    else:
        show_judged(console(), judged)
    if not judged.comparison.right:
        raise typer.Exit(CheckError.exit_code)


def _ours(mine: str, of: str | None, given: Mapping[str, str], layout: str | None) -> Ours:
    from convcli.arrays import check_streams, read_array
    from convcli.grading.arrays import RESULTS, Ours

    if of is None:
        raise UsageError(f"--array needs --of, what it is: {', '.join(RESULTS)}.")
    if of not in RESULTS:
        raise UnknownNameError("result", of, RESULTS)
    texts = {name: given[name] for name in TENSORS if name in given}
    check_streams({"--array": mine, **{f"--{name}": text for name, text in texts.items()}})
    arrays = {name: read_array(text, f"--{name}") for name, text in texts.items()}
    return Ours(of, read_array(mine, "--array", finite=False), arrays, _options(given), layout)


def _options(given: Mapping[str, str]) -> dict[str, Any]:
    """Return what is no array, as numbers and names."""
    from convcli.explaining.bringing import list_of

    read: dict[str, Callable[[str], Any]] = {
        "bias": lambda text: list_of(text, "--bias"),
        "stride": lambda text: parse_pair(text, "--stride"),
        "padding": parse_padding,
        "size": lambda text: parse_pair(text, "--size"),
        "pool": _pool,
        "activation": str,
    }
    return {name: read[name](text) for name, text in given.items() if name in read}


def _pool(text: str) -> str:
    names = {"max": "max", "mean": "mean", "avg": "mean", "average": "mean"}
    if text not in names:
        raise UsageError(f"--pool: expected max or mean, not {text!r}.")
    return names[text]
