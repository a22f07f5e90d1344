"""A configuration: TOML text, its validation, the network it describes, its table, the way back to TOML."""

from __future__ import annotations

import json
import tempfile
from contextlib import suppress
from pathlib import Path

from convcli.config_file import ConfigFile
from convcli.errors import ConvcliError
from convcli.nn.network import Network
from convcli.render.network import network_document
from fuzz.words import with_another_word


def test_one_input(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder, suppress(ConvcliError):
        path = Path(folder) / "config.toml"
        path.write_bytes(data)
        file = ConfigFile.read(path)
        assert ConfigFile.parse(file.resolved_text(), path).config == file.resolved
        network = Network.classifying(file.config.layers, (28, 28, 1), 10)
        json.dumps(network_document(network), allow_nan=False)


mutate = with_another_word
