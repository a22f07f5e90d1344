"""`convcli predict`: what a trained network sees in image files."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from convcli.cli.options import JsonLines, KeepGoing, MaxPixels, RunFolder, chosen_run
from convcli.cli.output import note, out, own_words_only, print_json
from convcli.errors import ConvcliError, InputError, UsageError
from convcli.wording import shown

if TYPE_CHECKING:
    from convcli.nn.model import Model

WILD = "*?["
READ_ONLY = (".pgm", ".ppm", ".pbm", ".pnm")  # what is trained on, and not written


@dataclass(frozen=True)
class _Answer:
    """What a network sees in an image: classes and probabilities, the most probable first."""

    image: str
    ranking: tuple[tuple[str, float], ...]
    far: bool
    inverted_is_near: bool
    notes: tuple[str, ...] = ()


def predict(
    run: RunFolder,
    images: Annotated[
        list[str], typer.Argument(help="Image files, folders of them, or patterns such as 'scans/*.png'.")
    ],
    top: Annotated[int, typer.Option("--top", min=1, help="How many classes to name for each image.")] = 3,
    invert: Annotated[
        bool, typer.Option("--invert", help="Exchange black and white first, as of ink on paper.")
    ] = False,
    keep_going: KeepGoing = False,
    max_pixels: MaxPixels = None,
    as_csv: Annotated[
        bool, typer.Option("--csv", help="Print CSV: a header, a line for each image.")
    ] = False,
    json: JsonLines = False,
) -> None:
    """Name the most probable classes of images. They are scaled, resized and converted as for training.

    A note says where images are much brighter or darker than those the network was trained on.

    \b
    Examples:
      convcli predict runs/digits-001 scan.png
      convcli predict runs/digits-001 scans/ --top 1 --csv --keep-going
      convcli predict latest 'scans/*.png' --invert --json
    """
    if as_csv and json:
        raise UsageError("--csv and --json both say how to print; give one of them.")
    from convcli.bounds import MAX_PIXELS
    from convcli.data.notes import of_files
    from convcli.runs import checkpoints

    model = checkpoints.load_run(chosen_run(run))
    listed, failures = _listed([os.fspath(name) for name in images]), list[ConvcliError]()
    top = min(top, len(model.classes))
    far, said, inverted = list[str](), list[str](), 0
    if as_csv:
        _print_csv(["image", *(name for place in range(1, top + 1) for name in _columns(place))])
    quotes = '"' if any(_unclear(name) for name in model.classes) else ""
    try:
        for answer in _answers(
            model, listed, top, invert, max_pixels or MAX_PIXELS, failures if keep_going else None
        ):
            _print(answer, as_csv=as_csv, json=json, quotes=quotes)
            if answer.far:
                far.append(answer.image)
                inverted += answer.inverted_is_near
            said += answer.notes
    finally:  # what was answered before a bad image has its notes too
        note(of_files(said, len(listed)))
        if far:
            note(_far(far, len(listed), inverted, invert))
    if failures:
        lines = [f"  {line}" for error in failures for line in error.lines]
        summary = f"{len(failures):,} of {len(listed):,} images could not be read; the others are done."
        raise ConvcliError(summary, *lines)


def _listed(names: Sequence[str]) -> list[str]:
    """Return the images that are named, those in folders, and those that patterns match, by name."""
    import glob

    from convcli.images.folders import images_in

    images: list[str] = []
    for name in names:
        found = [name]
        if any(sign in name for sign in WILD) and not os.path.lexists(name):
            found = sorted(glob.glob(name, recursive=True))  # noqa: PTH207
            if not found:
                raise InputError(f"{shown(name)}: no file has such a name. Look at the pattern.")
        for path in found:
            deeper = f"'{shown(path).rstrip('/')}/*'"
            inner = os.path.isdir(path)  # noqa: PTH112
            images += images_in(path, tell=note, endings=READ_ONLY, deeper=deeper) if inner else [path]
    return images


def _answers(
    model: Model,
    images: Sequence[str],
    top: int,
    invert: bool,
    max_pixels: int,
    failures: list[ConvcliError] | None,
) -> Iterator[_Answer]:
    """Yield what the network sees in each image; errors are put to `failures`, or else raised."""
    import numpy as np

    rows, columns, channels = model.preprocessing.shape
    for name in images:
        try:
            with own_words_only():
                pixels, notes = model.preprocessing.presentation.read(
                    Path(name), channels, (rows, columns), max_pixels=max_pixels
                )
        except ConvcliError as error:
            if failures is None:
                raise
            failures.append(error)
            continue
        shown_to_it = (255 - pixels if invert else pixels)[None]
        outputs = model.outputs(shown_to_it)
        probabilities = model.loss.probabilities(outputs)[0]
        # By outputs, as evaluate counts: different ones may have the same probability.
        order = np.argsort(-outputs[0], kind="stable")[:top]
        ranking = tuple((model.classes[k], float(probabilities[k])) for k in order)
        far, inverted_far = (
            model.far_from_training(each).item() for each in (shown_to_it, 255 - shown_to_it)
        )
        yield _Answer(name, ranking, far, not inverted_far, notes)


def _print(answer: _Answer, *, as_csv: bool, json: bool, quotes: str) -> None:
    if json:
        top = [{"class": name, "probability": share} for name, share in answer.ranking]
        best = {"image": answer.image, "class": answer.ranking[0][0]}
        print_json({**best, "top": top, "far_from_training": answer.far})
    elif as_csv:
        _print_csv([answer.image, *(cell for pair in answer.ranking for cell in pair)])
    else:
        words = (f"{quotes}{shown(name)}{quotes} {share:.1%}" for name, share in answer.ranking)
        out(f"{shown(answer.image)}: " + ", ".join(words))


def _print_csv(cells: Sequence[Any]) -> None:
    import csv

    safe = [shown(cell) if isinstance(cell, str) and sys.stdout.isatty() else cell for cell in cells]
    csv.writer(sys.stdout, lineterminator="\n").writerow(safe)


def _columns(place: int) -> tuple[str, str]:
    return ("class", "probability") if place == 1 else (f"class_{place}", f"probability_{place}")


def _unclear(name: str) -> bool:
    """Return whether a class's name could be taken for a part of the line that it stands in."""
    return (
        not name.strip() or name[0].isdigit() or name[-1].isdigit() or any(sign in name for sign in ',":%+-')
    )


def _far(far: Sequence[str], count: int, inverted: int, invert: bool) -> str:
    which = (
        f"{shown(far[0])} is" if count == 1 else f"{len(far):,} of {count:,} images ({shown(far[0])} …) are"
    )
    told = f"{which} much brighter or darker than all that the network was trained on"
    if inverted:
        return f"{told}: are black and white exchanged? Try it {'without' if invert else 'with'} --invert."
    return f"{told}: its answer may mean nothing."
