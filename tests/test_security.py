"""What SECURITY.md promises of the code itself: no code from data, no other programs, no network."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys

import pytest

from conftest import QUICK, ROOT

SOURCE = ROOT / "src/convcli"

FORBIDDEN_MODULES = {
    *(
        "pickle",
        "_pickle",
        "cPickle",
        "marshal",
        "shelve",
        "dill",
        "joblib",
        "cloudpickle",
    ),  # run what they read
    *("code", "codeop", "runpy", "imp", "ctypes"),
    *("subprocess", "pty", "popen2", "webbrowser"),
    *("socket", "_socket", "ssl", "urllib", "http", "requests", "httpx", "urllib3", "aiohttp", "ftplib"),
    *("smtplib", "poplib", "imaplib", "telnetlib", "xmlrpc", "socketserver", "asyncio"),
}
FORBIDDEN_NAMES = {"eval", "exec", "compile", "__import__", "breakpoint"}
FORBIDDEN_OF_OS = ("system", "popen", "posix_spawn", "startfile", "exec", "spawn")


def faults(tree):
    """Yield whatever a source may not hold."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=aliases):
                yield from (alias.name for alias in aliases if forbidden(alias.name))
            case ast.ImportFrom(module=str(module)) if forbidden(module):
                yield module
            case ast.ImportFrom(module="os", names=aliases):
                yield from (f"os.{alias.name}" for alias in aliases if alias.name.startswith(FORBIDDEN_OF_OS))
            case ast.Call(func=ast.Name(id=name)) if name in FORBIDDEN_NAMES:
                yield f"{name}()"
            case ast.Attribute(value=ast.Name(id="os"), attr=name) if name.startswith(FORBIDDEN_OF_OS):
                yield f"os.{name}"
            case ast.keyword(arg="shell" | "allow_pickle" as name, value=value):
                if not (isinstance(value, ast.Constant) and value.value is False):
                    yield f"{name}="


def forbidden(module):
    return (
        module.split(".")[0] in FORBIDDEN_MODULES and module != "urllib.parse"
    )  # which reads and writes texts


# A learner's file is run, in a process of its own: `convcli check-mine`, see SECURITY.md. Workers of Dask get
# and give pickled objects, by its protocol, and say what their machine is called;
# a process watches MPI's ranks.
ALLOWED = {
    "cli/watching.py": {"subprocess"},
    "cluster/batch.py": {"pickle"},
    "cluster/errands.py": {"pickle"},
    "cluster/sending.py": {"socket"},
    "grading/inside.py": {"exec()", "compile()"},
    "grading/process.py": {"subprocess"},
}


def test_no_source_runs_what_it_reads_nor_starts_programs_nor_opens_connections():
    found = {
        path.relative_to(SOURCE): list(faults(ast.parse(path.read_bytes()))) for path in SOURCE.rglob("*.py")
    }
    assert {str(path): set(names) for path, names in found.items() if names} == ALLOWED


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from urllib.request import urlopen",
        "from os import path\nfrom pickle import loads",
        "import os.path, socket",
        "def f():\n    import subprocess as s",
        "eval('1')",
        "[exec(line) for line in file]",
        "os.system('ls')",
        "from os import path, popen",
        "os.execv(path, [])",
        "run(command, shell=True)",
        "np.load(path, allow_pickle=trusted)",
    ],
)
def test_the_test_above_can_say_no(source):
    assert len(list(faults(ast.parse(source)))) == 1


def test_no_module_is_taken_from_the_current_folder(run, tmp_path):
    for name in ("numpy", "PIL", "rich", "typer", "pydantic", "matplotlib", "json"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(77)")
    (tmp_path / "image.png").write_bytes((ROOT / "sample_images/camera.png").read_bytes())
    assert run("filter", "image.png", "--kernel", "box", "-o", "blurred.png").code == 0


# What writes, in the one file where it may.
MODE = re.compile(r"(?=.*[wax+])[rwaxbt+]+")
WRITING = {"write_text", "write_bytes", "savefig", "touch", "rename", "symlink_to", "hardlink_to"}
WRITING_OF_OS = {"replace", "rename", "link", "symlink", "truncate", "remove", "unlink", "mkfifo"}


def writes(tree):
    """Yield what opens, makes or removes files in a syntax tree."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="os"), attr=name)) if name in WRITING_OF_OS:
                yield f"os.{name}"
            case ast.Call(func=ast.Attribute(attr=name)) if name in WRITING:
                yield name
            case ast.Call(func=(ast.Name(id="open") | ast.Attribute(attr="open")) as called, args=arguments):
                place = 1 if isinstance(called, ast.Name) else 0
                modes = [*arguments[place : place + 1], *(word.value for word in node.keywords)]
                texts = [str(mode.value) for mode in modes if isinstance(mode, ast.Constant)]
                yield from (f"open {text}" for text in texts if MODE.fullmatch(text))


def test_files_are_written_in_one_place():
    sources = {str(path.relative_to(SOURCE)): ast.parse(path.read_bytes()) for path in SOURCE.rglob("*.py")}
    found = {path: set(writes(tree)) for path, tree in sources.items()}
    allowed = {
        "cli/watching.py": {"open x", "os.unlink"},  # a claim, which is no result
        "data/neighbours.py": {"open r+b", "os.truncate", "os.unlink"},  # memory that processes share
        "cli/output.py": {"open wb"},  # the null device, for what C libraries say
        "files/writing.py": {"os.link", "open xb", "open wb"},  # the last: devices, pipes and open files
        "files/folders.py": {"rename"},  # of a folder that is whole to its name
        "images/exr.py": {"write_bytes"},  # in a folder of its own, for a library that reads names alone
        "render/drawing/pdf.py": {"savefig"},  # into memory, as the next
        "render/drawing/plotting.py": {"savefig"},
    }
    assert {path: names for path, names in found.items() if names} == allowed


@pytest.mark.parametrize(
    "source",
    [
        "path.write_text(text)",
        "open(path, 'w')",
        "path.open('xb')",
        "open(path, mode='a+b')",
        "os.replace(one, other)",
        "figure.savefig(path)",
    ],
)
def test_the_test_of_writing_can_say_no(source):
    assert len(list(writes(ast.parse(source)))) == 1


# Runs every command in one process in which nothing can reach a network, and at the end tries to.
OFFLINE = """
import json, sys, os

NETWORK = ("socket.connect", "socket.bind", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto",
           "socket.sendmsg", "urllib.Request", "http.client.connect", "webbrowser.open")

def refuse(event, arguments):
    if event in NETWORK:
        print("REFUSED", event, flush=True)
        os._exit(99)

sys.addaudithook(refuse)
from convcli.cli.app import main

for command in json.load(sys.stdin):
    sys.argv = ["convcli", *command]
    try:
        main()
    except SystemExit as end:
        if end.code:
            sys.exit(f"{command} ended with {end.code}")
print("DONE", flush=True)
import socket
socket.create_connection(("localhost", 9), timeout=1)
"""

COMMANDS = [
    ["filter", "image.png", "--kernel", "sobel", "-o", "edges.png"],
    ["kernels", "sobel"],
    ["shape", "--n", "6", "--f", "3"],
    ["explain", "convolution", "--html", "page.html"],
    ["init", "new.toml"],
    ["check", "quick.toml"],
    ["train", "quick.toml", "--run-dir", "run", "--set", "training.epochs=1"],
    ["evaluate", "run"],
    ["predict", "run", "image.png"],
]


def test_no_command_reaches_for_the_network(tmp_path):
    image = (ROOT / "sample_images/camera.png").read_bytes()
    (tmp_path / "image.png").write_bytes(image)
    (tmp_path / "quick.toml").write_text(QUICK)
    done = subprocess.run(
        [sys.executable, "-c", OFFLINE],
        input=json.dumps(COMMANDS),
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert done.stdout.splitlines()[-2:] == ["DONE", "REFUSED socket.getaddrinfo"], done.stderr
    assert done.returncode == 99
