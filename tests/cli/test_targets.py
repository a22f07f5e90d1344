"""Every command that writes: each writes into, follows, replaces or refuses the same places."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import PIL.Image
import pytest

from convcli.render.explain import FORMATS
from convcli.runs.folder import BEST

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has other links and pipes")

WRITERS = {
    "filter -o": (("filter", "photo.png", "-k", "box", "-o"), "out.png"),
    "init": (("init",), "out.toml"),
    "runs plot": (("runs", "plot", "mine", "--out"), "out.svg"),
} | {
    f"explain --{kind}": (("explain", "stride", "--at", "1", f"--{kind}"), f"out.{kind}") for kind in FORMATS
}


@pytest.fixture
def place(trained, tmp_path):
    PIL.Image.new("L", (8, 8)).save(tmp_path / "photo.png")
    shutil.copytree(trained, tmp_path / "mine")
    return tmp_path


@pytest.mark.parametrize("name", WRITERS)
def test_a_pipe_is_written_into_without_force(call, place, name):
    words, target = WRITERS[name]
    os.mkfifo(place / target)
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit((place / target).read_bytes)
        result = call(*words, target)
        assert (result.code, len(reading.result(10)) > 50) == (0, True), result
    assert stat.S_ISFIFO((place / target).lstat().st_mode)


@pytest.mark.parametrize("name", WRITERS)
def test_a_link_is_followed_and_a_file_keeps_its_mode(call, place, name):
    words, target = WRITERS[name]
    (place / "elsewhere").mkdir()
    real = place / "elsewhere" / "real"
    (place / "between").symlink_to("elsewhere/real")
    (place / target).symlink_to(place / "between")
    assert call(*words, target).code == 0  # it leads to nothing yet
    made = real.read_bytes()
    real.write_bytes(b"old")
    real.chmod(0o600)
    refused = call(*words, target)
    assert (refused.code, refused.stdout) == (1, "")
    assert f"{target} → " in refused.stderr
    assert "use --force to overwrite it" in refused.stderr
    assert call(*words, target, "--force").code == 0
    assert (real.read_bytes(), stat.S_IMODE(real.stat().st_mode)) == (made, 0o600)
    assert (place / target).is_symlink()
    assert [path.name for path in real.parent.iterdir()] == ["real"]


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("force", [[], ["--force"]], ids=["", "force"])
def test_what_is_no_file_is_refused_and_force_not_advised(call, place, name, force):
    words, target = WRITERS[name]
    makes = {
        "found a folder": lambda path: path.mkdir(),
        "leads in a circle": lambda path: path.symlink_to(target),
        "does not exist": lambda path: path.symlink_to("none/file"),
    }
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        makes["found a block device"] = lambda path: os.mknod(path, stat.S_IFBLK | 0o600, os.makedev(7, 200))
    for said, make in makes.items():
        make(place / target)
        before = (place / target).lstat().st_mode
        result = call(*words, target, *force)
        assert (result.code, result.stdout) == (1, ""), result
        assert said in result.stderr
        assert "--force" not in result.stderr
        assert (place / target).lstat().st_mode == before
        (place / target).rmdir() if said == "found a folder" else (place / target).unlink()


@pytest.mark.parametrize("name", WRITERS)
def test_a_full_device_is_one_error(call, place, name):
    if not os.path.exists("/dev/full"):  # noqa: PTH110
        pytest.skip("no such device")
    words, target = WRITERS[name]
    (place / target).symlink_to("/dev/full")
    result = call(*words, target)
    assert (result.code, result.stdout) == (1, "")
    assert result.stderr.endswith("cannot be written (No space left on device).\n")


@pytest.mark.parametrize("name", ["/dev/stdout", pytest.param("/dev/fd/1", marks=pytest.mark.long)])
def test_dev_stdout_is_standard_output(place, name):
    command = [sys.executable, "-m", "convcli", "explain", "pixels", "--input", "words.csv"]
    (place / "words.csv").write_text("1 2 3\n4 5 6\n")
    plain = subprocess.run([*command, "--json", "-"], cwd=place, capture_output=True, check=True)
    told = subprocess.run([*command, "--json", name], cwd=place, capture_output=True, check=True)
    assert (told.stdout, told.stderr) == (plain.stdout, plain.stderr)
    both = subprocess.run(
        [*command, "--json", name, "--svg", "-"], cwd=place, capture_output=True, check=False
    )
    assert (both.returncode, both.stdout) == (2, b"")
    with (place / "words.csv").open("ab") as file:
        into = subprocess.run(
            [*command, "--json", name], cwd=place, stdout=file, stderr=subprocess.PIPE, check=False
        )
    assert b"Standard output is an input" in into.stderr
    assert (place / "words.csv").read_text() == "1 2 3\n4 5 6\n"


@pytest.mark.parametrize(
    ("words", "victim"),
    [
        (("filter", "photo.png", "-k", "run:mine#1/1", "--range", "stretch", "--format", "png", "-o"), BEST),
        (("explain", "layer", "--run", "mine", "--image", "photo.png", "--json"), BEST),
        (("explain", "edges", "--input", "photo.png", "--kernel", "run:mine#1/1", "--svg"), BEST),
        (("explain", "pixels", "--input", "photo.png@0,0,4,4", "--png"), "../photo.png"),
        (("explain", "convolution", "--kernel", "@kernel.csv", "--json"), "../kernel.csv"),
        (("filter", "photo.png", "-k", "@kernel.csv", "--format", "png", "-o"), "../kernel.csv"),
    ],
)
def test_whatever_is_read_is_an_input(call, place, words, victim):
    (place / "kernel.csv").write_text("1 2 1\n")
    path = place / "mine" / victim
    before = path.read_bytes()
    os.link(path, place / "hard.png")
    for name in (path, place / "hard.png"):
        result = call(*words, os.path.relpath(name, place), "--force")
        assert (result.code, result.stdout) == (2, ""), result
        assert "is an input, and an input is never overwritten" in result.stderr
    assert path.read_bytes() == before


def test_a_folder_for_results_may_be_a_link_that_leads_to_nothing_yet(call, place):
    (place / "soft").symlink_to("elsewhere/soft")
    assert call("filter", "photo.png", "-k", "box", "--out-dir", "soft").code == 0
    assert (place / "elsewhere/soft/photo_box.png").is_file()
    for name, found in (("/dev/null", "a device"), ("photo.png", "a file")):
        result = call("filter", "photo.png", "-k", "box", "--out-dir", name)
        assert result.code == 1
        assert f"{name} is {found}, not a folder" in result.stderr
    result = call("filter", "photo.png", "-k", "box", "-o", "new/")
    assert (result.code, "--out-dir" in result.stderr) == (2, True)
