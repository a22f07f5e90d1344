"""`python -m benchmarks`: makes the comparisons, prints a table for each, and writes what is asked for."""

from __future__ import annotations

import compileall
import os
import sys
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.comparisons import COMPARISONS
from benchmarks.instructions import AVX2, without_avx512
from benchmarks.machine import Watch, machine
from benchmarks.measuring import Section
from benchmarks.report import RESULT, Result, page, picture, table
from benchmarks.setting import FULL, QUICK, ROOT, Setting
from benchmarks.sides import SideFailedError, SkippedError

DOCS = ROOT / "docs"
QUIET = 0.05  # share of the processors that others may use before a section says so

out = Console(markup=False, highlight=False, width=None if sys.stdout.isatty() else 120)
err = Console(markup=False, highlight=False, stderr=True)


def benchmarks(
    quick: Annotated[bool, typer.Option("--quick", help="Small sizes and few runs.")] = False,
    only: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help=f"Only this one of: {', '.join(COMPARISONS)}.")
    ] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, help="For every side; all that may be used if not given.")
    ] = None,
    mnist: Annotated[Path, typer.Option(metavar="DIR", help="The MNIST training images, as gzip'd IDX.")] = (
        ROOT / "../shared/data/mnist"
    ),
    avx2: Annotated[
        bool, typer.Option("--avx2", help="Hide AVX-512 from every side, as on most processors.")
    ] = False,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the result there.")
    ] = None,
    stored: Annotated[
        list[Path] | None,
        typer.Option("--from", metavar="FILE", help="Measure nothing; take what --json has written."),
    ] = None,
    write: Annotated[bool, typer.Option("--write", help="Write the page and its pictures.")] = False,
    folder: Annotated[
        Path | None,
        typer.Option("--folder", metavar="DIR", help="For them, if not docs/: of another machine."),
    ] = None,
) -> None:
    """Compare convcli with what people would otherwise use.

    All comparisons take about a quarter of an hour, two minutes with --quick.
    """
    from convcli.engine.threads import available_cores

    chosen = only or list(COMPARISONS)
    if unknown := [name for name in chosen if name not in COMPARISONS]:
        raise typer.BadParameter(f"{unknown[0]!r}; there are {', '.join(COMPARISONS)}.", param_hint="--only")
    if stored:
        results, failed = join(stored), False
        for result in results:
            for section in result.sections.values():
                show(section)
    else:
        if avx2:
            os.environ |= without_avx512()  # for all processes that are started from here
        result, failed = measure(chosen, quick, threads or available_cores(), mnist, json_file, avx2=avx2)
        results = [result]
    if write:
        write_page(folder or DOCS, results)
    raise typer.Exit(int(failed))


def measure(
    names: list[str], quick: bool, threads: int, mnist: Path, json_file: Path | None, *, avx2: bool = False
) -> tuple[Result, bool]:
    """Make the comparisons, show and store each at once; return all, and whether one of them failed."""
    chosen = [] if names == list(COMPARISONS) else [f"--only {name}" for name in names]
    options = [*(["--quick"] if quick else []), *(["--avx2"] if avx2 else [])]
    command = " ".join(["python -m benchmarks", *options, *chosen])
    date = datetime.now(UTC).strftime("%Y-%m-%d")
    sections: dict[str, Section] = {}
    result = Result(machine(threads), command, date, threads, sections, AVX2 if avx2 else "")
    failed, began = False, time.monotonic()
    compileall.compile_dir(ROOT / "src", quiet=2)  # as pip does when it installs
    with tempfile.TemporaryDirectory(prefix="convcli-benchmarks-") as folder:
        setting = Setting(QUICK if quick else FULL, threads, Path(folder), mnist)
        for name in names:
            watch, started = Watch(), time.monotonic()
            with err.status(f"{name} …"):
                try:
                    sections[name] = COMPARISONS[name].section(setting)
                except SkippedError as reason:
                    sections[name] = Section(name, "", notes=(f"Left out: {reason}",))
                except SideFailedError as error:
                    failed = True
                    err.print(f"error: {name}: {error.side} failed: {error}")
                    continue
            if (others := watch.others()) > QUIET:
                busy = f"Not a quiet machine: other programs used {others:.0%} of its processors meanwhile."
                sections[name] = replace(sections[name], notes=(*sections[name].notes, busy))
            show(sections[name])
            err.print(f"{name}: {time.monotonic() - started:.0f} s")
            if json_file is not None:
                json_file.write_bytes(RESULT.dump_json(result, indent=1) + b"\n")
    err.print(f"{time.monotonic() - began:.0f} s in all, on {threads} thread(s)")
    return result, failed


def show(section: Section) -> None:
    """Print a section: its table, and what was left out."""
    out.print(table(section) if section.cases else section.title)
    for note in section.notes:
        out.print(f"  {note}")


def join(files: list[Path]) -> list[Result]:
    """Return the stored results: those with the same instructions as one, in the order of the comparisons."""
    results = [RESULT.validate_json(file.read_bytes()) for file in files]
    if len({(result.machine["Processor"], result.threads) for result in results}) > 1:
        raise typer.BadParameter("the files are from different machines or threads.", param_hint="--from")
    return [
        _as_one([result for result in results if result.instructions == instructions])
        for instructions in sorted({result.instructions for result in results})
    ]


def _as_one(results: list[Result]) -> Result:
    measured = {name: section for result in results for name, section in result.sections.items()}
    return replace(
        results[0],
        command="\n".join(result.command for result in results),
        sections={name: measured[name] for name in COMPARISONS if name in measured},
    )


def write_page(folder: Path, results: list[Result]) -> None:
    """Write the page and the plots it shows."""
    from benchmarks.plots import draw

    folder.mkdir(exist_ok=True)
    (folder / "benchmarks.md").write_text(page(*results), encoding="utf-8")
    for result in results:
        for name, section in result.sections.items():
            if section.axis is not None and section.cases:
                draw(section, folder / picture(name, result))


if __name__ == "__main__":
    typer.run(benchmarks)
