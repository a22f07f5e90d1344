"""Image files in and out: the only room that knows Pillow.

Pixels are arrays of rows and columns, with a third axis for RGB. Alpha travels beside them, so that nothing
filters it by accident; so does the metadata that is still true of an image whose pixels have changed.
"""

from convcli.images.colours import colour
from convcli.images.encoding import COMPRESSION, Encoding
from convcli.images.from_pillow import from_pillow, is_pillow
from convcli.images.gif import colours_of, encode_animation, with_few_colours
from convcli.images.header import shape_of
from convcli.images.holding import kept
from convcli.images.image import Image, Metadata
from convcli.images.kinds import ENDINGS, FORMATS, format_of
from convcli.images.reading import read
from convcli.images.resizing import resize
from convcli.images.viewing import Levels, View, levels_of, view
from convcli.images.writing import encode, write

__all__ = [
    "COMPRESSION",
    "ENDINGS",
    "FORMATS",
    "Encoding",
    "Image",
    "Levels",
    "Metadata",
    "View",
    "colour",
    "colours_of",
    "encode",
    "encode_animation",
    "format_of",
    "from_pillow",
    "is_pillow",
    "kept",
    "levels_of",
    "read",
    "resize",
    "shape_of",
    "view",
    "with_few_colours",
    "write",
]
