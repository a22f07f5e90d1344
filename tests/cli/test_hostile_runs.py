"""Links, pipes and folders in the place of a run's files: no command follows, replaces or waits for one."""

from __future__ import annotations

import os
import shutil
import sys

import PIL.Image
import pytest

from convcli.runs.folder import Run

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has other links and pipes")

WRITTEN = (
    "last.safetensors",
    "best.safetensors",
    "metrics.csv",
    "resolved.toml",
    "environment.json",
    "results.json",
    "curves.png",
    ".lock",
)
READ = {
    "runs": ("metrics.csv", "resolved.toml", "last.safetensors", "best.safetensors", "results.json", ".lock"),
    "runs diff": ("environment.json", "metrics.csv", "resolved.toml"),
    "runs plot": ("metrics.csv", "resolved.toml"),
    "evaluate": ("best.safetensors", "resolved.toml"),
    "predict": ("best.safetensors", "resolved.toml"),
    "report": ("best.safetensors", "resolved.toml", "environment.json", "metrics.csv"),
}
WORDS = {
    "runs": ("runs", "--in", "."),
    "runs diff": ("runs", "diff", "mine", "mine"),
    "runs plot": ("runs", "plot", "mine"),
    "evaluate": ("evaluate", "mine"),
    "predict": ("predict", "mine", "digit.png"),
    "report": ("report", "mine"),
}
CASES = [(command, name) for command, names in READ.items() for name in names]


@pytest.fixture
def mine(trained, tmp_path):
    PIL.Image.new("L", (8, 8)).save(tmp_path / "digit.png")
    return shutil.copytree(trained, tmp_path / "mine")


@pytest.mark.parametrize("kind", ["pipe", "link"])
@pytest.mark.parametrize(("command", "name"), CASES)
def test_what_is_no_file_is_named_and_nobody_waits(call, mine, command, name, kind):
    place = mine / name
    if kind == "pipe":
        place.unlink()
        os.mkfifo(place)
    else:
        elsewhere = mine.parent / f"moved-{name}"
        place.rename(elsewhere)
        place.symlink_to(elsewhere)
    result = call(*WORDS[command])
    assert (result.code == 0) == (command == "runs")  # which lists the damaged one
    said = result.stdout + result.stderr
    assert name in said
    assert ("found a " in said) or ("is no file but a link" in said)


@pytest.mark.parametrize("name", WRITTEN)
def test_going_on_leaves_what_a_link_leads_to_as_it_is(call, mine, tmp_path, name):
    victim = tmp_path / "victim"
    victim.write_bytes((mine / name).read_bytes())
    (mine / name).unlink()
    (mine / name).symlink_to(victim)
    before = victim.read_bytes(), victim.stat().st_mtime_ns
    result = call("train", "--resume", "mine", "--set", "training.epochs=3", "--threads", "1")
    assert result.code == 1
    assert name in result.stderr
    assert (victim.read_bytes(), victim.stat().st_mtime_ns) == before
    assert (mine / name).is_symlink()


def test_a_lock_that_is_another_file_too_is_not_written_into(mine, tmp_path):
    victim = tmp_path / "victim"
    victim.write_bytes(b"theirs")
    (mine / ".lock").unlink()
    os.link(victim, mine / ".lock")
    with Run(mine).hold():
        pass
    assert victim.read_bytes() == b"theirs"


def test_a_new_training_does_not_follow_what_waits_in_its_folder(call, quick, tmp_path):
    victim = tmp_path / "victim"
    victim.write_bytes(b"theirs")
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / ".lock").symlink_to(victim)
    result = call("train", "quick.toml", "--run-dir", "new", "--threads", "1")
    assert (result.code, victim.read_bytes()) == (1, b"theirs")


def test_a_link_to_a_run_is_its_users_own(call, mine, tmp_path):
    (tmp_path / "latest").symlink_to("mine")
    assert call("predict", "latest", "digit.png").code == 0
    assert call("train", "--resume", "latest", "--set", "training.epochs=3", "--threads", "1").code == 0
