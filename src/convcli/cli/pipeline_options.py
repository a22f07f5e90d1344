"""What `filter` does to each image: its kernels, each a result, or its steps, of --step and --pipeline."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from convcli.cli.kernel_options import chosen_kernels
from convcli.cli.output import note
from convcli.errors import ConvcliError, UsageError
from convcli.files import is_address, path_of
from convcli.wording import shown

if TYPE_CHECKING:
    from convcli.filtering.compat import Preset
    from convcli.filtering.pipeline import Pipeline
    from convcli.filtering.policy import Policy
    from convcli.kernels import Kernel

Steps: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        metavar="STEP",
        help="A step of a chain: NAME or NAME:OPTION=VALUE,OPTION=VALUE, of the steps' names or whatever "
        "--kernel takes. Given several times, they are done one after the other, with floats in between, "
        "and make one result. `convcli steps` lists them.",
    ),
]

File: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Take the steps from a TOML file: tables [[steps]] with type and options; above them "
        "border, fill, range, alpha, nodata, linear, depth, background. Those of --step follow, and "
        "options given here count.",
    ),
]

SaveTo: TypeAlias = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Write what is done to a TOML file that --pipeline takes."),
]

Compat: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="opencv|scipy|imagemagick|pillow|vips",
        help="Do as that tool does where nothing else is said: its border, whether kernels are turned, "
        "the cell of even ones that lies on the pixel, its scale; every channel, clipped.",
    ),
]

OF_ALL = ("border", "fill", "range", "alpha", "nodata", "linear", "depth", "background")
"""Options of `filter` that hold for all steps, or at the end of them."""

OF_ONE = (
    "scale",
    "normalize",
    "gradient",
    "anchor",
    "offset",
    "padding",
    "stride",
    "dilation",
    "channels",
    "op",
)
"""Options that say how one kernel is laid."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """The options that say what is done, as they were given."""

    kernels: Sequence[str] = ()
    steps: Sequence[str] = ()
    file: Path | None = None
    scale: str | None = None
    normalize: bool = False
    anchor: str | None = None
    gradient: str = "magnitude"
    tool: Preset | None = None
    given: frozenset[str] = frozenset()  # the names of all options of `filter` that were given

    def __post_init__(self) -> None:
        if self.file is not None:
            object.__setattr__(self, "file", path_of(self.file))

    @classmethod
    def of(cls, asked: Mapping[str, Any], given: frozenset[str]) -> Wanted:
        """Return what options by their names ask for, of which some are `given`."""
        own = {name: asked[name] for name in ("scale", "normalize", "anchor", "gradient")}
        own |= {"kernels": asked["kernel"] or (), "steps": asked["step"] or (), "file": asked["pipeline"]}
        return cls(**own, tool=_tool(asked["compat"]), given=given)

    @property
    def is_chain(self) -> bool:
        """Whether it is one chain of steps."""
        return bool(self.steps) or self.file is not None


def chosen_pipelines(wanted: Wanted, policy: Policy) -> dict[str, Pipeline]:
    """Return the pipelines, by what their results are called.

    Raises `UsageError` of a step with its number, and of options that do not go together.
    """
    if wanted.tool is not None:
        policy = replace(policy, **wanted.tool.options(wanted.given))
    pipelines = _pipelines(wanted, policy)
    if "fill" in wanted.given and not any(one.has_constant_border for one in pipelines.values()):
        border = next(iter(pipelines.values())).policy.border
        step = ", or a step's border=constant" if wanted.is_chain else ""
        raise UsageError(f"--fill needs --border constant{step}; found --border {border}.")
    return pipelines


def _pipelines(wanted: Wanted, policy: Policy) -> dict[str, Pipeline]:
    """Return the pipelines, whatever their borders show."""
    from convcli.filtering.pipeline import Pipeline
    from convcli.kernels import KERNELS

    read_addresses()
    if wanted.is_chain:
        pipeline = _chain(wanted, policy)
        return {pipeline.label: pipeline}
    if not wanted.kernels:
        raise UsageError(
            "Nothing to do: give a kernel (--kernel sobel), or steps (--step gaussian --step sobel)."
        )
    chosen = chosen_kernels(
        wanted.kernels,
        scale=wanted.scale,
        normalize=wanted.normalize,
        anchor=wanted.anchor,
        gradient=wanted.gradient,
    )
    if wanted.tool is not None:
        chosen = {label: _like(wanted.tool, kernel, wanted) for label, kernel in chosen.items()}
    named = [text.strip().partition(":")[0] in KERNELS for text in wanted.kernels]
    return {
        label: Pipeline.of(kernel, policy, "" if known else text)
        for (label, kernel), text, known in zip(chosen.items(), wanted.kernels, named, strict=True)
    }


def check_output(output: str | None, format: str | None) -> None:  # noqa: A002
    """Raise `UsageError` of an output that is called like a part of a gradient."""
    from convcli.kernels import GRADIENTS

    if output in GRADIENTS and format is None:
        raise UsageError(f"--output names the result's file; of a gradient say --gradient {output}.")


def read_addresses() -> None:
    """Have files of kernels and pipelines come from stores too, which are imported for nothing else."""
    from convcli.files.addresses import read_by

    def read(address: str, most: int) -> bytes:
        from convcli.cluster.addresses import store_of

        return store_of(address).read(address, most)

    read_by(read)


def _tool(name: str | None) -> Preset | None:
    """Return what --compat names; say what it leaves."""
    if name is None:
        return None
    from convcli.filtering.compat import preset

    tool = preset(name)
    if tool.left:
        note(f"--compat {name}: {tool.left}")
    return tool


def _like(tool: Preset, kernel: Kernel, wanted: Wanted) -> Kernel:
    """Return a kernel as a tool lays it, but for what is given."""
    from convcli.kernels import adjusted

    turned = tool.turned(kernel)
    if turned is not kernel and "manifest" in wanted.given:
        raise UsageError(
            f"--compat pillow lays {kernel.name} upside down, which --manifest cannot say: turn it yourself."
        )
    options = tool.of_kernel(turned, wanted.given)
    if options.pop("normalize", False):
        turned = adjusted(turned, normalize=True)
    return replace(turned, **options)


def _chain(wanted: Wanted, policy: Policy) -> Pipeline:
    """Return the pipeline of a file's steps and those that are given."""
    from convcli.config import document_of, read_text
    from convcli.filtering.pipeline import Pipeline
    from convcli.filtering.pipeline_file import read_pipeline
    from convcli.filtering.steps.parsing import step_of
    from convcli.filtering.steps.step import STEPS
    from convcli.runs.kernels import parse

    if wanted.kernels:
        raise UsageError(
            "-k makes a result of each kernel, steps make one result together: write -k "
            f"{shown(wanted.kernels[0])} as --step {shown(wanted.kernels[0])}."
        )
    if given := [name for name in OF_ONE if name in wanted.given]:
        names = [text.partition(":")[0] for text in wanted.steps]
        example = next((name for name in names if name not in STEPS), "gaussian")  # a kernel, which has it
        raise UsageError(
            f"--{given[0]} belongs to one step: write it behind its name, such as --step "
            f"{shown(example)}:{given[0]}=…."
        )
    steps = []
    for number, text in enumerate(wanted.steps, 1):
        try:
            steps.append(step_of(text, partial(parse, tell=note)))
        except ConvcliError as error:
            raise error.placed(f"step {number}") from None
    if wanted.tool is not None:
        from convcli.filtering.steps.kernel import Laid

        if wanted.file is not None:
            raise UsageError("--compat goes with -k and --step; a pipeline's file says itself what is done.")

        read = partial(parse, tell=lambda _: None)
        steps = [step.like(wanted.tool, read) if isinstance(step, Laid) else step for step in steps]
    if wanted.file is None:
        return Pipeline(steps, policy)
    document = document_of(read_text(wanted.file), wanted.file)
    return read_pipeline(
        document,
        str(wanted.file),
        read=partial(_parsed_from, wanted.file.parent, tell=note),
        further=steps,
        instead={name: getattr(policy, name) for name in OF_ALL if name in wanted.given},
    )


def given_options(context: typer.Context) -> frozenset[str]:
    """Return the names of the options that were written on the command line."""
    sources = {name: context.get_parameter_source(name) for name in context.params}
    return frozenset(name for name, source in sources.items() if source and source.name == "COMMANDLINE")


def _parsed_from(folder: Path, text: str, *, tell: Callable[[str], None]) -> Kernel:
    """Return the kernel of a text in a file of `folder`, which paths in it are relative to."""
    from convcli.runs.kernels import parse

    return parse(text_within(text, folder), tell=tell)


def text_within(text: str, folder: Path) -> str:
    """Return a kernel's text in a file of `folder` as it is read from the current one.

    >>> text_within("@own.csv", Path("kernels")), text_within("1 0 -1", Path("kernels"))
    ('@kernels/own.csv', '1 0 -1')
    """
    if text.startswith("@") and not is_address(text[1:]):
        return f"@{folder / os.path.expanduser(text[1:])}"  # noqa: PTH111 - leaves ~name of an unknown user
    if text.startswith("run:"):
        run, hash_, rest = text.removeprefix("run:").rpartition("#")
        if len(Path(run).parts) > 1:  # a name alone is looked for as everywhere
            return f"run:{folder / run}{hash_}{rest}"
    return text
