"""Trained networks that others begin as: found by their runs, read once, remembered by the new run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from convcli.build import Begun
from convcli.nn.model import Model
from convcli.nn.network import Network
from convcli.nn.transfer import learned_layers
from convcli.runs import checkpoints
from convcli.runs.folder import BEST, Run
from convcli.runs.history import find


@dataclass(frozen=True)
class Origin:
    """A run whose best network others begin as."""

    folder: Path
    model: Model
    epoch: int
    digest: str


@dataclass(frozen=True)
class Origins:
    """Returns the model of a run that is named as commands name it. `tell` hears which is meant by a choice.

    Calling it raises InputError if there is no such run, or it is damaged.
    """

    tell: Callable[[str], None]
    _known: dict[str, Origin] = field(default_factory=dict)

    def __call__(self, name: str) -> Model:
        if name not in self._known:
            folder, choice = find(Path(name))
            if choice:
                self.tell(choice)
            model, run = checkpoints.load_run(folder), Run(folder)
            epoch = run.read_checkpoint_document(BEST)["epoch"]
            self._known[name] = Origin(folder, model, epoch, run.digest(BEST))
        return self._known[name].model

    def document(self, network: Network, whole: tuple[str, Begun] | None) -> list[dict[str, Any]]:
        """Return what a run keeps of where its network's weights came from; `whole`, if much of them did."""
        named = [(source.run, number) for number, source in learned_layers(network).items()]
        if whole is not None:
            name, begun = whole
            named = [(name, number) for number in begun.taken.layers] + named
        documents: dict[Path, dict[str, Any]] = {}
        for name, number in named:
            origin = self._known[name]
            folder = origin.folder.resolve()
            begin = {"run": str(folder), "epoch": origin.epoch, "sha256": origin.digest, "layers": []}
            documents.setdefault(folder, begin)["layers"].append(number)
        return list(documents.values())
