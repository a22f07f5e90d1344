"""Steps of `filter` as pages: the list of all, and one with its options."""

from __future__ import annotations

from textwrap import wrap
from typing import Any

from convcli.filtering.steps import STEPS, Step
from convcli.filtering.steps.kernel import Laid
from convcli.filtering.steps.step import FAMILIES
from convcli.render.options import Option
from convcli.render.options import options_of as options_of_part

HOLDS = "Every kernel is a step, too: `convcli kernels` lists them."
WIDTH = 100


def options_of(step: type[Step]) -> list[Option]:
    """Return a step's options."""
    return options_of_part(step, step.options())


def summary_of(step: type[Step]) -> str:
    """Return what a step does, in a line."""
    return (step.__doc__ or "").strip().splitlines()[0]


def paragraphs_of(step: type[Step]) -> list[str]:
    """Return what else there is to say of a step, a paragraph each."""
    rest = (step.__doc__ or "").strip().partition("\n")[2].strip()
    return [" ".join(paragraph.split()) for paragraph in rest.split("\n\n")] if rest else []


def list_document() -> list[dict[str, Any]]:
    """Return all steps for JSON."""
    return [step_document(step) for step in STEPS.values()]


def list_text() -> str:
    """Return all steps by what they are about: name and options with their defaults, what each does."""
    lines: list[str] = []
    for heading, (_, names) in FAMILIES.items():
        lines.append(heading)
        for name in names:
            options = [] if issubclass(STEPS[name], Laid) else options_of(STEPS[name])
            lines += [f"  {_call(name, options)}", f"      {summary_of(STEPS[name])}"]
        lines.append("")
    return "\n".join([*lines, "`convcli steps NAME` shows one with its options. " + HOLDS])


def _call(name: str, options: list[Option]) -> str:
    """Return `threshold:value=otsu` of a step's options that have a value."""
    own = [
        f"{option.name}={option.default or '…'}"
        for option in options
        if option.name not in ("border", "fill")
    ]
    return f"{name}:{','.join(own)}".replace('"', "") if own else name


def step_document(step: type[Step]) -> dict[str, Any]:
    """Return one step for JSON, its options as JSON Schema has them."""
    return {
        "name": step.name(),
        "summary": summary_of(step),
        "source": step.source,
        "options": {
            option.name: {"kind": option.kind, "default": _default(step, option), "meaning": option.meaning}
            for option in options_of(step)
        },
        "schema": step.model_json_schema(),
    }


def _default(step: type[Step], option: Option) -> Any:
    return None if option.required else step.model_fields[option.name].default


def step_text(step: type[Step]) -> str:
    """Return one step as a page: what it does, its options, its source."""
    options = options_of(step)
    lines = [f"{step.name()}: {summary_of(step)}"]
    for paragraph in paragraphs_of(step):
        lines += ["", *wrap(paragraph, WIDTH)]
    if options:
        lines.append("")
    width = max((len(option.name) for option in options), default=0)
    for option in options:
        worth = [part for part in (option.kind, option.default and f"default {option.default}") if part]
        said = "; ".join([*worth, *(["has to be given"] if option.required else [])])
        text = f"{option.meaning} ({said})" if said else option.meaning
        head, *more = wrap(text, WIDTH - width - 4)
        lines += [f"  {option.name:<{width}}  {head}", *(f"  {'':<{width}}  {line}" for line in more)]
    if step.source:
        lines += ["", f"Source: {step.source}"]
    return "\n".join(lines)
