"""Pictures are the same whatever matplotlib is told elsewhere, and no file makes it start a program."""

from __future__ import annotations

import ast
import os

import pytest

from conftest import ROOT

SETTINGS = "text.usetex: True\nbackend: nonsense\nlines.linewidth: 30\nfont.size: 40\nfigure.dpi: 10\n"


def pipe(path):
    os.mkfifo(path)


def settings(path):
    path.write_text(SETTINGS)


# What lies in the current folder, and what the environment says.
DISTURBANCES = {
    "settings in the current folder": (settings, {}),
    "a pipe in the current folder": (pipe, {}),
    "no text in the current folder": (lambda path: path.write_bytes(b"\xff\xfe"), {}),
    "settings of the user": (settings, {"MATPLOTLIBRC": "matplotlibrc", "MPLCONFIGDIR": "."}),
    "no such backend": (lambda path: None, {"MPLBACKEND": "nonsense"}),
    "a date that is none": (lambda path: None, {"SOURCE_DATE_EPOCH": "abc"}),
}
COMMANDS = [
    ("explain", "convolution", "--png", "drawn"),
    ("explain", "convolution", "--gif", "drawn", "--at", "1-2"),
    ("runs", "plot", "{trained}", "--out", "drawn.svg"),
]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, trained):
    import subprocess
    import sys

    drawn = []
    for command in COMMANDS:
        folder = tmp_path_factory.mktemp("undisturbed")
        arguments = [part.format(trained=trained) for part in command]
        subprocess.run([sys.executable, "-m", "convcli", *arguments], cwd=folder, check=True)
        drawn.append(next(folder.glob("drawn*")).read_bytes())
    return drawn


@pytest.mark.long
@pytest.mark.parametrize(("make", "env"), DISTURBANCES.values(), ids=DISTURBANCES)
def test_neither_the_folder_nor_the_user_changes_what_is_drawn(
    make, env, undisturbed, trained, run, tmp_path
):
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "latex").write_text(f"#!/bin/sh\ntouch {tmp_path}/started\nexit 1\n")
    (programs / "latex").chmod(0o755)
    make(tmp_path / "matplotlibrc")
    for command, expected in zip(COMMANDS, undisturbed, strict=True):
        arguments = [part.format(trained=trained) for part in command]
        result = run(*arguments, env={**env, "PATH": f"{programs}:{os.environ['PATH']}"})
        assert result.code == 0, result.stderr
        drawn = next(tmp_path.glob("drawn*"))
        assert drawn.read_bytes() == expected
        drawn.unlink()
    assert not (tmp_path / "started").exists()


def test_what_the_caller_of_the_library_has_set_stays(monkeypatch, tmp_path):
    matplotlib = pytest.importorskip("matplotlib")
    from convcli.render.drawing import plotting

    monkeypatch.setenv("MPLBACKEND", "nonsense")
    monkeypatch.setitem(matplotlib.rcParams, "text.usetex", True)
    with plotting.style():
        assert not matplotlib.rcParams["text.usetex"]
    assert matplotlib.rcParams["text.usetex"]
    assert os.environ["MPLBACKEND"] == "nonsense"


def test_matplotlib_is_never_imported_with_a_module():
    """It is in functions, which are called within `plotting.style`."""
    for path in (ROOT / "src/convcli").rglob("*.py"):
        for node in ast.parse(path.read_bytes()).body:
            if isinstance(node, ast.ImportFrom):
                assert not (node.module or "").startswith("matplotlib"), path
            if isinstance(node, ast.Import):
                assert not any(alias.name.startswith("matplotlib") for alias in node.names), path
