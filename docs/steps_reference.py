"""Writes docs/steps.md from the steps themselves: run `python docs/steps_reference.py` after changing one."""

from __future__ import annotations

from pathlib import Path

from convcli.filtering.steps import STEPS, Step
from convcli.filtering.steps.kernel import KernelStep
from convcli.filtering.steps.step import Bordered
from convcli.render.steps import options_of, paragraphs_of, summary_of

TARGET = Path(__file__).with_name("steps.md")
INTRODUCTION = """\
# Steps of `filter`

`convcli filter photo.jpg --step gaussian:sigma=1.4 --step sobel` does one after the other, with floats in
between: nothing is rounded or clipped before the end, where `--range` makes pixels of the last result.
A step is written `NAME` or `NAME:OPTION=VALUE,OPTION=VALUE`. Every kernel (`convcli kernels`) is a step, too,
with its parameters and the options of [kernel](#kernel).

The chain is computed in blocks: memory stays that of the image, the result and a few blocks with what their
windows see around them, however many steps there are. Alpha and pixels of no data go along with the pixels.

Steps can be kept in a file: `--pipeline FILE.toml` takes them from there, `--save-pipeline FILE.toml` writes
those of a call. What holds for all of them and at the end stands above: `border`, `fill`, `range`,
`alpha`, `nodata`. `@FILE` and `run:` in it are relative to the file.

```toml
border = "edge"

[[steps]]
type = "gaussian"
sigma = 1.4

[[steps]]
type = "sobel"
```

`convcli steps NAME` says the same in the terminal.
"""


def section(step: type[Step]) -> str:
    """Return what there is to say of one step."""
    lines = [f"## {step.name()}", "", summary_of(step), ""]
    for paragraph in paragraphs_of(step):
        lines += [paragraph, ""]
    options = options_of(step)
    if issubclass(step, Bordered) and not issubclass(step, KernelStep):
        usual = {name: field.description for name, field in Bordered.model_fields.items()}
        own = {name for name in usual if step.model_fields[name].description != usual[name]}
        options = [option for option in options if option.name not in usual or option.name in own]
        lines += ["With `border` and `fill`, as [kernel](#kernel) has them.", ""]
    if options:
        lines += ["| option | what it may be | default | meaning |", "|---|---|---|---|"]
        for option in options:
            default = "required" if option.required else f"`{option.default}`" if option.default else ""
            cells = [f"`{option.name}`", option.kind, default, option.meaning]
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        lines.append("")
    if step.source:
        lines += [f"Source: {step.source}", ""]
    return "\n".join(lines)


def reference() -> str:
    """Return the whole page."""
    return "\n".join([INTRODUCTION, *map(section, STEPS.values())])


if __name__ == "__main__":
    TARGET.write_text(reference(), encoding="utf-8")
