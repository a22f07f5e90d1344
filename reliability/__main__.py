"""`python -m reliability COMMAND`: breaks convcli in one way, and says what it survived."""
# ruff: noqa: T201 - what it says is its result

from __future__ import annotations

import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from convcli.cli import blas
from convcli.errors import ConvcliError
from reliability.states import BrokenError

if TYPE_CHECKING:
    from reliability.kills import Victim

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False, help=__doc__)


@app.command()
def kills(
    victims: Annotated[
        list[str] | None, typer.Argument(help="train, filter, report; all if none is named.")
    ] = None,
    times: Annotated[int, typer.Option(min=1, help="How often to kill each.")] = 70,
    seed: Annotated[int, typer.Option(help="Decides the moments.")] = 0,
    units: Annotated[int, typer.Option(min=1, help="How large a checkpoint of `train` is.")] = 2048,
) -> None:
    """kill -9 at random moments, until the command has come to its end all the same."""
    from reliability.kills import Training, filtering, reporting

    makers: dict[str, Callable[[Path], Victim]] = {
        "train": lambda home: Training(home, units),
        "filter": filtering,
        "report": reporting,
    }
    for name in victims or makers:
        with _home(name) as home:
            _kill(name, makers[name](home), times, seed)


@app.command()
def command(
    outputs: Annotated[Path, typer.Argument(metavar="FOLDER", help="What it writes into.")],
    arguments: Annotated[list[str], typer.Argument(metavar="ARGUMENT...", help="Of `convcli`; after --.")],
    times: Annotated[int, typer.Option(min=1, help="How often to kill it.")] = 70,
    seed: Annotated[int, typer.Option(help="Decides the moments.")] = 0,
) -> None:
    """kill -9 at random moments of any command that always makes the same files."""
    from reliability.kills import Overwriting

    with _home("command"):
        _kill(arguments[0], Overwriting(arguments, outputs), times, seed)


def _kill(name: str, victim: Victim, times: int, seed: int) -> None:
    from reliability.kills import Tally, kill

    tally = Tally()
    for tally in kill(victim, times, random.Random(seed)):
        _progress(f"{name}: {tally.kills}/{times} kills")
    print(f"{name}: killed {tally.kills} times, came to its end {tally.ends} times, nothing lost")


@app.command()
def calls() -> None:
    """kill -9 at each system call of a checkpoint write."""
    from reliability.calls import calls

    killed: Counter[str] = Counter()
    with _home("calls") as home:
        for call, dead in calls(home):
            killed[call.name] += dead
            _progress(f"{killed.total()} kills, the last at {call.name} {call.number}")
    names = ", ".join(f"{name} {number}" for name, number in killed.most_common())
    print(f"checkpoint write: killed at {killed.total()} system calls ({names}), nothing lost")


@app.command()
def power(
    times: Annotated[int, typer.Option(min=1, help="How often to cut it.")] = 100,
    seed: Annotated[int, typer.Option(help="Decides the moments.")] = 0,
) -> None:
    """Cut the power at random moments of a training. Takes root and xfsprogs."""
    from reliability.kills import Tally
    from reliability.power import cuts

    tally = Tally()
    with _home("power") as home:
        for tally in cuts(home, times, random.Random(seed)):
            _progress(f"{tally.kills}/{times} power cuts")
    print(f"train: {tally.kills} power cuts, came to its end {tally.ends} times, nothing lost")


@app.command()
def memory(
    steps: Annotated[int, typer.Option(min=1, help="How many to train for.")] = 1_000_000,
    every: Annotated[float, typer.Option(help="Seconds from one measurement to the next.")] = 5.0,
    picture: Annotated[Path | None, typer.Option("--figure", help="Draw it into this file.")] = None,
) -> None:
    """Train for very many steps, and measure the memory that it takes."""
    from reliability.memory import figure, samples

    found = []
    with _home("memory") as home:
        for sample in samples(home, steps, every):
            found.append(sample)
            _progress(f"{sample.steps:,}/{steps:,} steps, {sample.mebibytes:.1f} MiB")
    last = found[-1]
    parts = [found[len(found) * tenth // 10] for tenth in range(1, 10)]
    print(f"{last.steps:,} steps in {last.seconds / 60:.0f} minutes; memory after each tenth of it, MiB:")
    print(*(f"{sample.mebibytes:.1f}" for sample in (*parts, last)), sep=", ")
    if picture is not None:
        figure(found, picture)


@app.command()
def images(
    formats: Annotated[list[str] | None, typer.Argument(help="png, jpeg, …; all if none is named.")] = None,
) -> None:
    """Read malformed image files by the hundred, each format in a process of little memory."""
    from reliability.images import read_in_little_memory
    from reliability.malformed import BOMBS

    for kind in formats or BOMBS:
        came = read_in_little_memory(kind)
        read, refused = sum(came["images"].values()), sum(came["refused"].values())
        print(
            f"{kind}: {came['files']:,} files, {read:,} read, {refused:,} refused with one clear error, "
            f"{len(came['findings'])} findings; {came['grown_mib']} MiB, {came['slowest_seconds']} s at most"
        )
        for finding in came["findings"]:
            print(f"  {finding}")


@app.command()
def batch(
    count: Annotated[int, typer.Option("--images", min=10, help="How many.")] = 20_000,
    interruptions: Annotated[int, typer.Option(min=0, help="How often to press Ctrl-C.")] = 5,
    seed: Annotated[int, typer.Option(help="Decides the moments.")] = 0,
) -> None:
    """Filter a folder of very many images, interrupted and gone on with, and measure the memory."""
    from reliability.batch import go_through, prepare

    with _home("batch") as home:
        prepare(home, count)
        for part in go_through(home, interruptions, random.Random(seed)):
            print(
                f"{part.results:,} results in {part.seconds:.0f} s, {part.first.mebibytes:.1f} MiB after "
                f"{part.first.results:,}, {part.last.mebibytes:.1f} MiB after {part.last.results:,}, "
                f"exit code {part.code}"
            )
    print(f"{count:,} images, interrupted {interruptions} times: nothing lost, nothing made twice")


@app.command()
def writes() -> None:
    """The same at each step that Python sees; needs no strace, and seconds instead of minutes."""
    from reliability.writes import writes

    with _home("writes") as home:
        steps = Counter(writes(home))
    print(f"checkpoint write: ended at {steps.total()} steps of {len(steps)} kinds, nothing lost")


@contextmanager
def _home(name: str) -> Iterator[Path]:
    """Give a folder that is removed at the end, unless something broke."""
    home = Path(tempfile.mkdtemp(prefix=f"convcli-{name}-"))
    try:
        yield home
    except (BrokenError, ConvcliError) as error:
        print(f"\nBROKEN: {error}\nThe files are in {home}.", file=sys.stderr)
        raise typer.Exit(3) from None
    shutil.rmtree(home)


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{text}\033[K", end="", file=sys.stderr)


if __name__ == "__main__":
    blas.prepare()  # as the commands do, so that both compute the same bytes
    app()
