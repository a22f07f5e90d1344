"""The gradient's size with Pillow alone: `python pillow_sobel.py INPUT OUTPUT`.

Pillow's results cannot be negative, so each direction is filtered both ways round; |gx| + |gy| stands for the
root of squares, which Pillow has not.
"""

import sys

from PIL import Image, ImageChops, ImageFilter

SOBEL_X = (-1, 0, 1, -2, 0, 2, -1, 0, 1)
SOBEL_Y = (-1, -2, -1, 0, 0, 0, 1, 2, 1)

image = Image.open(sys.argv[1]).convert("L")


def slope(kernel: tuple[int, ...]) -> Image.Image:
    """Return the absolute response."""
    there, back = (
        image.filter(ImageFilter.Kernel((3, 3), [sign * weight for weight in kernel], scale=1))
        for sign in (1, -1)
    )
    return ImageChops.lighter(there, back)


ImageChops.add(slope(SOBEL_X), slope(SOBEL_Y)).save(sys.argv[2])
