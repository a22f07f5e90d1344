"""A run whose network was not trained here: a folder that has all that a run needs to be used."""

from __future__ import annotations

from pathlib import Path

from convcli.config_file import ConfigFile
from convcli.errors import ConvcliError
from convcli.formats import toml
from convcli.interchange.importing import Imported
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
    model = imported.model
    text = f"# Imported from {source.name!r}.\n\n{toml.dumps(imported.document)}"
    file = ConfigFile.parse(text, (folder or Path()) / CONFIG)
    resolved = file.resolved_text()  # complains, if it has to, before there is a folder
    checkpoint = checkpoints.model_checkpoint(model, epoch=0)
    checkpoint.document[_ORIGIN] = source.name
    run = Run.create(source.stem, folder)
    with run.hold():
        write_environment(run, seed=file.config.training.seed, threads=useful_threads(None))
        run.write_checkpoint(BEST, checkpoint)
        run.write_config(text, (), resolved)
    return run


def origin(run: Run) -> str | None:
    """Return the name of the file that a run's network came from; None if it was trained."""
    try:
        name = run.read_checkpoint_document(BEST).get(_ORIGIN)
    except ConvcliError:
        return None
    return name if isinstance(name, str) else None
