"""Tables of a configuration: typed, immutable options, and the kinds of values that several of them hold.

Layers, losses, optimizers and schedules bring their own tables, told apart by their key `type`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import reduce
from operator import or_
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    GetCoreSchemaHandler,
    Tag,
    ValidationError,
)
from pydantic_core import CoreSchema, ErrorDetails, core_schema

from convcli.bounds import CONFIG_BYTES
from convcli.errors import ConfigError
from convcli.files import Address, open_inside, path_of, read_address
from convcli.formats import toml
from convcli.registry import Registry
from convcli.shapes import Pair, Window, pair
from convcli.wording import first_of, shortened, suggestion

# Of a message about a wrong configuration.
MOST_MISTAKES = 20
LONGEST_LINE = 380


class Options(BaseModel):
    """A table of the configuration: typed, immutable, without unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False, defer_build=True)


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


def sizes_or_none(name: str, *, least: int = 1) -> BeforeValidator:
    """Return the same for an option that may be left out."""
    return BeforeValidator(lambda value: None if value is None else pair(value, name, least=least))


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


def _preprocessing(value: object) -> object:
    if isinstance(value, dict | Normalisation) or value in ("standardize", "rescale"):
        return value
    raise ValueError(f'expected "standardize", "rescale", or a table of mean and deviation, not {value!r}')


def _columns(value: object) -> object:
    if isinstance(value, list | tuple) and len(value) == 2 and len(set(value)) == 2:
        return tuple(value)
    if value is None:
        return None
    raise ValueError(f'expected the names of two columns, ["path", "label"], not {value!r}')


class Normalisation(Options):
    """What pixels from 0 to 1 are reduced and divided by: a number for each channel, or one for all."""

    mean: Annotated[tuple[float, ...], BeforeValidator(tuples), Field(min_length=1)]
    deviation: Annotated[
        tuple[Annotated[float, Field(gt=0)], ...], BeforeValidator(tuples), Field(min_length=1)
    ]


class DataOptions(Options):
    """[data]: where the images come from and how they are prepared."""

    source: PathText
    validation: Annotated[float | str, BeforeValidator(_share_or_path)] = 0.1
    test: PathText | None = None
    size: Size | None = None
    channels: Literal[1, 3] | None = None
    preprocessing: Annotated[
        Literal["standardize", "rescale"] | Normalisation, BeforeValidator(_preprocessing)
    ] = "standardize"
    background: Annotated[Background, BeforeValidator(_background)] = "white"
    range: Annotated[tuple[float, float] | None, BeforeValidator(_range)] = None
    fit: Literal["stretch", "pad", "crop"] = "stretch"
    skip_damaged: bool = False
    columns: Annotated[tuple[str, str] | None, BeforeValidator(_columns)] = None
    layout: Literal["channels_last", "channels_first"] | None = None


Parts: TypeAlias = Mapping[str, type[Part]]


class OneOf:
    """Marks a field that holds one of several registered parts: a table with `type`, or a bare name.

    Of the `default` part, if there is one, the table may leave `type` out. What is registered is asked when
    the first configuration is read.
    """

    def __init__(self, kind: str, parts: Parts, default: type[Part] | None = None) -> None:
        self.kind, self.parts, self.default = kind, parts, default

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        members: list[Any] = [Annotated[part, Tag(name)] for name, part in self.parts.items()]
        union = handler.generate_schema(Annotated[reduce(or_, members), Discriminator(self._tag)])
        return core_schema.no_info_before_validator_function(self._known, union)

    def _known(self, value: object) -> object:
        if isinstance(value, dict) and self.default is not None:
            value = {"type": self.default.name(), **value}
        value = {"type": value} if isinstance(value, str) else value
        if (
            isinstance(value, dict)
            and isinstance(self.parts, Registry)
            and isinstance(value.get("type"), str)
        ):
            value = {**value, "type": self.parts.own_name(value["type"])}
        self._tag(value)
        return value

    def _tag(self, value: object) -> str:
        name = value.get("type") if isinstance(value, dict) else getattr(value, "type", None)
        if name is None:
            raise ValueError(f"expected a table with the key type, one of {', '.join(self.parts)}")
        if not isinstance(name, str) or name not in self.parts:
            hint = self.parts.hint(str(name)) if isinstance(self.parts, Registry) else ""
            advice = f" {hint}" if hint else suggestion(str(name), self.parts)
            raise ValueError(f"unknown {self.kind} {shortened(repr(name))}.{advice}")
        return name


# Where pydantic speaks of Python's types.
_PLAIN_WORDS = {
    "missing": "this key is missing",
    "model_type": "should be a table",
    "tuple_type": "should be an array of tables",
    "too_short": "should have at least one entry",
}


def mistake(error: ErrorDetails, keys: Sequence[str]) -> str:
    """Return what is wrong with one value, or one key of a table of `keys`, without its place."""
    if error["type"] == "extra_forbidden":
        key = str(error["loc"][-1])
        return f"{key}: unknown key.{suggestion(key, keys)}"
    cause = error.get("ctx", {}).get("error")
    if cause is not None:
        return str(cause)
    message = error["msg"].replace("Input should", "should")
    if error["type"] in _PLAIN_WORDS:
        message = _PLAIN_WORDS[error["type"]]
        if error["type"] == "model_type" and keys:
            message += f" of {first_of(keys)}"
    elif isinstance(error["input"], str | int | float):
        message += f", not {error['input']!r}"
    return message


def mistakes(error: ValidationError, keys: Sequence[str]) -> list[str]:
    """Return all that is wrong with one table of `keys`, each with the key that it is about."""
    said = []
    for item in error.errors(include_url=False):
        own = mistake(item, keys)
        key = ".".join(map(str, item["loc"]))
        said.append(own if item["type"] == "extra_forbidden" or not key else f"{key}: {own}")
    return list(dict.fromkeys(said))


def read_text(path: Path, *, inside: bool = False, missing: str = "") -> str:
    """Return the text of a TOML file, or raise ConfigError; `missing` is added where there is none.

    `inside` a run's folder, no link is followed and nothing read but a file.
    """
    path = path if inside else path_of(path)
    try:
        if isinstance(path, Address):
            data = read_address(path, CONFIG_BYTES + 1)
        else:
            with open_inside(path) if inside else path.open("rb") as file:
                data = file.read(CONFIG_BYTES + 1)  # no more, be it a device that never ends
        text = data.decode("utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file.{missing}") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 text at byte {error.start}; is it a TOML file?") from error
    if len(data) > CONFIG_BYTES:
        raise ConfigError(f"{path}: expected a configuration, found more than {CONFIG_BYTES:,} bytes.")
    return text


def document_of(text: str, path: Path) -> dict[str, Any]:
    """Return what a text holds, or raise ConfigError if it is no TOML; nothing is validated."""
    if len(text) > CONFIG_BYTES:
        raise ConfigError(f"{path}: expected a configuration, found more than {CONFIG_BYTES:,} signs.")
    try:
        return toml.loads(text)
    except ValueError as error:
        raise ConfigError(f"{path}: not valid TOML: {shortened(str(error), LONGEST_LINE)}.") from error
