"""Arrays that somebody names on a command line: a file, a matrix typed in, a literal, standard input."""

from convcli.arrays.given import (
    ENDINGS,
    MOST_NUMBERS,
    STREAM,
    Given,
    check_streams,
    file_of,
    is_stream,
    names_array,
    of_array,
    read_array,
)
from convcli.arrays.literals import is_literal, levels

__all__ = [
    "ENDINGS",
    "MOST_NUMBERS",
    "STREAM",
    "Given",
    "check_streams",
    "file_of",
    "is_literal",
    "is_stream",
    "levels",
    "names_array",
    "of_array",
    "read_array",
]
