"""Brightness, blur, gradient and threshold with pyvips: `python vips_chain.py INPUT OUTPUT`."""

import sys

import pyvips

image = pyvips.Image.new_from_file(sys.argv[1], access="sequential").colourspace("b-w").cast("float")
edges = image.gaussblur(1.4, min_ampl=0.01, precision="float").sobel() > 100
edges.pngsave(sys.argv[2], compression=1)
