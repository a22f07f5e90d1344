"""A configuration in a TOML file: read, with values set over it, and written with all in force."""

from __future__ import annotations

import os
import shlex
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from convcli.bounds import check_document
from convcli.config import document_of, read_text
from convcli.data import BUILT_IN
from convcli.errors import ConfigError
from convcli.formats import toml
from convcli.nn.augmentation import AUGMENTATIONS
from convcli.nn.config import KEYS, Config, validate
from convcli.nn.layer import HOLDING
from convcli.nn.learned import is_learned
from convcli.wording import shortened

# Keys of [data] that hold paths: on the command line they mean the shell's folder, in a file the file's.
_PATHS = ("source", "validation", "test")


@dataclass(frozen=True)
class ConfigFile:
    """A configuration as it stands in a file."""

    config: Config  # what is in force: the file's values, the overrides, the defaults
    text: str  # the file as it was
    overrides: tuple[str, ...]  # the `key=value` texts that were set over it
    base: Path  # the folder that paths in it are relative to
    name: str  # the file's stem

    @classmethod
    def read(cls, path: Path, overrides: Iterable[str] = (), *, inside: bool = False) -> ConfigFile:
        """Return the configuration in the TOML file at `path`, with `key=value` overrides on top.

        `inside` a run's folder, no link is followed and nothing read but a file.

        Raises ConfigError if the file cannot be read, is not TOML, or holds mistakes (all are named at once).
        """
        return cls.parse(text_of(path, inside=inside), path, overrides)

    @classmethod
    def parse(cls, text: str, path: Path, overrides: Iterable[str] = ()) -> ConfigFile:
        """Return the configuration that `text` holds, read as if it stood in a file at `path`; see `read`."""
        document, overrides, base = document_of(text, path), tuple(overrides), path.resolve().parent
        if "layers" in document:
            check_document(document, str(path))  # which may be nested too deeply to look into
            document["layers"] = _with_runs(document["layers"], base)
        for override in overrides:
            _set(document, override)
        return cls(validate(document, str(path)), text, overrides, base, path.stem)

    @property
    def resolved(self) -> Config:
        """The configuration as a run keeps it: with paths that hold from anywhere."""
        data = self.config.data
        paths = {key: getattr(data, key) for key in _PATHS}
        absolute = {key: self._absolute(path) for key, path in paths.items() if isinstance(path, str)}
        return self.config.model_copy(update={"data": data.model_copy(update=absolute)})

    def _absolute(self, path: str) -> str:
        if not path or path in BUILT_IN:
            return path
        return os.path.realpath(self.base / os.path.expanduser(path))  # noqa: PTH111 - as `open_source`

    def resolved_text(self) -> str:
        """Return every value in force as TOML, with paths that hold from anywhere.

        Raises ConfigError if a path is not UTF-8, which TOML is.
        """
        text = dump(self.resolved)
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ConfigError(
                f"{self.name}: the name of a path in [data] is not UTF-8 text, so that a run cannot keep it. "
                "Rename the file or folder."
            ) from None
        return text


def text_of(path: Path, *, inside: bool = False) -> str:
    """Return the text of a configuration; `inside` and errors as of `ConfigFile.read`."""
    starter = f" Write a starter with `convcli init {shlex.quote(str(path))}`."
    return read_text(path, inside=inside, missing=starter)


def given_text(config: str | os.PathLike[str]) -> tuple[str, Path]:
    """Return a configuration that Python code hands over, and the path that messages name it by.

    It is the path of a file, or the text itself: what has several lines is a text.
    """
    if isinstance(config, str) and "\n" in config:
        return config, Path("configuration")
    return text_of(Path(config)), Path(config)


def _with_runs(layers: Any, base: Path) -> Any:
    """Return layers, as TOML has them, where an `init` that names a run's folder does so from anywhere."""
    if isinstance(layers, list):
        return [_with_runs(layer, base) for layer in layers]
    if not isinstance(layers, dict):
        return layers
    changed = {key: _with_runs(layers[key], base) for key in HOLDING if key in layers}
    if is_learned(layers.get("init")):
        changed["init"] = _with_folder(layers["init"], base)
    return {**layers, **changed}


def _with_folder(init: str, base: Path) -> str:
    """Return an `init` that names a layer of a run, whose folder is relative to `base`, so from anywhere.

    A name alone is left: it is looked for as commands do.
    """
    run, hash_, number = init.removeprefix("run:").rpartition("#")
    if len(Path(run).parts) < 2 or "\0" in run:
        return init
    folder = base / os.path.expanduser(run)  # noqa: PTH111 - as `open_source`
    return f"run:{os.path.realpath(folder)}{hash_}{number}"


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
    if dotted in {f"data.{key}" for key in _PATHS} and isinstance(value, str):
        path = os.path.expanduser(value)  # noqa: PTH111 - leaves ~name of an unknown user as it is
        value = os.path.realpath(path) if Path(path).exists() else value
    if dotted.endswith(".init") and isinstance(value, str) and is_learned(value):
        value = _with_folder(value, Path())
    try:
        put(document, dotted, value)
    except ValueError:
        raise ConfigError(
            f"--set {shortened(override)}: there is no such place in the configuration."
        ) from None


def put(document: dict[str, Any], dotted: str, value: Any) -> None:
    """Set the value at a place such as `training.epochs` or `layers.1.filters`, or raise ValueError."""
    table: Any = document
    *steps, last = dotted.split(".")
    try:
        for step in steps:
            key = _key(table, step)
            inner = table[key] if isinstance(table, list) else table.setdefault(key, {})
            part = isinstance(table, list) or step in KEYS
            if part and isinstance(inner, str):  # its bare name
                inner = table[key] = {"type": inner}
            augmented = steps == ["augmentation", step] and step in AUGMENTATIONS
            if augmented and not isinstance(inner, dict):  # its bare value
                inner = table[key] = {AUGMENTATIONS[step].main(): inner}
            table = inner
        table[_key(table, last)] = value
    except (TypeError, ValueError, IndexError, AttributeError):
        raise ValueError(f"there is no {dotted}") from None


def _key(table: object, step: str) -> Any:
    """Return where `step` leads in `table`: to a key, or to a position that counts from 1."""
    if not isinstance(table, list):
        return step
    if int(step) < 1:
        raise IndexError(step)
    return int(step) - 1


def dump(config: Config) -> str:
    """Return `config` as TOML with every value in force."""
    return toml.dumps(config.model_dump(mode="json", exclude_none=True))
