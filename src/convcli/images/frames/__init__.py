"""Several pictures in one file: the frames of an animation, the pages of a TIFF file, an array of images.

They are read one at a time (`frames_in`) and written one at a time (`write_frames`): memory is that of one.
"""

from convcli.images.choice import Choice
from convcli.images.frames.frame import Frame, Frames, Story
from convcli.images.frames.opening import frames_in
from convcli.images.frames.writing import WRITERS, holds_several, write_frames

__all__ = [
    "WRITERS",
    "Choice",
    "Frame",
    "Frames",
    "Story",
    "frames_in",
    "holds_several",
    "write_frames",
]
