"""`convcli explain`: the figures of the mathematics of CNNs, on the user's own numbers."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from convcli.cli import everything, one_topic
from convcli.cli.one_topic import STREAM
from convcli.cli.options import (
    Force,
    MaxPixels,
    chosen_run,
    configured_network,
    parse_padding,
    parse_pair,
    whole,
)
from convcli.cli.output import console, note, out_text, own_words_only, print_json
from convcli.errors import UsageError
from convcli.files import is_stdout
from convcli.wording import shortened

if TYPE_CHECKING:
    from convcli.explaining import Explanation
    from convcli.explaining.reading import Input

MOST_STEPS = 400
EITHER_SIZE = "S|SYxSX"


class Command(TyperCommand):
    """The command, whose --json prints as everywhere, and may name a file as the other formats do."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take `--json` without a file as `--json -`."""
        return super().parse_args(ctx, _with_place_of_json(args))


def _with_place_of_json(args: Sequence[str]) -> list[str]:
    """Return arguments in which `--json` before an option, a topic or the end is told to print.

    >>> _with_place_of_json(["--json", "pooling", "--stride", "2"])
    ['--json=-', 'pooling', '--stride', '2']
    >>> _with_place_of_json(["pooling", "--json", "a.json"])
    ['pooling', '--json', 'a.json']
    """
    if "--json" not in args:
        return list(args)
    from convcli.explaining import TOPICS

    at = args.index("--json")
    following = args[at + 1] if at + 1 < len(args) else "--"
    topic = following in TOPICS and not any(word in TOPICS for word in args[:at])
    prints = topic or (following.startswith("-") and following != STREAM)
    return [*args[:at], "--json=-" if prints else "--json", *args[at + 1 :]]


def explain(
    context: typer.Context,
    topic: Annotated[
        str | None, typer.Argument(metavar="[TOPIC]", help="What to explain, or all; without it, the list.")
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            "--input",
            metavar="X",
            help="A matrix ('1 2 3; 4 5 6', channels parted by |), an array as Python and NumPy write it, a "
            ".npy, .npz (FILE#NAME), .csv, .tsv, .txt or .json file, - (standard input), or an image. Behind "
            "a file [1] takes a part of its array, and @row,col,height,width a crop; both count from 0.",
        ),
    ] = None,
    kernel: Annotated[
        list[str] | None,
        typer.Option(
            "--kernel",
            "-k",
            metavar="K",
            help="A name, a matrix, @FILE or run:RUN#LAYER/FILTER, as in `filter`; repeated for several "
            "filters, channels parted by |. Or an array as for --input, of one filter or several.",
        ),
    ] = None,
    op: Annotated[
        str | None,
        typer.Option(
            metavar="correlate|convolve",
            help="Whether kernels are flipped first, as in `filter`; not if not given.",
        ),
    ] = None,
    bias: Annotated[
        str | None, typer.Option(metavar="B", help="A number for each filter, such as '1 -2', or an array.")
    ] = None,
    stride: Annotated[
        str | None, typer.Option(metavar=EITHER_SIZE, help="Step from window to window.")
    ] = None,
    padding: Annotated[
        str | None, typer.Option(metavar="same|valid|full|N", help="Zeros added around the input.")
    ] = None,
    dilation: Annotated[
        str | None, typer.Option(metavar="D|DYxDX", help="Distance between the kernel's cells.")
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(metavar=EITHER_SIZE, help="Of the pool's window; receptive-field: of the input."),
    ] = None,
    pool: Annotated[
        str | None, typer.Option(metavar="max|mean", help="What a pool takes of each window (avg is mean).")
    ] = None,
    ceil_mode: Annotated[
        bool | None,
        typer.Option("--ceil-mode/--no-ceil-mode", help="Whether a pool's last window may hang over."),
    ] = None,
    count_include_pad: Annotated[
        bool | None,
        typer.Option(
            "--count-include-pad/--no-count-include-pad",
            help="Whether a mean counts padding as zeros.",
        ),
    ] = None,
    output_padding: Annotated[
        str | None,
        typer.Option(metavar=EITHER_SIZE, help="transposed: rows and columns added at the end."),
    ] = None,
    groups: Annotated[
        int | None,
        typer.Option(metavar="G", help="groups: of channels and filters that do not see each other."),
    ] = None,
    activation: Annotated[str | None, typer.Option(metavar="G", help="g in A = g(Z), such as relu.")] = None,
    layers: Annotated[
        str | None,
        typer.Option(
            metavar="LAYERS",
            help="receptive-field: 'conv 3, pool 2 s2, conv 3' as in `shape --chain`, or a configuration.",
        ),
    ] = None,
    gamma: Annotated[
        str | None,
        typer.Option(metavar="G", help="batch-norm: γ of each channel, such as '2 1'; --bias is β."),
    ] = None,
    momentum: Annotated[
        float | None,
        typer.Option(metavar="M", help="batch-norm: what running figures keep; 0.9 if not given."),
    ] = None,
    epsilon: Annotated[
        float | None, typer.Option(metavar="E", help="batch-norm: added to the variance; 1e-5 if not given.")
    ] = None,
    rate: Annotated[
        float | None, typer.Option(metavar="P", help="dropout: the share that is dropped; 0.5 if not given.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(metavar="N", help="dropout: of its draws; 3 if not given.")
    ] = None,
    optimizer: Annotated[
        list[str] | None,
        typer.Option(
            metavar="RULE",
            help="'adam', 'sgd momentum=0.9': options as in a configuration; repeated to compare.",
        ),
    ] = None,
    learning_rate: Annotated[
        float | None, typer.Option(metavar="R", help="Of the optimizer; 0.1 if not given.")
    ] = None,
    gradient: Annotated[
        str | None, typer.Option(metavar="DA", help="dA of the output, as --input takes it.")
    ] = None,
    layout: Annotated[
        str | None,
        typer.Option(
            metavar="nhwc|nchw|hwc|chw|hw",
            help="Which axis of your arrays is which; a kernel's are f_h, f_w, c, k, or k, c, f_h, f_w "
            "where channels come first. Channels last if not given.",
        ),
    ] = None,
    run: Annotated[
        Path | None, typer.Option(help="Take the tensors from this trained network.", metavar="RUN")
    ] = None,
    layer: Annotated[
        str | None,
        typer.Option(
            metavar="L",
            help="With --run: which layer, from 1, or 3.1; the first that fits, for --why the last.",
        ),
    ] = None,
    image: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|test:N",
            help="With --run: the image that goes through it, a file, or one of the run's own (train:, "
            "validation:, test:) by the number or file that its report shows.",
        ),
    ] = None,
    crop: Annotated[
        str | None,
        typer.Option(metavar="R,C,H,W", help="With --run: the part of the layer's input to look at."),
    ] = None,
    filter: Annotated[  # noqa: A002  (the option's name)
        int | None, typer.Option(metavar="K", help="Which filter to look at, from 1.")
    ] = None,
    channel: Annotated[
        int | None, typer.Option(metavar="C", help="Which channel to look at, from 1.")
    ] = None,
    why: Annotated[
        bool, typer.Option("--why", help="network: show why, by Grad-CAM (--layer), occlusion and gradient.")
    ] = False,
    target: Annotated[
        str | None,
        typer.Option("--class", metavar="NAME", help="With --why: of which class; the predicted one if not."),
    ] = None,
    label: Annotated[
        str | None,
        typer.Option(metavar="N|NAME", help="The true class, by number from 1; with --run by name."),
    ] = None,
    label_smoothing: Annotated[
        float | None,
        typer.Option(metavar="E", help="softmax: the share of the label that all classes get alike."),
    ] = None,
    at: Annotated[
        str | None, typer.Option(metavar="STEPS", help="Only these steps, such as 4, 1-3 or 1,5.")
    ] = None,
    step: Annotated[
        bool, typer.Option("--step", help="On a terminal: go from step to step with the arrow keys.")
    ] = False,
    svg: Annotated[str | None, typer.Option(metavar="F", help="Write a picture, light and dark.")] = None,
    png: Annotated[str | None, typer.Option(metavar="F", help="Write a picture.")] = None,
    gif: Annotated[str | None, typer.Option(metavar="F", help="Write an animation, a frame a step.")] = None,
    html: Annotated[
        str | None,
        typer.Option(
            metavar="F",
            help="Write one page: steps to go through, numbers to change; of all topics, a folder of pages.",
        ),
    ] = None,
    markdown: Annotated[str | None, typer.Option(metavar="F", help="Write tables and formulas.")] = None,
    latex: Annotated[str | None, typer.Option(metavar="F", help="Write matrices and formulas.")] = None,
    json: Annotated[
        str | None,
        typer.Option(
            metavar="[F]", help="Print the exact numbers as one JSON document, or write them to a file."
        ),
    ] = None,
    max_pixels: MaxPixels = None,
    force: Force = False,
) -> None:
    """Show the mathematics of CNNs step by step, on your own numbers.

    Kernels are laid on unflipped: cross-correlation, as in networks; --op convolve flips them.
    Without --input or --run there is a small example. Rounded to four digits; --json prints them in full.

    \b
    Examples:
      convcli explain
      convcli explain convolution --input "1 2 3; 4 5 6; 7 8 9" --kernel "1 0; 0 -1"
      convcli explain volume --input x.npy --kernel w.npy --layout nchw
      convcli explain stride --input photo.png@40,60,8,8 --kernel sobel-x --stride 2 --html stride.html
      convcli explain pooling-backward --gif pooling.gif --json pooling.json
      convcli explain all --input "1 2 3; 4 5 6; 7 8 9" --html course
      convcli explain step --label 2 --optimizer "sgd momentum=0.9" --learning-rate 0.05
      convcli explain receptive-field --layers "conv 3, pool 2, conv 3 p1" --size 12
      convcli explain network --run runs/digits-001 --image digit.png --why --class 3
      convcli explain network --run latest --image test:25 --why
      convcli explain backward --run runs/digits-001 --layer 2 --image digit.png --filter 3 --json
    """
    from convcli.arrays import check_streams
    from convcli.explaining import TOPICS, Request
    from convcli.explaining import explain as explained
    from convcli.explaining.bringing import files_of, list_of
    from convcli.explaining.everything import EVERYTHING

    if topic is None:
        asked = context.params | {"json": None if json == STREAM else json}
        for option in context.command.params:
            if option.name and asked.get(option.name):
                raise UsageError(f"{option.opts[0]} needs a topic, or all; convcli explain lists them.")
        return print_json(_listed()) if json == STREAM else out_text(_listing())
    together = topic == EVERYTHING
    if together and (at is not None or step):
        raise UsageError(f"{'--step' if step else '--at'} chooses among a topic's steps; name one, not all.")
    _ = together or TOPICS[topic]
    from convcli.render.explain import FORMATS
    from convcli.runs.kernels import files_of_kernel, files_of_run, parse

    # Each format has an option of its name.
    given = {name: place for name in FORMATS if (place := context.params[name]) is not None}
    targets = {name: STREAM if is_stdout(place) else place for name, place in given.items()}
    read = [Path(name) for name in (source, (source or "").rpartition("@")[0], image) if name]
    read += [path for text in kernel or () for path in files_of_kernel(text)]
    own = {"--input": source, "--bias": bias, "--gamma": gamma, "--gradient": gradient}
    own |= {f"--kernel {n}": text for n, text in enumerate(kernel or (), 1)}
    check_streams(own)
    read += [path for text in own.values() if text for path in files_of(text)]
    read += files_of_run(run) if run is not None and targets else []
    if together:
        everything.check(given, read, force=force)
    else:
        one_topic.check(targets, read, force=force)
    if step and (targets or not (sys.stdout.isatty() and sys.stdin.isatty())):
        raise UsageError("--step needs a terminal, and no file to be written.")
    from convcli.explaining.reading import parse_box
    from convcli.explaining.request import option_of

    folder = None if run is None else chosen_run(run)
    model = _model(folder)
    parsers: dict[str, Callable[[str, str], Any]] = {"bias": list_of, "gamma": list_of, "crop": parse_box}
    parsers |= {"stride": parse_pair, "padding": parse_padding, "dilation": parse_pair}
    parsers |= {"size": parse_pair, "output_padding": parse_pair}
    parsed = {
        name: parse(text, option_of(name))
        for name, parse in parsers.items()
        if (text := context.params[name]) is not None
    }
    request = Request.of(
        context.params,
        **parsed,
        input=source,
        kernels=tuple(parse(text, tell=note) if text.startswith("run:") else text for text in kernel or ()),
        layers=_layers(layers),
        optimizer=tuple(optimizer or ()),
        model=model,
        image=_image(image, folder, model),
        why=why or None,
    )
    if together:
        return everything.show_all(request, given, MOST_STEPS, force=force)
    with own_words_only():
        shown = _chosen(explained(topic, request), at)
    note(shown.notes)
    if op == "convolve" and "html" in targets:
        note("the page is still: live ones correlate")
    if targets:
        one_topic.write(shown, targets, force=force)
    elif step:
        one_topic.step_through(shown)
    else:
        from convcli.render.explain.terminal import show

        show(console(), shown, full=at is not None)
    return None


def _listed() -> dict[str, Any]:
    """Return the topics as plain JSON."""
    from convcli.explaining import TOPICS

    return {"topics": [{"topic": name, "summary": topic.summary} for name, topic in TOPICS.items()]}


def _listing() -> str:
    """Return the topics, a line each."""
    from convcli.explaining import TOPICS

    width = max(map(len, TOPICS))
    lines = [f"  {name:<{width}}  {topic.summary}" for name, topic in TOPICS.items()]
    together = f"  {'all':<{width}}  every topic on one input; with --html course as pages, with an index"
    return "\n".join(["convcli explain TOPIC", "", *lines, "", together])


def _layers(text: str | None) -> Any:
    """Return layers as they are typed in, or the network of a configuration."""
    if text is None or not text.endswith(".toml"):
        return text
    network, _ = configured_network(Path(text), (), None, None)
    return network


def _model(run: Path | None) -> Any:
    if run is None:
        return None
    from convcli.runs import checkpoints

    return checkpoints.load_run(run)


def _image(name: str | None, run: Path | None, model: Any) -> Path | Input | None:
    """Return the file of an image, or one of the run's own pictures."""
    if name is None:
        return None
    from convcli.explaining.reading import Input
    from convcli.runs.pictures import OwnPictures, is_picture

    if run is None or not is_picture(name):
        return Path(name)
    own = OwnPictures(run, model)[name]
    note(own.notes)
    return Input(own.pixels, own.name, label=own.label)


def _chosen(explanation: Explanation, at: str | None) -> Explanation:
    """Return the explanation with the steps of `--at`, or with all if they are not too many."""
    count = len(explanation.steps)
    if at is not None:
        explanation = explanation.only(_steps(at, count))
    if len(explanation.steps) > MOST_STEPS:
        raise UsageError(
            f"{explanation.topic} has {count} steps here; at most {MOST_STEPS} can be followed. "
            "Choose some with --at, such as --at 1-20, or take a smaller input."
        )
    return explanation


def _steps(text: str, count: int) -> list[int]:
    """Return the numbers, from 0, of `4`, `1-3` or `1,5`."""
    numbers: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?", part)
        first, last = (whole(match[1], "--at"), whole(match[2] or match[1], "--at")) if match else (0, 0)
        if not 1 <= first <= last <= count:
            raise UsageError(
                f"--at: expected steps from 1 to {count}, such as 1-{count}, not {shortened(text)!r}."
            )
        numbers += range(first - 1, last)
    return numbers
