"""The mathematics on the caller's own numbers: `explain` from Python, and what it returns shows itself."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convcli import arrays
from convcli.arrays import is_stream
from convcli.bounds import MAX_PIXELS
from convcli.data.given import Given, as_seen
from convcli.errors import UsageError
from convcli.explaining import Request, elements
from convcli.explaining import explain as explained
from convcli.explaining.bringing import kernels_of, list_of, volume_of
from convcli.explaining.elements import Box
from convcli.explaining.layouts import as_list, check_layout
from convcli.explaining.reading import Input, parse_box
from convcli.kernels import Kernel
from convcli.nn import model as core
from convcli.public.model import load_run
from convcli.public.telling import tell
from convcli.render.explain import FORMATS
from convcli.runs.history import find
from convcli.runs.kernels import parse
from convcli.runs.pictures import OwnPictures, is_picture
from convcli.shapes import IntOrPair, Padding

Numbers: TypeAlias = ArrayLike | str
OneKernel: TypeAlias = str | Kernel | NDArray[Any]

_TEXT_COLUMNS = 100
_OWN_NAMES = {"class": "target"}  # what is a keyword here
_OPTION = re.compile(r"--([a-z]+(?:-[a-z]+)*)(?: ([A-Z]+)\b)?")


class Explanation:
    """A topic on given numbers, step by step. A notebook shows its picture; `print` shows it as text."""

    def __init__(self, shown: elements.Explanation) -> None:
        self._shown = shown

    @property
    def topic(self) -> str:
        """What it explains."""
        return self._shown.topic

    @property
    def title(self) -> str:
        """What it shows, in a line."""
        return self._shown.title

    @property
    def data(self) -> dict[str, Any]:
        """Inputs, options, the result and each step, with exact numbers, as plain JSON."""
        return self._shown.document()

    def __len__(self) -> int:
        """How many steps there are."""
        return len(self._shown.steps)

    def only(self, *steps: int) -> Explanation:
        """Return the explanation with some of its steps, counted from 1; its picture shows all of them."""
        for step in steps:
            if not 1 <= step <= len(self):
                raise UsageError(f"step {step}: there are {len(self)}, counted from 1.")
        return Explanation(self._shown.only(step - 1 for step in steps)) if steps else self

    def text(self, columns: int = _TEXT_COLUMNS) -> str:
        """Return all steps as text, at most so many columns wide."""
        from rich.console import Console

        from convcli.render.explain.terminal import show

        page = io.StringIO()
        show(Console(file=page, width=columns, color_system=None, markup=False), self._shown, full=True)
        return page.getvalue()

    def svg(self) -> str:
        """Return the steps that tell the story in short as a picture, for light and dark screens."""
        return self.to("svg").decode()

    def html(self) -> str:
        """Return a page, whole in itself, to step through."""
        return self.to("html").decode()

    def to(self, name: str) -> bytes:
        """Return it in a format that the command has: svg, html, png, gif, markdown, latex, json."""
        return FORMATS[name](self._shown)

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"Explanation: {self.title} ({len(self)} step{'s' * (len(self) != 1)})"

    def _repr_svg_(self) -> str:
        return self.svg()


def explain(
    topic: str,
    *,
    input: Numbers | None = None,  # noqa: A002  (the command's word)
    kernel: OneKernel | ArrayLike | Sequence[OneKernel] | None = None,
    bias: float | Sequence[float] | NDArray[Any] | None = None,
    layout: str | None = None,
    op: str | None = None,
    stride: IntOrPair | None = None,
    padding: Padding | None = None,
    dilation: IntOrPair | None = None,
    size: IntOrPair | None = None,
    pool: str | None = None,
    ceil_mode: bool | None = None,
    count_include_pad: bool | None = None,
    output_padding: IntOrPair | None = None,
    groups: int | None = None,
    activation: str | None = None,
    layers: str | None = None,
    gamma: float | Sequence[float] | NDArray[Any] | None = None,
    momentum: float | None = None,
    epsilon: float | None = None,
    rate: float | None = None,
    seed: int | None = None,
    optimizer: str | Sequence[str] = (),
    learning_rate: float | None = None,
    gradient: Numbers | None = None,
    run: str | os.PathLike[str] | core.Model | None = None,
    layer: int | str | None = None,
    image: Given | None = None,
    crop: Box | str | None = None,
    filter: int | None = None,  # noqa: A002  (the command's word)
    channel: int | None = None,
    why: bool = False,
    target: str | None = None,
    label: int | str | None = None,
    label_smoothing: float | None = None,
    at: int | Iterable[int] | None = None,
    max_pixels: int = MAX_PIXELS,
) -> Explanation:
    """Return a topic of the mathematics on the caller's own numbers, as ``convcli explain`` shows it.

    Parameters
    ----------
    topic
        The name of one, as ``convcli explain`` lists them: pixels, convolution, flip, padding and so on.
    input
        An array (h, w), (h, w, c) or (1, h, w, c), or what the command takes: a matrix as text, ``1 2; 3 4``,
        channels parted by ``|``; a file of numbers, an image, or a crop ``photo.png@row,col,height,width``.
    kernel
        An array (f_h, f_w) or (f_h, f_w, c), several as (f_h, f_w, c, k); what `convcli.kernel` takes, a
        matrix as text, ``@FILE`` or ``run:RUN#LAYER/FILTER``; or a list of these, one for each filter.
    bias
        A number, or one for each filter.
    layout
        Which axis of the arrays is which, where it is not as above: "nchw" or "chw" for (1, c, h, w) and
        (c, h, w), with kernels (k, c, f_h, f_w) and (c, f_h, f_w); also "nhwc", "hwc" and "hw".
    op
        "convolve" flips kernels before they are laid on; the default is "correlate".
    stride, padding, dilation, size, pool, ceil_mode, count_include_pad, output_padding, activation
        As everywhere: of the window, of a pool, of a transposed convolution, and g in A = g(Z).
    layers
        Of a receptive field: ``conv 3, pool 2 s2, conv 3``; `run` shows those of a network.
    gamma, momentum, epsilon
        Of batch normalisation: γ, a number or one for each channel (β is `bias`), what running figures keep,
        and what is added to a variance.
    rate, seed
        Of dropout.
    optimizer, learning_rate
        Rules such as ``adam`` or ``sgd momentum=0.9``, and the learning rate of those that name none.
    groups
        Of how many channels and filters that do not see each other; as many as channels: depthwise.
    gradient
        dA of the output, an array (h, w) or (h, w, c), or a text as for `input`.
    run, layer, image, crop
        A trained network, a model or what `load_run` takes; the number of a layer in it; the image that goes
        through, in any form that `Model.predict` takes, or one of the run's own (``test:25``, by the number
        that its report shows); and the part (row, column, height, width) of the layer's input to look at.
    filter, channel
        Which filter and channel to look at, from 1.
    why, target
        Of the network: why the image was taken for a class, by Grad-CAM (of `layer`), occlusion and the
        gradient of the score; and the class's name, the predicted one if not given.
    label, label_smoothing
        The true class, by its number from 1, in a network by its name; and the share of it that all classes
        get alike.
    at
        Only these steps, from 1.
    max_pixels
        Pixels that an image file may have.

    Returns
    -------
    Explanation
        With `.svg()`, `.html()`, `.text()`, `.to(format)` and `.data`.

    Raises
    ------
    UsageError
        If there is no such topic, it does not take something it was given, or sizes do not fit.
    InputError
        If a file or a run cannot be read.

    Examples
    --------
    >>> shown = explain("convolution", input=np.arange(9).reshape(3, 3), kernel=[[1, 0], [0, -1]])
    >>> shown.data["output"]
    [[-4, -4], [-4, -4]]
    >>> print(shown.only(1))
    Convolution (cross-correlation): 3 × 3 * 2 × 2 → 2 × 2
    <BLANKLINE>
    1/1  Row 1, column 1
    ...
    """
    given = locals()  # what is the same word there goes on as it is
    notes: list[str] = []
    try:
        layout = None if layout is None else layout.lower()
        check_layout(layout)
        if layout is not None and all(own is None for own in (input, kernel, gradient)):
            raise UsageError("--layout says which axis of your own arrays is which; no array is given.")
        model = load_run(run) if isinstance(run, str | os.PathLike) else run
        request = Request.of(
            given,
            input=None if input is None else _numbers(input, layout, notes),
            kernels=_kernels(kernel, layout, notes),
            bias=None if bias is None else _list(bias, "--bias"),
            layout=layout if any(isinstance(own, str) for own in (input, kernel, gradient)) else None,
            gamma=None if gamma is None else _list(gamma, "--gamma"),
            optimizer=(optimizer,) if isinstance(optimizer, str) else tuple(optimizer),
            gradient=None if gradient is None else _gradient(gradient, layout, notes),
            model=model,
            layer=None if layer is None else str(layer),
            image=None if image is None else _image(image, run, model, max_pixels),
            crop=parse_box(crop, "crop") if isinstance(crop, str) else crop,
            why=why or None,
            label=None if label is None else str(label),
        )
        shown = explained(topic, request)
    except UsageError as error:  # which names the command's options
        error.args = tuple(map(_in_python, error.lines))
        raise
    tell(_in_python(note) for note in dict.fromkeys((*notes, *shown.notes)))
    steps = () if at is None else (at,) if isinstance(at, int) else tuple(at)
    return Explanation(shown).only(*steps)


def _numbers(value: Numbers | os.PathLike[str], layout: str | None, notes: list[str]) -> str | Input:
    if isinstance(value, str | os.PathLike):
        return _named(os.fspath(value), "--input")
    return Input(_volume(value, "--input", layout, notes), "input")


def _gradient(value: Numbers, layout: str | None, notes: list[str]) -> str | NDArray[Any]:
    if isinstance(value, str):
        return _named(value, "--gradient")
    return _volume(value, "--gradient", layout, notes)


def _list(value: float | str | Sequence[float] | NDArray[Any], option: str) -> tuple[float, ...]:
    if isinstance(value, str):
        return list_of(_named(value, option), option)
    return tuple(as_list(_array(value, option, ""), option).tolist())


def _named(text: str, option: str) -> str:
    if is_stream(text):
        raise UsageError(f"{option}: only the command reads standard input; give the array itself.")
    return text


def _volume(value: ArrayLike, where: str, layout: str | None, notes: list[str]) -> NDArray[np.float64]:
    """Return an array of up to four axes as (h, w, c), channels last unless `layout` says otherwise."""
    given = _array(value, where, "")
    if given.values.ndim == 3 and layout is None:
        return given.values
    return volume_of(given, where, layout, notes)


def _array(value: Any, where: str, axes: str) -> arrays.Given:
    """Return an array of two axes or more, if `axes` names them, or of any number."""
    try:
        given = arrays.of_array(np.asarray(value), where)
    except ValueError as error:  # lists of several lengths
        if isinstance(error, UsageError):
            raise
        raise UsageError(f"{where}: expected an array of finite numbers, or a text.") from error
    if axes and given.values.ndim < 2:
        raise UsageError(f"{where}: expected an array {axes}, found shape {given.values.shape}.")
    return given


def _kernels(
    given: OneKernel | ArrayLike | Sequence[OneKernel] | None, layout: str | None, notes: list[str]
) -> tuple[str | Kernel, ...]:
    if given is None:
        return ()
    if isinstance(given, list | tuple) and all(isinstance(one, str | Kernel | np.ndarray) for one in given):
        return tuple(kernel for one in given for kernel in _kernels(one, layout, notes))
    if isinstance(given, Kernel):
        return (given,)
    if isinstance(given, str):
        return (parse(given, tell=tell) if given.startswith("run:") else _named(given, "--kernel"),)
    array = _array(given, "--kernel", "(f_h, f_w), (f_h, f_w, c) or (f_h, f_w, c, k)")
    return kernels_of(array, layout or "hwc", notes if layout else [])


def _image(
    image: Given, run: str | os.PathLike[str] | core.Model | None, model: core.Model | None, max_pixels: int
) -> Path | Input:
    if isinstance(image, str) and model is not None and is_picture(image):
        if not isinstance(run, str | os.PathLike):
            raise UsageError(f"--image {image} is one of a run's own: give the run's path as --run.")
        own = OwnPictures(find(Path(run))[0], model)[image]
        tell(own.notes)
        return Input(own.pixels, own.name, label=own.label)
    if isinstance(image, str | os.PathLike):
        return Path(image)
    if model is None:
        raise UsageError("--image belongs to a trained network: name it with --run RUN.")
    seen = model.preprocessing
    pixels = as_seen(image, seen.shape, seen.presentation, tell=tell, max_pixels=max_pixels)
    if len(pixels) != 1:
        raise UsageError(f"--image: expected one image, found {len(pixels)}.")
    return Input(pixels[0], "image")


def _in_python(line: str) -> str:
    """Return a line with options as Python has them.

    >>> _in_python("--run needs --image FILE; pool takes no --count-include-pad.")
    'run needs image=FILE; pool takes no count_include_pad.'
    """

    def name(option: re.Match[str]) -> str:
        own = _OWN_NAMES.get(option[1], option[1].replace("-", "_"))
        return f"{own}={option[2]}" if option[2] else own

    return _OPTION.sub(name, line)
