"""A full disk, a folder or file out of bounds, too little memory: one clear error, and all is as it was."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import subprocess
import sys

import numpy as np
import PIL.Image
import pytest

from conftest import Result
from convcli.runs.folder import BEST, LAST, LOCK, RESOLVED

linux = pytest.mark.skipif(sys.platform != "linux", reason="limits are set as on Linux")


def contents(folder):
    """Return the bytes of all files of a folder, but the number of the process that held a run last."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != ".lock"}


@pytest.fixture
def limited(tmp_path):
    """Return a function that calls the command line in a process that `before` has put under some limit."""

    def call(*args, before, code=1):
        done = subprocess.run(
            [sys.executable, "-m", "convcli", *map(str, args)],
            capture_output=True,
            cwd=tmp_path,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
            preexec_fn=before,
            text=True,
            check=False,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    return call


@pytest.fixture
def mine(trained, tmp_path):
    """Return a copy of a run, to be spoiled."""
    return shutil.copytree(trained, tmp_path / "mine")


# A full disk

FULL = """
set -e
mount -t tmpfs -o size={size} tmpfs small
set +e
convcli() {{ {python} -m convcli "$@"; }}
convcli train quick.toml --run-dir small/run >out 2>err
echo $? >code
ls -A small/run >files
mount -o remount,size=10M small
convcli train --resume small/run --json >resumed
cp -r small/run ended
"""


@pytest.mark.long
@linux
@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("size", ["16k", "44k"])  # too small for any checkpoint; for a second one
def test_a_full_disk_is_named_and_the_run_goes_on_once_there_is_room(trained, tmp_path, size):
    (tmp_path / "small").mkdir()
    script = FULL.format(size=size, python=sys.executable)
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script], cwd=tmp_path, capture_output=True, check=False
    )
    if not (tmp_path / "code").exists():
        pytest.skip(f"no small disk can be mounted here: {done.stderr.decode()}")
    assert (tmp_path / "code").read_text() == "1\n"
    assert (tmp_path / "out").read_text() == ""
    *_, error = (tmp_path / "err").read_text().partition("error: ")
    assert "cannot be written (No space left on device)." in error
    assert not [name for name in (tmp_path / "files").read_text().split() if name.endswith(".tmp")]
    if RESOLVED in (tmp_path / "files").read_text():
        assert "The last good checkpoint: small/run/last.safetensors holds " in error
        assert (tmp_path / "ended" / BEST).read_bytes() == (trained / BEST).read_bytes()


@linux
@pytest.mark.usefixtures("quick")
def test_a_full_disk_under_the_output_itself_is_an_error_too(run, trained):
    with open("/dev/full", "w") as full:  # noqa: PTH123
        command = [sys.executable, "-m", "convcli", "evaluate", str(trained), "--json"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "error: input or output: No space left on device.\n"


# A folder that is closed


def without_privileges():
    """Have root too keep to permissions: without CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH in programs."""
    for capability in (1, 2):
        ctypes.CDLL(None).prctl(24, capability)


@linux
def test_a_folder_without_permission_is_named_and_stays_as_it_is(limited, mine, quick):
    before = contents(mine)
    mine.chmod(0o500)
    try:
        longer = ["train", "--resume", "mine", "--set", "training.epochs=3"]
        assert limited(*longer, before=without_privileges).code == 1
        for command, what in [
            (longer, "mine/last.safetensors: cannot be written (Permission denied)."),
            (
                ["train", quick.name, "--run-dir", "mine/other"],
                "mine/other: the run's folder cannot be made (Permission",
            ),
        ]:
            result = limited(*command, before=without_privileges)
            assert (result.code, result.stdout) == (1, "")
            assert what in result.stderr
        assert limited("evaluate", "mine", "--json", before=without_privileges).code == 0
    finally:
        mine.chmod(0o700)
    assert contents(mine) == before


@linux
@pytest.mark.parametrize("name", [BEST, "resolved.toml"])
def test_a_file_without_permission_is_named(limited, mine, name):
    (mine / name).chmod(0)
    result = limited("evaluate", "mine", before=without_privileges)
    assert (result.code, result.stdout) == (1 if name == BEST else 2, "")
    assert result.stderr == f"error: mine/{name}: cannot be read (Permission denied).\n"


# A file that goes away


def test_an_image_that_goes_away_while_its_folder_is_read_is_named(call, tmp_path, quick):
    for name in ("cat", "dog"):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for number in range(5):
            PIL.Image.fromarray(np.full((8, 8), 40 * number, np.uint8)).save(
                tmp_path / "pets" / name / f"{number}.png"
            )
    (tmp_path / "pets" / "dog" / "5.png").symlink_to("gone.png")  # listed, and not there when it is opened
    result = call("train", quick.name, "--set", "data.source=pets")
    assert (result.code, result.stdout) == (1, "")
    assert result.stderr.startswith("error: ")
    assert "dog/5.png" in result.stderr
    assert not (tmp_path / "runs").exists()


def test_a_run_that_goes_away_while_it_trains_is_named(call, quick, tmp_path, monkeypatch):
    from convcli.runs.recording import Recorder

    record = Recorder.record

    def spoil(recorder, event, **options):
        shutil.rmtree(recorder.run.folder, ignore_errors=True)
        record(recorder, event, **options)

    monkeypatch.setattr(Recorder, "record", spoil)
    result = call("train", quick.name)
    assert result.code == 1
    assert "last.safetensors: the folder runs/quick-001 does not exist" in result.stderr


# Too little memory

LARGE = """
[data]
source = "digits"

[[layers]]
type = "flatten"

[[layers]]
type = "dense"
units = 200_000

[[layers]]
type = "dense"
units = 2000

[[layers]]
type = "dense"
"""


def scarce():
    """Grant 400 MB of addresses: enough to start, and not for much more."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (400 << 20, 400 << 20))


@pytest.mark.long
@linux
def test_too_little_memory_to_train_is_one_error(limited, tmp_path):
    (tmp_path / "large.toml").write_text(LARGE)
    result = limited("train", "large.toml", before=scarce)
    assert (result.code, result.stdout) == (1, "")
    assert result.stderr.startswith("error: out of memory (")
    assert result.stderr.count("\n") == 1


@pytest.mark.long
@linux
def test_too_little_memory_to_filter_is_one_error_and_the_old_result_stays(limited, tmp_path):
    PIL.Image.fromarray(np.zeros((8_000, 8_000, 3), np.uint8)).save(tmp_path / "large.png")
    (tmp_path / "out.png").write_bytes(b"old")
    result = limited("filter", "large.png", "--kernel", "sobel", "-o", "out.png", "--force", before=scarce)
    assert (result.code, result.stdout) == (1, "")
    assert result.stderr.startswith("error: large.png: ")
    assert "memory" in result.stderr
    assert result.stderr.count("\n") == 1
    assert {path.name for path in tmp_path.iterdir()} == {"large.png", "out.png"}
    assert (tmp_path / "out.png").read_bytes() == b"old"


@pytest.mark.long
@linux
def test_too_little_memory_to_go_on_leaves_the_run_as_it_was(limited, mine):
    size = 700 << 20  # as large as that of a large network
    entry = {"dtype": "F32", "shape": [size // 4], "data_offsets": [0, size]}
    header = json.dumps({"1.W": entry}).encode()
    with (mine / LAST).open("wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        file.truncate(8 + len(header) + size)
    before = {path.name: path.stat().st_mtime_ns for path in mine.iterdir() if path.name != LOCK}
    result = limited("train", "--resume", "mine", before=scarce)
    assert (result.code, result.stdout) == (1, "")
    assert result.stderr.startswith("error: out of memory (")
    assert {path.name: path.stat().st_mtime_ns for path in mine.iterdir() if path.name != LOCK} == before
