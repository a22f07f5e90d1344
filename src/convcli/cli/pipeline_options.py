"""What `filter` does to each image: its kernels, each a result, or its steps, of --step and --pipeline."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from convcli.cli.kernel_options import chosen_kernels
from convcli.cli.output import note
from convcli.errors import ConvcliError, UsageError
from convcli.files import Address, is_address, path_of
from convcli.wording import shown

if TYPE_CHECKING:
    import typer

    from convcli.filtering.compat import Preset
    from convcli.filtering.pipeline import Pipeline
    from convcli.filtering.policy import Policy
    from convcli.filtering.recipe import Recipe
    from convcli.kernels import Kernel

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


FROM_FILES = ("kernel", "footprint")
"""Options of steps that may name a file or a run, as --kernel does."""


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

    @property
    def is_chain(self) -> bool:
        """Whether it is one chain of steps."""
        return bool(self.steps) or self.file is not None


def chosen_pipelines(wanted: Wanted, policy: Policy) -> dict[str, Pipeline]:
    """Return the pipelines, by what their results are called.

    Raises `UsageError` of a step with its number, and of options that do not go together.
    """
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


def as_tool(name: str | None, given: frozenset[str]) -> tuple[Preset | None, dict[str, Any]]:
    """Return what --compat names, with the options of all kernels that it stands for; say what it leaves."""
    if name is None:
        return None, {}
    from convcli.filtering.compat import preset

    tool = preset(name)
    if tool.left:
        note(f"--compat {name}: {tool.left}")
    return tool, tool.options(given)


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


def files_read(wanted: Wanted, pipelines: Mapping[str, Pipeline]) -> list[Path]:
    """Return the files that the kernels come from, and the pipeline's own: no result may overwrite them."""
    from convcli.runs.kernels import files_of_kernel

    files = [] if wanted.file is None else [wanted.file]
    for pipeline in pipelines.values():
        for step in pipeline.steps:
            document = step.document()
            for text in (str(document[name]) for name in FROM_FILES if name in document):
                files += files_of_kernel(text)
                if wanted.file is not None:
                    files += files_of_kernel(text_within(text, wanted.file.parent))
    return files


def saved(pipelines: Mapping[str, Pipeline], file: Path, wanted: Wanted, *, force: bool) -> None:
    """Write the pipeline to a TOML file, with paths that hold from anywhere."""
    from convcli.files import write
    from convcli.formats import toml

    (pipeline,) = pipelines.values()
    document = _document(pipeline, wanted, Path().absolute())
    write(file, (toml.dumps(document) + "\n").encode(), force=force)


def recipes_of(pipelines: Mapping[str, Pipeline], wanted: Wanted) -> dict[str, Recipe]:
    """Return each pipeline as a manifest has it, with paths from the working folder, as its images have."""
    from convcli.filtering.recipe import Recipe
    from convcli.runs.kernels import parse

    read = partial(parse, tell=lambda _: None)  # what there is to say has been said
    return {
        label: Recipe.of(_document(pipeline, wanted, Path()), label, read)
        for label, pipeline in pipelines.items()
    }


def _document(pipeline: Pipeline, wanted: Wanted, folder: Path) -> dict[str, Any]:
    """Return a pipeline as a document whose paths are those from `folder`, the working one."""
    from convcli.filtering.pipeline_file import pipeline_document

    document = pipeline_document(pipeline)
    own = 0 if wanted.file is None else len(document["steps"]) - len(wanted.steps)
    for number, step in enumerate(document["steps"]):
        base = wanted.file.parent if wanted.file is not None and number < own else Path()
        if not isinstance(base, Address):
            base = folder / base
        for name in FROM_FILES:
            if isinstance(step.get(name), str):
                step[name] = text_within(step[name], base)
    return document


def check_saved(
    pipelines: Mapping[str, Pipeline],
    file: Path,
    manifest: Path | None,
    inputs: Sequence[str | Path],
    *,
    force: bool,
) -> None:
    """Refuse a file for the pipeline that cannot or must not be written: one of `inputs`, or an image."""
    from convcli.files import identities, judge
    from convcli.images.folders import readable_endings

    if file.suffix.lower() in readable_endings():
        raise UsageError(f"--save-pipeline writes TOML, and {shown(file)} is named as an image; take .toml.")
    if manifest is not None and os.path.abspath(manifest) == os.path.abspath(file):  # noqa: PTH100
        raise UsageError(
            f"--save-pipeline and --manifest both name {shown(file)}; give each a file of its own."
        )
    if len(pipelines) > 1:
        raise UsageError(
            f"--save-pipeline writes one pipeline, and there are {len(pipelines)} kernels, each with its own."
        )
    advice = "name another, or use --force to overwrite it"
    judge(file, force=force, inputs=identities(inputs), advice=advice)
