"""PNG files: the chunks around the pixels, what Pillow leaves out of them, and writing on several threads."""
