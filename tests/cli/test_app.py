"""The command line as a whole: help, mistakes, pipes, terminals, and how soon it starts."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import warnings
from types import ModuleType

import numpy as np
import pytest
import typer
from PIL import Image

import convcli
from convcli.__main__ import main
from convcli.cli.app import COMMANDS, believe_sizes


def test_the_commands_are_those_of_the_contract():
    assert set(COMMANDS) >= {"filter", "kernels", "shape", "init", "check", "train", "evaluate", "predict"}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_examples(call, command):
    result = call(command, "--help")
    assert result.code == 0
    assert result.stderr == ""
    assert "Examples:" in result.stdout
    assert len(re.findall(rf"^ +convcli {command}\b.*$", result.stdout, re.MULTILINE)) >= 2


def test_help_lists_the_commands(run):
    result = run("--help")
    assert result.code == 0
    for command in COMMANDS:
        assert command in result.stdout


def test_no_arguments_show_the_help_and_are_a_usage_error(call):
    result = call()
    assert (result.code, result.stdout) == (2, "")
    assert result.stderr.startswith("Usage: convcli")


@pytest.mark.parametrize("name", ["COLUMNS", "LINES"])
@pytest.mark.parametrize("size", ["0", "abc", "-5", "", " 80", "80x24", "1e3", "²", "9" * 30])
def test_a_size_that_is_none_is_as_if_it_were_not_given(monkeypatch, name, size):
    monkeypatch.setenv(name, size)
    believe_sizes()
    assert name not in os.environ


def test_without_a_size_a_table_has_eighty_columns(run):
    table = ["shape", "--n", 32, "--chain", "conv3p1s2 pool2 conv5"]
    told = [run(*table, env={"COLUMNS": columns}) for columns in ("80", "0")]
    assert told[0] == told[1]
    assert told[0].code == 0


@pytest.mark.parametrize("columns", ["1", "5", "20"])
def test_very_few_columns_are_taken_for_twenty(call, columns):
    result = call("shape", "--n", 6, "--f", 3, "--chain", env={"COLUMNS": columns})
    assert result == call("shape", "--n", 6, "--f", 3, "--chain", env={"COLUMNS": "20"})


def test_what_a_library_warns_of_is_a_note_without_its_path(call, monkeypatch):
    from convcli.render import kernels

    def warn():
        place = "/usr/lib/python3/site-packages/numpy/linalg/_linalg.py"
        warnings.warn_explicit("overflow\n  encountered", RuntimeWarning, place, 2768)
        return "the list"

    monkeypatch.setattr(kernels, "list_text", warn)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        assert call("kernels") == (0, "the list\n", "note: numpy: overflow encountered\n")


def test_version(run):
    result = run("--version")
    assert result == (0, f"convcli {convcli.__version__}\n", "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["shpe"], r"error: No such command 'shpe'. Did you mean 'shape'\? See `convcli --help`.\n"),
        (["shape", "--jsn"], r"error: No such option: --jsn .*--json.* See `convcli shape --help`\.\n"),
        (
            ["train", "--run_dir", "x"],
            r"error: No such option: --run_dir .*--run-dir.* See `convcli train --help`\.\n",
        ),
        (["evaluate"], r"error: Missing argument 'run'. See `convcli evaluate --help`.\n"),
        (["predict", "x", "y", "--top", "0"], r"error: .*'--top'.*See `convcli predict --help`.\n"),
        (["evaluate", "x", "--split", "tset"], r"error: .*'--split'.*'validation', 'test', 'train'.*\n"),
    ],
)
def test_a_mistake_in_the_command_line_is_one_line(call, arguments, message):
    result = call(*arguments)
    assert result.code == 2
    assert result.stdout == ""
    assert re.fullmatch(message, result.stderr)


# Runs a command in a process of its own, and says at the end which modules are there.
LISTED = """
import sys
from convcli.__main__ import main
sys.argv = ["convcli", *sys.argv[1:]]
try:
    main()
except SystemExit as end:
    assert end.code == 0, end.code
finally:
    print("\\nMODULES", *sys.modules)
"""

HEAVY = {"convcli.nn.network", "matplotlib", "multiprocessing", "numpy", "PIL", "pydantic", "rich", "tomllib"}
NEEDED = {
    ("--help",): set(),
    ("--version",): set(),
    ("train", "--help"): set(),
    ("shape", "--n", "6", "--f", "3"): set(),
    ("init", "new.toml"): set(),
    ("kernels", "sobel"): {"numpy"},
    ("filter", "image.png", "-k", "sobel", "-o", "edges.png"): {"numpy", "PIL"},
    ("explain", "pooling-backward", "--json", "-"): {"numpy"},
    ("explain", "convolution"): {"numpy", "rich"},
    ("check", "net.toml"): {"convcli.nn.network", "numpy", "PIL", "pydantic", "rich", "tomllib"},
    ("predict", "run", "image.png"): {"convcli.nn.network", "numpy", "PIL", "pydantic", "tomllib"},
}
"""What each command imports of what takes long to import."""


@pytest.mark.parametrize("command", NEEDED, ids=" ".join)
def test_a_command_imports_only_what_it_needs(command, tmp_path, trained, quick):
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "image.png")
    (tmp_path / "run").symlink_to(trained)
    (tmp_path / "net.toml").write_text(quick.read_text())
    unmeasured = {name: text for name, text in os.environ.items() if not name.startswith("COVERAGE")}
    command_line = [sys.executable, "-c", LISTED, *command]
    done = subprocess.run(
        command_line, capture_output=True, check=True, text=True, cwd=tmp_path, env=unmeasured
    )
    modules = set(done.stdout.rpartition("MODULES")[2].split())
    assert HEAVY & modules == NEEDED[command]
    others = {f"convcli.cli.{name}" for name in COMMANDS} - {f"convcli.cli.{command[0]}"}
    assert command[0] == "--help" or not others & modules


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_leaves_is_no_error(tmp_path, unbuffered):
    """As `convcli kernels | head -1` does."""
    process = subprocess.Popen(
        [sys.executable, "-m", "convcli", "kernels"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
    )
    process.stdout.close()
    with process.stderr:
        assert process.stderr.read() == b""
    assert process.wait() == 0


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device that is always full is Linux's")  # noqa: PTH110
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_disk_is_one_line(tmp_path, unbuffered):
    with open("/dev/full", "wb") as full:  # noqa: PTH123
        done = subprocess.run(
            [sys.executable, "-m", "convcli", "shape", "--n", "6", "--f", "3"],
            stdout=full,
            stderr=subprocess.PIPE,
            cwd=tmp_path,
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.decode() == "error: input or output: No space left on device.\n"


@pytest.mark.skipif(os.name != "posix", reason="closes a file descriptor as Unix shells do")
def test_a_closed_stdout_is_no_defect(tmp_path):
    command = f"exec '{sys.executable}' -m convcli shape --n 6 --f 3 >&-"
    done = subprocess.run(["sh", "-c", command], stderr=subprocess.PIPE, cwd=tmp_path, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def on_a_terminal(*arguments, cwd, **environment):
    """Return what a command writes to a terminal, and its exit code."""
    pty = pytest.importorskip("pty", reason="terminals are Unix's")
    ours, theirs = pty.openpty()
    known = {
        key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "FORCE_COLOR", "TERM")
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "convcli", *map(str, arguments)],
        stdout=theirs,
        stderr=theirs,
        stdin=subprocess.DEVNULL,
        cwd=cwd,
        env={**known, "COLUMNS": "100", **environment},
    )
    os.close(theirs)
    written = b""
    while True:
        try:
            piece = os.read(ours, 1 << 16)
        except OSError:  # how Linux says that the other end is closed
            break
        if not piece:
            break
        written += piece
    os.close(ours)
    return written.decode(), process.wait()


@pytest.mark.parametrize("arguments", [["train", "quick.toml"], ["check", "quick.toml"], ["--help"]])
def test_a_dumb_terminal_gets_no_escape_codes(quick, arguments):
    written, code = on_a_terminal(*arguments, cwd=quick.parent, TERM="dumb")
    assert code == 0
    assert "\x1b" not in written


@pytest.mark.parametrize("arguments", [["train", "quick.toml"], ["check", "quick.toml"], ["--help"]])
def test_no_color_gets_no_colours(quick, arguments):
    written, code = on_a_terminal(*arguments, cwd=quick.parent, TERM="xterm-256color", NO_COLOR="1")
    assert code == 0
    colours = re.compile("\x1b\\[[0-9;]*?(?:3[0-9]|4[0-9]|9[0-7]|10[0-7])[0-9;]*m")
    assert colours.findall(written) == []


def test_training_on_a_terminal_shows_a_bar_and_a_line_an_epoch(quick):
    optimizer = "training.optimizer={ type = 'sgd', learning_rate = 1e-30 }"
    options = ["--set", "training.patience=1", "--set", optimizer]
    written, code = on_a_terminal("train", "quick.toml", *options, cwd=quick.parent, TERM="xterm-256color")
    assert code == 0
    plain = re.sub("\x1b\\[[0-9;?]*[a-zA-Z]", "", written)
    assert "images/s  loss" in plain  # the bar
    assert re.search(r"epoch 1/2 +loss [0-9.]+ +accuracy", plain)
    assert "No improvement for 1 epoch (training.patience): stopped after epoch 2." in plain
    assert written.rstrip().endswith("run written to runs/quick-001")


@pytest.mark.parametrize(
    "arguments", [["train", "quick.toml", "--json"], ["check", "quick.toml"], ["shape", "quick.toml"]]
)
@pytest.mark.usefixtures("quick")
def test_a_pipe_gets_no_escape_codes(call, arguments):
    result = call(*arguments, env={"NO_COLOR": "", "TERM": "xterm-256color"})
    assert result.code == 0
    assert "\x1b" not in result.stdout + result.stderr


def test_names_from_outside_cannot_steer_the_terminal(call, quick):
    name = "\x1b[31mred[bold]"
    quick.rename(quick.with_name(f"{name}.toml"))
    result = call("check", f"{name}.toml")
    assert result.code == 0
    assert "\x1b" not in result.stdout
    assert "\\x1b[31mred[bold]" in result.stdout


def test_an_interruption_while_loading_says_nothing(monkeypatch, capsys):
    class Loading(ModuleType):
        def __getattr__(self, _name):
            raise KeyboardInterrupt

    monkeypatch.setitem(sys.modules, "convcli.cli.app", Loading("convcli.cli.app"))
    with pytest.raises(SystemExit) as end:
        main()
    assert (end.value.code, *capsys.readouterr()) == (130, "", "")


def test_a_defect_is_reported_as_one(monkeypatch, capsys):
    from convcli.cli import app as application

    def break_down(**_):
        raise RuntimeError("out of cheese")

    monkeypatch.delenv("CONVCLI_TRACEBACK", raising=False)
    monkeypatch.setattr(application, "app", break_down)
    with pytest.raises(SystemExit) as end:
        application.main()
    assert end.value.code == 1
    said = capsys.readouterr().err
    assert said.startswith("error: this is a defect in convcli: RuntimeError: out of cheese\n")

    monkeypatch.setenv("CONVCLI_TRACEBACK", "1")
    with pytest.raises(RuntimeError, match="out of cheese"):
        application.main()


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (MemoryError("80 GiB"), 1, "error: out of memory (80 GiB). Try a smaller input.\n"),
        (PermissionError(13, "Permission denied", "x.png"), 1, "error: x.png: Permission denied.\n"),
        (KeyboardInterrupt(), 130, ""),
        (typer.Abort(), 130, ""),
        (convcli.ConvcliError("so it is"), 1, "error: so it is\n"),
    ],
)
def test_every_error_has_its_words_and_its_code(monkeypatch, capsys, error, code, said):
    from convcli.cli import app as application

    def fail(**_):
        raise error

    monkeypatch.setattr(application, "app", fail)
    with pytest.raises(SystemExit) as end:
        application.main()
    assert (end.value.code, capsys.readouterr().err) == (code, said)
