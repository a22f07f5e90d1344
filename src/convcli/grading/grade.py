"""A learner's file from beginning to end: read, recognised, run in a process of its own, judged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from convcli.errors import UsageError
from convcli.grading.cases import Outcome
from convcli.grading.conventions import Subject, Unknown, recognised
from convcli.grading.conventions.layouts import NAMES
from convcli.grading.conventions.recognition import meaning
from convcli.grading.judging import Judgement, judge
from convcli.grading.mistakes import Diagnosis, diagnose
from convcli.grading.process import Bounds, Held, Trouble
from convcli.grading.program import Program
from convcli.wording import counted, first_of, shown, suggestion


@dataclass(frozen=True)
class Asked:
    """What of a file is judged, and how it is to be understood: the options of the command."""

    named: tuple[str, ...] = ()
    layout: str | None = None
    only: tuple[str, ...] = ()
    flipped: bool = False
    any_tie: bool = False


@dataclass(frozen=True)
class Graded:
    """What was found of a file.

    Attributes
    ----------
    trouble
        Why nothing of it could be run: what is no Python, or does not load.
    printed
        The beginning of what the file printed.
    """

    program: Program
    judgements: tuple[Judgement, ...] = ()
    diagnoses: tuple[tuple[Diagnosis, ...], ...] = ()
    unknown: tuple[Unknown, ...] = ()
    notes: tuple[str, ...] = ()
    printed: str = ""
    trouble: str = ""

    @property
    def right(self) -> bool:
        """Whether all that was judged is right."""
        return not self.trouble and all(judgement.right for judgement in self.judgements)


def grade(
    program: Program,
    asked: Asked | None = None,
    bounds: Bounds | None = None,
    seed: int = 0,
    done: Callable[[], None] = lambda: None,
) -> Graded:
    """Judge a file's functions, in a process of its own; `done` is called after each.

    Raises
    ------
    UsageError
        If nothing is recognised, or an option names what is not there.
    """
    asked, bounds = asked or Asked(), bounds or Bounds()
    if program.failure is not None:
        line, words, text = program.failure
        return Graded(program, notes=program.notes, trouble=f"line {line}: {words}: {shown(text)}")
    subjects, unknown = subjects_of(program, asked)
    with Held(program, bounds) as held:
        try:
            held.load()
        except Trouble as trouble:
            return Graded(program, unknown=tuple(unknown), notes=program.notes, trouble=trouble.message)
        judgements = []
        for judgement in judge(subjects, held, seed=seed, seconds=bounds.seconds):
            judgements.append(judgement)
            done()
        notes = (*program.notes, *dict.fromkeys(held.notes))
        printed = bytes(held.output).decode("utf-8", "replace")
        if held.written > len(held.output):
            printed += f"… {held.written - len(held.output):,} more bytes"
    return Graded(
        program,
        tuple(judgements),
        tuple(_diagnoses(judgement) for judgement in judgements),
        tuple(unknown),
        notes,
        printed,
    )


def subjects_of(program: Program, asked: Asked) -> tuple[list[Subject], list[Unknown]]:
    """Return what of a file is judged, and what is not, or raise UsageError."""
    if asked.layout is not None and asked.layout not in NAMES:
        raise UsageError(f"--layout {asked.layout!r}: expected one of {', '.join(NAMES)}.")
    named = meaning(asked.named, program)
    layouts = () if asked.layout is None else (asked.layout,)
    subjects, unknown = recognised(program, named, layouts, flipped=asked.flipped)
    if asked.any_tie:
        subjects = [_without_ties(subject) for subject in subjects]
    if not subjects:
        raise UsageError(*_advice(program, unknown))
    if asked.only:
        known = {name for subject in subjects for name in (subject.name, subject.name.split(".")[0])}
        for name in asked.only:
            if name not in known:
                raise UsageError(f"--only {name}: nothing of that name is judged.{suggestion(name, known)}")
        subjects = [one for one in subjects if {one.name, one.name.split(".")[0]} & set(asked.only)]
        unknown = []
    return subjects, unknown


def _without_ties(subject: Subject) -> Subject:
    calls = tuple(replace(call, limits=replace(call.limits, ties=False)) for call in subject.calls)
    return replace(subject, calls=calls)  # type: ignore[arg-type]  # all of one kind, as they were


def _advice(program: Program, unknown: Sequence[Unknown]) -> tuple[str, ...]:
    names = [one.name for one in (*program.functions, *program.classes)]  # type: ignore[attr-defined]
    if not names:
        return (f"{shown(program.path)}: no function and no class is defined in it.",)
    told = f"{counted(len(names), 'name')} in it: {first_of(names)}"
    why = [f"  {one.name}: {one.why}." for one in unknown if "but" in one.why]
    return (
        f"{shown(program.path)}: no function is known here by its name ({told}).",
        *why,
        f"  Say what one is, such as --map {names[0]}=conv2d; docs/check-mine.md lists the names.",
    )


def _diagnoses(judgement: Judgement) -> tuple[Diagnosis, ...]:
    """Return what explains wrong numbers, in all cases that had an answer."""
    outcomes: Sequence[Outcome] = judgement.outcomes
    if judgement.right or all(outcome.holds for outcome in outcomes):
        return ()
    return tuple(diagnose(outcomes))
