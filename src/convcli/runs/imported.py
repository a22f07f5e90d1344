"""A run whose network was not trained here: a folder that has all that a run needs to be used."""

from __future__ import annotations

from pathlib import Path

from convcli.config_file import ConfigFile, dump
from convcli.errors import ConvcliError
from convcli.formats import toml
from convcli.interchange.importing import Imported
from convcli.nn.model import Model
from convcli.nn.workers import useful_threads
from convcli.runs import checkpoints
from convcli.runs.environment import write_environment
from convcli.runs.folder import BEST, CONFIG, Run

_ORIGIN = "imported"


def write_imported(imported: Imported, source: Path, folder: Path | None = None) -> Run:
    """Make the run of a network that came from the file `source`; its folder as `Run.create`.

    It has no epochs, and no last checkpoint to go on from. What is `CONFIG` there can be trained.

    Raises OutputError if the folder cannot be made, or already holds something.
    """
    text = f"# Imported from {source.name!r}.\n\n{toml.dumps(imported.document)}"
    return _write(imported.model, text, source.name, source.stem, folder)


def write_model(model: Model, folder: Path) -> Run:
    """Make the run of a network that Python code has; the same as `write_imported`."""
    return _write(model, f"# Saved from Python.\n\n{dump(model.config)}", "Python code", folder.name, folder)


def _write(model: Model, text: str, source: str, name: str, folder: Path | None) -> Run:
    file = ConfigFile.parse(text, (folder or Path()) / CONFIG)
    resolved = file.resolved_text()  # complains, if it has to, before there is a folder
    checkpoint = checkpoints.model_checkpoint(model, epoch=0)
    checkpoint.document[_ORIGIN] = source
    run = Run.create(name, folder)
    with run.hold():
        write_environment(run, seed=file.config.training.seed, threads=useful_threads(None))
        run.write_checkpoint(BEST, checkpoint)
        run.write_config(text, (), resolved)
    return run


def origin(run: Run) -> str | None:
    """Return what a run's network came from, the name of a file as a rule; None if it was trained."""
    try:
        name = run.read_checkpoint_document(BEST).get(_ORIGIN)
    except ConvcliError:
        return None
    return name if isinstance(name, str) else None
