"""An evaluation in words and tables."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from convcli.nn.evaluation import MACRO, Evaluation
from convcli.training import Metrics
from convcli.wording import shown


def headline(figures: Evaluation, part: str) -> str:
    """Return accuracy and loss in one line."""
    return f"{part}: accuracy {figures.accuracy:.2%}, loss {figures.loss:.4f} on {figures.samples:,} images"


def too_far(far: int, count: int) -> str:
    """Return what is to be said where images are much brighter or darker than those of the training."""
    return (
        f"{far:,} of {count:,} images are much brighter or darker than all that the network was trained on: "
        "are black and white exchanged?"
    )


def best_line(best: Metrics) -> str:
    """Return the figures that an epoch was chosen for."""
    if best.validation_accuracy is None:
        return f"best epoch {best.epoch}: training accuracy {best.train_accuracy:.2%}"
    accuracy, loss = best.validation_accuracy, best.validation_loss
    told = f"best epoch {best.epoch}: validation accuracy {accuracy:.2%}, loss {loss:.4f}"
    return f"{told}, {figure}" if (figure := macro_figure(best)) else told


def macro_figure(metrics: Metrics) -> str:
    """Return the figure that an epoch is judged by, where it is none that always stands there."""
    value: float | None = getattr(metrics, metrics.best_by)
    if value is None or "macro" not in metrics.best_by:
        return ""
    name = metrics.best_by.removeprefix("validation_").replace("_", " ").replace("f1", "F1")
    return f"{name} {value:.4f}"


def class_table(figures: Evaluation) -> Table:
    """Return a row for each class."""
    table = Table(box=SIMPLE_HEAD)
    table.add_column("class")
    for name in ("precision", "recall", "F1", "support"):
        table.add_column(name, justify="right")
    rows = figures.per_class
    for row in rows:
        numbers = (f"{number:.4f}" for number in (row.precision, row.recall, row.f1))
        table.add_row(Text(shown(row.name)), *numbers, f"{row.support:,}", end_section=row is rows[-1])
    means = (f"{getattr(figures.macro, name):.4f}" for name in MACRO)
    table.add_row("mean", *means, f"{figures.samples:,}", style="bold")
    return table


def confusion_table(figures: Evaluation) -> Table:
    """Return the confusion matrix: a row for each true class, a column for each predicted one."""
    table = Table(box=SIMPLE_HEAD, title="confusion: rows true, columns predicted", title_justify="left")
    table.add_column("")
    for name in figures.classes:
        table.add_column(Text(shown(name)), justify="right")
    for name, row in zip(figures.classes, figures.confusion.tolist(), strict=True):
        table.add_row(Text(shown(name)), *(str(count) if count else "·" for count in row))
    return table
