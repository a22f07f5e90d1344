"""`convcli check`: everything that `train` would do before it trains."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from convcli.cli.options import Configuration, Force, Json, Overrides, data_of
from convcli.cli.output import note, out, out_text, print_json, show
from convcli.errors import UsageError
from convcli.wording import shown

if TYPE_CHECKING:
    from convcli.data import Splits
    from convcli.nn.model import Model


def check(
    config: Configuration,
    overrides: Overrides = None,
    sheet: Annotated[
        Path | None,
        typer.Option("--preview", metavar="FILE", help="Draw what training sees of some images: a .png."),
    ] = None,
    force: Force = False,
    json: Json = False,
) -> None:
    """Validate a configuration, read its data, build its network and print the table. Trains nothing.

    --preview has a line for each of some training images: as it is, and augmented as in the first epochs.

    \b
    Examples:
      convcli check examples/digits.toml
      convcli check examples/mnist.toml --set data.source=path/to/mnist
      convcli check examples/digits.toml --set augmentation.rotate=15 --preview sheet.png
    """
    from convcli import build
    from convcli.config_file import ConfigFile
    from convcli.nn.doubts import about
    from convcli.render.network import (
        augmentation_line,
        data_document,
        data_lines,
        network_document,
        network_table,
    )
    from convcli.runs.origins import Origins

    if sheet is not None:
        _judge(sheet, [config], force=force)
    file = ConfigFile.read(config, overrides or [])
    data = data_of(file)
    model = build.new_model(file.config, data, origins=Origins(note))
    note(about(model, data.train))
    if sheet is not None:
        _draw(sheet, model, data, force=force)
    network = model.network
    parts = {"train": data.train, "validation": data.validation, "test": data.test}
    if json:
        augmentation = file.config.augmentation.model_dump(mode="json", exclude_none=True)
        documents = {"data": data_document(parts), "augmentation": augmentation}
        drawn = {} if sheet is None else {"preview": str(sheet)}
        return print_json({**documents, **network_document(network), **drawn})
    out_text(data_lines(parts))
    if file.config.augmentation.told:
        out(augmentation_line(file.config.augmentation))
    show(network_table(network, file.name))
    if sheet is not None:
        out(str(sheet))
    return out("The configuration is valid.")


def _judge(sheet: Path, inputs: Iterable[Path], *, force: bool) -> None:
    """Refuse a picture that could not or must not be written there."""
    from convcli.files import identities, judge

    if sheet.suffix.lower() != ".png":
        raise UsageError(f"--preview {shown(sheet)}: expected a name that ends in .png.")
    judge(sheet, force=force, inputs=identities(inputs))


def _draw(sheet: Path, model: Model, data: Splits, *, force: bool) -> None:
    from convcli import files
    from convcli.render.training_images import sheet_of
    from convcli.training_images import as_trained

    parts = (data.train, data.validation, data.test)
    _judge(sheet, (path for part in parts if part is not None for path in part.files), force=force)
    files.write(sheet, sheet_of(as_trained(model, data.train), model.config.augmentation), force=force)
