"""TIFF files: what the directory says, the samples as numbers, what they mean, and writing them."""
