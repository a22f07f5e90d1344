"""The words for what is done to pictures on their way into a network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from convcli.data.presentation import Presentation, Size
from convcli.data.survey import Held, Seen, Shape
from convcli.errors import InputError
from convcli.wording import shortened

COLOURS = {1: "grey", 3: "RGB"}
MOST_NAMED = 20
MOST_NOTES = 5  # different ones that the files themselves call for
SQUASHED = 2  # times narrower, or flatter, than it was
_LONGEST_FAULT = 160


def left_out(name: str, faults: Sequence[str], *, skip: bool) -> tuple[str, ...]:
    """Return what to say of files, each with its fault or none, if those with one may be left out.

    Raises InputError that names them all, if they may not, or if they are all there are.
    """
    bad, of_all = [fault for fault in faults if fault], f"of {len(faults):,} images cannot be read"
    if not bad:
        return ()
    advice = "data.skip_damaged = true leaves them out."
    short = [shortened(fault, _LONGEST_FAULT) for fault in bad]
    if len(bad) == len(faults) or not skip:
        if len(bad) == 1:
            alone = len(faults) == 1 or skip
            raise InputError(bad[0] if alone else f"{bad[0]} {advice.replace('them', 'it')}")
        why = " (all there are):" if len(bad) == len(faults) else f"; {advice.rstrip('.')}:"
        raise InputError(f"{name}: {len(bad):,} {of_all}{why}", *first_of(short))
    named = "; ".join(fault.rstrip(".") for fault in short[:MOST_NAMED])
    more = f"; and {len(bad) - MOST_NAMED:,} more" if len(bad) > MOST_NAMED else ""
    return (f"{len(bad):,} {of_all} and are left out: {named}{more}",)


def first_of(faults: Sequence[str]) -> list[str]:
    """Return the lines that name the first of many faults below the one that counts them."""
    lines = [f"  {fault}" for fault in faults[:MOST_NAMED]]
    return [*lines, f"  … and {len(faults) - MOST_NAMED:,} more."] if len(faults) > MOST_NAMED else lines


def of_pictures(
    seen: Sequence[Seen], target: Shape, size: Size | None, presentation: Presentation
) -> tuple[str, ...]:
    """Return what a person should hear of pictures of the stored shapes becoming `target`."""
    notes, count = [], f"of {len(seen):,} images"
    resized = [each.shape[:2] for each in seen if each.shape[:2] != target[:2]]
    converted = sum(each.shape[2] != target[2] for each in seen)
    transparent = sum(each.held.transparent for each in seen)
    if resized:
        reason = "" if size else ", the size that most of them have"
        way = "" if presentation.fit == "stretch" else f" ({presentation.fit})"
        notes.append(f"{len(resized):,} {count} resized to {target[0]}×{target[1]}{way}{reason}")
    if presentation.fit == "stretch":
        squashed = sum(_distortion(shape, target) >= SQUASHED for shape in resized)
        if squashed:
            notes.append(
                f"{squashed:,} {count} become half as wide or high for their size, or less; "
                'data.fit = "pad" or "crop" keeps their proportions'
            )
    if converted:
        notes.append(f"{converted:,} {count} converted to {COLOURS[target[2]]}")
    if transparent:
        notes.append(
            f"{transparent:,} {count} are transparent: laid on {presentation.ground} (data.background)"
        )
    cut = [each.held for each in seen if presentation.cuts(each.held)]
    if cut:
        notes.append(of_cut(cut, presentation))
    return (*notes, *of_files([text for each in seen for text in each.notes], len(seen)))


def of_cut(held: Sequence[Held], presentation: Presentation) -> str:
    """Return what to say of pictures that hold values beyond black and white."""
    low, high = presentation.range or (0.0, 0.0)
    lowest, highest = min(each.low for each in held), max(each.high for each in held)
    return (
        f"{len(held):,} images hold values outside {low:g} … {high:g}, black and white ({lowest:g} … "
        f"{highest:g}): these are cut"
    )


def four_channels(name: str, channels: int) -> str:
    """Return what to say of arrays that may hold transparency."""
    colours = channels - 1
    return (
        f"{name}: {channels} channels, all of which are learned from; if the last is transparency, "
        f"data.channels = {colours} lays the images on data.background"
    )


def _distortion(shape: Size, target: Sequence[int]) -> float:
    rows, columns = target[0] / shape[0], target[1] / shape[1]
    return max(rows / columns, columns / rows)


def of_files(said: Sequence[str], count: int) -> list[str]:
    """Return what reading `count` images had to say, each kind once, with the number of images."""
    kinds = Counter(text.rpartition(": ")[2] for text in said)
    first = {text.rpartition(": ")[2]: text for text in reversed(said)}
    notes = [
        first[kind].rstrip(".") if times == 1 else f"{times:,} of {count:,} images: {kind.rstrip('.')}"
        for kind, times in kinds.most_common(MOST_NOTES)
    ]
    if len(kinds) > MOST_NOTES:
        notes.append(f"{len(kinds) - MOST_NOTES:,} more remarks on single images are not listed")
    return notes
