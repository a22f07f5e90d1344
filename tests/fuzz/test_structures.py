"""What has the form of an input but holds anything ends in a result or in a ConvcliError only."""

from __future__ import annotations

import copy
import csv
import gzip
import io
import json
import struct
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from convcli.errors import ConvcliError
from convcli.nn.config import validate
from convcli.nn.network import Network

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))  # the targets are not installed with convcli

from fuzz.targets import checkpoint, cifar10, csv_file, idx, npz  # noqa: E402

few = settings(max_examples=40, deadline=None)
numbers = (
    st.integers() | st.integers(-2, 9) | st.floats() | st.sampled_from([2**31, 2**63, -(2**63), 10**400])
)
anything = st.recursive(
    st.none() | st.booleans() | numbers | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)


def places(value, path=()):
    """Yield the path of everything in a document."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from places(inner, (*path, key))


@st.composite
def altered(draw, document):
    """Draw a document in which something is replaced or missing."""
    document = copy.deepcopy(document)
    *path, last = draw(st.sampled_from(list(places(document))))
    table = document
    for step in path:
        table = table[step]
    if isinstance(table, dict) and draw(st.integers(0, 4)) == 0:
        del table[last]
    else:
        table[last] = draw(anything)
    return document


CONFIG = {
    "data": {"source": "digits", "validation": 0.1, "test": "x", "size": [8, 8], "channels": 1},
    "layers": [
        {
            "type": "conv",
            "filters": 4,
            "kernel": [3, 3],
            "stride": 1,
            "padding": [[1, 1], [0, 0]],
            "groups": 1,
        },
        {"type": "batch_norm", "momentum": 0.9, "epsilon": 1e-5},
        {"type": "avg_pool", "size": 2, "stride": [1, 2]},
        {"type": "activation", "function": "tanh"},
        {"type": "dropout", "rate": 0.5},
        {"type": "conv", "filters": 2, "init": ["sobel-x", "1 2; 3 4"], "frozen": True, "activation": "relu"},
        {
            "type": "transposed_conv",
            "filters": 3,
            "stride": [2, 3],
            "dilation": 2,
            "output_padding": 1,
            "groups": 1,
        },
        {"type": "separable_conv", "filters": 3, "depth_multiplier": 2, "repeat": 2},
        {"type": "upsample", "factor": [2, 1], "mode": "bilinear"},
        {
            "type": "residual",
            "shortcut": "auto",
            "drop": 0.1,
            "layers": [{"type": "conv", "filters": 4, "stride": 2, "padding": "same", "repeat": 2}],
        },
        {
            "type": "parallel",
            "combine": "concatenate",
            "branches": [
                {"layers": [{"type": "activation"}]},
                {"type": "residual", "layers": [{"type": "dropout"}]},
            ],
        },
        {"type": "flatten"},
        {"type": "dense", "units": 10, "bias": False},
    ],
    "training": {
        "epochs": 3,
        "batch_size": 7,
        "patience": 2,
        "loss": {"type": "cross_entropy", "label_smoothing": 0.1},
        "optimizer": {"type": "sgd", "momentum": 0.9},
        "schedule": {"type": "step", "every": 3, "gamma": 0.5},
    },
}


@few
@given(altered(CONFIG))
def test_configurations(document):
    with suppress(ConvcliError):
        Network.classifying(validate(document, "some.toml").layers, (28, 28, 1), 10)


STORED = (ROOT / "fuzz/corpus/checkpoint/last.safetensors").read_bytes()
(LENGTH,) = checkpoint.LENGTH.unpack_from(STORED)
HEADER = json.loads(STORED[8 : 8 + LENGTH])
DOCUMENT = json.loads(HEADER["__metadata__"]["convcli"])


@few
@given(altered(DOCUMENT), altered(HEADER), st.booleans())
def test_checkpoints(document, header, whole_header):
    header = HEADER if whole_header else header
    with suppress(TypeError, KeyError):  # there is no place for a document in this header
        header = {**header, "__metadata__": {**header["__metadata__"], "convcli": json.dumps(document)}}
    text = json.dumps(header).encode()
    checkpoint.test_one_input(checkpoint.LENGTH.pack(len(text)) + text + STORED[8 + LENGTH :])


sizes = st.integers(0, 4) | st.sampled_from([255, 2**16, 2**31, 2**32 - 1])


@st.composite
def idx_files(draw, dimensions):
    shape = draw(st.lists(sizes, min_size=dimensions, max_size=dimensions))
    length = np.prod([min(size, 9) for size in shape], dtype=int) + draw(st.integers(-1, 1))
    data = bytes([0, 0, draw(st.sampled_from([8, 8, 8, 9, 13])), dimensions])
    data += struct.pack(f">{dimensions}I", *shape) + bytes(max(int(length), 0))
    return gzip.compress(data) if draw(st.booleans()) else data


@few
@given(idx_files(3), idx_files(1))
def test_idx_files(images, labels):
    idx.test_one_input(images + idx.SEPARATOR + labels)


dtypes: st.SearchStrategy[Any] = (
    st.sampled_from([np.dtype(np.uint8), np.dtype(np.int64), np.dtype("U3"), np.dtype("S3")])
    | arrays.scalar_dtypes()
    | arrays.unicode_string_dtypes()
    | arrays.byte_string_dtypes()
)
shapes = arrays.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=4)
any_array = dtypes.flatmap(lambda dtype: arrays.arrays(dtype, shapes)) | arrays.arrays(
    object, shapes, elements=st.none() | st.text()
)
fitting = st.tuples(st.just(4), st.integers(1, 3), st.integers(1, 3)).flatmap(
    lambda shape: arrays.arrays(np.uint8, shape)
)


@few
@given(
    st.fixed_dictionaries(
        {"images": fitting | any_array, "labels": arrays.arrays(np.uint8, 4) | any_array},
        optional={"classes": any_array, "test_images": fitting | any_array, "test_labels": any_array},
    )
)
def test_npz_archives(named):
    file = io.BytesIO()
    np.savez(file, **named)
    npz.test_one_input(file.getvalue())


@few
@given(
    st.lists(st.integers(0, 11), max_size=3), st.integers(-1, 1), st.none() | st.lists(st.text(), max_size=11)
)
def test_cifar_batches(labels, tail, names):
    batch = b"".join(bytes([label]) + bytes(3072) for label in labels)
    batch = batch[:tail] if tail < 0 else batch + bytes(tail)
    cifar10.test_one_input(
        batch + (cifar10.SEPARATOR + "\n".join(names).encode() if names is not None else b"")
    )


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
paths = (
    st.sampled_from(["grey.png", "colour.png", "folder/grey.png", "../outside.png", "/dev/zero", "."]) | texts
)


@few
@given(st.permutations(["path", "label", "x"]), st.lists(st.lists(paths, min_size=2, max_size=4), max_size=4))
def test_csv_lists(header, rows):
    file = io.StringIO()
    csv.writer(file).writerows([header, *rows])
    csv_file.test_one_input(file.getvalue().encode())
