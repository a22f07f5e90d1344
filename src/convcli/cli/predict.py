"""`convcli predict`: what a trained network sees in image files."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from convcli.cli.options import JsonLines, KeepGoing, MaxPixels, RunFolder, chosen_run
from convcli.cli.output import note, of_failures, out, own_words_only, print_json
from convcli.errors import ConvcliError, UsageError
from convcli.wording import shown


def predict(
    run: RunFolder,
    images: Annotated[
        list[str],
        typer.Argument(
            help="Image files, folders of them, patterns such as 'scans/*.png', or the run's own by the "
            "number or file that its report shows: test:25, validation:3, train:0."
        ),
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
      convcli predict runs/digits-001 test:25
      convcli predict runs/digits-001 scans/ --top 1 --csv --keep-going
      convcli predict latest 'scans/*.png' --invert --json
    """
    if as_csv and json:
        raise UsageError("--csv and --json both say how to print; give one of them.")
    from convcli.bounds import MAX_PIXELS
    from convcli.data.notes import of_files
    from convcli.images.folders import images_named
    from convcli.nn.prediction import Answer, answer_of, answer_to
    from convcli.render.prediction import answer_cells, answer_document, answer_line, columns, far_note
    from convcli.runs import checkpoints
    from convcli.runs.pictures import OwnPictures, is_picture

    folder = chosen_run(run)
    model = checkpoints.load_run(folder)
    pictures = OwnPictures(folder, model)
    named = [os.fspath(image) for image in images]
    own = [name for name in named if is_picture(name)]
    others = [name for name in named if not is_picture(name)]
    listed = [*own, *(images_named(others, tell=note) if others else ())]
    answers, failures = list[Answer](), list[ConvcliError]()
    top = min(top, len(model.classes))
    if as_csv:
        _print_csv(columns(top))
    try:
        for name in listed:
            try:
                with own_words_only():
                    if name in own:
                        one = pictures[name]
                        answer = answer_of(name, one.pixels, model, top=top, invert=invert, notes=one.notes)
                    else:
                        answer = answer_to(
                            name, model, top=top, invert=invert, max_pixels=max_pixels or MAX_PIXELS
                        )
            except ConvcliError as error:
                if not keep_going:
                    raise
                failures.append(error)
                continue
            answers.append(answer)
            if json:
                print_json(answer_document(answer))
            elif as_csv:
                _print_csv(answer_cells(answer))
            else:
                out(answer_line(answer, model.classes))
    finally:  # what was answered before a bad image has its notes too
        note(of_files([text for answer in answers for text in answer.notes], len(listed)))
        note(far_note(answers, len(listed), invert=invert) or ())
    if failures:
        summary, lines = of_failures(failures, len(listed), "read")
        raise ConvcliError(f"{summary}; the others are done.", *lines)


def _print_csv(cells: Sequence[str | float]) -> None:
    import csv

    safe = [shown(cell) if isinstance(cell, str) and sys.stdout.isatty() else cell for cell in cells]
    csv.writer(sys.stdout, lineterminator="\n").writerow(safe)
