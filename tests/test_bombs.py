"""Small files that ask for much: each ends in a result or one error, within 2 GiB and 20 s."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from convcli.formats import toml
from convcli.formats.safetensors import read_arrays, tensor_file
from limits import limited

pytestmark = pytest.mark.long

COLUMNS = (
    "epoch,train_loss,train_accuracy,validation_loss,validation_accuracy,learning_rate,seconds,"
    "images_per_second\n"
)
DATA = 'data = { source = "digits" }\n'


def layers(*texts):
    return f'{DATA}layers = [{", ".join(texts)}, "flatten", "dense"]\n'


CONFIGS = {
    "a key of 25,000 parts": ("a." * 25_000 + "a = 1\n", "nested too deeply"),
    "a table of 25,000 parts": ("[" + "a." * 25_000 + "a]\n", "nested too deeply"),
    "a key of 10,000 quoted parts": ('"a".' * 10_000 + "a = 1\n", "nested too deeply"),
    "a key of 10,000 spaced parts": ("a . " * 10_000 + "a = 1\n", "nested too deeply"),
    "a key of 25,000 parts in a value": (
        "x = { " + "a." * 25_000 + "a = 1 }\n",
        "nested too deeply",
    ),
    "4,000 keys of 120 parts": ("\n".join("a." * 119 + f"k{n} = 1" for n in range(4_000)), "16 deep"),
    "25,000 tables 16 deep": ("[[a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p]]\n" * 25_000, "16 deep"),
    "30,000 tables 12 deep": (
        "".join(f"k{n}.a.b.c.d.e.f.g.h.i.j=1\n" for n in range(30_000)),
        "more than 50,000 values",
    ),
    "dots in texts and comments": (
        "# " + "a." * 20_000 + "\n" + 'x = "' + "a." * 20_000 + "\"\ny = '''" + "\na." * 20_000 + "'''\n",
        "x: unknown key",
    ),
    "a million dots": ("." * 1_000_000, "not valid TOML"),
    "half a million quotes": ('x = """' + '\\"' * 500_000, "not valid TOML"),
    "60 large kernels": (
        layers('{ type = "conv", filters = 60, init = [' + '"box:size=4096",' * 60 + "] }"),
        "box is 4096 × 4096, larger than the filters of 3 × 3",
    ),
    "1,500 different large kernels": (
        layers(
            '{ type = "conv", filters = 1500, kernel = 4096, padding = "same", init = ['
            + ",".join(f'"gaussian:sigma={400 + n / 100}"' for n in range(1500))
            + "] }"
        ),
        "weights; at most 1,073,741,824",
    ),
    "60 layers of large kernels": (
        layers(
            *['{ type = "conv", filters = 1, kernel = 4097, padding = "same", init = "box:size=4096" }'] * 60
        ),
        "[[layers]]: it needs |weights in all",
    ),
    "49,000 layers": (layers(*['"flatten"'] * 49_000), "expected at most 1,000 layers, found 49,002"),
    "20,000 layers with options": (
        layers(*['{ type = "conv", filters = 1 }'] * 20_000),
        "more than 50,000 values",
    ),
    "998 layers": (layers(*['"batch_norm"'] * 998), None),
    "60 layers of 900 million weights": (
        layers('"flatten"', *['{ type = "dense", units = 30000 }'] * 60),
        "weights in all; at most 1,073,741,824 are possible",
    ),
    "30 layers of 30 million outputs": (
        layers(*['{ type = "conv", filters = 1, kernel = 1, padding = 100 }'] * 30),
        "outputs in all for each image; at most 268,435,456 are possible",
    ),
    "images of 32768 × 32768": (
        f'{DATA.replace(" }", ", size = [32768, 32768] }")}layers = ["global_avg_pool", "dense"]\n',
        "",
    ),
}


@pytest.mark.parametrize(("text", "message"), CONFIGS.values(), ids=CONFIGS)
def test_configuration(text, message, tmp_path):
    (tmp_path / "some.toml").write_text(text)
    result = limited("check", "some.toml", cwd=tmp_path)
    if message is None:
        assert result.code == 0
    else:
        assert result.code in (1, 2)
        assert any(part in result.stderr for part in message.split("|"))
        assert max(map(len, result.stderr.splitlines())) < 500


@pytest.fixture
def run_of(trained, tmp_path):
    def copied():
        return shutil.copytree(trained, tmp_path / "runs" / "run")

    return copied


FILES = {
    "125,000 rows of words": ("metrics.csv", COLUMNS + "x,x,x,x,x,x,x,x\n" * 125_000, "damaged in row 1"),
    "a million rows": ("metrics.csv", COLUMNS + "1,1,1,1,1,1,1,1\n" * 1_000_000, "more than 200,000 epochs"),
    "200,000 columns": ("metrics.csv", "a," * 200_000 + "a\n" + "1," * 200_000 + "1\n", "damaged in row 1"),
    "two million lines": ("metrics.csv", "a\n" + "\n" * 2_000_000, "more than 200,000 epochs"),
    "five million tables": ("environment.json", '{"began": [' + "{}," * 5_000_000 + "{}]}", None),
    "five million lists": ("results.json", '{"best": [' + "[]," * 5_000_000 + "[]]}", None),
    "a key of 25,000 parts": ("resolved.toml", "a." * 25_000 + "a = 1\n", "nested too deeply"),
}


@pytest.mark.parametrize(("name", "text", "message"), FILES.values(), ids=FILES)
def test_files_of_a_run(name, text, message, run_of, tmp_path):
    (run_of() / name).write_text(text)
    result = limited("runs", cwd=tmp_path)
    assert result.code == 0
    assert (message or "") in result.stdout
    if message is not None and name == "resolved.toml":
        assert message in limited("evaluate", "runs/run", cwd=tmp_path).stderr


def large_images(document, arrays, side=32768, others=()):
    document["preprocessing"]["shape"] = [side, side, 1]
    document["config"]["layers"] = [*others, {"type": "global_avg_pool"}, {"type": "dense"}]
    last = len(others) + 2
    return {f"layers.{last}.W": np.zeros((1, 10), np.float32), f"layers.{last}.b": np.zeros(10, np.float32)}


def large_kernels(document, arrays):
    document["config"]["layers"][0] |= {"filters": 60, "init": ["box:size=4096"] * 60}


def many_layers(document, arrays):
    document["config"]["layers"] = [{"type": "flatten"}] * 49_000


def many_classes(document, arrays):
    document["classes"] = [str(number) for number in range(700_000)]


CHECKPOINTS = {
    "images of 32768 × 32768": large_images,
    "60 layers of images of 8192 × 8192": lambda document, arrays: large_images(
        document, arrays, 8192, [{"type": "activation", "function": "relu"}] * 60
    ),
    "images of 2 × 2^29": lambda document, arrays: (
        large_images(document, arrays),
        document["preprocessing"].update(shape=[2, 2**29, 1]),
    )[0],
    "60 large kernels": large_kernels,
    "49,000 layers": many_layers,
    "700,000 classes": many_classes,
}


@pytest.mark.parametrize("change", CHECKPOINTS.values(), ids=CHECKPOINTS)
def test_checkpoint(change, run_of, tmp_path):
    path = run_of() / "best.safetensors"
    with path.open("rb") as stream:
        arrays, metadata = read_arrays(stream)
    document = json.loads(metadata["convcli"])
    arrays = change(document, arrays) or arrays
    path.write_bytes(b"".join(tensor_file(arrays, {"convcli": json.dumps(document)})))
    Image.new("L", (8, 8)).save(tmp_path / "image.png")
    for command in (["predict", "runs/run", "image.png"], ["evaluate", "runs/run"]):
        result = limited(*command, cwd=tmp_path)
        assert result.code == 1
        assert "damaged checkpoint" in result.stderr


def test_one_long_label(tmp_path):
    Image.new("L", (1, 1)).save(tmp_path / "a.png")
    text = "path,label\n" + "a.png,0\n" * 30_000 + f"a.png,{'x' * 255}\n"
    (tmp_path / "list.csv").write_text(text)
    (tmp_path / "some.toml").write_text('layers = ["flatten", "dense"]\ndata = { source = "list.csv" }\n')
    assert limited("check", "some.toml", cwd=tmp_path).code == 0


def test_the_weights_of_the_largest_kernel_are_printed(tmp_path):
    result = limited("kernels", "box:size=2048", "--json", cwd=tmp_path)
    assert len(json.loads(result.stdout)["weights"]) == 2048


@pytest.mark.parametrize(
    ("text", "document"),
    [
        ('a = """x.y\\"""z"""\nb.c = 1', {"a": 'x.y"""z', "b": {"c": 1}}),
        ("a = 'x\\'\nb = '''\n''y''\n'''", {"a": "x\\", "b": "''y''\n"}),
        ('a = "#" # "\nb = "\\\\"', {"a": "#", "b": "\\"}),
        (f'a = "{"a." * 500}a"\n# {"a." * 500}a', {"a": "a." * 500 + "a"}),
        (f'"{"a." * 500}a" = 1', {"a." * 500 + "a": 1}),
    ],
)
def test_dots_are_counted_in_keys_only(text, document):
    assert toml.loads(text) == document
