"""A configuration from TOML: what each mistake is called, what --set does, and the way back to TOML."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convcli.config_file import ConfigFile, dump
from convcli.data import BUILT_IN
from convcli.errors import ConfigError
from convcli.nn.activations import ACTIVATIONS
from convcli.nn.config import seconds as seconds_of
from convcli.nn.config import validate
from convcli.nn.layer import LAYERS as LAYER_TYPES
from convcli.nn.layers import Conv, Dense, Flatten
from convcli.nn.losses import CrossEntropy, MeanSquaredError
from convcli.nn.optimizers import SGD, Adam
from convcli.nn.schedules import Constant, Cosine

DATA = '[data]\nsource = "digits"\n'
LAYERS = '[[layers]]\ntype = "conv"\nfilters = 4\n[[layers]]\ntype = "flatten"\n[[layers]]\ntype = "dense"\n'


@pytest.fixture
def read(tmp_path):
    """Return a function that reads a configuration of these words."""

    def call(text, *overrides):
        path = tmp_path / "some.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return ConfigFile.read(path, overrides)

    return call


@pytest.fixture
def mistakes(read):
    """Return a function that reads a wrong configuration and returns the lines after the file's name."""

    def call(text, *overrides):
        with pytest.raises(ConfigError) as caught:
            read(text, *overrides)
        first, *lines = str(caught.value).splitlines()
        assert "some.toml: " in first
        assert first.endswith(f"{len(lines)} mistake(s).")
        return [line.removeprefix("  ") for line in lines]

    return call


def layer(text):
    """Return a configuration whose second layer is this one."""
    return f'{DATA}[[layers]]\ntype = "flatten"\n[[layers]]\n{text}\n'


def with_training(text):
    return f"{DATA}{LAYERS}[training]\n{text}\n"


def test_the_smallest_configuration_has_all_defaults(read):
    config = read(DATA + LAYERS).config
    assert config.data.model_dump() == {
        "source": "digits",
        "validation": 0.1,
        "test": None,
        "size": None,
        "channels": None,
        "preprocessing": "standardize",
        "background": "white",
        "range": None,
        "fit": "stretch",
        "skip_damaged": False,
        "columns": None,
        "layout": None,
    }
    assert config.layers == (Conv(filters=4), Flatten(), Dense())
    training = config.training
    assert (training.epochs, training.batch_size, training.seed) == (10, 64, 0)
    assert (training.loss, training.optimizer, training.schedule) == (CrossEntropy(), Adam(), Constant())


def test_a_part_may_be_its_bare_name(read):
    text = with_training('loss = "mean_squared_error"\noptimizer = "sgd"\nschedule = "cosine"')
    training = read(text).config.training
    assert (training.loss, training.optimizer, training.schedule) == (MeanSquaredError(), SGD(), Cosine())


def test_a_layer_may_be_its_bare_name(read):
    layers = 'layers = [{ type = "conv", filters = 2 }, "flatten", "dense"]\n'
    assert read(layers + DATA).config.layers == (Conv(filters=2), Flatten(), Dense())


def test_a_table_without_type_means_the_default(read):
    training = read(
        with_training("optimizer = { learning_rate = 0.5 }\nloss = { label_smoothing = 0.1 }")
    ).config.training
    assert training.optimizer == Adam(learning_rate=0.5)
    assert training.loss == CrossEntropy(label_smoothing=0.1)


def test_sizes_are_one_number_or_two(read):
    conv = read(layer('type = "conv"\nfilters = 1\nkernel = 5\nstride = [1, 2]')).config.layers[1]
    assert (conv.kernel, conv.stride) == ((5, 5), (1, 2))


@pytest.mark.parametrize(
    ("text", "padding"),
    [("'same'", "same"), ("2", 2), ("[1, 2]", (1, 2)), ("[[0, 1], [2, 3]]", ((0, 1), (2, 3)))],
)
def test_paddings_in_all_their_forms(read, text, padding):
    config = read(layer(f'type = "conv"\nfilters = 1\npadding = {text}')).config
    assert config.layers[1].padding == padding


def test_whole_numbers_are_rates_too(read):
    assert (
        read(with_training("optimizer = { learning_rate = 1 }")).config.training.optimizer.learning_rate
        == 1.0
    )


def test_a_configuration_cannot_be_changed(read):
    with pytest.raises(ValueError, match="frozen"):
        read(DATA + LAYERS).config.training.epochs = 3


PADDING = (
    "padding must be valid, same, full, an integer, (rows, columns) or ((top, bottom), (left, right)), not "
)

WRONG = {
    # unknown keys, at every level
    "unknown table": (DATA + LAYERS + "[trainin]\n", "trainin: unknown key. Did you mean 'training'?"),
    "unknown key in data": (
        DATA + "vaildation = 0.2\n" + LAYERS,
        "data.vaildation: unknown key. Did you mean 'validation'?",
    ),
    "unknown key in training": (
        with_training("optimzer = 'adam'"),
        "training.optimzer: unknown key. Did you mean 'optimizer'?",
    ),
    "unknown key in a layer": (
        layer('type = "dense"\nunit = 3'),
        "[[layers]] 2 (dense): unit: unknown key. Did you mean 'units'?",
    ),
    "unknown key in the optimizer": (
        with_training("optimizer = { type = 'sgd', momentun = 0.9 }"),
        "training.optimizer.momentun: unknown key. Did you mean 'momentum'?",
    ),
    "unknown key in the schedule": (
        with_training("schedule = { type = 'step', evry = 2 }"),
        "training.schedule.evry: unknown key. Did you mean 'every'?",
    ),
    "unknown key in the loss": (
        with_training("loss = { smoothing = 0.1, type = 'mean_squared_error' }"),
        "training.loss.smoothing: unknown key. Did you mean 'label_smoothing'?",
    ),
    "another library's key of focal": (
        with_training("loss = { type = 'focal', alpha = 0.25 }"),
        (
            'training.loss: alpha: the weights of classes are class_weights = "balanced", or a table: '
            "{ NAME = 0.25, … }"
        ),
    ),
    "a word that is no weights": (
        with_training("loss = { class_weights = 'balance' }"),
        (
            'training.loss.class_weights: expected "balanced", or a table of classes and their weights, '
            "not 'balance'"
        ),
    ),
    "an unknown figure": (
        with_training("best_by = 'val_accuracy'"),
        "training.best_by: unknown figure 'val_accuracy'. Did you mean 'validation_accuracy'?",
    ),
    "a figure of no images": (
        with_training("best_by = 'validation_loss'").replace("[data]", "[data]\nvalidation = 0"),
        'training.best_by = "validation_loss" needs validation images, but data.validation is 0.',
    ),
    "unknown key of averages": (
        with_training("ema = { decai = 0.9 }"),
        "training.ema.decai: unknown key. Did you mean 'decay'?",
    ),
    "averages as a number": (
        with_training("ema = 0.9"),
        "training.ema: should be a table of decay, every, lookahead",
    ),
    "averages that forget nothing": (
        with_training("ema = { decay = 1.0 }"),
        "training.ema.decay: should be less than 1, not 1.0",
    ),
    "a weight of 0": (
        with_training("loss = { class_weights = { cat = 0 } }"),
        "training.loss.class_weights: cat: expected a weight of 1e-06 … 1,000,000, not 0",
    ),
    # unknown names
    "unknown layer": (layer('type = "denze"'), "[[layers]] 2: unknown layer 'denze'. Did you mean 'dense'?"),
    "unknown loss": (
        with_training("loss = 'crossentropy'"),
        "training.loss: unknown loss 'crossentropy'. Did you mean 'cross_entropy'?",
    ),
    "unknown optimizer": (
        with_training("optimizer = 'adan'"),
        "training.optimizer: unknown optimizer 'adan'. Did you mean 'adam'?",
    ),
    "unknown schedule": (
        with_training("schedule = { type = 'one-cycle' }"),
        "training.schedule: unknown schedule 'one-cycle'. Did you mean 'one_cycle'?",
    ),
    "unknown activation": (
        layer('type = "dense"\nactivation = "relo"'),
        "[[layers]] 2 (dense): activation: unknown activation 'relo'. Did you mean 'relu'?",
    ),
    "unknown function": (
        layer('type = "activation"\nfunction = "tahn"'),
        "[[layers]] 2 (activation): function: unknown activation 'tahn'. Did you mean 'tanh'?",
    ),
    # missing keys
    "no layers": (DATA, "layers: this key is missing"),
    "no data": (LAYERS, "data: this key is missing"),
    "no source": ("[data]\n" + LAYERS, "data.source: this key is missing"),
    "no filters": (layer('type = "conv"'), "[[layers]] 2 (conv): filters: this key is missing"),
    "no type": (
        layer("units = 3"),
        f"[[layers]] 2: expected a table with the key type, one of {', '.join(LAYER_TYPES)}",
    ),
    "empty layers": ("layers = []\n" + DATA, "layers: should have at least one entry"),
    # wrong types
    "text for a number": (
        with_training("epochs = 'three'"),
        "training.epochs: should be a valid integer, not 'three'",
    ),
    "fraction for a count": (
        with_training("batch_size = 1.5"),
        "training.batch_size: should be a valid integer, not 1.5",
    ),
    "truth for a number": (
        with_training("clip_norm = true"),
        "training.clip_norm: should be a valid number, not True",
    ),
    "number for a truth": (
        layer('type = "dense"\nbias = 1'),
        "[[layers]] 2 (dense): bias: should be a valid boolean, not 1",
    ),
    "number for a text": ("[data]\nsource = 3\n" + LAYERS, "data.source: should be a valid string, not 3"),
    "number for a table": ("evaluation = 3\n" + LAYERS + DATA, "evaluation: should be a table of flips"),
    "number for layers": ("layers = 3\n" + DATA, "layers: should be an array of tables"),
    "number for a name": (
        layer('type = "dense"\nactivation = 3'),
        "[[layers]] 2 (dense): activation: expected a table with the key type, one of "
        + ", ".join(ACTIVATIONS),
    ),
    "number for a type": (
        with_training("loss = { type = 3 }"),
        "training.loss: unknown loss 3. Known: cross_entropy, focal, mean_squared_error.",
    ),
    "number for a part": (
        with_training("schedule = 3"),
        "training.schedule: expected a table with the key type, one of constant, step, cosine, one_cycle",
    ),
    "three sizes": (
        layer('type = "conv"\nfilters = 1\nkernel = [3, 3, 3]'),
        "[[layers]] 2 (conv): kernel: kernel must be an integer or (rows, columns), not [3, 3, 3].",
    ),
    "fraction for a padding": (
        layer('type = "conv"\nfilters = 1\npadding = 1.5'),
        f"[[layers]] 2 (conv): padding: {PADDING}1.5.",
    ),
    "one side of a padding": (
        layer('type = "conv"\nfilters = 1\npadding = [1]'),
        f"[[layers]] 2 (conv): padding: {PADDING}(1,).",
    ),
    "unknown padding": (
        layer('type = "conv"\nfilters = 1\npadding = "sane"'),
        "[[layers]] 2 (conv): padding: padding must be valid, same, full, or integers, not 'sane'.",
    ),
    # out of range
    "no epochs": (with_training("epochs = 0"), "training.epochs: should be greater than 0, not 0"),
    "infinite": (with_training("clip_norm = inf"), "training.clip_norm: should be a finite number, not inf"),
    "stride 0": (
        layer('type = "conv"\nfilters = 1\nstride = 0'),
        "[[layers]] 2 (conv): stride: stride must be at least 1, not 0.",
    ),
    "negative padding": (
        layer('type = "conv"\nfilters = 1\npadding = -1'),
        "[[layers]] 2 (conv): padding: padding must be at least 0, not -1.",
    ),
    "groups": (
        layer('type = "conv"\nfilters = 4\ngroups = 3'),
        "[[layers]] 2 (conv): groups = 3 does not divide filters = 4.",
    ),
    "nesterov without momentum": (
        with_training("optimizer = { type = 'sgd', nesterov = true }"),
        "training.optimizer: nesterov = true needs momentum above 0",
    ),
    "the whole for validation": (
        DATA + "validation = 1.0\n" + LAYERS,
        "data.validation: expected a share of at least 0 and below 1, or a path, not 1.0",
    ),
    "truth for validation": (
        DATA + "validation = false\n" + LAYERS,
        "data.validation: expected a share of at least 0 and below 1, or a path, not False",
    ),
    "two channels": (DATA + "channels = 2\n" + LAYERS, "data.channels: should be 1 or 3, not 2"),
    "patience without validation": (
        DATA + "validation = 0\n" + LAYERS + "[training]\npatience = 2\n",
        "training.patience needs validation images, but data.validation is 0.",
    ),
}


@pytest.mark.parametrize(("text", "line"), WRONG.values(), ids=WRONG.keys())
def test_a_mistake_is_named_with_its_place(mistakes, text, line):
    assert mistakes(text) == [line]


def test_all_mistakes_are_named_at_once(mistakes):
    text = """
        [data]
        sorce = "digits"
        [[layers]]
        type = "conv"
        filters = "many"
        stride = 0
        [training]
        epoch = 3
        [training.optimizer]
        type = "sgd"
        momentum = 2
    """
    assert sorted(mistakes(text)) == [
        "[[layers]] 1 (conv): filters: should be a valid integer, not 'many'",
        "[[layers]] 1 (conv): stride: stride must be at least 1, not 0.",
        "data.sorce: unknown key. Did you mean 'source'?",
        "data.source: this key is missing",
        "training.epoch: unknown key. Did you mean 'epochs'?",
        "training.optimizer.momentum: should be less than 1, not 2",
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[data\n", "not valid TOML: .*line 1"),
        (b"[data]\n[data]\n", "not valid TOML: .*twice"),
        (b"x = " + b"[" * 5000, "not valid TOML"),
        ("# é\n".encode("latin-1"), "not UTF-8 text at byte 2; is it a TOML file"),
        (b"\x89PNG\r\n\x1a\n", "not UTF-8 text at byte 0"),
    ],
)
def test_what_is_not_toml_is_said_to_be(read, content, message):
    with pytest.raises(ConfigError, match=f"some.toml: {message}"):
        read(content)


def test_a_byte_order_mark_is_no_mistake(read):
    assert read(b"\xef\xbb\xbf" + (DATA + LAYERS).encode()).config.data.source == "digits"


def test_a_missing_file_says_how_to_get_one(tmp_path):
    with pytest.raises(ConfigError, match=r"none\.toml: no such file\. .*`convcli init .*none\.toml`"):
        ConfigFile.read(tmp_path / "none.toml")


def test_a_folder_is_not_a_file(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        ConfigFile.read(tmp_path)


def test_a_file_knows_its_text_name_and_folder(read, tmp_path):
    file = read(DATA + LAYERS, "training.epochs=3")
    assert (file.text, file.overrides) == (DATA + LAYERS, ("training.epochs=3",))
    assert (file.base, file.name) == (tmp_path.resolve(), "some")


SET = {
    "training.epochs=3": lambda config: config.training.epochs == 3,
    " training.epochs = 3 ": lambda config: config.training.epochs == 3,
    "training.optimizer=sgd": lambda config: config.training.optimizer == SGD(),
    'training.optimizer="sgd"': lambda config: config.training.optimizer == SGD(),
    'training.optimizer={ type = "sgd", momentum = 0.5 }': lambda config: (
        config.training.optimizer.momentum == 0.5
    ),
    "training.optimizer.learning_rate=0.5": lambda config: config.training.optimizer.learning_rate == 0.5,
    "layers.1.filters=16": lambda config: config.layers[0].filters == 16,
    "layers.3.units=7": lambda config: config.layers[2].units == 7,
    "layers.1.kernel=[1, 5]": lambda config: config.layers[0].kernel == (1, 5),
    "data.size=[9, 9]": lambda config: config.data.size == (9, 9),
    "data.source=a=b": lambda config: config.data.source == "a=b",
}


@pytest.mark.parametrize("override", SET)
def test_set_reaches_every_place(read, override):
    assert SET[override](read(DATA + LAYERS, override).config)


def test_the_last_set_wins(read):
    config = read(DATA + LAYERS, "training.epochs=3", "training.optimizer=sgd", "training.epochs=4").config
    assert (config.training.epochs, config.training.optimizer) == (4, SGD())


def test_set_reaches_into_a_part_given_by_its_bare_name(read):
    config = read(with_training("optimizer = 'sgd'"), "training.optimizer.learning_rate=0.5").config
    assert config.training.optimizer == SGD(learning_rate=0.5)


def test_set_reaches_into_an_activation_given_by_its_bare_name(read):
    names = (
        'layers = [{ type = "activation", function = "elu" }, { type = "dense", activation = "leaky_relu" }]'
    )
    file = read(f"{names}\n{DATA}", "layers.1.function.alpha=0.5", "layers.2.activation.slope=0.25")
    assert [str(file.config.layers[0].function), str(file.config.layers[1].activation)] == [
        "elu alpha=0.5",
        "leaky_relu slope=0.25",
    ]
    assert tomllib.loads(dump(file.config))["layers"][1]["activation"] == {
        "type": "leaky_relu",
        "slope": 0.25,
    }


@pytest.mark.parametrize("place", ["layers.2", "layers.1.layers.2"])
def test_set_reaches_into_a_layer_given_by_its_bare_name(read, place):
    inner = '{ type = "sequence", layers = ["activation", "dropout"] }'
    file = read(f'layers = [{inner}, "dropout", "flatten", "dense"]\n{DATA}', f"{place}.rate=0.25")
    (inner, drop) = file.config.layers[0].layers, file.config.layers[1]
    assert {"layers.2": drop.rate, "layers.1.layers.2": inner[1].rate}[place] == 0.25


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("training.epochs", "expected KEY=VALUE, for example training.epochs=3"),
        ("=3", "expected KEY=VALUE"),
        ("training..epochs=3", "expected KEY=VALUE"),
        ("layers.0.units=3", "there is no such place"),
        ("layers.-1.units=3", "there is no such place"),
        ("layers.4.units=3", "there is no such place"),
        ("layers.first.units=3", "there is no such place"),
        ("data.source.size=3", "there is no such place"),
    ],
)
def test_a_set_that_leads_nowhere_is_refused(read, override, message):
    with pytest.raises(ConfigError, match=f"--set {override}: {message}"):
        read(DATA + LAYERS, override)


def test_a_set_value_is_checked_like_the_files(mistakes):
    assert mistakes(DATA + LAYERS, "training.epochs=three", "training.sed=3") == [
        "training.epochs: should be a valid integer, not 'three'",
        "training.sed: unknown key. Did you mean 'seed'?",
    ]


def test_a_path_in_set_starts_from_the_shells_folder(read, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("pictures").mkdir()
    config = read(DATA + LAYERS, "data.source=pictures", "data.test=none-there").config
    assert config.data.source == str(tmp_path.resolve() / "pictures")
    assert config.data.test == "none-there"


def test_dump_holds_every_value_in_force_but_those_that_are_absent(read):
    text = dump(read(DATA + LAYERS).config)
    document = tomllib.loads(text)
    assert document["training"]["optimizer"]["beta2"] == 0.999
    assert document["layers"][0] == {
        "type": "conv",
        "bias": True,
        "activation": "none",
        "frozen": False,
        "filters": 4,
        "kernel": [3, 3],
        "stride": [1, 1],
        "padding": "valid",
        "dilation": [1, 1],
        "groups": 1,
    }
    assert "test" not in document["data"]
    assert text.index('type = "conv"') < text.index("bias = true")


# as a run keeps it


@pytest.fixture
def file(tmp_path):
    """Return a configuration in a folder below the data, with relative paths."""
    (tmp_path / "configs").mkdir()
    path = tmp_path / "configs" / "stripes.toml"
    path.write_text(
        '[data]\nsource = "../pictures.npz"\nvalidation = "../more.npz"\n'
        '[[layers]]\ntype = "flatten"\n[[layers]]\ntype = "dense"\n'
    )
    return path


def test_a_run_keeps_paths_that_hold_from_anywhere(file, tmp_path):
    config = ConfigFile.read(file).resolved
    assert config.data.source == str((tmp_path / "pictures.npz").resolve())
    assert config.data.validation == str((tmp_path / "more.npz").resolve())


def test_the_home_folder_may_be_written_as_a_tilde(file, monkeypatch):
    monkeypatch.setenv("HOME", "/home/of/someone")
    loaded = ConfigFile.read(file, ["data.source=~/pictures.npz"])
    assert loaded.resolved.data.source == "/home/of/someone/pictures.npz"


def test_a_path_that_toml_cannot_hold_is_refused(file):
    loaded = ConfigFile.read(file, ["data.source=\udcff.npz"])  # how Python reads the byte 0xFF of a name
    with pytest.raises(ConfigError, match=r"stripes: the name of a path in \[data\] is not UTF-8 text"):
        loaded.resolved_text()


@pytest.mark.parametrize("name", list(BUILT_IN))
def test_a_built_in_set_is_no_path(file, name):
    assert ConfigFile.read(file, [f"data.source={name}"]).resolved.data.source == name


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=12)
positive = st.floats(1e-12, 1e12)
size = st.one_of(st.integers(1, 99), st.tuples(st.integers(1, 99), st.integers(1, 99)).map(list))
sides = st.tuples(st.integers(0, 9), st.integers(0, 9)).map(list)
layers = st.one_of(
    st.fixed_dictionaries(
        {"type": st.just("conv"), "filters": st.integers(1, 99)},
        optional={
            "kernel": size,
            "padding": st.one_of(
                st.sampled_from(["same", "valid", "full"]),
                st.integers(0, 9),
                sides,
                st.tuples(sides, sides).map(list),
            ),
            "bias": st.booleans(),
            "init": st.sampled_from(["he", "glorot", "box:size=1", ["1/2"]]),
            "frozen": st.booleans(),
        },
    ),
    st.fixed_dictionaries({"type": st.just("max_pool")}, optional={"size": size, "stride": size}),
    st.fixed_dictionaries({"type": st.just("dropout")}, optional={"rate": st.floats(0, 0.999)}),
    st.fixed_dictionaries({"type": st.just("dense")}, optional={"units": st.integers(1, 10**12)}),
)
documents = st.fixed_dictionaries(
    {
        "data": st.fixed_dictionaries(
            {"source": texts},
            optional={"validation": st.one_of(st.floats(0, 0.999), texts), "test": texts, "size": size},
        ),
        "layers": st.lists(layers, min_size=1, max_size=4),
    },
    optional={
        "training": st.fixed_dictionaries(
            {},
            optional={
                "epochs": st.integers(1, 10**9),
                "clip_norm": positive,
                "optimizer": st.fixed_dictionaries(
                    {"type": st.just("sgd")}, optional={"learning_rate": positive}
                ),
                "loss": st.fixed_dictionaries(
                    {},
                    optional={
                        "class_weights": st.dictionaries(
                            st.sampled_from(["cat", "a b", "0.5", "ü\t", '"\\', ""]),
                            st.floats(1e-6, 1e6),
                            min_size=1,
                        )
                    },
                ),
                "schedule": st.sampled_from(["one_cycle", {"type": "step", "gamma": 0.25}]),
            },
        )
    },
)


@given(documents)
def test_toml_gives_back_what_was_dumped(document):
    config = validate(document, "some.toml")
    assert validate(tomllib.loads(dump(config)), "dumped") == config


def checkpoint_every(value):
    layers = [{"type": "flatten"}, {"type": "dense"}]
    document = {"data": {"source": "digits"}, "layers": layers, "training": {"checkpoint_every": value}}
    return validate(document, "some.toml").training.checkpoint_every


@pytest.mark.parametrize(
    ("text", "seconds"), [("90 s", 90), ("5 min", 300), ("0.5 h", 1800), ("90s", 90), ("0.25 s", 0.25)]
)
def test_a_time_between_checkpoints_has_a_unit(text, seconds):
    assert checkpoint_every(text) == text
    assert seconds_of(text) == seconds


def test_a_number_between_checkpoints_means_batches():
    assert checkpoint_every(500) == 500


@pytest.mark.parametrize(
    "value", [0, -1, True, 1.5, [5], "", "5", "min", "0 s", "-5 min", "5 hours", "5 min ", "1e3 s", "٥ min"]
)
def test_anything_else_between_checkpoints_is_refused_with_what_there_may_be(value):
    with pytest.raises(ConfigError, match='a number of batches, or a time as "90 s", "5 min", "1 h", not '):
        checkpoint_every(value)
