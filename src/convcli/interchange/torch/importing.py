"""`import` of weights: PyTorch's tensors, or our arrays, in the network that a configuration describes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from convcli.config import Normalisation, document_of
from convcli.config_file import text_of
from convcli.engine.workspace import Array
from convcli.errors import ConfigError, ConvcliError, InputError, UsageError
from convcli.interchange.importing import Import, Imported
from convcli.interchange.torch.matching import Match, matched
from convcli.interchange.torch.pairs import pairs_of
from convcli.interchange.torch.tensors import tensors_of
from convcli.nn.config import Config, validate
from convcli.nn.model import Model
from convcli.nn.network import Network
from convcli.nn.preprocessing import Preprocessing
from convcli.nn.weights import NetworkWeights
from convcli.wording import counted, first_of, shortened

MOST_LINES = 30
CHANNELS = (1, 3)


class Weights(Import):
    """Weights in a .safetensors or .npz file. They do not say what network they are of: `config` does.

    Attributes
    ----------
    config
        A configuration with the network's layers.
    map
        A file of lines `their.name = 1.W`, for what goes elsewhere than order and shape say.
    """

    config: Path | None = None
    map: Path | None = None

    def of(self, path: Path) -> Imported:
        if self.config is None:
            raise UsageError(f"{path} holds weights alone: --config FILE says of which network.")
        tensors, notes = tensors_of(path)
        document = document_of(text_of(self.config), self.config)
        config = validate(document, str(self.config))
        pairs = {} if self.map is None else pairs_of(self.map)
        network, match, classes = self._best(config, tensors, pairs)
        if match.missing:
            raise InputError(f"{path} does not fill the network of {self.config}:", *_lines(match))
        weights = _filled(network, match, path)
        preprocessing = self._preprocessing(config, network, notes)
        notes += _told(match)
        said = self._document(document, preprocessing)
        names = self._classes(classes, notes)
        model = Model(network, weights, preprocessing, config.training.loss, names, validate(said, str(path)))
        return Imported(model, said, tuple(notes))

    def _best(
        self, config: Config, tensors: Mapping[str, Array], pairs: Mapping[str, str]
    ) -> tuple[Network, Match, int]:
        """Return the network that most of the tensors fit, of those that the configuration leaves open."""
        size = self.size or config.data.size
        if size is None:
            raise UsageError(f"{self.config} does not say the size of images: give --size RxC, or data.size.")
        depths = CHANNELS if config.data.channels is None else (config.data.channels,)
        outputs = {tensor.shape[0] for tensor in tensors.values() if tensor.ndim in (1, 2, 4)}
        outputs |= {tensor.shape[-1] for tensor in tensors.values() if tensor.ndim == 2}
        counts = [len(self.classes)] if self.classes else [*sorted(outputs - {0}), 10]
        best: tuple[Network, Match, int] | None = None
        mistake: ConvcliError = ConfigError(f"{self.config}: describes no network for these weights.")
        for channels, classes in product(depths, counts):
            try:
                network = Network.classifying(config.layers, (*size, channels), classes)
            except ConfigError as error:
                mistake = error
                continue
            match = matched(network, tensors, pairs)
            if best is None or match.misfits < best[1].misfits:
                best = network, match, classes
        if best is None:
            raise mistake
        return best

    def _classes(self, count: int, notes: list[str]) -> tuple[str, ...]:
        if self.classes is None:
            notes.append(f"its {count:,} classes are called 0 … {count - 1:,}; --classes names them")
            return tuple(map(str, range(count)))
        return self.classes

    def _preprocessing(self, config: Config, network: Network, notes: list[str]) -> Preprocessing:
        """Return what scales pixels, as the user or the configuration says."""
        rows, columns, channels = network.shapes[0]
        said = config.data.preprocessing
        told = said if isinstance(said, Normalisation) else None
        mean = self.mean or (told.mean if told else (0.0,))
        deviation = self.deviation or (told.deviation if told else (1.0,))
        for name, numbers in (("mean", mean), ("deviation", deviation)):
            if len(numbers) not in (1, channels):
                channel_count = counted(channels, "channel")
                raise UsageError(f"--{name}: {counted(len(numbers), 'number')} for {channel_count}.")
        if min(deviation) <= 0:
            raise UsageError("--deviation: expected numbers above 0.")
        if told is None and self.mean is None and self.deviation is None and said != "rescale":
            notes.append("pixels are taken to go in from 0 to 1; --mean and --deviation say otherwise")
        each = [tuple(np.broadcast_to(numbers, (channels,)).tolist()) for numbers in (mean, deviation)]
        return Preprocessing((rows, columns, channels), each[0], each[1])

    def _document(self, document: dict[str, Any], preprocessing: Preprocessing) -> dict[str, Any]:
        """Return the configuration, with what the user and the weights say beside it."""
        rows, columns, channels = preprocessing.shape
        data = {**document["data"], "size": [rows, columns], "channels": channels}
        mean, deviation = list(preprocessing.mean), list(preprocessing.deviation)
        plain = set(mean) == {0.0} and set(deviation) == {1.0}
        data["preprocessing"] = "rescale" if plain else {"mean": mean, "deviation": deviation}
        for key in ("source", "validation", "test"):  # relative to their file, which is another now
            if isinstance(data.get(key), str):
                base = (self.config or Path()).resolve().parent
                there = base / os.path.expanduser(data[key])  # noqa: PTH111 - as `open_source`
                data[key] = os.path.realpath(there) if there.exists() else data[key]
        if self.data is not None:
            there = Path(os.path.expanduser(self.data))  # noqa: PTH111
            data["source"] = os.path.realpath(there) if there.exists() else self.data
        return {**document, "data": data}


def _filled(network: Network, match: Match, path: Path) -> NetworkWeights:
    weights = NetworkWeights(network)
    for name, found in match.arrays.items():
        np.copyto(weights[name], found)
        if not np.isfinite(weights[name]).all():
            raise InputError(f"{path}: {match.sources[name]} holds no numbers, or numbers beyond float32.")
    return weights


def _lines(match: Match) -> Iterator[str]:
    """Yield what does not fit, a line each, with shapes."""
    lines = [f"  no weights for {one}" for one in match.missing]
    lines += [f"  no place for {one}" for one in match.left]
    yield from lines[:MOST_LINES]
    if len(lines) > MOST_LINES:
        yield f"  … and {len(lines) - MOST_LINES:,} more"
    yield "  --map FILE with lines such as `their.name = 1.W` says what belongs where."


def _told(match: Match) -> Iterator[str]:
    """Yield what was guessed and left out."""
    if match.left:
        yield f"no place for {first_of(match.left)}"
    if match.guessed:
        pairs = [f"{theirs} = {ours}" for ours, theirs in match.guessed.items()]
        yield f"of the same shape, in the order of their names: {shortened(first_of(pairs), 400)}"
