"""A pipeline of `filter` as a document: saved, or in a manifest, with paths that hold there; its files."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from convcli.cli.pipeline_options import Wanted, text_within
from convcli.errors import UsageError
from convcli.files import Address
from convcli.wording import shown

if TYPE_CHECKING:
    from convcli.filtering.pipeline import Pipeline
    from convcli.filtering.recipe import Recipe


FROM_FILES = ("kernel", "footprint")
"""Options of steps that may name a file or a run, as --kernel does."""


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
