"""What a usual mistake is: words for it, and models of what programs return that make it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from convcli.engine.workspace import Array

if TYPE_CHECKING:
    from convcli.grading.cases import Case

Results: TypeAlias = Mapping[str, Array]
Model: TypeAlias = "Callable[[Case], Array | Results]"
Distortion: TypeAlias = Callable[[Array], Array]

MISTAKES: list[Mistake] = []
"""All of them; of several that explain the same, the first one is told."""


@dataclass(frozen=True, slots=True, eq=False)
class Mistake:
    """A usual mistake; it enters itself among `MISTAKES`.

    Attributes
    ----------
    name
        A short name for graders.
    sentence
        What such a program does, to be read behind "This looks like".
    change
        What to change, in one sentence.
    models
        For each operation that it can be made in, small models of the wrong computation: each makes of a case
        what such a program returns, the outputs that it gets wrong by name or, where there is one, that.
    distortions
        The same for mistakes that are made in any operation: what becomes of a right result.
    """

    name: str
    sentence: str
    change: str
    models: dict[str, list[Model]] = field(default_factory=dict)
    distortions: list[Distortion] = field(default_factory=list)

    def __post_init__(self) -> None:
        MISTAKES.append(self)

    def made_in(self, *operations: str) -> Callable[[Model], Model]:
        """Return a decorator that enters a model of these operations."""

        def enter(model: Model) -> Model:
            for operation in operations:
                self.models.setdefault(operation, []).append(model)
            return model

        return enter

    def made_anywhere(self, distortion: Distortion) -> Distortion:
        """Enter what becomes of any right result."""
        self.distortions.append(distortion)
        return distortion
