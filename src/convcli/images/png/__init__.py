"""PNG files: the chunks around the pixels, rows in and out on several threads."""
