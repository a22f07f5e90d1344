"""Files of a run that somebody else wrote: tables and figures that are none end in one InputError."""

from __future__ import annotations

import os

import pytest

from convcli.errors import InputError
from convcli.runs.folder import ENVIRONMENT, METRICS, RESOLVED, RESULTS, Run
from convcli.runs.metrics import read_history


def written(data):
    return lambda path: path.write_bytes(data)


def hole(path):
    with path.open("wb") as file:
        file.truncate(2**40)


ANY_FILE = {
    "a pipe": (os.mkfifo, "damaged: expected a file, found a pipe"),
    "a folder": (lambda path: path.mkdir(), "damaged: expected a file"),
    "a link to a device": (lambda path: path.symlink_to("/dev/zero"), "found a symbolic link"),
    "a hole of 1 TiB": (hole, "damaged: more than 16,777,216 bytes"),
    "no UTF-8": (written(b"\xff"), ""),
    "nothing": (written(b""), ""),
}
JSON = ANY_FILE | {
    "nested 100,000 deep": (written(b"[" * 100_000), "damaged: not the JSON"),
    "an integer of 10,000 digits": (written(b"9" * 10_000), "damaged: not the JSON"),
    "a list": (written(b"[]"), "damaged: expected a JSON object"),
}
TABLE = ANY_FILE | {
    "a row too long": (written(b"epoch\n1,2\n"), "not a table of epochs"),
    "a cell of 1 MB": (written(b"epoch\n" + b"1" * 2**20), "not a table of epochs"),
    "a quote left open": (written(b'epoch\n"1'), "not a table of epochs"),
}


@pytest.fixture
def run(tmp_path):
    (tmp_path / RESOLVED).touch()
    return Run.open(tmp_path)


@pytest.mark.parametrize("name", [RESULTS, ENVIRONMENT])
@pytest.mark.parametrize(("make", "message"), JSON.values(), ids=JSON)
def test_hostile_figures(make, message, name, run):
    make(run.folder / name)
    with pytest.raises(InputError, match=f"{name}: .*{message}") as caught:
        run.read_results() if name == RESULTS else run.read_document(ENVIRONMENT)
    assert len(str(caught.value).replace(str(run.folder), "")) < 300


@pytest.mark.parametrize(("make", "message"), TABLE.values(), ids=TABLE)
def test_hostile_table(make, message, run):
    make(run.folder / METRICS)
    with pytest.raises(InputError, match=f"{METRICS}: .*{message}") as caught:
        read_history(run)
    assert len(str(caught.value).replace(str(run.folder), "")) < 300
