"""Sources made to do harm end in one short error, and ask for no memory that their bytes do not fill."""

from __future__ import annotations

import gzip
import io
import os
import pickle
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest
from PIL import Image

from convcli.data import open_source
from convcli.errors import InputError

IMAGES = np.zeros((4, 3, 2), np.uint8)
LABELS = np.arange(4)
MOST_MEMORY = 100 << 20  # a bomb's parts are 20 MB, and NumPy may hold one of them twice


class MakesFolder:
    """What makes a folder when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def idx_header(*shape):
    return bytes([0, 0, 8, len(shape)]) + struct.pack(f">{len(shape)}I", *shape)


IDX_IMAGES = idx_header(4, 3, 2) + bytes(24)
IDX_LABELS = idx_header(4) + bytes(4)


def idx(images=IDX_IMAGES, labels=IDX_LABELS):
    def build(folder):
        (folder / "train-images-idx3-ubyte").write_bytes(images)
        (folder / "train-labels-idx1-ubyte").write_bytes(labels)
        return "."

    return build


def sparse(name, start, length):
    """A file with holes: it takes a few bytes of the disk and reads as so many."""

    def build(folder):
        with (folder / name).open("wb") as file:
            file.write(start)
            file.truncate(length)
        (folder / "train-labels-idx1-ubyte").write_bytes(IDX_LABELS)
        return name

    return build


def npy(header, data=b"", version=1, length=None):
    text = header.encode() if isinstance(header, str) else header
    size = struct.pack("<H" if version == 1 else "<I", len(text) if length is None else length)
    return b"\x93NUMPY" + bytes([version, 0]) + size + text + data


def described(descr, shape):
    return f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape}, }}\n"


def members(*named, method=zipfile.ZIP_STORED):
    def build(folder):
        with zipfile.ZipFile(folder / "set.npz", "w", method) as archive:
            for name, data in named:
                archive.writestr(f"{name}.npy", data)
        return "set.npz"

    return build


def npz(**arrays):
    def build(folder):
        np.savez_compressed(folder / "set.npz", **{"images": IMAGES, "labels": LABELS, **arrays})
        return "set.npz"

    return build


def images_member(header, data=b"", **options):
    return members(("images", npy(header, data, **options)))


def with_pickle(folder):
    payload = npy(described("|O", (4,)), pickle.dumps(MakesFolder(folder / "executed")))
    return members(("images", array(IMAGES)), ("labels", payload))(folder)


def array(values):
    file = io.BytesIO()
    np.save(file, values)
    return file.getvalue()


def lying_archive(folder):
    """The array's header announces 4 GB, and the archive's directory says so too."""
    members(("images", npy(described("|u1", (4, 1000, 1000, 1000)))), ("labels", array(LABELS)))(folder)
    data = (folder / "set.npz").read_bytes()
    directory = data.index(b"PK\x01\x02")
    data = data[: directory + 24] + struct.pack("<I", 2**32 - 2) + data[directory + 28 :]
    (folder / "set.npz").write_bytes(data)
    return "set.npz"


def encrypted(folder):
    members(("images", array(IMAGES)))(folder)
    data = bytearray((folder / "set.npz").read_bytes())
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + place] |= 1
    (folder / "set.npz").write_bytes(data)
    return "set.npz"


def csv(text, make=lambda folder: None):
    def build(folder):
        here = folder / "here"
        here.mkdir()
        Image.new("L", (3, 3)).save(folder / "outside.png")
        Image.new("L", (3, 3)).save(here / "a.png")
        make(here)
        (here / "list.csv").write_text(text.replace("FOLDER", str(folder)))
        return "here/list.csv"

    return build


def class_folders(make):
    def build(folder):
        for name in ("cat", "dog"):
            (folder / "set" / name).mkdir(parents=True)
            Image.new("L", (3, 3)).save(folder / "set" / name / "1.png")
        make(folder / "set" / "cat")
        return "set"

    return build


def named_pipe(name):
    def build(folder):
        os.mkfifo(folder / name)
        return name

    return build


def circle(folder):
    (folder / "circle").symlink_to("circle")
    return "circle"


def two_arrays(folder):
    with zipfile.ZipFile(folder / "set.npz", "w") as archive:
        archive.writestr("images.npy", array(IMAGES))
        archive.writestr("images", array(IMAGES))
    return "set.npz"


def cifar_with_long_names(folder):
    (folder / "data_batch_1.bin").write_bytes(bytes(3073))
    with (folder / "batches.meta.txt").open("wb") as file:
        file.truncate(2**40)
    return "."


BOMB = 20 << 20  # zero bytes, of which gzip and zip make 20 KB

HOSTILE = {
    # --- IDX
    "IDX of 2^96 images": (idx(idx_header(*[2**32 - 1] * 3)), "is cut short|it holds 0"),
    "IDX of no images, each of 2^64 pixels": (
        idx(idx_header(0, 2**32 - 1, 2**32 - 1)),
        "there is nothing in it|0 × 4,294,967,295",
    ),
    "IDX labels of 4 GiB": (idx(labels=idx_header(2**32 - 1)), "labels-idx1-ubyte is cut short"),
    "IDX of 255 dimensions": (idx(bytes([0, 0, 8, 255]) + bytes(1020)), "expected IDX images"),
    "IDX bomb": (
        idx(gzip.compress(idx_header(20, 1024, 1024) + bytes(BOMB))),
        "announces 20 × 1,024 × 1,024 = 20,971,520 bytes, packed in|unpack it with gunzip first",
    ),
    "IDX bomb behind a small header": (
        idx(gzip.compress(idx_header(4, 3, 2) + bytes(BOMB))),
        "is too long: its header announces 4 × 3 × 2 = 24 bytes, it holds more",
    ),
    "IDX with a hole of 1 TiB": (
        sparse("train-images-idx3-ubyte", idx_header(2**20, 2**10, 2**10), 16 + 2**40),
        "train-labels-idx1-ubyte holds 4 labels, but train-images-idx3-ubyte beside it 1,048,576 images",
    ),
    "IDX that is a named pipe": (named_pipe("train-images-idx3-ubyte"), "found a device, a pipe or a socket"),
    # --- npz
    "npz with a pickle": (
        with_pickle,
        "(labels): holds Python objects (object), which convcli never unpickles",
    ),
    "npz of records with objects": (
        images_member(described([("a", "<i4"), ("b", "|O")], (4,))),
        "holds Python objects",
    ),
    "npz with a header of 4 GiB": (
        images_member(b" " * 9000, version=2, length=2**32 - 1),
        "set.npz: not a readable .npz archive (its header cannot be read",
    ),
    "npz with a header of 4 GiB of blanks, packed": (
        members(("images", npy(" " * BOMB, version=2)), method=zipfile.ZIP_DEFLATED),
        "set.npz: not a readable .npz archive (its header cannot be read",
    ),
    "npz with a header of brackets": (images_member("(" * 4000), "its header cannot be read"),
    "npz with a header of minus signs": (images_member("-" * 4000 + "1"), "its header cannot be read"),
    "npz with a header that calls a function": (
        images_member("__import__('os').abort()"),
        "its header cannot be read",
    ),
    "npz with a dtype of nothing": (images_member(described((), (4,))), "its header cannot be read"),
    "npz with a dtype that refers to a part it has not": (
        images_member(described(("<i4",), (4,))),
        "its header cannot be read",
    ),
    "npz with a header of an unknown version": (
        images_member("", version=9),
        "its header cannot be read",
    ),
    "npz of 2^200 images": (images_member(described("|u1", (2**100, 2**100))), "announces 1,606,938,044,258"),
    "npz of -4 images": (images_member(described("|u1", (-4, 3, 2)), bytes(24)), "set.npz"),
    "npz of images without bytes": (
        members(
            ("images", npy(described("|u1", (10**12, 0, 3)))), ("labels", npy(described("<U0", (10**12,))))
        ),
        "its images have no pixels (shape (1000000000000, 0, 3, 1))",
    ),
    "npz bomb": (
        npz(images=np.zeros((20, 1024, 1024), np.uint8)),
        "(images): its header announces 20,971,520 bytes, packed in|save it with numpy.savez",
    ),
    "npz whose directory lies": (lying_archive, "announces 4,000,000,000 bytes, packed in "),
    "npz with an array twice": (
        two_arrays,
        "(images): there are two arrays of this name",
    ),
    "npz that is encrypted": (encrypted, "not a readable .npz archive"),
    "npz of records": (images_member(described([("a", "<i4")], (4,)), bytes(16)), "set.npz"),
    "npz with 70,000 classes": (
        npz(images=np.zeros((70_000, 1, 1), np.uint8), labels=np.arange(70_000)),
        "found 70,000 different classes; expected at most 65,536",
    ),
    "npz with 70,000 names": (npz(classes=np.arange(70_000)), "(classes): found 70,000 different classes"),
    "npz with a label of 5,000 digits": (
        npz(labels=np.array(["1" * 5000, "1", "2", "3"])),
        "found a label of 5,000 signs; expected the name of a class",
    ),
    "npz with text beyond Unicode": (
        npz(labels=np.full(4, 0xFFFFFFFF, np.uint32).view("U1")),
        "its labels are no text; expected Unicode",
    ),
    "npz with a hole of 1 TiB": (sparse("set.npz", b"PK", 2**40), "not a readable .npz archive"),
    "npz that is a named pipe": (named_pipe("set.npz"), "found a device, a pipe or a socket"),
    # --- CIFAR-10
    "CIFAR with a hole of 3 TiB": (
        sparse("x.bin", b"", 3073 << 30),
        "x.bin: it needs 3,073.0 GiB of memory, this machine has",
    ),
    "CIFAR names of 1 TiB": (
        cifar_with_long_names,
        "batches.meta.txt: expected at most 10 class names, one on each line, found 1",
    ),
    "CIFAR that is a named pipe": (named_pipe("x.bin"), "found a device, a pipe or a socket"),
    # --- CSV
    "CSV path that climbs out": (
        csv("path,label\n../outside.png,1\n"),
        "lies outside the folder of the list",
    ),
    "CSV path that climbs out on a detour": (
        csv("path,label\nx/.././../outside.png,1\n"),
        "list.csv, line 2: 'x/.././../outside.png' lies outside",
    ),
    "CSV path from the root": (csv("path,label\nFOLDER/outside.png,1\n"), "lies outside the folder"),
    "CSV path to a device": (csv("path,label\n/dev/zero,1\n"), "'/dev/zero' lies outside"),
    "CSV link to a device": (
        csv("path,label\nzero.png,1\n", lambda here: (here / "zero.png").symlink_to("/dev/zero")),
        "line 2: this is no file: 'zero.png'",
    ),
    "CSV path to a pipe": (
        csv("path,label\npipe.png,1\n", lambda here: os.mkfifo(here / "pipe.png")),
        "line 2: this is no file: 'pipe.png'",
    ),
    "CSV path to a folder": (csv("path,label\n.,1\n"), "line 2: this is no file: '.'"),
    "CSV path to a link in a circle": (
        csv("path,label\nloop.png,1\n", lambda here: (here / "loop.png").symlink_to("loop.png")),
        "line 2: there is no file: 'loop.png'",
    ),
    "CSV path with a null character": (
        csv("path,label\na\0.png,1\n"),
        "line 2: there is no file: 'a\\x00.png'",
    ),
    "CSV path of 5,000 signs": (csv(f"path,label\n{'a' * 5000},1\n"), "aaaaaaaa"),
    "CSV label of 100,000 signs": (
        csv(f"path,label\na.png,{'x' * 100_000}\n" + "a.png,1\n" * 10_000),
        "line 2: found a label of 100,000 signs; expected the name of a class",
    ),
    "CSV label of 5,000 digits": (csv(f"path,label\na.png,{'7' * 5000}\n"), "a label of 5,000 signs"),
    "CSV cell of 1 MB": (
        csv(f'path,label\na.png,"{"x" * 1_000_000}"\n'),
        "not readable as CSV (field larger",
    ),
    "CSV line without end": (csv("path,label\n" + "," * (2 << 20)), "a line of more than 1,048,576 signs"),
    "CSV header without end": (csv("a," * (1 << 20)), "a line of more than 1,048,576 signs"),
    "CSV of 1,000 columns": (csv(f"{'x,' * 1000}path\n"), "found 'x,x,x,"),
    # --- class folders
    "class folder with a link to the folder above": (
        class_folders(lambda cat: (cat / "up").symlink_to("..")),
        "set/cat: expected the images of class 'cat', found a folder 'up'",
    ),
    "class folder with a link to itself": (
        class_folders(lambda cat: (cat / "loop.png").symlink_to("loop.png")),
        "cat/loop.png: expected an image, found a device, a pipe or a link to nothing",
    ),
    "class folder with a pipe": (
        class_folders(lambda cat: os.mkfifo(cat / "2.png")),
        "cat/2.png: expected an image, found a device, a pipe",
    ),
    "class folder with a link to a device": (
        class_folders(lambda cat: (cat / "2.png").symlink_to("/dev/zero")),
        "cat/2.png: expected an image, found a device",
    ),
    "class folder that is a link in a circle": (
        circle,
        "Data source 'circle' not found",
    ),
}


@pytest.mark.parametrize(("build", "message"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_source(build, message, tmp_path):
    source = build(tmp_path)
    tracemalloc.start()
    try:
        with pytest.raises(InputError) as caught:
            open_source(source, base=tmp_path)
        assert tracemalloc.get_traced_memory()[1] < MOST_MEMORY
    finally:
        tracemalloc.stop()
    text = str(caught.value)
    for part in message.split("|"):
        assert part in text
    assert len(text.replace(str(tmp_path), "")) < 300


def test_nothing_is_unpickled(tmp_path):
    with_pickle(tmp_path)
    with np.load(tmp_path / "set.npz", allow_pickle=True) as archive:
        archive["labels"]
    assert (tmp_path / "executed").exists()  # so it does something where it is unpickled
    (tmp_path / "executed").rmdir()
    with pytest.raises(InputError):
        open_source("set.npz", base=tmp_path)
    assert not (tmp_path / "executed").exists()


def test_a_list_may_go_round_inside_its_folder(tmp_path):
    source = csv("path,label\nx/../a.png,1\n./a.png,2\n")(tmp_path)
    assert len(open_source(source, base=tmp_path).train) == 2


def test_links_to_images_elsewhere_are_followed(tmp_path):
    source = csv("path,label\nb.png,1\n", lambda here: (here / "b.png").symlink_to("../outside.png"))(
        tmp_path
    )
    assert len(open_source(source, base=tmp_path).train) == 1


def test_a_set_as_large_as_its_bytes_is_read_however_large(tmp_path):
    np.savez(tmp_path / "set.npz", images=np.zeros((20, 1024, 1024), np.uint8), labels=np.arange(20))
    assert open_source("set.npz", base=tmp_path).train.shape == (1024, 1024, 1)


NAMES = ["[red]", "<b>&amp;", "\x1b[31mred", "two\nlines", "-rf", "a" * 255, " ", "ü", os.fsdecode(b"\xff")]


def test_class_names_are_whatever_folders_can_be_called(tmp_path):
    for name in NAMES:
        (tmp_path / "set" / name).mkdir(parents=True)
        Image.new("L", (3, 3)).save(tmp_path / "set" / name / "1.png")
    assert open_source("set", base=tmp_path).train.classes == tuple(sorted(NAMES))
