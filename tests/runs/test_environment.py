"""What figures may depend on besides the configuration, as a run keeps it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from convcli.runs.environment import add_environment, write_environment
from convcli.runs.folder import ENVIRONMENT, Run


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_the_environment_names_what_figures_may_depend_on():
    run = Run.create("digits")
    write_environment(run, seed=5, threads=3)
    document = json.loads((run.folder / ENVIRONMENT).read_text())
    assert (document["seed"], document["threads"]) == (5, 3)
    assert document["versions"]["numpy"] == np.__version__
    assert document["cpu"]
    assert isinstance(document["blas"], list)


def test_another_environment_is_added_and_the_first_stays():
    run = Run.create("digits")
    write_environment(run, seed=5, threads=3)
    first = run.read_document(ENVIRONMENT)
    assert not add_environment(run, seed=5, threads=3, epoch=2)
    assert run.read_document(ENVIRONMENT) == first
    assert not add_environment(run, seed=5, threads=1, epoch=3)  # noted, but no figure depends on it
    later = {name: value for name, value in first.items() if name != "began"} | {"threads": 1, "epoch": 3}
    assert run.read_document(ENVIRONMENT) == {**first, "resumed": [later]}
    assert not add_environment(run, seed=5, threads=1, epoch=4)
    assert run.read_document(ENVIRONMENT) == {**first, "resumed": [later]}


@pytest.mark.parametrize("part", ["versions", "cpu", "blas"])
def test_figures_may_depend_on_versions_processor_and_blas(part):
    run = Run.create("digits")
    write_environment(run, seed=5, threads=3)
    run.write(ENVIRONMENT, json.dumps({**run.read_document(ENVIRONMENT), part: "another"}).encode())
    assert add_environment(run, seed=5, threads=3, epoch=2)


@pytest.mark.parametrize("damage", [b"", b"[]", b"{}", b'{"resumed": 3}', b'{"resumed": [3]}', None])
def test_an_environment_that_is_lost_is_written_anew(damage):
    run = Run.create("digits")
    if damage is not None:
        run.write(ENVIRONMENT, damage)
    assert not add_environment(run, seed=5, threads=3, epoch=2)
    assert run.read_document(ENVIRONMENT)["seed"] == 5


def test_the_processor_has_a_name_on_every_system(monkeypatch):
    read = Path.read_text

    def without_it(path, *args, **options):
        return read(Path("nowhere") if path == Path("/proc/cpuinfo") else path, *args, **options)

    monkeypatch.setattr(Path, "read_text", without_it)
    run = Run.create("digits")
    write_environment(run, seed=0, threads=1)
    assert json.loads((run.folder / ENVIRONMENT).read_bytes())["cpu"]
