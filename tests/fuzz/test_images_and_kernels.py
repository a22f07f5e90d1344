"""What has the form of an image, a kernel or a call to filter ends in a result or in a ConvcliError only."""

from __future__ import annotations

import io
import json
import struct
import sys
import zlib
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from convcli import kernel_names
from convcli.images.png.chunks import SIGNATURE, chunk
from convcli.kernels.definition import PARAMETERS

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))  # the targets are not installed with convcli

from fuzz.targets import filter_image, image, kernel  # noqa: E402

few = settings(max_examples=60, deadline=None)
sides = st.integers(0, 9) | st.sampled_from([255, 2**15, 2**16 - 1, 2**31, 2**32 - 1])
numbers = st.integers() | st.floats() | st.sampled_from([2**63, 10**400, -1, 0, 1, 1.5])


@st.composite
def png_files(draw):
    """Draw a PNG file whose parts are sound, but need not fit each other."""
    width, height = draw(sides), draw(sides)
    depth, kind = draw(st.sampled_from([1, 2, 4, 8, 16, 3])), draw(st.integers(0, 7))
    header = struct.pack(">IIBBBBB", width, height, depth, kind, *draw(st.tuples(*[st.integers(0, 1)] * 3)))
    rows = draw(st.binary(max_size=200)) + bytes(draw(st.sampled_from([0, 100, 10_000])))
    others = draw(
        st.lists(
            st.tuples(
                st.sampled_from(
                    [b"PLTE", b"tRNS", b"pHYs", b"eXIf", b"acTL", b"fcTL", b"iCCP", b"zTXt", b"gAMA"]
                ),
                st.binary(max_size=40)
                | st.binary(max_size=40).map(lambda data: b"k\0\0" + zlib.compress(data)),
            ),
            max_size=3,
        )
    )
    parts = [(b"IHDR", header), *others, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return SIGNATURE + b"".join(chunk(*part) for part in parts)


@st.composite
def bmp_files(draw):
    """Draw a BMP file with any sizes, bits and compression."""
    size = struct.pack(
        "<ii", *(draw(st.integers(-9, 9) | st.sampled_from([-(2**31), 2**31 - 1])) for _ in "wh")
    )
    fields = struct.pack(
        "<HHI", 1, draw(st.sampled_from([1, 4, 8, 16, 24, 32, 0, 7])), draw(st.integers(0, 6))
    )
    rest = struct.pack("<IiiII", *(draw(st.sampled_from([0, 1, 2, 256, 2**31 - 1])) for _ in range(5)))
    head = b"BM" + struct.pack("<IHHI", 0, 0, 0, draw(st.integers(0, 200)))
    return head + struct.pack("<I", 40) + size + fields + rest + draw(st.binary(max_size=300))


@st.composite
def tiff_files(draw):
    """Draw a TIFF file of one directory with any values."""
    tags = draw(
        st.permutations([256, 257, 258, 259, 262, 273, 277, 278, 279, 282, 317, 320, 322, 323, 338, 339])
    )
    tags = sorted(tags[: draw(st.integers(3, 12))])
    values = st.integers(0, 9) | st.sampled_from([100, 2**16 - 1, 2**31, 2**32 - 1, 32773, 34712])
    entries = b"".join(
        struct.pack("<HHII", tag, draw(st.integers(1, 13)), draw(values), draw(values)) for tag in tags
    )
    following = struct.pack("<I", draw(st.sampled_from([0, 8, 2**32 - 1])))
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + following + draw(st.binary(max_size=200))


@st.composite
def npy_files(draw):
    """Draw an .npy file with any header."""
    shape = tuple(draw(st.lists(st.integers(-2, 9) | st.sampled_from([2**31, 2**63, 10**30]), max_size=4)))
    dtype = draw(st.sampled_from(["<f8", "|u1", ">i2", "|b1", "<c8", "|O", "<U3", "V0", "f4,f4", "nonsense"]))
    file = io.BytesIO()
    header = {"descr": dtype, "fortran_order": draw(st.booleans()), "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)
    return file.getvalue() + bytes(draw(st.integers(0, 600)))


@few
@given(png_files() | bmp_files() | tiff_files() | npy_files())
def test_images(data):
    image.test_one_input(data)


cells = (
    st.integers(-9, 9).map(str)
    | st.floats().map(str)
    | st.sampled_from(["1/9", "1/0", "", "-", "1e999", "٣"])
)
rows = st.lists(cells, max_size=5).flatmap(
    lambda row: st.sampled_from([" ", ",", " , ", "\t"]).map(lambda separator: separator.join(row))
)
matrices = st.lists(rows, max_size=5)
parameters = st.dictionaries(st.sampled_from([*PARAMETERS, "other"]), numbers.map(repr), max_size=3)
names = st.tuples(st.sampled_from([*kernel_names(), "sobell"]), parameters)


@few
@given(
    matrices.map("; ".join)
    | names.map(lambda named: f"{named[0]}:" + ",".join(f"{key}={value}" for key, value in named[1].items()))
    | st.text(max_size=30)
)
def test_kernels_as_text(text):
    kernel.test_one_input(text.encode("utf-8", "surrogatepass"))


documents = st.recursive(
    numbers | st.none() | st.booleans() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.just("weights"), inner),
    max_leaves=12,
)


@few
@given(
    matrices.map(lambda lines: b".csv:" + "\n".join(lines).encode())
    | documents.map(lambda document: b".json:" + json.dumps(document).encode())
    | npy_files().map(lambda data: b".npy:" + data)
)
def test_kernel_files(data):
    kernel.test_one_input(data)


@few
@given(st.binary(min_size=30, max_size=300))
def test_filter_image(data):
    filter_image.test_one_input(data)
