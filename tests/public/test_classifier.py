"""`convcli.Classifier`: what scikit-learn asks of an estimator, and the network that the command trains."""

from __future__ import annotations

import pickle
import pickletools
import subprocess
import sys
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import convcli
import stripes
from convcli import build
from convcli.data import Dataset, Splits
from convcli.errors import ConfigError, ConvcliWarning, MissingExtraError
from convcli.nn.config import validate

LAYERS = [{"type": "conv", "filters": 4, "activation": "relu"}, "max_pool", "flatten", "dense"]
QUICK = {"layers": LAYERS, "epochs": 4, "batch_size": 16, "learning_rate": 0.02, "threads": 1}


@pytest.fixture(scope="module")
def data():
    """Return noisy stripes (n, 8, 8, 1), uint8, and their names."""
    pictures = stripes.dataset(90)
    return pictures.images, np.array(pictures.classes)[pictures.labels]


@pytest.fixture(scope="module")
def fitted(data):
    return convcli.Classifier(**QUICK).fit(*data)


# All of them apply: there are no expected failures.
@pytest.mark.filterwarnings("ignore")
@pytest.mark.long
@parametrize_with_checks([convcli.Classifier(epochs=40, learning_rate=0.01, batch_size=16, threads=1)])
def test_scikit_learn_finds_an_estimator(estimator, check):
    check(estimator)


def test_it_learns_and_names_classes_as_y_does(fitted, data):
    X, y = data
    assert fitted.score(X, y) > 0.95
    assert fitted.classes_.tolist() == ["across", "crossed", "upright"]
    assert set(fitted.predict(X)) == set(y)
    proba = fitted.predict_proba(X)
    assert proba.shape == (90, 3)
    np.testing.assert_allclose(proba.sum(1), 1, atol=1e-6)
    numbered = clone(fitted).fit(X, np.where(y == "crossed", 7, -3))
    assert numbered.classes_.tolist() == [-3, 7]
    assert numbered.predict(X[:1]).dtype == np.int64


def test_it_trains_as_the_command_does(fitted, data):
    X, y = data
    document = {
        "data": {"source": "elsewhere", "validation": 0},
        "layers": LAYERS,
        "training": {"epochs": 4, "batch_size": 16, "optimizer": {"type": "adam", "learning_rate": 0.02}},
    }
    labels = np.unique(y, return_inverse=True)[1].astype(np.int64)
    splits = Splits(Dataset(X, labels, ("across", "crossed", "upright")))
    model = stripes.ended(build.new_training(validate(document, "net.toml"), splits, 2)).best_model()
    assert {name: array.tobytes() for name, array in fitted.model_.weights.items()} == {
        name: array.tobytes() for name, array in model.weights.items()
    }


@pytest.mark.parametrize("kind", ["path", "text", "dict"])
def test_a_configuration_may_be_a_path_a_text_or_a_dict(fitted, data, tmp_path, kind):
    text = """
        training = { epochs = 4, batch_size = 16, optimizer = "adam" }
        [[layers]]
        type = "conv"
        filters = 9
        activation = "relu"
        [[layers]]
        type = "max_pool"
        [[layers]]
        type = "flatten"
        [[layers]]
        type = "dense"
    """
    (tmp_path / "net.toml").write_text(text)
    training = {"epochs": 4, "batch_size": 16, "optimizer": "adam"}
    layers = [{**LAYERS[0], "filters": np.int64(9)}, *LAYERS[1:]]
    config = {"path": tmp_path / "net.toml", "text": text, "dict": {"training": training, "layers": layers}}
    chosen = convcli.Classifier(config[kind], layers=LAYERS, learning_rate=0.02, threads=1).fit(*data)
    np.testing.assert_array_equal(chosen.predict_proba(data[0]), fitted.predict_proba(data[0]))


@pytest.mark.parametrize(
    "change",
    [
        lambda x: x[..., 0],
        lambda x: x / 255,
        lambda x: (x / 255).astype(np.float32),
        lambda x: x.reshape(len(x), -1),
        lambda x: (x.reshape(len(x), -1) / 255).tolist(),
        lambda x: np.asfortranarray(x),
    ],
    ids=["no channel", "floats", "float32", "flat", "lists", "another order"],
)
def test_whatever_holds_the_same_pictures_gives_the_same_network(fitted, data, change):
    X = change(data[0])
    again = convcli.Classifier(**QUICK, image_shape=(8, 8)).fit(X, data[1])
    np.testing.assert_array_equal(again.predict_proba(X), fitted.predict_proba(data[0]))
    assert again.n_features_in_ == 64
    assert again.image_shape_ == (8, 8, 1)


@pytest.mark.parametrize(("scale", "shift"), [(1e-3, 0), (1e4, -5e5), (-2.0, 7.0)])
def test_floats_of_any_range_are_learned_from(data, scale, shift):
    X, y = data
    X = X * scale + shift
    assert convcli.Classifier(**QUICK).fit(X[:60], y[:60]).score(X[60:], y[60:]) > 0.9


def test_values_beyond_those_of_fit_are_cut_and_many_are_said(data):
    X, y = data[0] / 51.0, data[1]
    chosen = convcli.Classifier(**QUICK).fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rare = X.copy()
        rare[0, 0, 0] = 99
        chosen.predict(rare)
    with pytest.warns(ConvcliWarning, match=r"% of the values lie outside .* what fit saw, and are cut"):
        chosen.predict(X + 3)


def test_outliers_that_leave_next_to_no_levels_are_said(data):
    X, y = data[0].astype(float), data[1]
    X[0, 0, 0] = 1e9
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        convcli.Classifier(**QUICK).fit(X, y)
    assert "cut outliers first" in str(told[0].message)
    assert "nothing is learned" in str(told[1].message)


def test_bytes_and_other_numbers_of_the_same_units_are_the_same(fitted, data):
    X = data[0]
    np.testing.assert_array_equal(fitted.predict_proba(X.astype(float)), fitted.predict_proba(X))


def test_the_seed_decides_and_threads_do_not(fitted, data):
    def weights(**options):
        chosen = convcli.Classifier(**{**QUICK, **options}).fit(*data)
        return b"".join(array.tobytes() for array in chosen.model_.weights.values())

    first = weights(random_state=3)
    assert first == weights(random_state=3, threads=2)
    assert first != weights(random_state=4)
    assert weights(random_state=None) == weights(random_state=0)
    drawn = np.random.RandomState(1), np.random.RandomState(1)
    assert weights(random_state=drawn[0]) == weights(random_state=drawn[1])


def test_the_course_of_training_is_kept(data):
    X, y = data[0], np.random.default_rng(0).permutation(data[1])  # there is nothing to learn
    with pytest.warns(ConvcliWarning, match="nothing is learned"):
        chosen = convcli.Classifier(**{**QUICK, "epochs": 30}, validation=0.2, patience=2).fit(X, y)
    assert chosen.n_iter_ == len(chosen.history_["validation_loss"]) < 30
    assert chosen.history_["epoch"] == list(range(1, chosen.n_iter_ + 1))
    figures = zip(chosen.history_["validation_accuracy"], chosen.history_["validation_loss"], strict=True)
    merits = [(accuracy, -loss) for accuracy, loss in figures]
    best = merits.index(max(merits)) + 1
    assert f"epoch {best}" in chosen.model_.origin
    none = convcli.Classifier(**QUICK).fit(*data)
    assert none.history_["validation_loss"] == [None] * 4


def test_it_is_pickled_as_bytes_of_safetensors(fitted, data):
    safetensors = pytest.importorskip("safetensors.numpy")
    state = fitted.__getstate__()
    content, _ = state["model_"]
    held = safetensors.load(content)
    np.testing.assert_array_equal(held["layers.1.W"], fitted.model_.weights["1.W"])
    pickled = pickle.dumps(fitted)
    names = {value for _, value, _ in pickletools.genops(pickled) if isinstance(value, str)}
    assert not any(name.startswith("convcli.") for name in names - {"convcli.public.classifier"})
    again = pickle.loads(pickled)
    np.testing.assert_array_equal(again.predict_proba(data[0]), fitted.predict_proba(data[0]))
    assert repr(again.model_) == repr(fitted.model_)
    assert pickle.dumps(again) == pickled


def test_joblib_keeps_it(fitted, data, tmp_path):
    import joblib

    joblib.dump(fitted, tmp_path / "fitted.joblib")
    again = joblib.load(tmp_path / "fitted.joblib")
    np.testing.assert_array_equal(again.predict_proba(data[0]), fitted.predict_proba(data[0]))


def test_a_damaged_pickle_is_called_so(fitted):
    state = fitted.__getstate__()
    damaged = convcli.Classifier()
    with pytest.raises(convcli.ConvcliError, match="Classifier: damaged checkpoint"):
        damaged.__setstate__({**state, "model_": (state["model_"][0][:-5], "")})


@pytest.mark.long
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_search_takes_it_with_any_number_of_jobs(jobs):
    X, y = load_digits(return_X_y=True)
    X, y = X[:300], y[:300]
    estimator = convcli.Classifier(image_shape=(8, 8), epochs=4, batch_size=16, threads=1)
    search = GridSearchCV(estimator, {"learning_rate": [1e-6, 0.01]}, cv=2, n_jobs=jobs)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvcliWarning)  # with 1e-6 nothing is learned
        search.fit(X, y)
    assert search.best_params_ == {"learning_rate": 0.01}
    assert search.best_score_ > 0.8
    assert search.predict(X[:5]).shape == (5,)


def test_it_stands_in_a_pipeline_and_is_cross_validated(data):
    X, y = data
    halved = FunctionTransformer(lambda x: x[:, ::2, ::2])
    assert cross_val_score(make_pipeline(halved, convcli.Classifier(**QUICK)), X, y, cv=3).shape == (3,)
    scaled = make_pipeline(StandardScaler(), convcli.Classifier(**QUICK, image_shape=(8, 8)))
    assert cross_val_score(scaled, X.reshape(90, -1), y, cv=2).min() > 0.8
    named = scaled.set_params(classifier__epochs=1).fit(X.reshape(90, -1), y)
    assert named[-1].n_iter_ == 1


def test_parameters_are_kept_as_they_were_given():
    config = {"layers": LAYERS}
    estimator = convcli.Classifier(config, epochs=2, augmentation={"shift": 1})
    assert estimator.get_params()["config"] is config
    assert clone(estimator).get_params() == estimator.get_params()
    assert config == {"layers": LAYERS}


def test_truth_values_are_black_and_white(data):
    X, y = data[0] > 100, data[1]
    chosen = convcli.Classifier(**QUICK).fit(X, y)
    black_and_white = convcli.Classifier(**QUICK).fit(X * 255.0, y)
    np.testing.assert_array_equal(chosen.predict_proba(X), black_and_white.predict_proba(X * 255.0))


def test_what_a_configuration_says_of_images_holds(data):
    X, y = data
    chosen = convcli.Classifier({"data": {"size": [12, 10], "channels": 3}}, **QUICK)
    with pytest.warns(ConvcliWarning):  # resized, and converted to RGB
        chosen.fit(X, y)
    assert chosen.model_.preprocessing.shape == (12, 10, 3)
    assert chosen.image_shape_ == (8, 8, 1)
    assert chosen.score(X, y) > 0.9


def test_flat_images_whose_shape_was_forgotten_are_named(data):
    X = data[0].reshape(90, -1)
    dense = convcli.Classifier(layers=["flatten", "dense"], epochs=1)
    with pytest.warns(ConvcliWarning, match=r"read as images of 1 × 64: is image_shape=\(8, 8\)"):
        dense.fit(X, data[1])


def test_colours_are_three_channels(data):
    X = np.repeat(data[0], 3, axis=3)
    chosen = convcli.Classifier(**QUICK).fit(X, data[1])
    assert chosen.image_shape_ == (8, 8, 3)
    flat = convcli.Classifier(**QUICK, image_shape=(8, 8, 3)).fit(X.reshape(90, -1), data[1])
    np.testing.assert_array_equal(flat.predict_proba(X), chosen.predict_proba(X))


@pytest.mark.parametrize(
    ("options", "change", "error", "told"),
    [
        ({"epochs": 0}, None, ConfigError, "training.epochs: should be greater than 0"),
        ({"layers": [{"type": "dens"}]}, None, ConfigError, "Did you mean 'dense'"),
        ({"optimizer": 3, "learning_rate": 1.0}, None, ValueError, "learning_rate: the configuration has no"),
        ({"image_shape": (3, 3)}, lambda x: x.reshape(90, -1), ValueError, "that is 9 numbers, not 64"),
        ({"image_shape": (4, 4)}, None, ValueError, r"image_shape=\(4, 4\): X has images \(8, 8, 1\)"),
        ({"image_shape": (8,)}, lambda x: x.reshape(90, -1), ValueError, r"expected images \(h, w\) or"),
        ({"config": {"data": {"validation": "a"}}}, None, ValueError, "of X a share is split off"),
        ({"validation": 0.001}, None, ValueError, "leaves no image for validation"),
        ({"patience": 2}, None, ConfigError, "needs validation images"),
        ({"threads": 0}, None, ValueError, "threads=0: expected at least 1"),
        ({}, lambda x: np.repeat(np.moveaxis(x, 3, 1), 3, axis=1), ValueError, "channels come last"),
        ({"config": "gone.toml"}, None, ConfigError, "gone.toml: no such file"),
        ({}, lambda x: np.where(x > 99, np.nan, x), ValueError, "NaN"),
        ({}, lambda x: x[:80], ValueError, "inconsistent numbers of samples"),
        ({}, lambda x: x[None], ValueError, "expected images|inconsistent"),
        ({}, lambda x: x.astype(str), ValueError, "could not convert|dtype"),
    ],
)
def test_what_is_wrong_is_said(data, options, change, error, told):
    X, y = data
    with pytest.raises(error, match=told):
        convcli.Classifier(**{**QUICK, **options}).fit(X if change is None else change(X), y)


def test_images_of_another_shape_are_refused(fitted):
    with pytest.raises(ValueError, match=r"expected images \(8, 8, 1\), as fit saw, found \(9, 8\)"):
        fitted.predict(np.zeros((2, 9, 8)))
    with pytest.raises(ValueError, match="63 features"):
        fitted.predict(np.zeros((2, 63)))
    with pytest.raises(NotFittedError):
        convcli.Classifier().predict(np.zeros((2, 8, 8)))


def test_without_scikit_learn_a_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    monkeypatch.delitem(sys.modules, "convcli.public.classifier")
    with pytest.raises(MissingExtraError) as error:
        _ = convcli.Classifier
    needs = "convcli.Classifier needs the package sklearn, which is not installed"
    assert error.value.lines == (f"{needs}: pip install 'convcli[sklearn]'",)


def test_nothing_else_imports_scikit_learn():
    code = "import convcli, sys; convcli.load_run, convcli.explain; assert 'sklearn' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
