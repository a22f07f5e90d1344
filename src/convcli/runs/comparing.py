"""What differs in two configurations, two documents, two runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from convcli.nn.config import Config
from convcli.runs.folder import ENVIRONMENT, Run
from convcli.runs.history import Summary, summarize


@dataclass(frozen=True)
class Comparison:
    """Two runs beside each other: pairs of values, in which None stands for a missing one.

    Of configuration and environment it has what differs, by the keys that lead there; figures also where they
    are equal.
    """

    config: Mapping[str, tuple[Any, Any]]
    environment: Mapping[str, tuple[Any, Any]]
    figures: Mapping[str, tuple[float | None, float | None]]


def compare(one: Path, other: Path) -> Comparison:
    """Return what the runs in two folders differ in.

    Raises InputError or ConfigError if one is no run, or damaged.
    """
    left, right = summarize(one), summarize(other)
    assert left.config is not None
    assert right.config is not None
    environments = [Run(folder).read_document(ENVIRONMENT) for folder in (one, other)]
    for environment in environments:
        environment.pop("began", None)
    theirs = _figures(right)
    return Comparison(
        config_changes(left.config, right.config),
        changes(*environments),
        {name: (value, theirs[name]) for name, value in _figures(left).items()},
    )


def _figures(run: Summary) -> dict[str, float | None]:
    best = asdict(run.best) if run.best else {}
    test = asdict(run.test) if run.test else {}
    return {
        "epochs": len(run.history),
        "best epoch": best.get("epoch"),
        "training loss": best.get("train_loss"),
        "training accuracy": best.get("train_accuracy"),
        "validation loss": best.get("validation_loss"),
        "validation accuracy": best.get("validation_accuracy"),
        "validation macro F1": best.get("validation_macro_f1"),
        "test loss": test.get("loss"),
        "test accuracy": test.get("accuracy"),
        "images/s": run.images_per_second,
    }


def config_changes(one: Config, other: Config) -> dict[str, tuple[Any, Any]]:
    """Return the values in which two configurations differ, by their TOML path; None where there is none."""
    left, right = (config.model_dump(mode="json") for config in (one, other))
    return changes(left, right)


def changes(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return the values in which two documents differ, by the keys that lead there; None where there is none.

    >>> changes({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}, "d": [{"e": 0}]})
    {'a.c': (2, 3), 'd.1.e': (None, 0)}
    """

    def flat(value: Any, path: str) -> dict[str, Any]:
        if isinstance(value, Mapping):
            items: Iterable[tuple[Any, Any]] = value.items()
        elif isinstance(value, list | tuple) and value and isinstance(value[0], Mapping):
            items = enumerate(value, 1)
        else:
            return {path: value}
        return {k: v for key, item in items for k, v in flat(item, f"{path}.{key}".lstrip(".")).items()}

    left, right = flat(one, ""), flat(other, "")
    keys = [key for key in {**left, **right} if left.get(key) != right.get(key)]
    return {key: (left.get(key), right.get(key)) for key in keys}
