"""A whole training, from a cold start to a network that reads digits, beside a PyTorch script."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from benchmarks.measuring import Reading, Section, case
from benchmarks.setting import ROOT, Setting
from benchmarks.sides import Command, Side, SkippedError, compare, convcli_command

CONFIG = ROOT / "examples" / "mnist.toml"


def mnist(setting: Setting) -> Section:
    """Compare time and accuracy of `convcli train examples/mnist.toml` as a whole process."""
    if not (setting.mnist / "train-images-idx3-ubyte.gz").is_file():
        raise SkippedError(
            f"{setting.mnist} has no train-images-idx3-ubyte.gz; name the folder with --mnist."
        )
    run = setting.folder / "mnist-run"
    command: list[str | Path] = [*convcli_command("train"), CONFIG, "--json", "--run-dir", run]
    command += ["--set", f"data.source={setting.mnist.resolve()}", "--threads", str(setting.threads)]
    script: list[str] = [sys.executable, "-m", "benchmarks.mnist_torch", str(CONFIG)]
    script += [str(setting.mnist.resolve()), str(setting.threads)]
    for key, value in (
        ("training.epochs", setting.sizes.epochs),
        ("data.validation", setting.sizes.validation),
    ):
        if value is not None:
            command += ["--set", f"{key}={value}"]
            script.append(f"{key}={value}")
    ours = Side("convcli", Command(command, ROOT, run, _of_convcli))
    peer = Side("PyTorch", Command(script, ROOT, read=_of_script), needs=("torch",))
    rounds, notes = compare(setting, ours, [peer], warm_ups=0, runs=setting.sizes.mnist_runs)
    shortened = "" if setting.sizes.epochs is None else " Shortened here to fewer epochs and images."
    return Section(
        "MNIST from a cold start",
        "`convcli train examples/mnist.toml`, the whole process: start, reading the files, training, "
        "validating, writing the run. Beside a PyTorch script with the same network and recipe. Accuracy is "
        f"on the images that were held out of training.{shortened}",
        (
            case(rounds, "whole process", "s", "seconds"),
            case(rounds, "accuracy", "%", "accuracy"),
            case(rounds, "peak memory", "MB", "peak MB"),
        ),
        notes,
    )


def _of_convcli(printed: str) -> Reading:
    return {"accuracy": 100 * json.loads(printed)["best"]["validation_accuracy"]}


def _of_script(printed: str) -> Reading:
    return {"accuracy": 100 * json.loads(printed)["accuracy"]}
