"""The typed configuration: all that a file may say, and the words for what is wrong with one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, TypeAlias, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    Field,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails

import convcli.nn.layers  # noqa: F401 - registers the layers
from convcli.bounds import check_document
from convcli.config import LONGEST_LINE, MOST_MISTAKES, DataOptions, OneOf, Options, Parts, mistake
from convcli.errors import ConfigError
from convcli.nn.activations import ACTIVATIONS
from convcli.nn.augmentation import AUGMENTATIONS, AugmentationOptions
from convcli.nn.averaging import Averaging
from convcli.nn.layer import HOLDING, LAYERS, Layers
from convcli.nn.losses import LOSSES, CrossEntropy, Loss
from convcli.nn.optimizers import OPTIMIZERS, Adam, Optimizer
from convcli.nn.schedules import SCHEDULES, Constant, Schedule
from convcli.wording import shortened, suggestion

PARTS: Mapping[str, Parts] = {
    "layers": LAYERS,
    "activation": ACTIVATIONS,
    "loss": LOSSES,
    "optimizer": OPTIMIZERS,
    "schedule": SCHEDULES,
}

KEYS: Mapping[str, Parts] = {**PARTS, **dict.fromkeys(HOLDING, LAYERS), "function": ACTIVATIONS}
"""Where a table of one of these parts stands, by the key that leads there."""

_SECONDS = {"s": 1.0, "min": 60.0, "h": 3600.0}


def seconds(text: str) -> float:
    """Return the seconds of a time such as "90 s", "5 min" or "0.5 h", or raise ValueError."""
    match = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?) ?(s|min|h)", text, re.ASCII)
    if match is None or not float(match[1]):
        raise ValueError(f'expected a number of batches, or a time as "90 s", "5 min", "1 h", not {text!r}')
    return float(match[1]) * _SECONDS[match[2]]


def _batches_or_time(value: object) -> object:
    if isinstance(value, str):
        seconds(value)
    elif type(value) is not int or value < 1:
        raise ValueError(f'expected a number of batches, or a time as "90 s", "5 min", "1 h", not {value!r}')
    return value


# What may say which epoch is the best: of [training] `best_by`, the names that metrics.csv has for them.
Figure: TypeAlias = Literal[
    "validation_accuracy",
    "validation_loss",
    "validation_macro_f1",
    "validation_macro_precision",
    "validation_macro_recall",
    "train_accuracy",
    "train_loss",
]
USUAL_FIGURE: Figure = "validation_accuracy"


def _figure(name: object) -> object:
    if name not in get_args(Figure):
        advice = suggestion(str(name), get_args(Figure))
        raise ValueError(f"unknown figure {shortened(repr(name))}.{advice}")
    return name


class TrainingOptions(Options):
    """[training]: how the network learns."""

    epochs: PositiveInt = 10
    batch_size: PositiveInt = 64
    seed: NonNegativeInt = 0
    clip_norm: PositiveFloat | None = None
    patience: PositiveInt | None = None
    best_by: Annotated[Figure, BeforeValidator(_figure)] = USUAL_FIGURE
    checkpoint_every: Annotated[int | str, BeforeValidator(_batches_or_time)] = "5 min"
    ema: Averaging | None = None
    loss: Annotated[Loss, OneOf("loss", LOSSES, CrossEntropy)] = Field(default_factory=CrossEntropy)
    optimizer: Annotated[Optimizer, OneOf("optimizer", OPTIMIZERS, Adam)] = Field(default_factory=Adam)
    schedule: Annotated[Schedule, OneOf("schedule", SCHEDULES, Constant)] = Field(default_factory=Constant)


class EvaluationOptions(Options):
    """[evaluation]: how the network is asked, in validation and whenever it is used."""

    flips: bool = False


class Config(Options):
    """A whole configuration."""

    data: DataOptions
    layers: Layers
    augmentation: AugmentationOptions = Field(default_factory=AugmentationOptions)
    training: TrainingOptions = Field(default_factory=TrainingOptions)
    evaluation: EvaluationOptions = Field(default_factory=EvaluationOptions)

    @model_validator(mode="after")
    def _early_stopping_needs_a_judge(self) -> Config:
        by, judged = self.training.best_by, self.data.validation != 0
        if by.startswith("train_") or judged:
            return self
        if self.training.patience is not None:
            raise ValueError("training.patience needs validation images, but data.validation is 0.")
        if by != USUAL_FIGURE:  # which is what without validation nobody asked for
            raise ValueError(f'training.best_by = "{by}" needs validation images, but data.validation is 0.')
        return self


def validate(document: Mapping[str, Any], where: str) -> Config:
    """Return the configuration that `document` holds.

    Raises
    ------
    ConfigError
        With a line for every mistake, or for the first ones of many; `where` names the file.
    """
    check_document(document, where)
    try:
        return Config.model_validate(document)
    except ValidationError as error:
        count = error.error_count()
        problems = complaints(error)
        if count > MOST_MISTAKES:
            problems.append(f"… and {count - MOST_MISTAKES:,} more.")
        lines = (f"  {shortened(problem, LONGEST_LINE)}" for problem in dict.fromkeys(problems))
        raise ConfigError(f"{where}: {count:,} mistake(s).", *lines) from None


def complaints(error: ValidationError) -> list[str]:
    """Return what is wrong with some options, each with its place; of many mistakes the first ones."""
    return [_explain(item) for item in error.errors(include_url=False)[:MOST_MISTAKES]]


def _explain(error: ErrorDetails) -> str:
    *path, key = error["loc"] or ("",)
    if error["type"] == "extra_forbidden":
        return f"{_toml_path(path)}{mistake(error, _keys(path))}"
    place = _toml_path([*path, key]).rstrip(".: ")
    message = mistake(error, _keys([*path, key]))
    return f"{place}: {message}" if place else message


def _keys(path: list[int | str]) -> list[str]:
    """Return the keys that the table at `path` may have."""
    tables: dict[tuple[object, ...], type[BaseModel]] = {
        (): Config,
        ("data",): DataOptions,
        ("augmentation",): AugmentationOptions,
        ("training",): TrainingOptions,
        ("training", "ema"): Averaging,
        ("evaluation",): EvaluationOptions,
    }
    for section, parts in {**KEYS, "augmentation": AUGMENTATIONS}.items():
        tables |= {(section, name): part for name, part in parts.items()}
    named = [step for step in path if isinstance(step, str)]
    table = tables.get(tuple(named)) or tables.get(tuple(named[-2:]))
    return list(table.model_fields) if table else []


def _toml_path(path: Iterable[int | str]) -> str:
    """Return the words for a place: `training.optimizer.`, `[[layers]] 2 → inside 1 (conv): `."""
    text, section = "", ""
    for step in path:
        if isinstance(step, int) and text.endswith(tuple(f"): {name}." for name in HOLDING)):
            # of a layer, named with its type
            text = f"{text[: text.rindex(' (')]} → inside {step + 1}: "
        elif isinstance(step, int):
            text = f"[[{text.removesuffix('.')}]] {step + 1}: "
        elif step in KEYS.get(section, ()):
            section = ""  # an option may have the name of a layer
            if text.endswith(": "):
                text = f"{text.removesuffix(': ')} ({step}): "
        else:
            text, section = f"{text}{step}.", step
    return text
