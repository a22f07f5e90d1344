"""A trained network out, a foreign one in, in the formats that others read and write.

`export.py` says what an export is. Each format is a class in a file or folder of its own, which alone imports
the library that the format belongs to.
"""
