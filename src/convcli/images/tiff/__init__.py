"""TIFF files: the directory, how samples lie, the samples as numbers, what they mean, and writing them."""
