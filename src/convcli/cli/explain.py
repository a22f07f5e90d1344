"""`convcli explain`: the figures of the mathematics of CNNs, on the user's own numbers."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand

from convcli.cli import everything, one_topic
from convcli.cli import explain_options as options
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
    topic: options.Topic = None,
    source: options.Input = None,
    kernel: options.Kernels = None,
    op: options.Op = None,
    bias: options.Bias = None,
    stride: options.Stride = None,
    padding: options.Padding = None,
    dilation: options.Dilation = None,
    size: options.Size = None,
    pool: options.Pool = None,
    ceil_mode: options.CeilMode = None,
    count_include_pad: options.CountIncludePad = None,
    output_padding: options.OutputPadding = None,
    groups: options.Groups = None,
    activation: options.Activation = None,
    layers: options.Layers = None,
    gamma: options.Gamma = None,
    momentum: options.Momentum = None,
    epsilon: options.Epsilon = None,
    rate: options.Rate = None,
    seed: options.Seed = None,
    optimizer: options.Optimizer = None,
    learning_rate: options.LearningRate = None,
    gradient: options.Gradient = None,
    layout: options.Layout = None,
    run: options.Run = None,
    layer: options.Layer = None,
    image: options.Image = None,
    crop: options.Crop = None,
    filter: options.Filter = None,  # noqa: A002  (the option's name)
    channel: options.Channel = None,
    why: options.Why = False,
    target: options.Class = None,
    label: options.Label = None,
    label_smoothing: options.LabelSmoothing = None,
    at: options.At = None,
    step: options.Stepping = False,
    svg: options.Svg = None,
    png: options.Png = None,
    gif: options.Gif = None,
    html: options.Html = None,
    markdown: options.Markdown = None,
    latex: options.Latex = None,
    json: options.Json = None,
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
