"""The built-in set `digits`: 1,797 handwritten digits, 8×8 grey, that come with the package.

They are the test part of the "Optical Recognition of Handwritten Digits" set of the UCI Machine Learning
Repository (E. Alpaydin and C. Kaynak, 1998, DOI 10.24432/C50P49, CC BY 4.0; see digits.LICENSE.md). A pixel
counts how many of 4×4 cells of the scanned digit are inked, 0 … 16; it is stored so, and scaled to 0 … 255
when read.

The split is fixed: every fifth image (positions 4, 9, 14, …) is test, the others train, in the original
order: 1,438 and 359 images.

`digits.npz` was made from the copy that scikit-learn carries:

    import gzip, importlib.resources, numpy
    csv = importlib.resources.files("sklearn.datasets.data") / "digits.csv.gz"
    table = numpy.loadtxt(gzip.open(csv.open("rb")), delimiter=",", dtype=numpy.uint8)
    numpy.savez_compressed("digits.npz", images=table[:, :64].reshape(-1, 8, 8), labels=table[:, 64])
"""

from __future__ import annotations

import numpy as np

from convcli.data.parts import RawPart, assemble
from convcli.data.readers import BUILT_IN, BuiltIn, Wanted
from convcli.data.splits import Splits

INKED = 16
EVERY = 5


def read(wanted: Wanted) -> Splits:
    """Read the set with its fixed split."""
    from importlib import resources  # for this reader alone

    with (
        resources.files("convcli.data").joinpath("digits.npz").open("rb") as stream,
        np.load(stream) as arrays,
    ):
        counts, labels = arrays["images"], arrays["labels"]
    images = np.round(counts[..., np.newaxis] * (255 / INKED)).astype(np.uint8)
    is_test = np.arange(len(labels)) % EVERY == EVERY - 1
    train, test = (RawPart("digits", images[part], labels[part]) for part in (~is_test, is_test))
    return assemble(train, test, wanted=wanted)


BUILT_IN.register("digits")(BuiltIn("1,797 handwritten digits, 8×8 grey, 10 classes (UCI, CC BY 4.0)", read))
