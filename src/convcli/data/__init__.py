"""Data sets: readers that turn files into labelled pictures, and how a validation part is split off."""

from convcli.data.dataset import Dataset, split
from convcli.data.loading import load_data
from convcli.data.presentation import Presentation
from convcli.data.readers import BUILT_IN, READERS, Reader, Wanted, open_source
from convcli.data.splits import Splits

# Each of these files registers its reader. They are asked about a path in this order: class folders after the
# other folders, since almost any folder could be one.
from convcli.data import digits, idx, cifar10, class_folders, npz, csv_file  # noqa: F401  # isort: skip

__all__ = [
    "BUILT_IN",
    "READERS",
    "Dataset",
    "Presentation",
    "Reader",
    "Splits",
    "Wanted",
    "load_data",
    "open_source",
    "split",
]
