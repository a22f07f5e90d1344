"""`filter --from`: what a manifest says, made once more."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from convcli.cli.output import note
from convcli.cli.pipeline_documents import files_read
from convcli.cli.pipeline_options import Wanted, read_addresses
from convcli.errors import ConvcliError, InputError, UsageError
from convcli.wording import shortened, shown

if TYPE_CHECKING:
    import typer

    from convcli.filtering.batch import Batch
    from convcli.filtering.jobs import Job
    from convcli.filtering.manifest_lines import Entry
    from convcli.filtering.results import Results


KINDS: dict[str, tuple[type, range | None]] = {
    "compress": (int, range(10)),
    "quality": (int, range(101)),
    "lossless": (bool, None),
    "strip": (bool, None),
    "damaged": (bool, None),
}
"""Of a file's options what a value is, if no text, as the command line has it."""

PLACES = ("repeat", "out_dir", "force", "resume", "manifest", "hashes")
BESIDE = (*PLACES, "jobs", "threads", "max_pixels", "keep_going", "dry_run", "json", "show", "protocol")


def check_options(context: typer.Context) -> None:
    """Raise `UsageError` of an option that the manifest has decided on."""
    for option in context.command.params:
        source = context.get_parameter_source(option.name or "")
        if source is not None and source.name == "COMMANDLINE" and option.name not in BESIDE:
            what = "the images" if option.param_type_name == "argument" else option.opts[0]
            raise UsageError(f"--from makes what the manifest says, from its images: leave out {what}.")


def repeated(path: Path, out_dir: Path | None, saving: Mapping[str, Any], **how: Any) -> Batch:
    """Return the batch that makes all results of a manifest again, below `out_dir` if that is given.

    `saving` says whether files may be overwritten and what is finished left alone; `how` is as in `Batch`.
    Raises `InputError` if the manifest has nothing to repeat, `UsageError` where a pipeline is another now.
    """
    from convcli.files import identities
    from convcli.filtering.batch import Batch
    from convcli.filtering.jobs import STREAM
    from convcli.filtering.manifest_lines import latest, line_number, read_manifest

    read_addresses()
    entries = read_manifest(path)
    through = [entry for entry in entries if entry.target is None or entry.source == STREAM]
    if through:
        note(f"{shown(path)}: {len(through):,} of its lines are of pipes, which give everything once")
    lasting = [entry for entry in latest(entries).values() if entry.source != STREAM]
    if not lasting:
        raise InputError(f"{shown(path)}: has no results that could be made again.")
    groups: dict[str, list[Entry]] = {}
    for entry in lasting:
        made = [entry.document.get(key) for key in ("pipeline", "pipeline_digest", "options", "out_dir")]
        groups.setdefault(json.dumps(made, sort_keys=True), []).append(entry)
    results: list[Results] = []
    jobs: dict[int, Job] = {}
    kept = identities([entry.source for entry in lasting])
    for group in groups.values():
        try:
            own = _results(group, out_dir, saving)
        except ConvcliError as error:
            raise error.placed(f"{shown(path)}: line {line_number(path, group[0])}") from None
        results.append(own)
        kept |= identities(files_read(Wanted(), {"": own.pipeline}))
        jobs |= {entry.start: job for entry, job in zip(group, own.jobs, strict=True)}
    order = {entry.start: jobs[entry.start] for entry in lasting}
    expected = {order[entry.start]: entry.evidence for entry in lasting if not entry.failed}
    failed = [job for job in order.values() if job not in expected]
    if failed:
        note(f"{shown(path)}: {len(failed):,} of its results failed then; they are tried again")
    how |= {"kept": kept, "expected": expected, "failed_before": failed}
    return Batch(results, list(order.values()), tell=note, **how)


def _results(group: list[Entry], out_dir: Path | None, saving: Mapping[str, Any]) -> Results:
    """Return the results that are made in one way."""
    from convcli.filtering.jobs import ENCODING, Ending, Job, Saving, ending_of
    from convcli.filtering.recipe import Recipe
    from convcli.filtering.results import Results
    from convcli.images import ENDINGS
    from convcli.runs.kernels import parse

    options = dict(_table(group[0], "options"))
    if odd := options.keys() - {"damaged", *ENCODING}:
        raise UsageError(f"there is no option {shortened(shown(min(odd)))!r} for files here.")
    for name, value in options.items():
        kind, values = KINDS.get(name, (str, None))
        if value is not None and (type(value) is not kind or (values and value not in values)):
            raise UsageError(f"{name} cannot be {shortened(shown(repr(value)))}.")
    damaged = bool(options.pop("damaged", False))
    recipe = Recipe.of(_table(group[0], "pipeline"), "pipeline", partial(parse, tell=note))
    if group[0].document.get("pipeline_digest") not in (None, recipe.digest):
        raise UsageError(
            f"{shown(recipe.pipeline.label)} is not what it was when the manifest was written: its weights "
            "are others, or convcli has changed."
        )
    then = group[0].document.get("out_dir")
    before = Path(then) if isinstance(then, str) else None
    own = Saving(out_dir=out_dir or before, **options, **saving)
    jobs = []
    for entry in group:
        target = Path(entry.target or "")
        if out_dir is not None:
            target = out_dir / _below(target, before)
        jobs.append(Job(entry.source, target, own.format or ENDINGS.get(target.suffix.lower())))
    pipeline = recipe.pipeline
    ending = Ending(f"{pipeline.label}-{recipe.digest}", ending_of(own.format, pipeline.policy.range))
    return Results(pipeline, str(ending), jobs, own, recipe=recipe, damaged=damaged)


def _below(target: Path, folder: Path | None) -> Path:
    """Return what a result is called in the folder of all; its name alone where it was in none."""
    place = Path(os.path.abspath(target))  # noqa: PTH100  (links are not followed)
    top = None if folder is None else Path(os.path.abspath(folder))  # noqa: PTH100
    return place.relative_to(top) if top is not None and place.is_relative_to(top) else Path(target.name)


def _table(entry: Entry, key: str) -> Mapping[str, Any]:
    value = entry.document.get(key)
    if not isinstance(value, dict):
        raise UsageError(f"expected a table {key!r}, which says how the result was made.")
    return value
