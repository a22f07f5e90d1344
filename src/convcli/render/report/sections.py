"""What a report shows, in order: each function makes one section of a run's figures."""

from __future__ import annotations

from collections.abc import Iterator

from convcli.formats.toml import inline
from convcli.render.curves import curves_png, curves_svg
from convcli.render.network import (
    LayerRow,
    layer_rows,
    multiply_adds_in_numbers,
    parameters_in_numbers,
    size_in_numbers,
)
from convcli.render.report.confusion import confusion
from convcli.render.report.elements import Cell, Chart, Facts, Listing, Section, Table, Words, number
from convcli.render.report.galleries import feature_maps, kernels, mistakes
from convcli.render.report.paths import config_without_folders, without_folders
from convcli.report import Record, Report, Timing
from convcli.shapes.formulas import legend
from convcli.training import Metrics
from convcli.wording import by, first_of


def sections(report: Report) -> Iterator[Section]:
    """Yield the parts of a report."""
    yield _summary(report)
    yield _network(report)
    if report.best is not None:
        yield _curves(report.record, report.best)
    yield confusion(report)
    yield _classes(report)
    yield mistakes(report)
    yield kernels(report)
    yield feature_maps(report)
    if report.timing is not None:
        yield _timing(report.timing)
    yield _environment(report)


def headline(report: Report) -> str:
    """Return what was judged on what, in a line."""
    images = f"{report.figures.samples:,} {report.kind} images"
    return f"{report.figures.accuracy:.2%} of {images} classified correctly"


def _summary(report: Report) -> Section:
    return Section("summary", "Summary", (Facts(_results(report), large=True), Facts(_setup(report))))


def _results(report: Report) -> tuple[tuple[str, Cell], ...]:
    figures, network = report.figures, report.model.network
    right = f"{figures.samples - report.wrong:,} of {figures.samples:,} images"
    accuracy, loss = (f"{report.kind} {measure}".capitalize() for measure in ("accuracy", "loss"))
    items = [(accuracy, number(figures.accuracy, ".2%", right)), (loss, number(figures.loss, ".4f"))]
    size = ("Parameters", number(network.trained.size, ",", f"in {len(network.layers)} layers"))
    best, timing = report.best, report.timing
    if best is None or timing is None:
        return (*items, size)
    if report.kind != "validation" and best.validation_accuracy is not None:
        after = f"after epoch {best.epoch}"
        items += [
            ("Validation accuracy", number(best.validation_accuracy, ".2%", after)),
            ("Validation loss", number(best.validation_loss, ".4f", after)),
        ]
    done, planned = len(report.record.history), report.model.config.training.epochs
    epochs = f"of {done}" if done == planned else f"of {done} ({planned} planned)"
    return (
        *items,
        ("Best epoch", number(best.epoch, "d", epochs)),
        size,
        ("Training time", number(timing.total, ",.1f", "seconds")),
    )


def _setup(report: Report) -> tuple[tuple[str, Cell], ...]:
    model, training = report.model, report.model.config.training
    augmentation = inline(model.config.augmentation.told)
    both = "means of those for an image and its mirror image"
    images = (
        ("Images", Cell(by(model.network.shapes[0]), "rows × columns × channels")),
        ("Classes", number(len(model.classes), "d", first_of(model.classes))),
    )
    judged = Cell(f"{report.kind} images of {without_folders(report.data)}")
    if report.record.origin is not None:
        return (
            ("Imported from", Cell(without_folders(report.record.origin))),
            ("Judged on", judged),
            *images,
        )
    return (
        ("Data", Cell(without_folders(model.config.data.source))),
        ("Judged on", judged),
        *images,
        ("Loss", Cell(training.loss.name())),
        ("Optimizer", Cell(training.optimizer.name())),
        ("Batch size", number(training.batch_size, "d")),
        ("Seed", number(training.seed, "d")),
        *([("Augmentation", Cell(augmentation))] if augmentation else []),
        *([("Outputs", Cell(both))] if model.config.evaluation.flips else []),
    )


def _network(report: Report) -> Section:
    network = report.model.network
    rows = list(layer_rows(network))
    table = [(Cell(""), Cell("input"), Cell(by(network.shapes[0])), *[Cell("")] * 4)]
    for row in rows:
        place = row.place
        adds = multiply_adds_in_numbers(place)
        table.append(
            (
                Cell(str(place.number)),
                Cell(place.layer.name(), place.options),
                Cell(by(place.output)),
                Cell(size_in_numbers(row)),
                _parameters(row),
                number(row.multiply_adds, ",", adds) if row.multiply_adds else Cell(""),
                Cell(by(row.receptive_field) if row.receptive_field else ""),
            )
        )
    outer = [row for row in rows if not row.place.inner]
    frozen = sum(row.frozen for row in outer)
    total = (
        number(sum(row.parameters for row in outer), ",", f"and {frozen:,} frozen" if frozen else ""),
        number(sum(row.multiply_adds for row in outer), ","),
    )
    shown = Table(
        "Every layer: what it gives, and what one image costs",
        ("#", "layer", "output", "size", "parameters", "multiply-adds", "sees"),
        tuple(table),
        frozenset({1, 3}),
        (Cell(""), Cell("total"), Cell(""), Cell(""), *total, Cell("")),
    )
    sees = "The last column is how much of the image an output's number sees."
    words = Words(f"{legend(row.window for row in rows)}. {sees}")
    return Section("network", "Network", (shown, words))


def _parameters(row: LayerRow) -> Cell:
    formula = parameters_in_numbers(row.place)
    if row.frozen and row.parameters:
        return number(row.parameters, ",", f"and {row.frozen:,} frozen")
    if row.frozen:
        return number(row.frozen, ",", f"{formula}, frozen".removeprefix(", "))
    return number(row.parameters, ",", formula) if row.parameters else Cell("")


def _curves(record: Record, best: Metrics) -> Section:
    history = record.history
    histories = {record.name: history}
    last = history[-1]
    told = f"training loss from {history[0].train_loss:.4g} to {last.train_loss:.4g}"
    if best.validation_accuracy is not None:
        told += f", validation accuracy {best.validation_accuracy:.2%} in the best epoch, {best.epoch}"
    chart = Chart(
        f"Loss and accuracy over {len(history)} epochs: {told}.",
        lambda dark: curves_svg(histories, dark=dark),
        lambda: curves_png(histories),
        wide=lambda dark: curves_svg(histories, dark=dark, beside=True),
    )
    columns = (
        *("epoch", "training loss", "training accuracy", "validation loss", "validation accuracy"),
        *("learning rate", "seconds", "images/s"),
    )
    rows = tuple(
        (
            number(row.epoch, "d", "best" if row is best else ""),
            number(row.train_loss, ".4f"),
            number(row.train_accuracy, ".2%"),
            number(row.validation_loss, ".4f"),
            number(row.validation_accuracy, ".2%"),
            number(row.learning_rate, ".3g"),
            number(row.seconds, ",.2f"),
            number(row.images_per_second, ",.0f"),
        )
        for row in history
    )
    return Section("curves", "Curves", (chart, Table("Every epoch in numbers", columns, rows, folded=True)))


def _classes(report: Report) -> Section:
    rows = tuple(
        (
            Cell(row.name),
            number(row.precision, ".4f"),
            number(row.recall, ".4f"),
            number(row.f1, ".4f"),
            number(row.support, ","),
        )
        for row in report.figures.per_class
    )
    words = (
        "Precision: of the images taken for a class, the share that is of it. Recall: of the images of a "
        "class, the share that was found. F1: their harmonic mean. Support: how many images it has here."
    )
    table = Table(
        "Figures of each class", ("class", "precision", "recall", "F1", "support"), rows, frozenset({0})
    )
    return Section("classes", "Classes", (table, Words(words)))


def _timing(timing: Timing) -> Section:
    facts = (
        ("Images a second", number(timing.images_per_second, ",.0f", "in training")),
        ("An epoch", number(timing.mean, ",.2f", "seconds in the mean")),
        ("Fastest epoch", number(timing.fastest, ",.2f", "seconds")),
        ("Slowest epoch", number(timing.slowest, ",.2f", "seconds")),
        ("All epochs", number(timing.total, ",.1f", "seconds")),
    )
    words = (
        "Measured by the run itself, on the machine below: the forward and backward passes of training and "
        "the updates of the weights. Reading the data, judging by validation images and writing files are "
        "not in it. How fast the network predicts was not measured."
    )
    return Section("timing", "Timing", (Facts(facts, large=True), Words(words)))


def _environment(report: Report) -> Section:
    names = {"cpu": "Processor", "blas": "Linear algebra"}
    facts = tuple(
        (names.get(key, key.capitalize()), Cell(_told(value)))
        for key, value in report.record.environment.items()
    )
    config = config_without_folders(report.record.config)
    title = "Configuration: every value in force"
    if config != report.record.config:
        title += "; of absolute paths only the last name, since the page may be shared"
    listing = Listing(title, config)
    return Section("environment", "Environment and configuration", (Facts(facts), listing))


def _told(value: object) -> str:
    """Return a piece of JSON as one says it."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {_told(inner)}" for key, inner in value.items())
    if isinstance(value, list):
        return "; ".join(map(_told, value))
    return "–" if value is None else str(value)
