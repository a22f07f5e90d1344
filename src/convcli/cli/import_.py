"""`convcli import`: a network that others trained, as a run."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from convcli.cli.chosen import with_options
from convcli.cli.options import Json, parse_pair
from convcli.cli.output import note, out, print_json
from convcli.errors import InputError, UsageError
from convcli.formats.text import read_text
from convcli.wording import by, shown

if TYPE_CHECKING:
    from convcli.interchange.importing import Import
    from convcli.nn.model import Model

READERS = {
    ".onnx": "convcli.interchange.onnx.reading.importer:Onnx",
    **dict.fromkeys((".safetensors", ".npz"), "convcli.interchange.torch.importing:Weights"),
}
"""Where the class is that reads files of an ending."""

PICKLES = (".pt", ".pth", ".bin", ".ckpt", ".pkl")


def import_(
    file: Annotated[
        Path,
        typer.Argument(
            help="A trained network: an .onnx file, or weights, .safetensors or .npz.",
            metavar="FILE",
            show_default=False,
        ),
    ],
    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Of weights: the configuration with the network's layers."),
    ] = None,
    pairs: Annotated[
        Path | None,
        typer.Option(
            "--map", metavar="FILE", help="Of weights: lines `their.name = 1.W`, where order does not tell."
        ),
    ] = None,
    classes: Annotated[
        str | None,
        typer.Option(
            metavar="A,B,C|FILE", help="Names of the classes, or a text file with one in each line."
        ),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(metavar="SOURCE", help="Images of these classes, to evaluate and train with."),
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(metavar="RxC", help="Rows and columns of images, where the file leaves them open."),
    ] = None,
    mean: Annotated[
        str | None,
        typer.Option(metavar="M[,M,M]", help="What pixels from 0 to 1 are reduced by, channel by channel."),
    ] = None,
    deviation: Annotated[
        str | None,
        typer.Option(metavar="D[,D,D]", help="What they are divided by then, such as 0.225 or 1/255."),
    ] = None,
    run_dir: Annotated[
        Path | None, typer.Option("--run-dir", help="The run's folder; runs/<file name>-NNN if not given.")
    ] = None,
    json: Json = False,
) -> None:
    """Make a run of a network that was trained elsewhere, for every command that takes one.

    What the file does not say is said here, or is assumed, and a note says so.

    \b
    Examples:
      convcli import squeezenet.onnx --classes imagenet.txt --mean 0.48,0.46,0.41 --deviation 0.23
      convcli import weights.safetensors --config net.toml --size 32x32 --map names.txt
      convcli import mnist.onnx --data path/to/mnist --deviation 1/255 --run-dir runs/mnist
    """
    given = {
        "config": config,
        "map": pairs,
        "classes": None if classes is None else _names(classes),
        "data": data,
        "size": None if size is None else parse_pair(size, "--size"),
        "mean": None if mean is None else _numbers(mean, "--mean"),
        "deviation": None if deviation is None else _numbers(deviation, "--deviation"),
    }
    chosen = _reader(file, given)
    from convcli.runs.imported import write_imported

    imported = chosen.of(file)
    note(imported.notes)
    run = write_imported(imported, file, run_dir)
    if json:
        return print_json(
            {"run": str(run.folder), "notes": list(imported.notes), **_document(imported.model)}
        )
    network, count = imported.model.network, len(imported.model.classes)
    weights = network.trained.size + network.kept.size
    kinds = "1 class" if count == 1 else f"{count:,} classes"
    out(f"{by(network.shapes[0])} → {kinds}, {weights:,} weights")
    return out(str(run.folder))


def _document(model: Model) -> dict[str, Any]:
    network = model.network
    return {
        "input": list(network.shapes[0]),
        "classes": list(model.classes),
        "parameters": network.trained.size,
        "kept": network.kept.size,
    }


def _reader(file: Path, options: dict[str, Any]) -> Import:
    """Return what reads a file, with the options that were given (others are None), or raise UsageError."""
    ending = file.suffix.lower()
    if ending in PICKLES:
        raise UsageError(
            f"{shown(file)}: PyTorch's own files can hold any program, so none is read. Save in Python:",
            '  safetensors.torch.save_file(model.state_dict(), "weights.safetensors")',
        )
    if ending not in READERS:
        raise UsageError(f"{shown(file)}: expected a name that ends in {' or '.join(READERS)}.")
    reader: Import = with_options(READERS[ending], options, f"for {ending} files there is no such option")
    return reader


def _names(text: str) -> tuple[str, ...]:
    """Return the names of classes that a text lists, or those in the lines of the file that it names."""
    path = Path(text)
    if "," in text or not path.is_file():
        if "," not in text:
            raise InputError(
                f"--classes {shown(text)}: expected names such as cat,dog or a file; there is none."
            )
        names = text.split(",")
    else:
        names = read_text(path, "names of classes").splitlines()
    names = [name.strip() for name in names if name.strip()]
    if not names or len(set(names)) < len(names):
        what = "no name" if not names else "a name twice"
        raise UsageError(f"--classes {shown(text)}: {what}; expected one for each class.")
    return tuple(names)


def _numbers(text: str, option: str) -> tuple[float, ...]:
    """Return the numbers of `0.485,0.456,0.406` or `1/255`.

    >>> _numbers("0.5, 1/4", "--mean")
    (0.5, 0.25)
    """
    try:
        return tuple(float(Fraction(number.strip())) for number in text.split(","))
    except (ValueError, ZeroDivisionError, OverflowError):
        raise UsageError(
            f"{option}: expected numbers such as 0.485,0.456,0.406 or 1/255, not {text!r}."
        ) from None
