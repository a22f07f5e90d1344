"""scikit-learn's interface to a network: an estimator that `clone`, pipelines and searches take."""

from __future__ import annotations

import math
import numbers
import os
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convcli.build import new_training
from convcli.config import document_of
from convcli.config_file import given_text, put
from convcli.data import Splits, Wanted
from convcli.data.notes import COLOURS
from convcli.data.parts import RawPart, assemble
from convcli.data.survey import BYTE
from convcli.errors import UsageError
from convcli.extras import extra
from convcli.nn.config import Config, validate
from convcli.nn.doubts import about
from convcli.public.levels import as_numbers, check_levels, range_of, within
from convcli.public.model import Model
from convcli.public.telling import tell
from convcli.runs import checkpoints
from convcli.runs.origins import Origins
from convcli.training import EpochDone

extra("sklearn", "sklearn", "convcli.Classifier")

from sklearn.base import BaseEstimator, ClassifierMixin  # noqa: E402
from sklearn.utils import check_array, check_random_state  # noqa: E402
from sklearn.utils.multiclass import check_classification_targets  # noqa: E402
from sklearn.utils.validation import check_is_fitted, validate_data  # noqa: E402

SOURCE = "handed to Classifier.fit"  # as a configuration names where images are from

# Parameter → its place in a configuration, in the order in which they are set.
PLACES = {
    "layers": "layers",
    "validation": "data.validation",
    "augmentation": "augmentation",
    "epochs": "training.epochs",
    "batch_size": "training.batch_size",
    "loss": "training.loss",
    "optimizer": "training.optimizer",
    "learning_rate": "training.optimizer.learning_rate",
    "schedule": "training.schedule",
    "patience": "training.patience",
}

_HIDDEN = [{"type": "flatten"}, {"type": "dense", "units": 64, "activation": "relu"}, {"type": "dense"}]
_CONV = {"type": "conv", "kernel": 3, "padding": "same", "activation": "relu"}
SMALL = _HIDDEN
USUAL = [{**_CONV, "filters": 16}, {"type": "max_pool"}, {**_CONV, "filters": 32}, *_HIDDEN]
LIKELY_SIDE = 8  # of images that someone may have forgotten to name the shape of
LEAST_SIDE = 4  # of images that convolutions are worth it for

MOST_CHANNELS = 4  # of images as people have them


class Classifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # sklearn has no types
    """A network as an estimator of scikit-learn's, trained by the same code as ``convcli train``.

    Parameters
    ----------
    config
        The path of a configuration, its text (what has several lines is a text), or the same as a dict. Of
        `[data]` what is said of preparing images counts; X takes the place of the source, and unless the
        configuration asks for a validation part, all of X is learned from.
    layers
        As ``[[layers]]`` has them: ``[{"type": "conv", "filters": 8, "kernel": 3}, "flatten", "dense"]``. If
        neither this nor a configuration is given: two convolutions of 16 and 32 filters with a max pool
        between, and a dense layer of 64 units; of images with less than 4 rows or columns only the latter.
    image_shape
        (h, w) or (h, w, c) of the images that the rows of a flat X are. Without it each is an image of one
        row.
    epochs, batch_size, learning_rate, optimizer, schedule, loss, patience, augmentation, validation
        As in a configuration; each goes before what `config` has. `optimizer`, `schedule` and `loss` are a
        name or a dict, `augmentation` is a dict, and `validation` a share of X by which the best epoch is
        chosen.
    random_state
        The seed: a number, or a `RandomState` that gives one; None takes the configuration's, which
        is 0. The same seed and X give the same weights, to the last bit, for any number of threads.
    threads
        How many compute; None takes all cores. Where a search has several jobs, 1 is best.

    Attributes
    ----------
    classes_, n_features_in_, feature_names_in_, n_iter_
        As scikit-learn has them; `n_iter_` counts epochs.
    image_shape_
        (h, w, c) of the images in X.
    history_
        The figures of each epoch, a list by the name of each: ``history_["train_loss"]``.
    model_ : Model
        The network of the best epoch, with `predict_proba`, `weights`, `save`.

    Notes
    -----
    X holds images (n, h, w) or (n, h, w, c), or flat ones (n, features) and `image_shape`. A network sees 256
    levels: uint8 as it is; of other numbers, those from 0 to 1 if all are, and otherwise from the lowest to
    the highest of the X in `fit` (or as `data.range` of the configuration says), rounded to levels. Each
    channel is then standardised by its mean and deviation. What lies beyond in another X is cut; if that is
    more than one value in a hundred, a warning says so.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> y = np.repeat(["dark", "light"], 20)
    >>> X = rng.integers(0, 100, (40, 8, 8)) + 100 * (y == "light")[:, None, None]
    >>> Classifier(epochs=3, learning_rate=0.01).fit(X, y).score(X, y)
    1.0
    """

    def __init__(
        self,
        config: str | os.PathLike[str] | Mapping[str, Any] | None = None,
        *,
        layers: list[Any] | None = None,
        image_shape: tuple[int, ...] | None = None,
        epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float | None = None,
        optimizer: str | dict[str, Any] | None = None,
        schedule: str | dict[str, Any] | None = None,
        loss: str | dict[str, Any] | None = None,
        patience: int | None = None,
        augmentation: dict[str, Any] | None = None,
        validation: float | None = None,
        random_state: int | np.random.RandomState | None = None,
        threads: int | None = None,
    ) -> None:
        self.config = config
        self.layers = layers
        self.image_shape = image_shape
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.optimizer = optimizer
        self.schedule = schedule
        self.loss = loss
        self.patience = patience
        self.augmentation = augmentation
        self.validation = validation
        self.random_state = random_state
        self.threads = threads

    def fit(self, X: Any, y: Any) -> Classifier:
        """Train a new network on images X with their classes y (n,), numbers or names; return the estimator.

        Raises ValueError, and ConfigError which is one, where X, y and the configuration do not fit.
        """
        if self.threads is not None and self.threads < 1:
            raise UsageError(f"threads={self.threads}: expected at least 1, or None for all cores.")
        images, y = self._to_fit(X, y)
        self.classes_, labels = np.unique(y, return_inverse=True)
        config = self._configuration()
        data = self._data(config, images, labels)
        tell(data.notes)
        training = new_training(config, data, self.threads, Origins(tell))
        tell(about(training.model, data.train))
        for event in training.run():
            if isinstance(event, EpochDone):
                tell(event.notes)
        history = [asdict(metrics) for metrics in training.progress.history]
        self.n_iter_ = len(history)
        self.history_ = {name: [row[name] for row in history] for name in history[0] if name != "best_by"}
        best = training.progress.best
        origin = f"trained by Classifier, epoch {best.epoch}: training accuracy {best.train_accuracy:.2%}"
        self.model_ = Model.of(training.best_model(), origin)
        return self

    def predict(self, X: Any) -> Any:
        """Return the most probable class of each image, as y named it: (n,)."""
        best = self.predict_proba(X).argmax(axis=1)
        return self.classes_[best]

    def predict_proba(self, X: Any) -> NDArray[np.float32]:
        """Return the probability of each of `classes_`: (n, classes), float32."""
        check_is_fitted(self)
        return self.model_.predict(self._to_predict(X))

    def _to_fit(self, X: Any, y: Any) -> tuple[NDArray[Any], Any]:
        """Return images (n, h, w, c) and classes (n,), as scikit-learn checks them; learn their shape."""
        flat = _dimensions(X) < 3
        X, y = validate_data(self, X, y, allow_nd=not flat, dtype="numeric")
        check_classification_targets(y)
        if flat:
            self.image_shape_ = self._shape_of(X.shape[1])
        else:
            self.image_shape_ = _with_channels(X.shape[1:])
            self._check_shape(self.image_shape_)
            if self.image_shape_[0] in COLOURS and self.image_shape_[2] > MOST_CHANNELS:
                raise UsageError(f"X: channels come last, found {X.shape}: np.moveaxis(X, 1, -1).")
        self.n_features_in_ = math.prod(self.image_shape_)
        return as_numbers(X.reshape(-1, *self.image_shape_)), y

    def _to_predict(self, X: Any) -> NDArray[Any]:
        """Return images (n, h, w, c) in the units of those that `fit` saw."""
        if _dimensions(X) < 3:
            X = validate_data(self, X, reset=False, dtype="numeric")
        else:
            X = check_array(X, allow_nd=True, dtype="numeric", estimator=self, input_name="X")
            if _with_channels(X.shape[1:]) != self.image_shape_:
                raise UsageError(f"X: expected images {self.image_shape_}, as fit saw, found {X.shape[1:]}.")
        images = as_numbers(X.reshape(-1, *self.image_shape_))
        limits = self.model_.preprocessing.presentation.range
        if limits is None and images.dtype == np.uint8:
            return images
        if limits is None:
            return within(np.rint(images), (0, BYTE)).astype(np.uint8)
        return within(images.astype(np.float32 if images.dtype == np.float32 else np.float64), limits)

    def _shape_of(self, features: int) -> tuple[int, int, int]:
        """Return the shape of the images that so many features are."""
        if self.image_shape is None:
            side = math.isqrt(features)
            if side * side == features and side >= LIKELY_SIDE:
                tell(f"X is flat, and read as images of 1 × {features}: is image_shape=({side}, {side})?")
            return 1, features, 1
        shape = _with_channels(self.image_shape)
        if math.prod(shape) != features:
            raise UsageError(
                f"image_shape={self.image_shape}: that is {math.prod(shape):,} numbers, not {features:,}."
            )
        return shape

    def _check_shape(self, found: tuple[int, int, int]) -> None:
        if self.image_shape is not None and _with_channels(self.image_shape) != found:
            raise UsageError(f"image_shape={self.image_shape}: X has images {found}; leave it out.")

    def _configuration(self) -> Config:
        """Return the configuration with the parameters over it."""
        where = "Classifier"
        if self.config is None:
            document: dict[str, Any] = {}
        elif isinstance(self.config, Mapping):
            document = _plain(self.config)
        else:
            text, path = given_text(self.config)
            document, where = document_of(text, path), str(path)
        data = document.setdefault("data", {})
        if isinstance(data, dict):
            data.update(source=SOURCE)
            data.setdefault("validation", 0)
        for name, place in PLACES.items():
            if (value := getattr(self, name)) is not None:
                _put(document, place, _plain(value), name)
        if "layers" not in document:
            document["layers"] = USUAL if min(self.image_shape_[:2]) >= LEAST_SIDE else SMALL
        if self.random_state is not None:
            _put(document, "training.seed", _seed(self.random_state), "random_state")
        return validate(document, where)

    def _data(self, config: Config, images: NDArray[Any], labels: NDArray[Any]) -> Splits:
        """Return X and y as a command has its data."""
        share = config.data.validation
        if isinstance(share, str):
            raise UsageError(f"data.validation = {share!r}: of X a share is split off; give that.")
        wanted = Wanted.by(config.data)
        if images.dtype != np.uint8 and wanted.presentation.range is None:
            limits = range_of(images)
            check_levels(images, limits)
            wanted = replace(wanted, presentation=replace(wanted.presentation, range=limits), settled=True)
        part = RawPart("X", images, labels.astype(np.int64))
        names = [str(name) for name in self.classes_.tolist()]
        return assemble(part, classes=names, wanted=wanted).divided(share, config.training.seed)

    def __getstate__(self) -> dict[str, Any]:
        """Return what is pickled: of the network the bytes of a safetensors file."""
        state = dict(super().__getstate__())
        if "model_" in state:
            state["model_"] = checkpoints.packed(state["model_"]), state["model_"].origin
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        if "model_" in state:
            data, origin = state["model_"]
            state = {**state, "model_": Model.of(checkpoints.unpacked(data, "Classifier"), origin)}
        super().__setstate__(state)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags


def _dimensions(X: Any) -> int:
    """Return how many axes X has; 2 of what is no array, whose errors scikit-learn knows."""
    try:
        return int(X.ndim if hasattr(X, "ndim") else np.asarray(X).ndim)
    except ValueError:  # lists of several lengths
        return 2


def _with_channels(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Return (h, w) or (h, w, c) as (h, w, c)."""
    if len(shape) not in (2, 3):
        raise UsageError(f"expected images (h, w) or (h, w, c), found shape {tuple(shape)}.")
    rows, columns, channels = (*shape, 1)[:3]
    return int(rows), int(columns), int(channels)


def _plain(value: Any) -> Any:
    """Return tables, lists and numbers as a configuration has them: copies, without types of NumPy's."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [_plain(item) for item in value]
    return value.item() if isinstance(value, np.generic) else value


def _put(document: dict[str, Any], place: str, value: Any, name: str) -> None:
    try:
        put(document, place, value)
    except ValueError:
        raise UsageError(f"{name}: the configuration has no table for {place}.") from None


def _seed(random_state: Any) -> int:
    """Return the seed that a `random_state` stands for."""
    if isinstance(random_state, numbers.Integral):
        return int(random_state)
    return int(check_random_state(random_state).randint(np.iinfo(np.int32).max))
