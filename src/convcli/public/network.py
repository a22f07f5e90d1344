"""A network by its configuration, for who wants its shapes and counts and trains nothing."""

from __future__ import annotations

import operator
import os

from convcli.config_file import ConfigFile, given_text
from convcli.data import load_data
from convcli.errors import UsageError
from convcli.nn import network as core
from convcli.nn.layer import Shape
from convcli.public.telling import tell
from convcli.wording import by, counted

NO_SOURCE = "none, as no image was read"


class Network(core.Network):
    """Layers that fit each other, for images of one shape, without weights. A notebook shows its table.

    Attributes
    ----------
    layers, places
        Its layers; and where each stands, those within others too: shapes, counts, receptive field.
    shapes
        What goes into each layer that is in no other, and last what comes out.
    """

    @classmethod
    def from_toml(
        cls,
        config: str | os.PathLike[str],
        *,
        input_shape: Shape | None = None,
        classes: int | None = None,
    ) -> Network:
        """Return the network of a configuration.

        Parameters
        ----------
        config
            The path of a file, or the text itself: what has several lines is a text.
        input_shape
            (h, w, c) of an image; if it is not given, that of the images of `[data]`, which are read. If it
            is, there need be no `[data]`.
        classes
            How many; with `input_shape`. If it is not given, outputs are as the last layer says.

        Raises
        ------
        ConfigError
            If the file cannot be read, or the configuration is wrong: all mistakes are named.
        InputError
            If the images cannot be read.

        Examples
        --------
        >>> network = Network.from_toml('''
        ... [[layers]]
        ... type = "conv"
        ... filters = 8
        ... kernel = 3
        ... ''', input_shape=(28, 28, 1))
        >>> network.shapes
        [(28, 28, 1), (26, 26, 8)]
        """
        unread = () if input_shape is None else (f"data.source={NO_SOURCE}",)
        file = ConfigFile.parse(*given_text(config), unread)
        if input_shape is None:
            if classes is not None:
                raise UsageError("classes goes with input_shape; otherwise the data tells their number.")
            data = load_data(file.config.data, file.base, file.config.training.seed)
            tell(data.notes)
            input_shape, classes = data.train.shape, len(data.train.classes)
        elif len(input_shape) != 3 or not all(operator.index(size) > 0 for size in input_shape):
            raise UsageError(f"input_shape: expected (h, w, c) of an image, found {input_shape}.")
        return cls.classifying(file.config.layers, tuple(map(int, input_shape)), classes)

    def __repr__(self) -> str:
        outer = [place for place in self.places if not place.inner]
        weights = sum(place.trained + place.frozen for place in outer)
        sizes = f"{by(self.shapes[0])} → {by(self.shapes[-1])}"
        return f"Network: {counted(len(outer), 'layer')}, {sizes}, {weights:,} weights"

    def _repr_html_(self) -> str:
        from convcli.render.notebook import network_html

        return network_html(self, [repr(self)])
