"""A pipeline as a document, such as a TOML file keeps: read, and written so that it reads back.

range = "clip"              # what holds for all steps and at the end: border, fill, range, alpha, nodata,
                            # linear, depth, background

[[steps]]
type = "gaussian"
sigma = 1.4

[[steps]]
type = "sobel"
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError

from convcli import kernels
from convcli.bounds import check_document
from convcli.config import LONGEST_LINE, MOST_MISTAKES, Options, mistakes
from convcli.errors import ConfigError, ConvcliError, UsageError
from convcli.filtering.chain import MOST_STEPS
from convcli.filtering.pipeline import Pipeline
from convcli.filtering.policy import FROM_FILE, Policy
from convcli.filtering.steps.parsing import Read, step_from
from convcli.filtering.steps.step import Step
from convcli.wording import shortened, shown


def _values(value: object) -> object:
    """Return values for no data as numbers, and "auto" as it is."""
    given = value if isinstance(value, list | tuple) else [value]
    return tuple(one if one == FROM_FILE else _number(one) for one in given)


def _number(value: object) -> float:
    if isinstance(value, str) and value.lower() == "nan":
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f'expected a number, "nan" or "auto", not {value!r}')
    return float(value)


class Ends(Options):
    """What holds for all steps of a chain, and at its end."""

    border: Annotated[str, AfterValidator(lambda name: Policy(border=name).border)] = "reflect"
    fill: float = 0.0
    range: Literal["auto", "clip", "abs", "stretch", "offset", "raw"] = "auto"
    alpha: Literal["keep", "filter", "ignore"] = "keep"
    nodata: Annotated[Any, BeforeValidator(_values)] = ()
    linear: bool = False
    depth: Literal[8, 16] | None = None
    background: Annotated[str, AfterValidator(lambda name: Policy(background=name).background)] | None = None


class _Document(Ends):
    steps: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=MOST_STEPS)]


def read_pipeline(
    document: Mapping[str, Any],
    where: str,
    *,
    read: Read = kernels.parse,
    further: Sequence[Step] = (),
    instead: Mapping[str, Any] | None = None,
) -> Pipeline:
    """Return the pipeline that a document holds, with `further` steps behind its own.

    `read` turns a text into a kernel; options of `instead` take the place of the document's.

    Raises
    ------
    ConfigError
        With a line for every mistake; `where` names the file.
    """
    check_document(document, where)
    found: list[str] = []
    ends: _Document | None = None
    try:
        ends = _Document.model_validate(document)
    except ValidationError as error:
        found += mistakes(error, list(_Document.model_fields))
    tables = document.get("steps")
    made = []
    for number, table in enumerate(tables if isinstance(tables, list) else (), 1):
        if not isinstance(table, dict):
            continue  # which is among the mistakes
        name = table.get("type")
        place = f"[[steps]] {number}{f' ({shortened(shown(name))})' if isinstance(name, str) else ''}: "
        try:
            made.append(step_from(table, read))
        except ConvcliError as error:
            found += [f"{place}{line}" for line in error.lines]
        if len(found) > MOST_MISTAKES:
            break
    if found or ends is None:
        lines = [f"  {shortened(line, LONGEST_LINE)}" for line in dict.fromkeys(found)]
        count = f"{len(lines):,}" if len(lines) <= MOST_MISTAKES else f"more than {MOST_MISTAKES}"
        raise ConfigError(f"{where}: {count} mistake(s).", *lines[:MOST_MISTAKES])
    options = ends.model_dump(exclude={"steps"}) | dict(instead or {})
    try:
        pipeline = Pipeline([*made, *further], Policy(**options))
    except UsageError as error:
        raise error.placed(where) from None
    if (
        "fill" in ends.model_fields_set
        and not pipeline.has_constant_border
        and "border" not in (instead or {})
    ):
        raise ConfigError(f'{where}: fill needs border = "constant"; found border {ends.border}.')
    return pipeline


def pipeline_document(pipeline: Pipeline) -> dict[str, Any]:
    """Return a pipeline as a document that `read_pipeline` makes it of: what is as usual is left out.

    It holds nothing but tables, lists, texts, numbers and truth values; a value for no data that is NaN is a
    text, as JSON has none.
    """
    policy, usual = pipeline.policy, Policy()
    names = [name for name in Ends.model_fields if name != "nodata"]
    ends = {name: getattr(policy, name) for name in names if getattr(policy, name) != getattr(usual, name)}
    if policy.nodata:
        ends["nodata"] = [_plain(value) for value in policy.nodata]
    return {**ends, "steps": [step.document() for step in pipeline.steps]}


def _plain(value: float | str) -> float | str:
    return "nan" if isinstance(value, float) and math.isnan(value) else value
