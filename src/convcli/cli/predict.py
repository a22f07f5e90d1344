"""`convcli predict`: what a trained network sees in image files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from convcli.cli.options import MaxPixels, RunFolder, chosen_run
from convcli.cli.output import note, out, own_words_only, print_json
from convcli.errors import shown


def predict(
    run: RunFolder,
    images: Annotated[list[Path], typer.Argument(help="Image files.", show_default=False)],
    top: Annotated[int, typer.Option("--top", min=1, help="How many classes to name for each image.")] = 3,
    max_pixels: MaxPixels = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print JSON; a line for each of several images.")
    ] = False,
) -> None:
    """Name the most probable classes of images. They are scaled, resized and converted as for training.

    \b
    Examples:
      convcli predict runs/digits-001 scan.png
      convcli predict runs/digits-001 scans/*.png --top 1 --json
    """
    import numpy as np

    from convcli import build
    from convcli.images import MAX_PIXELS

    run = chosen_run(run)
    model = build.load_run(run)
    rows, columns, channels = model.preprocessing.shape
    for path in images:
        with own_words_only():
            pixels, notes = model.preprocessing.presentation.read(
                path, channels, (rows, columns), max_pixels=max_pixels or MAX_PIXELS
            )
        note(notes)
        outputs = model.outputs(pixels[None])
        probabilities = model.loss.probabilities(outputs)[0]
        # By outputs, as evaluate counts: different ones may have the same probability.
        order = np.argsort(-outputs[0], kind="stable")[:top]
        ranking = [(model.classes[index], float(probabilities[index])) for index in order]
        if json:
            document = {
                "image": str(path),
                "class": ranking[0][0],
                "top": [{"class": name, "probability": share} for name, share in ranking],
            }
            print_json(document)
        else:
            out(f"{shown(path)}: " + ", ".join(f"{shown(name)} {share:.1%}" for name, share in ranking))
