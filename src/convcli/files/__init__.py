"""Where files go: what may be written where is judged here, and written here, whole or not at all.

`targets` follows a name and judges the place, `writing` writes there; `inside` is for folders whose content
may be others'. `locks` keeps other processes out. `addresses` knows what is no file here by its beginning.
"""

from convcli.files.addresses import (
    Address,
    as_path,
    is_address,
    path_of,
    plain_name,
    protocol_of,
    read_address,
)
from convcli.files.folders import judge_folder, write_folder
from convcli.files.inside import (
    is_file_inside,
    judge_inside,
    make_inside,
    open_inside,
    remove_leftovers,
    write_inside,
)
from convcli.files.locks import lock, locked
from convcli.files.targets import Identity, identities, identity, is_stdout, judge, judge_stdout
from convcli.files.writing import flush_folder, make_folder, open_descriptor, write, write_filled

__all__ = [
    "Address",
    "Identity",
    "as_path",
    "flush_folder",
    "identities",
    "identity",
    "is_address",
    "is_file_inside",
    "is_stdout",
    "judge",
    "judge_folder",
    "judge_inside",
    "judge_stdout",
    "lock",
    "locked",
    "make_folder",
    "make_inside",
    "open_descriptor",
    "open_inside",
    "path_of",
    "plain_name",
    "protocol_of",
    "read_address",
    "remove_leftovers",
    "write",
    "write_filled",
    "write_folder",
    "write_inside",
]
