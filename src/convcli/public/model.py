"""A trained network as Python code uses it: on files and on arrays, in a notebook, and back into a folder."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convcli.bounds import MAX_PIXELS
from convcli.data.given import Given, are_names, as_seen
from convcli.engine.workspace import Array
from convcli.errors import ConvcliError, UsageError
from convcli.nn import model as core
from convcli.public.telling import tell
from convcli.runs import checkpoints
from convcli.runs.folder import Run
from convcli.runs.history import find, summarize
from convcli.runs.imported import origin, write_model
from convcli.wording import by, counted, first_of, shortened, shown

MOST_NAMES = 6  # of layers and classes in a line
LONGEST_NAME = 30  # signs of a class


@dataclass(frozen=True, eq=False, repr=False)
class Model(core.Model):
    """A trained network with its weights, preprocessing and class names: what `load_run` returns.

    Attributes
    ----------
    classes
        Names, in the order of the outputs; `classes_` has them as an array.
    weights
        Each array by its name, such as ``1.W``: a mapping.
    network, config
        The layers with their shapes; the configuration it was trained with.
    origin
        Where it comes from, in words.
    """

    origin: str = field(default="", kw_only=True)

    @classmethod
    def of(cls, model: core.Model, origin: str = "") -> Model:
        """Return a model of other rooms as one for Python code."""
        return cls(**{one.name: getattr(model, one.name) for one in fields(core.Model)}, origin=origin)

    def predict(self, images: Given, *, invert: bool = False, max_pixels: int = MAX_PIXELS) -> Array:
        """Return the probability of each class for each image.

        Parameters
        ----------
        images
            Arrays (n, h, w) or (n, h, w, c), or a single image (h, w) or (h, w, c): uint8, or floats from 0
            to 1. Or a path, a folder, a pattern such as ``"scans/*.png"``, a picture of Pillow's; or a list
            of paths, or of pictures and arrays of any size.
            All of them are resized, converted and scaled as for training. Values of another range are taken
            if the network was trained on such (`data.range`), and refused if not.
        invert
            Exchange black and white first, as of ink on paper.
        max_pixels
            Pixels that a file may have.

        Returns
        -------
        (n, classes), float32; rows sum to 1. For a single image n is 1: ``predict(image)[0]`` are its
        probabilities. Files are in the order of the list, those of a folder or pattern by name.

        Raises
        ------
        InputError
            If a file cannot be read.
        ShapeError
            If these are no images, or have channels that cannot become those it was trained on.
        UsageError
            If it is not known which values are black and white.
        TrainingError
            If the weights are so large that outputs are beyond float32.

        Warns
        -----
        ConvcliWarning
            Of what was passed over in a folder, of values that were cut, and of files that are much brighter
            or darker than all that the network was trained on (of arrays, `far_from_training` tells).
        """
        pixels = self._seen(images, max_pixels)
        if are_names(images):
            self._tell_of_far(pixels, invert)
        return self.loss.probabilities(super().outputs(255 - pixels if invert else pixels))

    def predict_proba(self, images: Given) -> Array:
        """Return what `predict` returns, under the name that scikit-learn has for it."""
        return self.predict(images)

    def outputs(self, images: Given) -> Array:
        """Return the network's raw outputs (n, classes); images and errors are those of `predict`."""
        return super().outputs(self._seen(images))

    def far_from_training(self, images: Given) -> NDArray[np.bool_]:
        """Return which images, as `predict` takes them, are much brighter or darker than all it knows: (n,).

        What a network says of such images may mean nothing: of digits in black on white, if it has learned
        white on black.
        """
        return self.preprocessing.far(self._seen(images))

    def why(
        self, image: Given, target: str | int | None = None, *, method: str = "grad_cam", **options: Any
    ) -> Array:
        """Return how much each pixel of an image has to do with the score of a class.

        Parameters
        ----------
        image
            One image, as `predict` takes it.
        target
            Name or index of the class; the predicted one if not given.
        method
            ``"grad_cam"``: where the maps of a layer speak for the class; ``"occlusion"``: by how much its
            score falls where a patch covers the image; ``"gradient"``: how fast it changes with each pixel.
        options
            Of Grad-CAM ``layer``, by default the last that gives a plane of cells; of occlusion ``patch`` and
            ``stride``, one number or rows and columns, and ``fill``, levels from 0 to 255, by default the
            training mean.

        Returns
        -------
        (h, w), float64, of the size that the network sees.

        Raises
        ------
        UsageError
            If there is no such class, method or layer, sizes do not fit, or there are several images.
        ShapeError
            If the network has no layer that gives a plane, which Grad-CAM needs.
        """
        pixels = self._seen(image)
        if len(pixels) != 1:
            raise UsageError(f"why takes one image, not {len(pixels):,}.")
        return super().why(pixels[0], target, method=method, **options)

    @property
    def classes_(self) -> NDArray[np.str_]:
        """The names of the classes: ``classes_[predict(images).argmax(1)]`` names each image's."""
        return np.array(self.classes)

    def save(self, folder: str | os.PathLike[str]) -> Path:
        """Write a run's folder that `load_run` and the commands read back, and return its path.

        Raises OutputError if the folder cannot be made, or holds something.
        """
        return write_model(self, Path(folder)).folder

    def __repr__(self) -> str:
        outer = [place for place in self.network.places if not place.inner]
        layers = " → ".join(place.layer.name() for place in outer[:MOST_NAMES])
        more = f" → … ({counted(len(outer), 'layer')})" if len(outer) > MOST_NAMES else ""
        names = first_of([shortened(shown(name), LONGEST_NAME) for name in self.classes], MOST_NAMES)
        lines = [
            f"Model: {layers}{more}, {sum(place.trained + place.frozen for place in outer):,} weights",
            f"  sees {by(self.preprocessing.shape)}, tells {len(self.classes)} classes: {names}",
            f"  {self.origin or 'not from a run'}",
        ]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        from convcli.render.notebook import network_html

        return network_html(self.network, repr(self).splitlines())

    def _seen(self, images: Given, max_pixels: int = MAX_PIXELS) -> NDArray[np.uint8]:
        shape, presentation = self.preprocessing.shape, self.preprocessing.presentation
        return as_seen(images, shape, presentation, tell=tell, max_pixels=max_pixels)

    def _tell_of_far(self, pixels: NDArray[np.uint8], invert: bool) -> None:
        """Say, as `convcli predict` does, that some files are unlike all that the network knows."""
        far, inverted = (self.preprocessing.far(each) for each in (pixels, 255 - pixels))
        if invert:
            far, inverted = inverted, far
        if not far.any():
            return
        told = (
            f"{np.count_nonzero(far):,} of {len(far):,} images much brighter or darker than all that the "
            "network was trained on: "
        )
        exchanged = f"are black and white exchanged? Try invert={not invert}"
        tell(told + ("its answers may mean nothing" if inverted[far].all() else exchanged))


def load_run(path: str | os.PathLike[str]) -> Model:
    """Return the best model of a run.

    Parameters
    ----------
    path
        A run's folder, as `convcli train` wrote it, the name of one in ``runs/``, or ``"latest"``.

    Returns
    -------
    Model, with `.predict(images)`, `.classes`, `.weights` and `.config`.

    Raises
    ------
    InputError
        If there is no run, or its checkpoint is damaged.
    """
    folder, choice = find(Path(path))
    tell(choice or ())
    model = checkpoints.load_run(folder)
    with suppress(ConvcliError):  # if it is damaged, paths stay as they were written
        data = checkpoints.run_config(Run(folder)).config.data
        model = replace(model, config=model.config.model_copy(update={"data": data}))
    return Model.of(model, f"from {shown(folder)}{_reached(folder)}")


def _reached(folder: Path) -> str:
    """Return which epoch of a run its best is, and how well it did, as far as the run says so."""
    try:
        summary, source = summarize(folder), origin(Run(folder))
    except ConvcliError:
        return ""
    best, test = summary.best, summary.test
    if best is None:
        return f", which came from {source}" if source else ""
    figures = {
        "training accuracy": best.train_accuracy if best.validation_accuracy is None else None,
        "validation accuracy": best.validation_accuracy,
        "test accuracy": None if test is None else test.accuracy,
    }
    words = (f"{name} {figure:.2%}" for name, figure in figures.items() if figure is not None)
    return f", epoch {best.epoch}: {', '.join(words)}"
