"""Training, evaluate and predict say the same of the same images, whatever reader, size, colours and network.

`AGREEMENT_EXAMPLES=300 pytest tests/test_agreement.py` tries as many random configurations instead of a few.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import struct
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import numpy as np
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st
from PIL import Image

from convcli import build
from convcli.cli import blas
from convcli.cli.evaluate import evaluate
from convcli.cli.predict import predict
from convcli.config_file import ConfigFile
from convcli.data import BUILT_IN, READERS, load_data, open_source
from convcli.errors import ConfigError
from convcli.runs import checkpoints
from convcli.runs.folder import Run
from convcli.runs.recording import begin

MANY = int(os.environ.get("AGREEMENT_EXAMPLES", "0"))
CLASSES = ("0", "1", "2")
LABELS = np.arange(24) % 3

# Outputs of an image alone differ from those in a batch by the order in which float32 numbers are added.
ROUNDING = 1e-4


# Sources: the same kind of small random set in every format.


class Noise(np.random.Generator):
    """Draws images whose brightness tells their class; in `flat` ones all pixels are the same."""

    def __init__(self, seed, flat):
        super().__init__(np.random.PCG64(seed))
        self.flat = flat
        self.depth = (1, 16, 256)[seed % 3]  # what one of 255 levels is in pictures of 16 bits

    def images(self, labels, rows, columns, channels):
        size = (len(labels), 1, 1, 1) if self.flat else (len(labels), rows, columns, channels)
        images = self.integers(0, 100, size) + 70 * np.asarray(labels)[:, None, None, None]
        return np.broadcast_to(images, (len(labels), rows, columns, channels)).astype(np.uint8)


def idx_bytes(array):
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def write_idx(folder, noise):
    images = noise.images(LABELS, *noise.integers(5, 9, 2), 1)
    (folder / "train-images-idx3-ubyte").write_bytes(idx_bytes(images[..., 0]))
    (folder / "train-labels-idx1-ubyte").write_bytes(idx_bytes(LABELS.astype(np.uint8)))
    return folder.name


def write_npz(folder, noise):
    images = noise.images(LABELS, *noise.integers(5, 9, 2), noise.choice([1, 3]))
    np.savez(folder / "set.npz", images=images, labels=LABELS, classes=CLASSES)
    return f"{folder.name}/set.npz"


def write_cifar(folder, noise):
    planes = noise.images(LABELS, 32, 32, 3).transpose(0, 3, 1, 2)
    records = np.hstack([LABELS[:, None], planes.reshape(len(LABELS), -1)])
    records.astype(np.uint8).tofile(folder / "data_batch_1.bin")
    return folder.name


def picture(noise, label):
    """Return the file ending and the bytes of a picture of any size, mode, format and orientation."""
    grey = Image.fromarray(noise.images([label], *noise.integers(5, 9, 2), 1)[0, ..., 0])
    mode, ending = PICTURES[noise.integers(len(PICTURES))]
    if mode == "I;16":
        image = Image.fromarray(np.asarray(grey).astype(np.uint16) * noise.depth + 99)
    else:
        image = grey.convert("RGB" if mode == "RGBA" else mode if mode != "LA" else "L")
        if mode in ("RGBA", "LA"):
            image.putalpha(Image.fromarray(noise.integers(0, 256, grey.size[::-1], np.uint8)))
        if mode == "RGB":
            image = Image.fromarray(np.asarray(image)[..., ::-1] // np.array([1, 2, 3], np.uint8))
    exif = Image.Exif()
    exif[0x0112] = int(noise.integers(1, 9))  # turned or mirrored
    stream = io.BytesIO()
    image.save(stream, ending, exif=exif)
    return ending, stream.getvalue()


PICTURES = [
    ("L", "png"),
    ("RGB", "png"),
    ("RGBA", "png"),
    ("LA", "png"),
    ("P", "png"),
    ("1", "png"),
    ("I;16", "png"),
    ("RGB", "jpeg"),
    ("L", "jpeg"),
    ("CMYK", "jpeg"),
    ("RGB", "webp"),
    ("RGB", "tiff"),
    ("I;16", "tiff"),
]


def write_class_folders(folder, noise):
    for number, label in enumerate(LABELS):
        ending, data = picture(noise, label)
        (folder / CLASSES[label]).mkdir(exist_ok=True)
        (folder / CLASSES[label] / f"{number}.{ending}").write_bytes(data)
    return folder.name


def write_csv(folder, noise):
    rows = ["path,label"]
    for number, label in enumerate(LABELS):
        ending, data = picture(noise, label)
        (folder / f"{number}.{ending}").write_bytes(data)
        rows.append(f"{number}.{ending},{CLASSES[label]}")
    (folder / "list.csv").write_text("\n".join(rows))
    return f"{folder.name}/list.csv"


WRITERS: dict[str, Callable] = {
    "idx": write_idx,
    "cifar10": write_cifar,
    "class folders": write_class_folders,
    "npz": write_npz,
    "csv": write_csv,
}


def test_every_reader_takes_part():
    assert set(WRITERS) == set(READERS)
    assert set(BUILT_IN) == {"digits"}


# Configurations.

ACTIVATIONS = st.sampled_from(
    [
        *("none", "relu", "leaky_relu", "elu", "sigmoid", "tanh", "softmax", "silu", "gelu"),
        {"type": "leaky_relu", "slope": 0.3},
        {"type": "gelu", "approximate": "tanh"},
    ]
)
PAIR = st.sampled_from([1, 2, 3, [2, 3], [3, 1]])


@st.composite
def convolutions(draw):
    return {
        "type": "conv",
        "filters": draw(st.sampled_from([1, 3, 4, 17])),
        "kernel": draw(PAIR),
        "stride": draw(st.sampled_from([1, 1, 2, [1, 2]])),
        "padding": draw(st.sampled_from(["same", "valid", "full", 1])),
        "bias": draw(st.booleans()),
        "activation": draw(ACTIVATIONS),
    }


def pools():
    kind = st.sampled_from(["max_pool", "avg_pool"])
    return st.fixed_dictionaries({"type": kind, "size": PAIR, "stride": PAIR})


ANYWHERE = st.one_of(
    st.builds(lambda rate: {"type": "dropout", "rate": rate}, st.sampled_from([0.0, 0.3, 0.9])),
    st.builds(lambda m: {"type": "batch_norm", "momentum": m}, st.sampled_from([0.0, 0.5, 0.9])),
    st.builds(lambda name: {"type": "activation", "function": name}, ACTIVATIONS),
    st.sampled_from([{"type": "group_norm", "groups": 1}, {"type": "layer_norm", "over": "sample"}]),
    st.sampled_from([{"type": "prelu"}, {"type": "scale", "factor": 0.5}]),
)
ON_PLANES = st.one_of(convolutions(), pools(), ANYWHERE)
ON_ROWS = st.one_of(
    st.builds(lambda n, a: {"type": "dense", "units": n, "activation": a}, st.integers(1, 9), ACTIVATIONS),
    ANYWHERE,
)


@st.composite
def layers(draw):
    flat = draw(st.sampled_from(["flatten", "flatten", "global_avg_pool"]))
    on_planes, on_rows = draw(st.lists(ON_PLANES, max_size=4)), draw(st.lists(ON_ROWS, max_size=2))
    return [*on_planes, {"type": flat}, *on_rows, {"type": "dense"}]


@dataclass
class Case:
    """A configuration, the readers of its sources, and what else decides."""

    readers: dict
    data: dict
    layers: list
    training: dict
    threads: int
    seed: int
    flat: bool


SEVERAL_SIZES = ("cifar10", "class folders", "csv")


@st.composite
def cases(draw):
    reader = draw(st.sampled_from(["digits", *WRITERS]))
    sizes = st.sampled_from([None, 6, [5, 8]])
    data = {
        "size": draw(st.sampled_from([6, [9, 7]]) if reader in SEVERAL_SIZES else sizes),
        "background": draw(st.sampled_from(["white", "black", "teal", 99, [1, 2, 3]])),
        "fit": draw(st.sampled_from(["stretch", "pad", "crop"])),
        "range": draw(st.sampled_from([None, None, None, [20, 200], [0, 4095]])),
        "channels": draw(st.sampled_from([None, 1, 3])),
        "preprocessing": draw(st.sampled_from(["standardize", "rescale"])),
        "validation": draw(st.sampled_from([0.04, 0.2, 0.5] if reader != "digits" else [0.02])),
    }
    training = {
        "epochs": draw(st.integers(1, 2)),
        "batch_size": draw(st.sampled_from([1, 5, 16, 1000] if reader != "digits" else [200, 2000])),
        "loss": draw(st.sampled_from(["cross_entropy", "mean_squared_error", {"label_smoothing": 0.2}])),
        "optimizer": {"type": draw(st.sampled_from(["sgd", "adam"])), "learning_rate": 0.003},
        "seed": draw(st.integers(0, 99)),
    }
    readers = {"source": reader}
    for other in ("validation", "test") if reader != "digits" else ():
        readers[other] = draw(st.sampled_from([None, None, *WRITERS]))
    threads, seed, flat = draw(st.integers(1, 3)), draw(st.integers(0, 2**32)), draw(st.booleans())
    return Case(readers, data, draw(layers()), training, threads, seed, flat)


def toml(value):
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {toml(item)}" for key, item in value.items()) + "}"
    return json.dumps(value)


def write_config(case, folder):
    """Write the sources and the configuration of a case; return the configuration's path."""
    noise = Noise(case.seed, case.flat)
    data = {key: value for key, value in case.data.items() if value is not None}
    for name, reader in case.readers.items():
        if reader == "digits":
            data[name] = reader
        elif reader is not None:
            (folder / name).mkdir()
            data[name] = WRITERS[reader](folder / name, noise)
    layer_lines = "\n".join(toml(layer) + "," for layer in case.layers)
    path = folder / "case.toml"
    path.write_text(f"data = {toml(data)}\ntraining = {toml(case.training)}\nlayers = [\n{layer_lines}\n]\n")
    return path


def printed(command, *arguments, **options):
    """Return what a command prints, called as a function: reading its arguments would take longest of all."""
    told = io.StringIO()
    with (
        mock.patch.object(blas, "prepare"),
        contextlib.redirect_stdout(told),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        command(*arguments, **options)
    return told.getvalue()


def stored_files(source, part, folder):
    """Return an image file for each image of a part: its own, or a PNG of what the source holds."""
    positions = range(len(part)) if part.positions is None else part.positions
    if part.files:
        return [part.files[position] for position in positions]
    stored = open_source(source, base=Path()).train.images
    paths = [folder / f"{position}.png" for position in positions]
    for position, path in zip(positions, paths, strict=True):
        pixels = stored[position]
        Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).save(path)
    return paths


@settings(
    max_examples=MANY or 8,
    derandomize=not MANY,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)
@given(case=cases())
def test_training_evaluate_and_predict_agree(case):
    with tempfile.TemporaryDirectory() as name:
        folder, run = Path(name), Path(name, "run")
        file = ConfigFile.read(write_config(case, folder))
        data = load_data(file.config.data, file.base, file.config.training.seed)
        try:
            training = build.new_training(file.config, data, case.threads)
        except ConfigError:  # the layers do not fit each other
            reject()
        recorder = begin(Run.create("case", run), file, training, data, case.threads)
        for event in training.run():
            recorder.record(event)

        check_evaluate(run, training, data)
        check_predict(run, data.validation, folder)


def check_evaluate(run, training, data):
    """The figures of evaluate are those of training, to the last digit."""
    with (run / "metrics.csv").open(newline="") as rows:
        figures = [
            (float(row["validation_accuracy"]), -float(row["validation_loss"]))
            for row in csv.DictReader(rows)
        ]
    accuracy, loss = max(figures)[0], -max(figures)[1]
    told = json.loads(printed(evaluate, run, split="validation", json=True))
    assert (told["accuracy"], told["loss"]) == (accuracy, loss)

    options = checkpoints.run_config(Run.open(run)).config.data
    if isinstance(options.validation, str):
        told = json.loads(printed(evaluate, run, data=options.validation, json=True))
        assert (told["accuracy"], told["loss"]) == (accuracy, loss)
    if data.test is not None:
        told = json.loads(printed(evaluate, run, json=True))
        assert {
            **told,
            **training.best_model().evaluate(data.test.images, data.test.labels).document(),
        } == told


def check_predict(run, part, folder):
    """The answers of predict on image files are those that evaluate counts, and those of `load_run`."""
    model, options = checkpoints.load_run(run), checkpoints.run_config(Run.open(run)).config.data
    (rows, columns, channels), names = model.preprocessing.shape, model.classes
    from_path = isinstance(options.validation, str)
    files = stored_files(options.validation if from_path else options.source, part, folder)
    presentation = model.preprocessing.presentation
    pictures = [presentation.read(path, channels)[0] for path in files]
    fitted = [presentation.fitted(pixels, (rows, columns)) for pixels in pictures]
    np.testing.assert_array_equal(fitted, part.images)

    lines = printed(predict, run, files, top=len(names), json=True).splitlines()
    outputs, together = model.outputs(part.images), model.predict(part.images)
    slack = ROUNDING * np.abs(outputs).max()
    for line, pixels, output, expected in zip(lines, pictures, outputs, together, strict=True):
        answer = json.loads(line)
        chosen = names.index(answer["class"])
        assert chosen == output.argmax() or output.max() - output[chosen] < slack
        shares = {each["class"]: each["probability"] for each in answer["top"]}
        found = np.array([shares[name] for name in names], np.float32)
        np.testing.assert_array_equal(found, model.predict(pixels[None])[0])
        np.testing.assert_allclose(found, expected, atol=slack)
