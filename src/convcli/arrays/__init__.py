"""Arrays that somebody names on a command line: a file, a matrix typed in, a literal, standard input."""

from convcli.arrays.given import (
    ENDINGS,
    MOST_NUMBERS,
    STREAM,
    Given,
    check_streams,
    file_of,
    names_array,
    read_array,
)

__all__ = [
    "ENDINGS",
    "MOST_NUMBERS",
    "STREAM",
    "Given",
    "check_streams",
    "file_of",
    "names_array",
    "read_array",
]
