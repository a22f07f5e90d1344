"""Configurations made to do harm end in a ConfigError: short, and without the memory they ask for."""

from __future__ import annotations

import os
import threading
import tracemalloc

import pytest

from convcli.config_file import ConfigFile
from convcli.errors import ConfigError
from convcli.nn.network import Network

DATA = '[data]\nsource = "digits"\n'
LAYERS = 'layers = ["flatten", "dense"]\n'
MOST_MEMORY = 64 << 20


def network(*layers):
    """Return a configuration of these layers, each the inside of an inline table."""
    tables = ", ".join(f"{{ {layer} }}" for layer in layers)
    return f'layers = [{tables}, {{ type = "flatten" }}, {{ type = "dense" }}]\n{DATA}'


def training(text):
    return f"{LAYERS}{DATA}[training]\n{text}\n"


NOT_TOML = {
    "an array nested 10,000 deep": (f"a = {'[' * 10_000}", "not valid TOML: "),
    "an array nested 10,000 deep, closed": (
        f"a = {'[' * 10_000}{']' * 10_000}",
        "not valid TOML: .* nested too deeply",
    ),
    "inline tables nested 10,000 deep": ("a = " + "{a = " * 10_000, "not valid TOML: "),
    "an integer of 10,000 digits": (f"a = {'9' * 10_000}", "an integer of thousands of digits"),
    "a key of 100,000 signs without a value": ("k" * 100_000, "not valid TOML: "),
    "a key twice": ("a = 1\na = 2", "not valid TOML: "),
    "a table twice": ("[data]\n[data]", "not valid TOML: "),
    "a table over a value": ("data = 1\n[data]", "not valid TOML: "),
    "text left open": ('a = "x', "not valid TOML: "),
    "a null byte": ("a = 1\0", "not valid TOML: "),
    "invalid UTF-8": (b'source = "\xff"', r"not UTF-8 text at byte 10"),
    "UTF-16": (DATA.encode("utf-16"), r"not UTF-8 text at byte 0"),
    "a surrogate in UTF-8": (b'source = "\xed\xa0\x80"', "not UTF-8 text"),
    "a picture": (b"\x89PNG\r\n\x1a\n", "not UTF-8 text at byte 0"),
    "2 MB of comments": ("#" * (2 << 20), "found more than 1,048,576 bytes"),
}

WRONG = {
    "nothing": ("", "data: this key is missing"),
    "a table nested 100 deep": (f"{DATA}[{'.'.join('a' * 100)}]\n", "nested more than 16 deep"),
    "an array nested 100 deep": (f"{DATA}layers = {'[' * 100}{']' * 100}", "nested more than 16 deep"),
    "an integer of 4,000 digits": (
        training(f"seed = {'9' * 4000}"),
        "training.seed: this integer is too large",
    ),
    "an integer of 65 bits": (training("epochs = 18446744073709551616"), "epochs: this integer is too large"),
    "an integer of 65 bits below 0": (training("epochs = -9223372036854775809"), "this integer is too large"),
    "a float beyond all": (training("clip_norm = 1e999"), r"clip_norm: should be a finite number"),
    "no number": (training("optimizer = { learning_rate = nan }"), "should be a finite number"),
    "a date": (training("epochs = 1979-05-27"), "training.epochs: should be a valid integer"),
    "text for a number": (training('epochs = "3"'), "training.epochs: should be a valid integer, not '3'"),
    "true for a number": (training("epochs = true"), "training.epochs: should be a valid integer, not True"),
    "text for a table": (f"{LAYERS}data = 'digits'", "data: should be a table"),
    "an array for a table": (f"{LAYERS}data = []", "data: should be a table"),
    "a table for an array": (f"{DATA}[layers]\na = 1", "layers: should be an array of tables"),
    "a number for a layer": (f"layers = [3]\n{DATA}", "expected a table with the key type"),
    "a table for a type": (network("type = {}"), "unknown layer {}"),
    "an array for a type": (network("type = [[]]"), r"unknown layer \[\[\]\]"),
    "a type of 100,000 signs": (network(f"type = '{'x' * 100_000}'"), "unknown layer 'xxxxxx"),
    "a key of 100,000 signs": (f"{LAYERS}{DATA}{'k' * 100_000} = 1", "data.kkkkkk"),
    "a value of 100,000 signs": (
        training(f"epochs = '{'x' * 100_000}'"),
        "should be a valid integer, not 'xxx",
    ),
    "1,000 wrong layers": (f"layers = [{'3, ' * 1_000}]\n{DATA}", "1,000 mistake.*and 980 more"),
    "20,000 layers": (f"layers = [{'3, ' * 20_000}]\n{DATA}", "expected at most 1,000 layers, found 20,000"),
    "layers nested 100 deep": (
        "layers = [" + '{ type = "sequence", layers = [' * 100 + "] }" * 100 + f"]\n{DATA}",
        "nested more than 16 deep",
    ),
    "20,000 layers in a layer": (
        network(f'type = "sequence", layers = [{"3, " * 20_000}]'),
        "expected at most 1,000 layers, found 20,00",
    ),
    "no layers in a layer": (
        network('type = "sequence", layers = []'),
        r"\[\[layers\]\] 1 \(sequence\): layers: should have at least one entry",
    ),
    "text for the layers in a layer": (
        network('type = "sequence", layers = "conv"'),
        r"\[\[layers\]\] 1 \(sequence\): layers: should be an array of tables",
    ),
    "a table for the layers in a layer": (
        network('type = "residual", layers = { type = "conv", filters = 1 }'),
        r"\[\[layers\]\] 1 \(residual\): layers: should be an array of tables",
    ),
    "nothing for the layers in a layer": (
        network('type = "sequence", layers = ["sequence"]'),
        r"\[\[layers\]\] 1 → inside 1 \(sequence\): layers: this key is missing",
    ),
    "a number, an array, a date for a layer in a layer": (
        network('type = "sequence", layers = ["dropout", 3, [], 1979-05-27]'),
        r"3 mistake.*1 → inside 2: expected a table with.*1 → inside 3: expected.*1 → inside 4: expected",
    ),
    "10^38 outputs in a layer in a layer": (
        network('type = "sequence", layers = [{ type = "upsample", factor = 9223372036854775807 }]'),
        r"\[\[layers\]\] 1 → inside 1 \(upsample\) .* outputs for each image; at most 1,073,741,824",
    ),
    "8 times as many rows, layer for layer": (
        network('type = "sequence", layers = [' + '{ type = "upsample", factor = 8 }, ' * 9 + "]"),
        r"\[\[layers\]\] 1 → inside 4 \(upsample\) .* outputs for each image; at most 1,073,741,824",
    ),
    "10^12 weights in a layer in a layer": (
        network(
            'type = "sequence", layers = [{ type = "conv", filters = 1000000, kernel = 1000, padding = 999 }]'
        ),
        r"\[\[layers\]\] 1 → inside 1 \(conv\) .* would have 1,000,001,000,000 weights",
    ),
    "60,000 layers": (f"layers = [{'3, ' * 60_000}]\n{DATA}", "it holds more than 50,000 values"),
    "10,000 unknown keys": (
        LAYERS + DATA + "".join(f"k{number} = 1\n" for number in range(10_000)),
        "10,000 mistake.*and 9,980 more",
    ),
    "a null character in a path": (
        f'{LAYERS}[data]\nsource = "a\\u0000b"',
        "data.source: a path cannot hold a null character",
    ),
    "a null character in another path": (
        f'{LAYERS}{DATA}validation = "\\u0000"',
        "data.validation: a path cannot hold a null character",
    ),
    "10^12 weights in a dense layer": (
        network('type = "flatten"', 'type = "dense", units = 1000000000000'),
        r"\[\[layers\]\] 2 \(dense\).*784,000,000,000,000|would have 785,000,000,000,000 weights",
    ),
    "10^12 weights in a convolution": (
        network('type = "conv", filters = 1000000, kernel = 1000, padding = "same"'),
        "would have 1,000,001,000,000 weights; at most 1,073,741,824",
    ),
    "10^12 outputs": (
        network('type = "conv", filters = 1, kernel = 1, padding = 500000'),
        "outputs for each image; at most 1,073,741,824",
    ),
    "a window larger than any image": (
        network('type = "max_pool", size = 9223372036854775807'),
        "does not fit 28 cells",
    ),
    "padding of 2^63": (
        network('type = "conv", filters = 1, padding = 9223372036854775807'),
        "outputs for each",
    ),
}


@pytest.mark.parametrize(("text", "message"), [*NOT_TOML.values(), *WRONG.values()], ids=[*NOT_TOML, *WRONG])
def test_hostile_text(text, message, tmp_path):
    path = tmp_path / "some.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    tracemalloc.start()
    try:
        with pytest.raises(ConfigError, match=f"(?s){message}") as caught:
            Network.classifying(ConfigFile.read(path).config.layers, (28, 28, 1), 10)
        assert tracemalloc.get_traced_memory()[1] < MOST_MEMORY
    finally:
        tracemalloc.stop()
    lines = str(caught.value).splitlines()
    assert len(lines) <= 22
    assert max(map(len, lines)) < 400


SET = {
    "an array nested 10,000 deep": f"data.size={'[' * 10_000}",
    "an integer of 10,000 digits": f"training.seed={'9' * 10_000}",
    "an integer of 4,000 digits": f"training.seed={'9' * 4_000}",
    "100 keys deep": f"{'a.' * 100}a=1",
    "2,000 keys deep": f"{'a.' * 2_000}a=1",
    "a null character in a path": r'data.source="a\u0000b"',
    "the 10^30th layer": f"layers.{10**30}.units=3",
    "a layer of 10,000 digits": f"layers.{'1' * 10_000}.units=3",
    "a key of 100,000 signs": f"{'k' * 100_000}=3",
}


@pytest.mark.parametrize("override", SET.values(), ids=SET)
def test_hostile_override(override, tmp_path):
    path = tmp_path / "some.toml"
    path.write_text(LAYERS + DATA)
    with pytest.raises(ConfigError) as caught:
        ConfigFile.read(path, [override])
    assert max(map(len, str(caught.value).splitlines())) < 400


NESTED = """layers = [
    { type = "sequence", layers = ["dropout", { type = "residual", layers = [{ type = "dropout" }] }] },
    "flatten",
    "dense",
]
"""


@pytest.mark.parametrize(
    ("override", "message"),
    [
        *[
            (f"layers.1.layers.{place}.rate=0.1", "there is no such place in the configuration")
            for place in ("3", "0", "-1", "x", "2.layers.2", "2.layers.0", f"{10**30}")
        ],
        ("layers.1.layers=[]", r"\[\[layers\]\] 1 \(sequence\): layers: should have at least one entry"),
        ("layers.1.layers=3", r"\[\[layers\]\] 1 \(sequence\): layers: should be an array of tables"),
        ("layers.1.layers.2=x", r"\[\[layers\]\] 1 → inside 2: unknown layer 'x'"),
        ("layers.1.layers.2.rate=0.1", r"\[\[layers\]\] 1 → inside 2 \(residual\): rate: unknown key"),
        ("layers.1.layers.1.layers.1.rate=0.1", r"1 → inside 1 \(dropout\): layers: unknown key"),
        ("layers.1.2.rate=0.1", r"\[\[layers\]\] 1 \(sequence\): 2: unknown key"),
    ],
)
def test_an_override_that_misses_a_layer_in_a_layer(override, message, tmp_path):
    path = tmp_path / "some.toml"
    path.write_text(NESTED + DATA)
    assert ConfigFile.read(path, ["layers.1.layers.2.layers.1.rate=0.1"]).config.layers[0].draws
    with pytest.raises(ConfigError, match=message) as caught:
        ConfigFile.read(path, [override])
    assert len(str(caught.value).splitlines()) <= 2


def circle(folder):
    (folder / "circle").symlink_to("circle")
    return "circle"


def hole(folder):
    with (folder / "hole").open("wb") as file:
        file.truncate(2**40)
    return "hole"


PLACES = {
    "a folder": (lambda _: ".", r"cannot be read \(Is a directory\)"),
    "a device that never ends": (lambda _: "/dev/zero", "found more than 1,048,576 bytes"),
    "a hole of 1 TiB": (hole, "found more than 1,048,576 bytes"),
    "a link in a circle": (circle, r"cannot be read \(Too many levels of symbolic links\)"),
    "a name of 5,000 signs": (lambda _: "x" * 5000, r"cannot be read \(File name too long\)"),
    "nothing": (lambda _: "none.toml", "no such file"),
}


@pytest.mark.parametrize(("place", "message"), PLACES.values(), ids=PLACES)
def test_hostile_place(place, message, tmp_path):
    with pytest.raises(ConfigError, match=message):
        ConfigFile.read(tmp_path / place(tmp_path))


@pytest.mark.parametrize("path", ["~nobody-of-this-name/x", "~", "x" * 5000, "circle"])
def test_paths_that_lead_nowhere_are_none_of_the_configurations_business(path, tmp_path):
    circle(tmp_path)
    (tmp_path / "some.toml").write_text(f"{LAYERS}[data]\nsource = '{path}'\n")
    file = ConfigFile.read(tmp_path / "some.toml")
    assert file.config.data.source == path
    assert file.resolved.data.source.startswith("/")


def test_a_byte_order_mark_and_the_line_ends_of_windows_are_accepted(tmp_path):
    text = (LAYERS + DATA).replace("\n", "\r\n").encode()
    (tmp_path / "some.toml").write_bytes(b"\xef\xbb\xbf" + text)
    assert ConfigFile.read(tmp_path / "some.toml").config.data.source == "digits"


def test_a_pipe_is_read_such_as_a_shell_makes_of_a_commands_output(tmp_path):
    os.mkfifo(tmp_path / "some.toml")
    writer = threading.Thread(target=(tmp_path / "some.toml").write_text, args=(LAYERS + DATA,))
    writer.start()
    config = ConfigFile.read(tmp_path / "some.toml").config
    writer.join()
    assert config.data.source == "digits"
