"""Runs beside each other: as tables, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from convcli.nn.config import Config
from convcli.nn.layer import HOLDING, Layer
from convcli.runs.comparing import Comparison
from convcli.runs.history import State, Summary
from convcli.wording import shown

STYLES = {State.RUNNING: "cyan", State.FINISHED: "green", State.DAMAGED: "bold red"}
# Where it is narrow, in this order.
LEFT_OUT = ("network", "began", "images/s", "loss", "best", "test", "epochs")
NETWORK_WIDTH, LEAST_NAME_WIDTH = 32, 10
WIDEST = 10_000  # letters: of a console on which any table finds room, to measure one


def runs_table(runs: Sequence[Summary], console: Console) -> Table:
    """Return a row for each run, with as many columns as `console` has room for."""
    names = ["run", "began", "network", "epochs", "best", "accuracy", "loss", "test", "images/s", "state"]
    for left_out in (None, *LEFT_OUT):
        names = [name for name in names if name != left_out]
        table = _table(runs, names)
        if console.measure(table, options=console.options.update_width(WIDEST)).maximum <= console.width:
            break
    return table


def _table(runs: Sequence[Summary], names: Sequence[str]) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in names:
        words = name in ("run", "began", "network", "state")
        table.add_column(
            name,
            justify="left" if words else "right",
            no_wrap=name != "run",
            overflow="fold" if name == "run" else "ellipsis",
            min_width=LEAST_NAME_WIDTH if name == "run" else None,
            max_width=NETWORK_WIDTH if name == "network" else None,
        )
    for run in runs:
        cells = _cells(run)
        table.add_row(*(cells[name] for name in names))
    return table


def _cells(run: Summary) -> dict[str, Text]:
    """Return what each column says of a run; nothing where it is not known."""
    best, test, speed = run.best, run.test, run.images_per_second
    trained = run.config is not None and run.state is not State.IMPORTED
    planned = f"/{run.config.training.epochs}" if run.config and trained else ""
    accuracy, loss = (best.validation_accuracy, best.validation_loss) if best else (None, None)
    texts = {
        "run": shown(run.folder),
        "began": f"{run.began.astimezone():%Y-%m-%d %H:%M}" if run.began else "",
        "network": network_words(run.config) if run.config else "",
        "epochs": f"{len(run.history)}{planned}" if trained else "",
        "best": str(best.epoch) if best else "",
        "accuracy": "" if accuracy is None else f"{accuracy:.2%}",
        "loss": "" if loss is None else f"{loss:.4f}",
        "test": f"{test.accuracy:.2%}" if test else "",
        "images/s": "" if speed is None else f"{speed:,.0f}",
    }
    cells = {name: Text(text) for name, text in texts.items()}
    return {**cells, "state": Text(run.state, STYLES.get(run.state, ""))}


def network_words(config: Config) -> str:
    """Return the layers that have a size, with it where it does not follow from the data."""
    return ", ".join(_layer_words(config.layers))


def _layer_words(layers: Iterable[Layer]) -> Iterator[str]:
    for layer in layers:
        if sizes := layer.model_dump(include={"filters", "units"}):
            words = [" ".join([layer.name(), *(str(size) for size in sizes.values() if size)])]
        else:
            words = [word for name in HOLDING for word in _layer_words(getattr(layer, name, ()))]
        if words and layer.repeat:
            together = ", ".join(words)
            words = [f"{layer.repeat} × {f'({together})' if len(words) > 1 else together}"]
        yield from words


def runs_document(runs: Sequence[Summary]) -> dict[str, Any]:
    """Return the same as plain JSON, and what a narrow table leaves out; what is not known is null."""
    return {"runs": [_run_document(run) for run in runs]}


def _run_document(run: Summary) -> dict[str, Any]:
    return {
        "run": str(run.folder),
        "state": run.state,
        "reason": run.reason or None,
        "began": run.began.isoformat() if run.began else None,
        "data": run.config.data.source if run.config else None,
        "network": network_words(run.config) if run.config else None,
        "epochs": len(run.history) if run.config else None,
        "planned": run.config.training.epochs if run.config else None,
        "best": asdict(run.best) if run.best else None,
        "test": asdict(run.test) if run.test else None,
        "images_per_second": run.images_per_second,
    }


def comparison_tables(comparison: Comparison, names: tuple[str, str]) -> RenderableType:
    """Return what differs in the configuration and the environment, and the figures of both runs."""
    parts = [
        _pairs("configuration", comparison.config, names),
        _pairs("environment", comparison.environment, names),
        _figures(comparison.figures, names),
    ]
    return Group(*parts)


def _pairs(title: str, pairs: Mapping[str, tuple[Any, Any]], names: tuple[str, str]) -> RenderableType:
    if not pairs:
        return Text(f"{title}: no difference\n")
    table = Table(box=SIMPLE_HEAD, pad_edge=False, title=title, title_justify="left", title_style="bold")
    for name in ("", *names):
        table.add_column(Text(shown(name)), overflow="fold")
    for key, values in pairs.items():
        table.add_row(shown(key), *(Text(shown(_word(value))) for value in values))
    return table


def _word(value: Any) -> str:
    if value is None:
        return "–"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _figures(pairs: Mapping[str, tuple[float | None, float | None]], names: tuple[str, str]) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, title="figures", title_justify="left", title_style="bold")
    table.add_column("")
    for name in (*names, "difference"):
        table.add_column(Text(shown(name)), justify="right", overflow="fold")
    for name, (one, other) in pairs.items():
        difference = "" if one is None or other is None else _figure(name, other - one, sign="+")
        cells = ("–" if value is None else _figure(name, value) for value in (one, other))
        table.add_row(name, *cells, difference)
    return table


def _figure(name: str, value: float, sign: str = "") -> str:
    """Return a figure as its kind is written; with the sign `+` a difference, of percentages in points."""
    if name.endswith("accuracy"):
        return f"{100 * value:{sign}.2f} points" if sign else f"{value:.2%}"
    return f"{value:{sign}.4f}" if name.endswith(("loss", "F1")) else f"{value:{sign},.0f}"


def comparison_document(comparison: Comparison, names: tuple[str, str]) -> dict[str, Any]:
    """Return the same as plain JSON; differences are those of the second run from the first."""
    one, other = names
    return {
        "runs": [one, other],
        "config": {key: list(values) for key, values in comparison.config.items()},
        "environment": {key: list(values) for key, values in comparison.environment.items()},
        "figures": {
            key: [before, after, None if before is None or after is None else after - before]
            for key, (before, after) in comparison.figures.items()
        },
    }
