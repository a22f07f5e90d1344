"""The command line within this process, where starting another hundred would take too long."""

from __future__ import annotations

import sys

import pytest

from conftest import Result
from convcli.cli.app import main


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    """Return a function that does what `run` does, through the same `main`, but in this process."""

    def call(*args):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["convcli", *map(str, args)])
        monkeypatch.setenv("COLUMNS", "100")
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        written = capsys.readouterr()
        return Result(end.value.code, written.out, written.err)

    return call
