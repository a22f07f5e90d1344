"""What is wanted of a data source: how its pictures come out, and how what it holds is understood."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from convcli.data.presentation import Presentation, Size
from convcli.errors import ConfigError, UsageError
from convcli.images import colour

if TYPE_CHECKING:
    from convcli.config import DataOptions

Layout: TypeAlias = Literal["channels_last", "channels_first"]


@dataclass(frozen=True)
class Wanted:
    """The options of [data] that every reader understands.

    Attributes
    ----------
    size
        (rows, columns) of the pictures. None takes the size that more than half of them have. Pictures of
        another size are resized, and the source's notes say so.
    channels
        1 for grey, 3 for RGB, None for what most of the pictures have. Others are converted, and the source's
        notes say so.
    presentation
        How a picture becomes what a network sees. If its range is None, what the source holds decides.
    settled
        Whether the presentation is that of a network already: then nothing is found out.
    skip_damaged
        Whether pictures that cannot be read are left out, instead of being an error.
    columns
        The columns of a .csv file that hold path and label.
    layout
        Whether the channels of an .npz file's images are the last axis or the second; None finds out.
    """

    size: Size | None = None
    channels: int | None = None
    presentation: Presentation = field(default_factory=Presentation)
    settled: bool = False
    skip_damaged: bool = False
    columns: tuple[str, str] | None = None
    layout: Layout | None = None

    @classmethod
    def by(cls, options: DataOptions, presentation: Presentation | None = None) -> Wanted:
        """Return what [data] asks of a source: its options go by their names.

        `presentation` is that of a network which is to see the pictures; without one, [data] and the source
        decide.
        """
        asked = {one.name: getattr(options, one.name) for one in fields(cls) if hasattr(options, one.name)}
        shown = presentation or _presentation(options)
        return cls(**asked, presentation=shown, settled=presentation is not None)

    def like(self, shape: tuple[int, int, int], presentation: Presentation) -> Wanted:
        """Return what is wanted of pictures that join others of this shape and presentation."""
        rows, columns, channels = shape
        return replace(self, size=(rows, columns), channels=channels, presentation=presentation, settled=True)


def _presentation(options: DataOptions) -> Presentation:
    background = options.background
    if isinstance(background, str):
        try:
            background = colour(background)
        except UsageError as error:
            raise ConfigError(f"data.background: {error}") from error
    elif isinstance(background, int):
        background = (background, background, background)
    return Presentation(
        background=background, range=options.range, said=options.range is not None, fit=options.fit
    )
