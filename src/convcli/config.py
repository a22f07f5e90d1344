"""The TOML schema: what a configuration may hold, and the words for what is wrong with one.

The layers, losses, optimizers and schedules bring their own options; `schema` joins them into one model.
"""

from __future__ import annotations

import math
import os
import re
import shlex
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import or_
from pathlib import Path
from types import GenericAlias
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    Tag,
    ValidationError,
    create_model,
    model_validator,
)
from pydantic_core import ErrorDetails

from convcli.bounds import CONFIG_BYTES, check_document
from convcli.errors import ConfigError
from convcli.files import open_inside
from convcli.formats import toml
from convcli.registry import Registry
from convcli.shapes import Pair, Window, pair
from convcli.wording import shortened, suggestion

# Of a message about a wrong configuration.
MOST_MISTAKES = 20
MOST_LAYERS = 1000  # several times those of the deepest networks that people train
LONGEST_LINE = 300


class Options(BaseModel):
    """A table of the configuration: typed, immutable, without unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def _not_too_many(value: object) -> object:
    """Return the layers as a tuple; too many are refused before the first is looked at."""
    if isinstance(value, list) and len(value) > MOST_LAYERS:
        raise ValueError(f"expected at most {MOST_LAYERS:,} layers, found {len(value):,}")
    return tuples(value)


class Part(Options):
    """A table that stands for one of several registered things, told apart by its key `type`."""

    @classmethod
    def name(cls) -> str:
        """Return the value of `type` that means this class."""
        return str(cls.model_fields["type"].default)


def tuples(value: object) -> object:
    """Return a list, and the lists in it, as tuples."""
    return tuple(tuples(item) for item in value) if isinstance(value, list) else value


def any_padding(value: object) -> object:
    """Return an option in one of the forms that a padding has, or raise ShapeError."""
    value = tuples(value)
    Window.of(1, padding=value)  # type: ignore[arg-type]
    if isinstance(value, tuple) and any(isinstance(side, tuple) for side in value):
        return tuple(pair(side, "padding", least=0) for side in value)
    return value


def sizes(name: str, *, least: int = 1) -> BeforeValidator:
    """Return a validator for an option that is an integer or [rows, columns]."""
    return BeforeValidator(lambda value: pair(value, name, least=least))


def _path(text: str) -> str:
    if "\0" in text:
        raise ValueError("a path cannot hold a null character")
    return text


PathText: TypeAlias = Annotated[str, AfterValidator(_path)]
Size: TypeAlias = Annotated[Pair, sizes("size")]


def _epsilon(value: float) -> float:
    if value < 1e-30:
        raise ValueError(f"expected at least 1e-30, not {value!r}: less vanishes in float32")
    return value


Epsilon: TypeAlias = Annotated[float, AfterValidator(_epsilon)]
"""What is added to a number before something is divided by it."""


def _share_or_path(value: object) -> object:
    if isinstance(value, str):
        return _path(value)
    if type(value) in (int, float) and 0 <= value < 1:  # type: ignore[operator]
        return value
    raise ValueError(f"expected a share of at least 0 and below 1, or a path, not {value!r}")


Background: TypeAlias = str | int | tuple[int, int, int]
"""A colour by its name, a grey level, or red, green and blue."""


def _background(value: object) -> object:
    levels = value if isinstance(value, list | tuple) else [value]
    if isinstance(value, str) or (
        len(levels) in ({3} if levels is value else {1})
        and all(type(level) is int and 0 <= level <= 255 for level in levels)
    ):
        return tuples(value)
    raise ValueError(
        'expected the name of a colour ("white"), a grey level of 0 … 255, or [red, green, blue], '
        f"not {value!r}"
    )


def _range(value: object) -> object:
    if value is None:
        return None
    if isinstance(value, list | tuple) and len(value) == 2 and all(type(v) in (int, float) for v in value):
        low, high = map(float, value)
        if math.isfinite(high - low) and low < high:
            return low, high
    raise ValueError(f"expected [low, high], the values that are black and white, not {value!r}")


def _columns(value: object) -> object:
    if isinstance(value, list | tuple) and len(value) == 2 and len(set(value)) == 2:
        return tuple(value)
    if value is None:
        return None
    raise ValueError(f'expected the names of two columns, ["path", "label"], not {value!r}')


class DataOptions(Options):
    """[data]: where the images come from and how they are prepared."""

    source: PathText
    validation: Annotated[float | str, BeforeValidator(_share_or_path)] = 0.1
    test: PathText | None = None
    size: Size | None = None
    channels: Literal[1, 3] | None = None
    preprocessing: Literal["standardize", "rescale"] = "standardize"
    background: Annotated[Background, BeforeValidator(_background)] = "white"
    range: Annotated[tuple[float, float] | None, BeforeValidator(_range)] = None
    fit: Literal["stretch", "pad", "crop"] = "stretch"
    skip_damaged: bool = False
    columns: Annotated[tuple[str, str] | None, BeforeValidator(_columns)] = None
    layout: Literal["channels_last", "channels_first"] | None = None


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


class TrainingOptions(Options):
    """[training]: how the network learns."""

    epochs: PositiveInt = 10
    batch_size: PositiveInt = 64
    seed: NonNegativeInt = 0
    clip_norm: PositiveFloat | None = None
    patience: PositiveInt | None = None
    checkpoint_every: Annotated[int | str, BeforeValidator(_batches_or_time)] = "5 min"
    loss: Part
    optimizer: Part
    schedule: Part


class Config(Options):
    """A whole configuration."""

    data: DataOptions
    layers: tuple[Part, ...]
    training: TrainingOptions

    @model_validator(mode="after")
    def _early_stopping_needs_a_judge(self) -> Config:
        if self.training.patience is not None and self.data.validation == 0:
            raise ValueError("training.patience needs validation images, but data.validation is 0.")
        return self


Parts: TypeAlias = Mapping[str, type[Part]]

# Where pydantic speaks of Python's types.
_PLAIN_WORDS = {
    "missing": "this key is missing",
    "model_type": "should be a table",
    "tuple_type": "should be an array of tables",
    "too_short": "should have at least one entry",
}


@dataclass(frozen=True)
class Schema:
    """The model of a configuration, and the registered parts it was made of."""

    model: type[Config]
    parts: Mapping[str, Parts]

    def validate(self, document: Mapping[str, Any], where: str) -> Config:
        """Return the configuration that `document` holds.

        Raises
        ------
        ConfigError
            With a line for every mistake, or for the first ones of many; `where` names the file.
        """
        check_document(document, where)
        try:
            return self.model.model_validate(document)
        except ValidationError as error:
            count = error.error_count()
            problems = [self._explain(item) for item in error.errors(include_url=False)[:MOST_MISTAKES]]
            if count > MOST_MISTAKES:
                problems.append(f"… and {count - MOST_MISTAKES:,} more.")
            lines = (f"  {shortened(problem, LONGEST_LINE)}" for problem in dict.fromkeys(problems))
            raise ConfigError(f"{where}: {count:,} mistake(s).", *lines) from None

    def _explain(self, error: ErrorDetails) -> str:
        *path, key = error["loc"] or ("",)
        if error["type"] == "extra_forbidden":
            return (
                f"{_toml_path(path, self.parts)}{key}: unknown key.{suggestion(str(key), self._keys(path))}"
            )
        place = _toml_path([*path, key], self.parts).rstrip(".: ")
        cause = error.get("ctx", {}).get("error")
        message = str(cause) if cause is not None else error["msg"].replace("Input should", "should")
        if error["type"] in _PLAIN_WORDS:
            message = _PLAIN_WORDS[error["type"]]
        elif cause is None and isinstance(error["input"], str | int | float):
            message += f", not {error['input']!r}"
        return f"{place}: {message}" if place else message

    def _keys(self, path: list[int | str]) -> list[str]:
        """Return the keys that the table at `path` may have."""
        tables: dict[tuple[object, ...], type[BaseModel]] = {
            (): self.model,
            ("data",): DataOptions,
            ("training",): TrainingOptions,
        }
        for section, parts in self.parts.items():
            tables |= {(section, name): part for name, part in parts.items()}
        named = [step for step in path if isinstance(step, str)]
        table = tables.get(tuple(named)) or tables.get(tuple(named[-2:]))
        return list(table.model_fields) if table else []


def _toml_path(path: Iterable[int | str], parts: Mapping[str, Parts]) -> str:
    """Return the words for a place: `training.optimizer.`, `[[layers]] 2 (conv): `."""
    text, section = "", ""
    for step in path:
        if isinstance(step, int):
            text = f"[[{text.removesuffix('.')}]] {step + 1}: "
        elif section in parts and step in parts[section]:
            section = ""  # an option may have the name of a layer
            if text.endswith(": "):
                text = f"{text.removesuffix(': ')} ({step}): "
        else:
            text, section = f"{text}{step}.", step
    return text


def schema(**parts: Parts) -> Schema:
    """Return the schema that the registered `layers`, `loss`, `optimizer` and `schedule` parts make."""
    training = create_model(
        "TrainingOptions",
        __base__=TrainingOptions,
        loss=_choice("loss", parts["loss"], default="cross_entropy"),
        optimizer=_choice("optimizer", parts["optimizer"], default="adam"),
        schedule=_choice("schedule", parts["schedule"], default="constant"),
    )
    layers: Any = GenericAlias(tuple, (_union("layer", parts["layers"]), ...))
    model = create_model(
        "Config",
        __base__=Config,
        layers=(Annotated[layers, BeforeValidator(_not_too_many), Field(min_length=1)], ...),
        training=(training, Field(default_factory=lambda: training.model_validate({}))),
    )
    return Schema(model, parts)


def _choice(kind: str, parts: Parts, *, default: str) -> Any:
    """Return the field of one part: a table with `type` (if not the default's), or its bare name."""
    return (_union(kind, parts, default), Field(default_factory=lambda: parts[default]()))


def _union(kind: str, parts: Parts, default: str | None = None) -> Any:
    members: list[Any] = [Annotated[part, Tag(name)] for name, part in parts.items()]

    def expand(value: object) -> object:
        if isinstance(value, dict) and default is not None:
            return {"type": default, **value}
        return {"type": value} if isinstance(value, str) else value

    def tag(value: object) -> str:
        name = value.get("type") if isinstance(value, dict) else getattr(value, "type", None)
        if name is None:
            raise ValueError(f"expected a table with the key type, one of {', '.join(parts)}")
        if not isinstance(name, str) or name not in parts:
            hint = parts.hint(str(name)) if isinstance(parts, Registry) else ""
            advice = f" {hint}" if hint else suggestion(str(name), parts)
            raise ValueError(f"unknown {kind} {shortened(repr(name))}.{advice}")
        return name

    def known(value: object) -> object:
        value = expand(value)
        tag(value)
        return value

    return Annotated[reduce(or_, members), Discriminator(tag), BeforeValidator(known)]


@dataclass(frozen=True)
class ConfigFile:
    """A configuration as it stands in a file.

    Attributes
    ----------
    config
        What is in force: the file's values, the overrides, the defaults.
    text, overrides
        The file as it was, and the `key=value` texts that were set over it.
    base
        The folder that paths in it are relative to.
    name
        The file's stem.
    """

    config: Config
    text: str
    overrides: tuple[str, ...]
    base: Path
    name: str


def read(path: Path, schema: Schema, overrides: Iterable[str] = (), *, inside: bool = False) -> ConfigFile:
    """Return the configuration in the TOML file at `path`, with `key=value` overrides on top.

    `inside` a run's folder, no link is followed and nothing read but a file.

    Raises
    ------
    ConfigError
        If the file cannot be read, is not TOML, or holds mistakes (all are named at once).
    """
    try:
        with open_inside(path) if inside else path.open("rb") as file:
            data = file.read(CONFIG_BYTES + 1)  # no more, be it a device that never ends
        text = data.decode("utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(
            f"{path}: no such file. Write a starter with `convcli init {shlex.quote(str(path))}`."
        ) from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 text at byte {error.start}; is it a TOML file?") from error
    if len(data) > CONFIG_BYTES:
        raise ConfigError(f"{path}: expected a configuration, found more than {CONFIG_BYTES:,} bytes.")
    return parse(text, path, schema, overrides)


def parse(text: str, path: Path, schema: Schema, overrides: Iterable[str] = ()) -> ConfigFile:
    """Return the configuration that `text` holds, read as if it stood in a file at `path`; see `read`."""
    if len(text) > CONFIG_BYTES:
        raise ConfigError(f"{path}: expected a configuration, found more than {CONFIG_BYTES:,} signs.")
    try:
        document = toml.loads(text)
    except ValueError as error:
        raise ConfigError(f"{path}: not valid TOML: {shortened(str(error), LONGEST_LINE)}.") from error
    overrides = tuple(overrides)
    for override in overrides:
        _set(document, override)
    return ConfigFile(schema.validate(document, str(path)), text, overrides, path.resolve().parent, path.stem)


# Keys that hold paths: on the command line they mean the shell's folder, in a file the file's.
_PATHS = ("data.source", "data.validation", "data.test")


def _set(document: dict[str, Any], override: str) -> None:
    """Apply `training.epochs=3` or `layers.1.filters=16` (layers count from 1) to `document`."""
    dotted, equals, text = override.partition("=")
    dotted, text = dotted.strip(), text.strip()
    if not equals or not all(dotted.split(".")):
        raise ConfigError(f"--set {shortened(override)}: expected KEY=VALUE, for example training.epochs=3.")
    try:
        value = toml.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text  # a bare word is a string
    except ValueError as error:
        raise ConfigError(f"--set {shortened(override)}: {error}.") from error
    if dotted in _PATHS and isinstance(value, str):
        path = os.path.expanduser(value)  # noqa: PTH111 - leaves ~name of an unknown user as it is
        value = os.path.realpath(path) if Path(path).exists() else value
    table: Any = document
    *steps, last = dotted.split(".")
    try:
        for step in steps:
            key = _key(table, step)
            inner = table[key] if isinstance(table, list) else table.setdefault(key, {})
            if isinstance(inner, str) and steps == ["training", step]:  # the bare name of a part
                inner = table[key] = {"type": inner}
            table = inner
        table[_key(table, last)] = value
    except (TypeError, ValueError, IndexError, AttributeError):
        raise ConfigError(
            f"--set {shortened(override)}: there is no such place in the configuration."
        ) from None


def _key(table: object, step: str) -> Any:
    """Return where `step` leads in `table`: to a key, or to a position that counts from 1."""
    if not isinstance(table, list):
        return step
    if int(step) < 1:
        raise IndexError(step)
    return int(step) - 1


def dump(config: Config, absolute: Callable[[str], str] = str) -> str:
    """Return `config` as TOML with every value in force; `absolute` maps the texts of paths."""
    document = config.model_dump(mode="json", exclude_none=True, serialize_as_any=True)
    for dotted in _PATHS:
        section, key = dotted.split(".")
        if isinstance(document[section].get(key), str):
            document[section][key] = absolute(document[section][key])
    return toml.dumps(document)
