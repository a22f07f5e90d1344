"""Checkpoints made to do harm end in an InputError: short, and without the memory they ask for."""

from __future__ import annotations

import json
import os
import pickle
import struct
import tracemalloc

import numpy as np
import pytest

import stripes
from convcli import build
from convcli.errors import InputError
from convcli.runs import checkpoints
from convcli.runs.folder import BEST, RESOLVED, Run

MOST_MEMORY = 64 << 20


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Return a checkpoint that is as it should be."""
    layers = [{"type": "conv", "filters": 2}, {"type": "batch_norm"}, {"type": "flatten"}, {"type": "dense"}]
    training = build.new_training(stripes.config(layers), stripes.data())
    run = Run.create("stripes", tmp_path_factory.mktemp("run"))
    run.write_checkpoint(BEST, checkpoints.best_checkpoint(training))
    return (run.folder / BEST).read_bytes()


@pytest.fixture
def run(tmp_path):
    (tmp_path / RESOLVED).touch()
    return tmp_path


class Parts:
    """A checkpoint taken apart, to be altered and put together again."""

    def __init__(self, data):
        (length,) = struct.unpack_from("<Q", data)
        self.header = json.loads(data[8 : 8 + length])
        self.document = json.loads(self.header["__metadata__"]["convcli"])
        self.arrays = bytearray(data[8 + length :])

    def joined(self):
        self.header["__metadata__"]["convcli"] = json.dumps(self.document)
        return stored(json.dumps(self.header).encode(), self.arrays)


def stored(header, arrays=b"", length=None):
    return struct.pack("<Q", len(header) if length is None else length) + header + arrays


def altered(*changes):
    """Return a function that alters a checkpoint: each change is a value and the path of where it goes."""

    def alter(data):
        parts = Parts(data)
        for value, *path, last in changes:
            place = vars(parts)
            for step in path:
                place = place[step]
            place[last] = value
        return parts.joined()

    return alter


def with_weight(value):
    """Return a function that puts a value in the place of the last weight."""

    def alter(data):
        parts = Parts(data)
        parts.arrays[-4:] = np.float32(value).tobytes()
        return parts.joined()

    return alter


def with_document(text):
    """Return a function that puts another text in the place of the document."""
    return lambda data: stored(json.dumps({"__metadata__": {"convcli": text}}).encode())


CONFIG, PREPROCESSING = ("document", "config"), ("document", "preprocessing")
KERNEL = ("header", "layers.1.W")
NOT_OURS = "not one that convcli wrote"

HOSTILE = {
    # --- no safetensors
    "nothing": (lambda data: b"", "damaged checkpoint"),
    "text": (lambda data: b"hello " * 100, "damaged checkpoint"),
    "a pickle": (lambda data: pickle.dumps([1, 2, 3]), "damaged checkpoint"),
    "the magic of a zip file": (lambda data: b"PK\3\4" + data[4:], "damaged checkpoint"),
    "only half of it": (lambda data: data[: len(data) // 2], "damaged checkpoint"),
    "all but a byte": (lambda data: data[:-1], "damaged checkpoint"),
    "a byte more": (lambda data: data + b"\0", "damaged checkpoint"),
    # --- its header
    "a header of 2^64 bytes": (lambda data: stored(data[8:], length=2**64 - 1), "damaged checkpoint"),
    "a header longer than the file": (lambda data: stored(data[8:], length=len(data)), "damaged checkpoint"),
    "a header of no bytes": (lambda data: stored(data[8:], length=0), "damaged checkpoint"),
    "a header that is no JSON": (lambda data: stored(b"{'a': 1}"), "damaged checkpoint"),
    "a header that is no UTF-8": (lambda data: stored(b'{"\xff": 1}'), "damaged checkpoint"),
    "a header nested 100,000 deep": (lambda data: stored(b"[" * 100_000), "damaged checkpoint"),
    "a header that is a list": (lambda data: stored(b"[]"), "damaged checkpoint"),
    "metadata that are no texts": (altered((3, "header", "__metadata__", "x")), "damaged checkpoint"),
    "metadata of 1 MB": (lambda data: stored(b'{"' + b"x" * 2**20), "damaged checkpoint"),
    # --- its arrays
    "a shape that overflows": (altered(([2**62, 4], *KERNEL, "shape")), "damaged checkpoint"),
    "a shape beyond 64 bits": (altered(([2**70], *KERNEL, "shape")), "damaged checkpoint"),
    "a shape below 0": (altered(([-3, -3, 1, 2], *KERNEL, "shape")), "damaged checkpoint"),
    "a shape of another size": (altered(([3, 3, 1, 3], *KERNEL, "shape")), "damaged checkpoint"),
    "a shape of another form": (
        altered(([18], *KERNEL, "shape")),
        r"layers.1.W is float32 \(18,\), expected",
    ),
    "an array beyond the end": (altered(([0, 2**40], *KERNEL, "data_offsets")), "damaged checkpoint"),
    "an array that ends before it begins": (
        altered(([72, 0], *KERNEL, "data_offsets")),
        "damaged checkpoint",
    ),
    "an array over another": (altered(([4, 76], *KERNEL, "data_offsets")), "damaged checkpoint"),
    "integers": (altered(("I32", *KERNEL, "dtype")), "layers.1.W is int32"),
    "bfloat16, which NumPy lacks": (
        altered(("BF16", *KERNEL, "dtype"), ([3, 3, 1, 4], *KERNEL, "shape")),
        "best.safetensors",
    ),
    "an unknown dtype": (altered(("F33", *KERNEL, "dtype")), "damaged checkpoint"),
    "a weight that is no number": (with_weight("nan"), r"layers.4.b holds values that are no numbers \(NaN"),
    "a weight without end": (with_weight("inf"), r"layers.4.b holds values that are no numbers"),
    # --- its document
    "no document": (lambda data: stored(b"{}"), NOT_OURS),
    "no JSON": (with_document("{"), NOT_OURS),
    "JSON nested 100,000 deep": (with_document("[" * 100_000), NOT_OURS),
    "a number": (with_document("3"), NOT_OURS),
    "a text": (with_document('"text"'), NOT_OURS),
    "an integer of 10,000 digits": (with_document(f'{{"format": {"9" * 10_000}}}'), NOT_OURS),
    "an empty document": (with_document("{}"), "damaged checkpoint"),
    "a format of 100,000 signs": (altered(("x" * 100_000, "document", "format")), "format 'xxxx"),
    "classes that are no list": (altered(("abc", "document", "classes")), "its classes are no list of texts"),
    "classes that are no texts": (altered(([1, 2, 3], "document", "classes")), "no list of texts"),
    "no classes": (altered(([], "document", "classes")), "no list of texts"),
    "100,000 classes": (
        altered((["x"] * 10**5, "document", "classes")),
        r"layers.4.W is float32 \(72, 3\)",
    ),
    "images of 10^12 pixels": (
        altered(([10**6, 10**6, 1], *PREPROCESSING, "shape")),
        "are too large: at most",
    ),
    "images of no rows": (altered(([0, 8, 1], *PREPROCESSING, "shape")), "is no shape"),
    "images of half a row": (altered(([8, 8, 1.0], *PREPROCESSING, "shape")), "is no shape"),
    "a mean that is no number": (altered(([float("nan")], *PREPROCESSING, "mean")), "have to be numbers"),
    "a mean of 10^400": (altered(([10**400], *PREPROCESSING, "mean")), "damaged checkpoint"),
    "a deviation of 0": (altered(([0], *PREPROCESSING, "deviation")), "deviations above 0"),
    "preprocessing that is a text": (altered(("x", *PREPROCESSING)), "damaged checkpoint"),
    # --- the configuration in it
    "no table": (altered(([], *CONFIG)), "damaged checkpoint"),
    "10^12 weights": (
        altered(([{"type": "flatten"}, {"type": "dense", "units": 10**12}], *CONFIG, "layers")),
        "would have 65,000,000,000,000 weights",
    ),
    "2^29 weights of which there are none": (
        altered(
            (
                [{"type": "flatten"}, {"type": "dense", "units": 2**23}, {"type": "dense"}],
                *CONFIG,
                "layers",
            ),
        ),
        "layers.2.W is missing, expected float32",
    ),
    "a configuration nested 100 deep": (
        altered((json.loads("[" * 100 + "]" * 100), *CONFIG, "layers")),
        "nested more than 16 deep",
    ),
    "an integer of 4,000 digits": (altered((10**4000, *CONFIG, "training", "seed")), "integer is too large"),
    "60,000 layers": (
        altered(([{"type": "flatten"}] * 60_000, *CONFIG, "layers")),
        "more than 50,000 values",
    ),
}


@pytest.mark.parametrize(("alter", "message"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_checkpoint(alter, message, whole, run):
    (run / BEST).write_bytes(alter(whole))
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match=f"(?s){message}") as caught:
            checkpoints.load_run(run)
        assert tracemalloc.get_traced_memory()[1] < MOST_MEMORY + 20 * (run / BEST).stat().st_size
    finally:
        tracemalloc.stop()
    assert str(caught.value).startswith(f"{run / BEST}: ")
    assert max(map(len, str(caught.value).replace(str(run), "").splitlines())) < 400


def test_it_is_read_as_long_as_nobody_alters_it(whole, run):
    (run / BEST).write_bytes(Parts(whole).joined())
    assert checkpoints.load_run(run).classes == stripes.CLASSES


def hole(header, length):
    """Return a function that makes a file which takes a few bytes of the disk and reads as so many."""

    def make(path):
        with path.open("wb") as file:
            file.write(header)
            file.truncate(length)

    return make


PLACES = {
    "a header of 1 GB": (hole(struct.pack("<Q", 2**30), 2**31), "(a header of 1,073,741,824 bytes)"),
    "a header of 50 MB": (hole(struct.pack("<Q", 50_000_000), 2**31), "(a header of 50,000,000 bytes)"),
    "a hole of 1 TiB": (hole(struct.pack("<Q", 2), 2**40), "needs 1,024.0 GiB of memory, this machine has"),
    "a folder": (lambda path: path.mkdir(), "damaged: expected a file, found a folder"),
    "a pipe": (os.mkfifo, "damaged: expected a file, found a pipe"),
    "a link to a device": (lambda path: path.symlink_to("/dev/zero"), "found a symbolic link"),
    "a link in a circle": (lambda path: path.symlink_to(BEST), "found a symbolic link"),
}


@pytest.mark.parametrize(("make", "message"), PLACES.values(), ids=PLACES)
def test_hostile_place(make, message, run):
    make(run / BEST)
    with pytest.raises(InputError) as caught:
        checkpoints.load_run(run)
    assert message in str(caught.value)
