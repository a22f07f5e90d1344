"""What `filter --step` says: a chain of steps, and which other options go with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from convcli.cli.output import note
from convcli.errors import ConvcliError, UsageError

if TYPE_CHECKING:
    from convcli.filtering.pipeline import Pipeline
    from convcli.filtering.policy import Policy


def chosen_steps(
    texts: Sequence[str], kernels: Sequence[str], policy: Policy, own: Mapping[str, object]
) -> Pipeline:
    """Return the pipeline of the steps that are given; `own` are options of one kernel's weights.

    Raises `UsageError` of a step with its number, and of options that belong to one kernel.
    """
    from convcli.filtering.pipeline import Pipeline
    from convcli.filtering.policy import Policy
    from convcli.filtering.steps.parsing import step_of
    from convcli.runs.kernels import parse

    if kernels:
        raise UsageError(
            f"-k makes a result of each kernel, --step one result of all steps: write -k {kernels[0]} as "
            f"--step {kernels[0]}."
        )
    usual, every = Policy(stride=(1, 1), dilation=(1, 1)).laying(), ("border", "fill")
    given = [name for name, value in policy.laying().items() if name not in every and value != usual[name]]
    given += [name for name, value in own.items() if value is not None]
    if given:
        raise UsageError(
            f"--{given[0]} belongs to one step: write it behind its name, such as "
            f"--step {texts[0].partition(':')[0]}:{given[0]}=…."
        )
    steps = []
    for number, text in enumerate(texts, 1):
        try:
            steps.append(step_of(text, partial(parse, tell=note)))
        except ConvcliError as error:
            raise error.placed(f"step {number}") from None
    return Pipeline(steps, policy)
