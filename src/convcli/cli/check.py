"""`convcli check`: everything that `train` would do before it trains."""

from __future__ import annotations

from convcli.cli.options import Configuration, Json, Overrides, data_of
from convcli.cli.output import note, out, out_text, print_json, show


def check(
    config: Configuration,
    overrides: Overrides = None,
    json: Json = False,
) -> None:
    """Validate a configuration, read its data, build its network and print the table. Trains nothing.

    \b
    Examples:
      convcli check examples/digits.toml
      convcli check examples/mnist.toml --set data.source=path/to/mnist
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

    file = ConfigFile.read(config, overrides or [])
    data = data_of(file)
    model = build.new_model(file.config, data)
    note(about(model, data.train))
    network = model.network
    parts = {"train": data.train, "validation": data.validation, "test": data.test}
    if json:
        augmentation = file.config.augmentation.model_dump(mode="json", exclude_none=True)
        documents = {"data": data_document(parts), "augmentation": augmentation}
        return print_json({**documents, **network_document(network)})
    out_text(data_lines(parts))
    if file.config.augmentation.told:
        out(augmentation_line(file.config.augmentation))
    show(network_table(network, file.name))
    return out("The configuration is valid.")
