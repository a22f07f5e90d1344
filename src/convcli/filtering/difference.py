"""What differs in how results were made and are to be made: by records beside them, by lines of a manifest.

A record has a pipeline's options as they are in force, with a digest of its weights; a line the pipeline as a
file would have it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from convcli.wording import shortened, shown


def of_records(then: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Return what differs in two records in --out-dir, as their user has it.

    >>> then = {"kernel": "gaussian", "parameters": {"sigma": 8.0}, "weights": "0f", "stride": [1, 1]}
    >>> of_records(then, {**then, "parameters": {"sigma": 7.0}, "weights": "1e", "stride": [2, 2]})
    'gaussian:sigma=8 → 7; stride: 1x1 → 2x2'
    """
    old, new = then.get("parameters") or {}, now.get("parameters") or {}
    parameters = [f"{key}={change}" for key, change in _changes(old, new).items()]
    words = [f"{now.get('kernel')}:{', '.join(parameters)}"] if parameters else []
    if "kernel" in now and not parameters and then.get("weights") != now.get("weights"):
        words.append(f"the weights of {now.get('kernel')}")
    if then.get("details") != now.get("details") and then.get("steps") == now.get("steps"):
        words.append("the weights, or a usual option, of a step")
    own = ("kernel", "parameters", "weights", "details")
    words += [f"{key}: {change}" for key, change in _changes(then, now).items() if key not in own]
    return shown(shortened("; ".join(words), 160))


def of_lines(then: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Return what differs in two lines of a manifest, as their user has it.

    >>> of_lines({"pipeline": {"steps": [{"type": "box"}]}}, {"pipeline": {"steps": [{"type": "sobel"}]}})
    'type: box → sobel'
    """
    words = [f"{key}: {change}" for key, change in _changes(_options(then), _options(now)).items()]
    return shown(shortened("; ".join(words), 160)) or "the weights of its kernel"


def _options(line: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a line of a manifest says of how its result was made, step by step."""
    found = dict[str, Any]()
    for table in (line.get("pipeline"), line.get("options")):
        found |= table if isinstance(table, dict) else {}
    steps = found.pop("steps", None)
    for number, step in enumerate(steps if isinstance(steps, list) else (), 1):
        for key, value in step.items() if isinstance(step, dict) else ():
            found[f"step {number}: {key}" if len(steps) > 1 else key] = value
    return found


def _changes(then: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, str]:
    changed = [key for key in {**now, **then} if then.get(key) != now.get(key)]
    return {key: f"{_word(then.get(key))} → {_word(now.get(key))}" for key in changed}


def _word(value: Any) -> str:
    if isinstance(value, list):
        return "x".join(map(_word, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "not given" if value is None else str(value).removesuffix(".0")
