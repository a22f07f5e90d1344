"""Every way in which a data source can be wrong gives one short error that names the file."""

import gzip
import struct
import zipfile

import numpy as np
import pytest
from PIL import Image

from convcli.data import open_source
from convcli.errors import InputError

IMAGES = np.zeros((4, 3, 2), np.uint8)
IDX_IMAGES = b"\0\0\x08\x03" + struct.pack(">3I", 4, 3, 2) + bytes(24)
IDX_LABELS = b"\0\0\x08\x01" + struct.pack(">I", 4) + bytes(4)


def idx(images=IDX_IMAGES, labels=IDX_LABELS, suffix="", source="."):
    def build(folder):
        (folder / f"train-images-idx3-ubyte{suffix}").write_bytes(images)
        if labels is not None:
            (folder / f"train-labels-idx1-ubyte{suffix}").write_bytes(labels)
        return source

    return build


def two_training_parts(folder):
    idx()(folder)
    idx()(folder)
    (folder / "emnist-train-images-idx3-ubyte").write_bytes(IDX_IMAGES)
    return "."


def npz(**arrays):
    def build(folder):
        np.savez(folder / "set.npz", **arrays)
        return "set.npz"

    return build


def npz_member(data, method=zipfile.ZIP_STORED):
    def build(folder):
        with zipfile.ZipFile(folder / "set.npz", "w") as archive:
            archive.writestr("images.npy", data, method)
        return "set.npz"

    return build


def npy(shape, data=b""):
    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + data


def file(name, data):
    def build(folder):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return name

    return build


def cut_npz(folder):
    npz(images=IMAGES, labels=np.arange(4))(folder)
    data = (folder / "set.npz").read_bytes()
    (folder / "set.npz").write_bytes(data[: len(data) // 2])
    return "set.npz"


def damaged_npz(folder):
    np.savez_compressed(folder / "set.npz", images=IMAGES, labels=np.arange(4))
    data = bytearray((folder / "set.npz").read_bytes())
    data[60:70] = b"\xff" * 10
    (folder / "set.npz").write_bytes(data)
    return "set.npz"


def cifar_with_names(names):
    def build(folder):
        (folder / "data_batch_1.bin").write_bytes(bytes(3073))
        (folder / "batches.meta.txt").write_text(names)
        return "."

    return build


def class_folders(*files):
    """Class folders with these files; a name that ends in / is a folder, one with .png a picture."""

    def build(folder):
        for name in files:
            path = folder / "set" / name
            if name.endswith("/"):
                path.mkdir(parents=True)
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            if name.endswith(".png"):
                Image.new("L", (3, 3)).save(path)
            else:
                path.write_text("no picture")
        return "set"

    return build


def csv(text):
    def build(folder):
        Image.new("L", (3, 3)).save(folder / "a.png")
        (folder / "list.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
        return "list.csv"

    return build


CIFAR_RECORD = bytes([11]) + bytes(3072)

# what is wrong → (how to make it, parts of the message)
BAD = {
    "IDX images cut short": (
        idx(IDX_IMAGES[:-1]),
        "images-idx3-ubyte is cut short: | 4 × 3 × 2 = 24 bytes, it holds 23",
    ),
    "IDX images too long": (idx(IDX_IMAGES + b"\0"), "is too long|24 bytes, it holds more"),
    "IDX header cut short": (idx(IDX_IMAGES[:10]), "is cut short: its header ends after 10 bytes"),
    "IDX empty file": (idx(b""), "images-idx3-ubyte: expected IDX images|found an empty file"),
    "IDX wrong magic": (idx(IDX_LABELS), "begin with the bytes 00 00 08 03; found 00 00 08 01"),
    "IDX of floats": (idx(b"\0\0\x0d\x03" + IDX_IMAGES[4:]), "found 00 00 0d 03"),
    "IDX labels wrong magic": (idx(labels=IDX_IMAGES), "labels-idx1-ubyte: expected IDX labels|00 00 08 01"),
    "IDX labels shorter than the images": (
        idx(labels=b"\0\0\x08\x01" + struct.pack(">I", 3) + bytes(3)),
        "train-labels-idx1-ubyte holds 3 labels, but train-images-idx3-ubyte beside it 4 images",
    ),
    "IDX labels cut short": (
        idx(labels=IDX_LABELS[:-1]),
        "labels-idx1-ubyte is cut short|announces 4 bytes, it holds 3",
    ),
    "IDX without labels": (
        idx(labels=None),
        "train-labels-idx1-ubyte or train-labels-idx1-ubyte.gz, found neither",
    ),
    "IDX labels named": (idx(source="train-labels-idx1-ubyte"), "holds labels; name the images file"),
    "IDX gzip cut short": (
        idx(gzip.compress(IDX_IMAGES)[:-9], gzip.compress(IDX_LABELS), ".gz"),
        "train-images-idx3-ubyte.gz: its gzip data is damaged or cut short",
    ),
    "IDX gzip damaged": (
        idx(gzip.compress(IDX_IMAGES)[:-6] + b"\xff" * 6, gzip.compress(IDX_LABELS), ".gz"),
        "its gzip data is damaged|Get the file again",
    ),
    "IDX header that announces terabytes": (
        idx(IDX_IMAGES[:4] + struct.pack(">3I", 2**31, 2**31, 2**31)),
        "is cut short|it holds 0",
    ),
    "IDX gzip header that announces terabytes": (
        idx(gzip.compress(IDX_IMAGES[:4] + struct.pack(">3I", 2**31, 2**31, 2**31)), IDX_LABELS, ".gz"),
        "bytes, packed in |no more than 16,777,216 are unpacked|gunzip",
    ),
    "IDX without images": (
        idx(IDX_IMAGES[:4] + struct.pack(">3I", 0, 3, 2), IDX_LABELS[:4] + bytes(4)),
        "images-idx3-ubyte: there is nothing in it (its header announces 0 × 3 × 2 = 0 bytes)",
    ),
    "IDX images of no pixels": (
        idx(IDX_IMAGES[:4] + struct.pack(">3I", 4, 0, 2)),
        "images-idx3-ubyte: there is nothing in it (its header announces 4 × 0 × 2 = 0 bytes)",
    ),
    "IDX gzip that ends early": (
        idx(gzip.compress(IDX_IMAGES[:-4]), IDX_LABELS, ".gz"),
        "is cut short: its header announces 4 × 3 × 2 = 24 bytes, it holds 20",
    ),
    "two IDX training parts": (
        two_training_parts,
        "holds 2 training parts: emnist-train|Name one of these files",
    ),
    "npz without images": (
        npz(labels=np.arange(4)),
        "set.npz has no array 'images': expected images, labels, found labels",
    ),
    "npz without labels": (npz(images=IMAGES, other=1), "no array 'labels'|found images"),
    "npz of nothing known": (npz(arr_0=IMAGES), "no array 'images'|found arr_0"),
    "npz with half a test part": (
        npz(images=IMAGES, labels=np.arange(4), test_images=IMAGES),
        "no array 'test_labels': expected images, labels, test_images, test_labels",
    ),
    "npz with a test class of its own": (
        npz(images=IMAGES, labels=np.arange(4), test_images=IMAGES, test_labels=np.arange(4) + 1),
        "set.npz (test): class '4' is not among the classes of the training images: '0', '1',",
    ),
    "npz of objects": (
        npz(images=IMAGES, labels=np.array([1, "a", None, 2], object)),
        "(labels): holds Python objects",
    ),
    "npz labels fewer than images": (
        npz(images=IMAGES, labels=np.arange(3)),
        "one label for each of 4 images|(3,)",
    ),
    "npz labels of several classes": (
        npz(images=IMAGES, labels=np.ones((4, 4), int)),
        "one label for each|(4, 4)",
    ),
    "npz negative label": (npz(images=IMAGES, labels=np.arange(4) - 1), "label -1 is negative"),
    "npz labels that are no integers": (npz(images=IMAGES, labels=np.arange(4) / 2), "labels are float64"),
    "npz label beyond the classes": (
        npz(images=IMAGES, labels=np.arange(4), classes=np.array(["a", "b"])),
        "label 3 has no name: its 2 classes count from 0",
    ),
    "npz label text that is no class": (
        npz(images=IMAGES, labels=np.array(["a", "b", "c", "a"]), classes=np.array(["a", "b"])),
        "label 'c' is not among its classes a, b",
    ),
    "npz class named twice": (
        npz(images=IMAGES, labels=np.array([0, 1, 0, 1]), classes=np.array(["a", "a"])),
        "class 'a' is named twice",
    ),
    "npz classes that are no list": (
        npz(images=IMAGES, labels=np.arange(4), classes=np.zeros((2, 2))),
        "(classes): expected a list of names, found float64 with shape (2, 2)",
    ),
    "npz float images beyond 1": (
        npz(images=IMAGES + 1.5, labels=np.arange(4)),
        "expected floats from 0 to 1, found 1.5 … 1.5|data.range = [low, high]",
    ),
    "npz negative images": (
        npz(images=IMAGES.astype(np.int32) - 1, labels=np.arange(4)),
        "expected integers of 8 or 16 bits, from 0 up, found -1 … -1",
    ),
    "npz images without rows": (
        npz(images=IMAGES[0], labels=np.arange(3)),
        "(n, h, w) or (n, h, w, c), found shape (3, 2)",
    ),
    "npz of no images": (npz(images=IMAGES[:0], labels=np.arange(0)), "there are no images in it"),
    "npz cut short": (cut_npz, "set.npz: not a readable .npz archive"),
    "npz damaged": (damaged_npz, "set.npz: not a readable .npz archive"),
    "npz empty file": (file("set.npz", b""), "set.npz: not a readable .npz archive"),
    "npz header that announces terabytes": (
        npz_member(npy((10**12,))),
        "set.npz (images): its header announces 1,000,000,000,000 bytes, the archive holds 128",
    ),
    "npz that is no array": (
        npz_member(b"hello"),
        "set.npz: not a readable .npz archive|header cannot be read",
    ),
    "npz packed in another way": (
        npz_member(npy((4,), bytes(4)), zipfile.ZIP_LZMA),
        "expected plain or deflated data",
    ),
    "CIFAR length": (
        file("data_batch_1.bin", bytes(3074)),
        "records of 3,073 bytes, found 3,074 bytes (1 × 3,073 + 1)",
    ),
    "CIFAR empty file": (file("data_batch_1.bin", b""), "found 0 bytes"),
    "CIFAR label beyond 9": (
        file("x.bin", bytes(3073) + CIFAR_RECORD),
        "x.bin: record 2 has label 11; expected 0 … 9",
    ),
    "CIFAR with eleven names": (
        cifar_with_names("a\n" * 11),
        "batches.meta.txt: expected at most 10 class names|found 11",
    ),
    "class folder that is empty": (class_folders("cat/1.png", "dog/"), "set/dog: class 'dog' has no image"),
    "class folder with hidden files only": (
        class_folders("cat/.x", "dog/1.png"),
        "set/cat: class 'cat' has no image",
    ),
    "class folder with text in it": (
        class_folders("cat/1.png", "cat/2.jpg"),
        "cat/2.jpg: expected an image|data.skip_damaged = true",
    ),
    "class folder with a folder in it": (
        class_folders("a/cat/1.png", "b/dog/1.png"),
        "set/a|found a folder 'cat'",
    ),
    "test folder with a class of its own": (
        class_folders("train/cat/1.png", "test/dog/1.png"),
        "set/test: class 'dog' is not among the classes of the training images: 'cat'",
    ),
    "test folder without classes": (
        class_folders("train/cat/1.png", "test/1.png"),
        "set/test: expected a sub-folder of images for each class",
    ),
    "CSV without label column": (
        csv("path,colour\na.png,1\n"),
        "list.csv: expected a first line path,label|'label'",
    ),
    "CSV with semicolons": (csv("path;label\na.png;1\n"), "found 'path;label'|commas between columns"),
    "CSV with a column twice": (csv("path,label,label\na.png,1,2\n"), "one column 'label'"),
    "CSV empty file": (csv(""), "expected a first line path,label, found nothing"),
    "CSV without rows": (csv("path,label\n"), "expected a line for each image after the header, found none"),
    "CSV with a missing file": (
        csv("path,label\na.png,1\nb.png,1\n"),
        "list.csv, line 3: there is no file: 'b.png'",
    ),
    "CSV row cut short": (
        csv("path,label\na.png\n"),
        "line 2: expected 2 cells with path and label, found 'a.png'",
    ),
    "CSV row without label": (csv("path,label\na.png,\n"), "line 2: expected 2 cells"),
    "CSV name with a comma": (csv("path,label\na,b.png,1\n"), "line 2|stands in double quotes"),
    "CSV quote left open": (csv('path,label\n"a.png,1\n'), "list.csv: not readable as CSV"),
    "CSV in another encoding": (
        csv("path,label\nä.png,1\n".encode("latin-1")),
        "list.csv: expected text in UTF-8",
    ),
    "CSV that lists no picture": (csv("path,label\nlist.csv,1\n"), "list.csv"),
}


@pytest.mark.parametrize(("build", "message"), BAD.values(), ids=BAD)
def test_bad_source(build, message, tmp_path):
    source = build(tmp_path)
    with pytest.raises(InputError) as caught:
        open_source(source, base=tmp_path)
    text = str(caught.value)
    for part in message.split("|"):
        assert part in text
    assert str(tmp_path) in text
    assert "\n" not in text
    assert len(text.replace(str(tmp_path), "")) < 300


def test_one_class_alone_is_fine(tmp_path):
    source = open_source(class_folders("cat/1.png", "cat/2.png")(tmp_path), base=tmp_path)
    assert source.train.classes == ("cat",)
    assert len(source.train) == 2
