"""`convcli export`: a run's best network in a format that others read."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from convcli.cli.chosen import with_options
from convcli.cli.options import Force, Json, OtherData, RunFolder, chosen_run
from convcli.cli.output import note, out, out_bytes, print_json, say
from convcli.cli.placing import into_run, out_of_run
from convcli.errors import InputError, UsageError

if TYPE_CHECKING:
    from convcli.interchange.export import Export, Images

FORMATS = {
    "page": "convcli.render.page.export:Page",
    "onnx": "convcli.interchange.onnx.export:Onnx",
    "npz": "convcli.interchange.npz:Npz",
    "torch": "convcli.interchange.torch.export:Torch",
}
"""Where the class of each format is."""


def export(
    run: RunFolder,
    to: Annotated[
        Literal["page", "onnx", "npz", "torch"],
        typer.Option("--to", help="The format.", show_default=False),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="PATH",
            help="The file, or the folder, that it becomes; - is standard output.",
        ),
    ] = None,
    weights: Annotated[
        Literal["float32", "float16", "int8"] | None,
        typer.Option(
            "--weights",
            help="page: how kernels are kept; what less than float32 costs in accuracy is measured.",
            show_default="float32",
        ),
    ] = None,
    input_: Annotated[
        Literal["uint8", "float"] | None,
        typer.Option(
            "--input",
            help="onnx: what it takes, images (n, h, w, c) of 0 … 255, or (n, c, h, w) of 0 … 1.",
            show_default="uint8",
        ),
    ] = None,
    quantize: Annotated[
        Literal["int8"] | None,
        typer.Option(
            "--quantize", help="onnx: convolutions and dense layers in 8 bits; what that costs is measured."
        ),
    ] = None,
    data: OtherData = None,
    force: Force = False,
    json: Json = False,
) -> None:
    """Write a run's best network in a format that others read; into the run's folder unless told where.

    page: page.html, in which the network runs, in any browser and without a server.

    onnx: model.onnx, from pixels to probabilities, for runtimes of all languages; in 8 bits, model.int8.onnx.

    npz: weights.npz, every array by its name, for NumPy.

    torch: a folder with model.py, the network as one would write it in PyTorch, and model.safetensors.

    \b
    Examples:
      convcli export runs/digits-001 --to page
      convcli export latest --to page --weights int8
      convcli export latest --to onnx --quantize int8
      convcli export latest --to npz -o digits.npz
      convcli export latest --to torch && python runs/digits-001/torch/model.py scan.png
    """
    run = chosen_run(run)
    options = {"weights": weights, "input": input_, "quantize": quantize}
    chosen: Export = with_options(FORMATS[to], options, f"--to {to} has no such option")
    from convcli.files import is_stdout
    from convcli.runs import checkpoints

    if output is not None and is_stdout(str(output)):
        _check_stream(to, chosen, json=json)
        made = chosen.of(model := checkpoints.load_run(run), _images(run, model, data))
        out_bytes(*made.files.values())
        note(made.notes)
        return say(*made.lines)
    inside = output is None
    target = run / chosen.place if output is None else output
    place = into_run() if inside else out_of_run(force=force)
    several = chosen.place.endswith("/")
    if not several:
        place.check(target)
    model = checkpoints.load_run(run)
    made = chosen.of(model, _images(run, model, data))
    contents = {target / name if several else target: content for name, content in made.files.items()}
    if several:
        place.make(target)
        for path in contents:  # all, before the first is written
            place.check(path)
    for path, content in contents.items():
        place.write(path, content)
    note(made.notes)
    if json:
        written = {str(path): len(content) for path, content in contents.items()}
        return print_json({"run": str(run), "format": to, "bytes": written, "said": list(made.lines)})
    for path, content in contents.items():
        out(f"{path}  {len(content) / 1000:,.0f} kB")
    return out(*made.lines)


def _check_stream(name: str, chosen: Export, *, json: bool) -> None:
    """Raise UsageError where a format cannot go to standard output."""
    if chosen.place.endswith("/"):
        raise UsageError(f"--to {name} makes a folder, and standard output takes one file: give -o FOLDER.")
    if json:
        raise UsageError("--json is printed on standard output: give -o FILE, or leave --json out.")
    if sys.stdout.isatty():
        raise UsageError("Standard output is a terminal; redirect it, or give -o FILE.")


def _images(run: Path, model: Any, source: str | None) -> Images:
    """Return what finds labelled images of the run's data, and says once why where there are none."""
    from convcli.runs.measuring import measured

    said: list[str] = []

    def note_once(lines: Iterable[str]) -> None:
        for line in lines:
            if line not in said:
                note(line)
                said.append(line)

    @cache
    def images(part: Any = None) -> Any:
        try:
            found = measured(run, model, source, part)
        except (InputError, UsageError) as error:
            told = error.lines[0]  # what follows is of options that `evaluate` has
            note_once([told] if source else [told, "--data SOURCE says where the run's data is now"])
            return None
        note_once(found.notes)
        return found.images

    return images
