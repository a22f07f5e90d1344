"""`convcli evaluate`: the figures of a trained network on labelled images."""

from __future__ import annotations

from convcli.cli.options import Json, OtherData, OwnPart, RunFolder, chosen_run
from convcli.cli.output import note, out, print_json, show


def evaluate(
    run: RunFolder,
    data: OtherData = None,
    split: OwnPart = None,
    json: Json = False,
) -> None:
    """Measure a run's best network: accuracy, loss, precision, recall, F1, confusion matrix.

    \b
    Examples:
      convcli evaluate runs/digits-001
      convcli evaluate runs/digits-001 --split validation --json
      convcli evaluate runs/flowers-002 --data more-flowers/
      convcli evaluate runs/flowers-002 --data moved/flowers --split validation
    """
    from convcli.render.evaluation import class_table, confusion_table, headline, too_far
    from convcli.runs import checkpoints
    from convcli.runs.measuring import measured
    from convcli.wording import listed

    run = chosen_run(run)
    model = checkpoints.load_run(run)
    chosen = measured(run, model, data, split)
    note(chosen.notes)
    images, labels = chosen.images.images, chosen.images.labels
    if far := int(model.far_from_training(images).sum()):
        note(too_far(far, len(images)))
    figures = model.evaluate(images, labels)
    if absent := [row.name for row in figures.per_class if not row.support]:
        note(f"without any image here, so that recall and F1 of 0 say nothing: class {listed(absent)}")
    if json:
        told = {"run": str(run), "split": chosen.part, "data": chosen.images.name, "own": chosen.own}
        return print_json({**told, **figures.document()})
    out(headline(figures, chosen.part))
    show(class_table(figures))
    return show(confusion_table(figures))
