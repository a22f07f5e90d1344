"""A run's folder: how it is numbered, and that every file in it is whole."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from convcli.errors import InputError, OutputError
from convcli.runs import folder as runs
from convcli.runs.environment import write_environment
from convcli.runs.folder import Checkpoint, Run

ARRAYS = {"b": np.arange(3, dtype=np.float32), "a": np.arange(6.0).reshape(2, 3).T}


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_runs_are_numbered_by_name():
    made = [Run.create(name).folder for name in ("digits", "digits", "faces", "digits")]
    assert made == [Path("runs") / name for name in ("digits-001", "digits-002", "faces-001", "digits-003")]
    assert all(folder.is_dir() for folder in made)


def test_numbers_go_on_from_the_highest():
    for name in ("digits-007", "digits-1200", "digits-x", "digit-2000", "xdigits-3000"):
        (Path("runs") / name).mkdir(parents=True)
    assert Run.create("digits").folder.name == "digits-1201"


def test_a_name_is_not_a_pattern():
    (Path("runs") / "abc-005").mkdir(parents=True)
    assert Run.create("a.c").folder.name == "a.c-001"


def test_runs_that_start_at_once_get_folders_of_their_own():
    with ThreadPoolExecutor(8) as pool:
        folders = list(pool.map(lambda _: Run.create("digits").folder, range(24)))
    assert len(set(folders)) == 24


def test_a_number_that_another_run_took_in_the_meantime_is_passed_over(monkeypatch):
    Run.create("digits")
    monkeypatch.setattr(Path, "iterdir", lambda _: iter(()))
    assert Run.create("digits").folder.name == "digits-002"


def test_a_folder_of_ones_own_is_made_with_its_parents():
    assert Run.create("digits", Path("a/b")).folder.is_dir()
    assert Run.create("digits", Path("a/b")).folder == Path("a/b")  # it is there, and empty


def test_a_folder_that_holds_something_is_not_touched():
    Path("full").mkdir()
    Path("full/notes.txt").write_text("mine")
    with pytest.raises(OutputError, match=r"full: the folder is not empty\. Name another with --run-dir"):
        Run.create("digits", Path("full"))
    assert [path.name for path in Path("full").iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("folder", [Path("file"), Path("file/inside")])
def test_a_file_in_the_folders_place_is_named(folder):
    Path("file").write_text("")
    with pytest.raises(OutputError, match=rf"{folder}: the run's folder cannot be made \("):
        Run.create("digits", folder)


def test_a_file_called_runs_is_named():
    Path("runs").write_text("")
    with pytest.raises(OutputError, match="runs: the run's folder cannot be made"):
        Run.create("digits")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_folder_without_permission_is_named():
    Path("closed").mkdir(mode=0o500)
    with pytest.raises(OutputError, match="closed/run: the run's folder cannot be made"):
        Run.create("digits", Path("closed/run"))


def test_a_folder_that_is_no_run_is_said_to_be_none(tmp_path):
    with pytest.raises(InputError, match=r"nowhere: not a run \(there is no such folder\).*convcli train"):
        Run.open(Path("nowhere"))
    with pytest.raises(InputError, match=r"not a run \(it has no resolved\.toml\)"):
        Run.open(tmp_path)


def test_a_folder_whose_training_was_killed_before_it_began_can_be_used_again():
    run = Run.create("digits", Path("mine"))
    with run.hold():
        write_environment(run, seed=0, threads=1)
        (run.folder / ".convcli-0123456789abcdef.tmp").write_bytes(b"half")
    with pytest.raises(
        InputError, match=r"mine: not a run yet: its training was killed .* --run-dir and this folder"
    ):
        Run.open(run.folder)
    with Run.create("digits", Path("mine")).hold():
        assert {path.name for path in run.folder.iterdir()} == {".lock", "environment.json"}
    run.write_config("", [], "")
    assert Run.open(run.folder) == run
    with pytest.raises(OutputError, match="mine: the folder is not empty"):
        Run.create("digits", Path("mine"))


def test_two_trainings_that_are_given_one_folder_do_not_share_it():
    first, second = (Run.create("digits", Path("mine")) for _ in range(2))
    first.write_config("mine", [], "")
    with pytest.raises(OutputError, match="mine: the folder is not empty"):
        second.write_config("theirs", [], "")
    assert (first.folder / "config.toml").read_text() == "mine"


def test_a_held_run_names_the_process_that_holds_it():
    run = Run.create("digits")
    with run.hold():
        assert (run.folder / ".lock").read_bytes() == b"%d" % os.getpid()


def test_a_file_system_without_locks_is_done_without(monkeypatch):
    def fail(_):
        raise OSError(37, "No locks available")

    monkeypatch.setattr(runs, "lock", fail)
    with Run.create("digits").hold():
        pass


def test_writing_leaves_the_file_and_nothing_else():
    run = Run.create("digits")
    run.write("metrics.csv", b"one")
    run.write("metrics.csv", b"two")
    assert [path.name for path in run.folder.iterdir()] == ["metrics.csv"]
    assert (run.folder / "metrics.csv").read_bytes() == b"two"


def test_a_file_can_be_read_by_whom_the_umask_allows():
    run = Run.create("digits")
    before = os.umask(0o027)
    try:
        run.write("metrics.csv", b"")
    finally:
        os.umask(before)
    assert (run.folder / "metrics.csv").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("broken", ["fsync", "replace"])
def test_writing_that_fails_leaves_the_old_file_and_nothing_else(monkeypatch, broken):
    run = Run.create("digits")
    run.write("metrics.csv", b"old")

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, broken, fail)
    with pytest.raises(OutputError, match=r"metrics.csv: cannot be written \(No space left on device\)"):
        run.write("metrics.csv", b"new")
    assert [path.name for path in run.folder.iterdir()] == ["metrics.csv"]
    assert (run.folder / "metrics.csv").read_bytes() == b"old"


def test_an_interruption_while_writing_leaves_nothing_half_done(monkeypatch):
    run = Run.create("digits")

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        run.write("metrics.csv", b"new")
    assert list(run.folder.iterdir()) == []


def test_writing_into_a_folder_that_is_gone_is_an_output_error():
    run = Run.create("digits")
    run.folder.rmdir()
    with pytest.raises(OutputError, match=r"metrics\.csv: the folder .*digits-001 does not exist"):
        run.write("metrics.csv", b"")


def test_the_users_file_stays_as_it_was():
    run = Run.create("digits")
    run.write_config("# mine\n[data] # é\n", [], "resolved")
    assert (run.folder / "config.toml").read_text("utf-8") == "# mine\n[data] # é\n"
    assert (run.folder / "resolved.toml").read_text() == "resolved"


def test_what_was_set_is_written_below_as_comments():
    run = Run.create("digits")
    run.write_config("[data]\n\n\n", ["training.epochs=3", "data.source=two\nlines"], "")
    assert (run.folder / "config.toml").read_text() == (
        '[data]\n\n# --set "training.epochs=3"\n# --set "data.source=two\\nlines"\n'
    )


def test_checkpoints_come_back_as_they_were():
    run = Run.create("digits")
    run.write_checkpoint("best.safetensors", Checkpoint(ARRAYS, {"epoch": 3, "classes": ["é", "b"]}))
    found = run.read_checkpoint("best.safetensors")
    assert found.document == {"epoch": 3, "classes": ["é", "b"]}
    assert set(found.arrays) == set(ARRAYS)
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(found.arrays[name], array)
        assert found.arrays[name].dtype == array.dtype


def test_the_same_checkpoint_gives_the_same_bytes():
    run = Run.create("digits")
    run.write_checkpoint("one", Checkpoint(ARRAYS, {"a": 1, "b": 2}))
    run.write_checkpoint("two", Checkpoint(dict(reversed(ARRAYS.items())), {"b": 2, "a": 1}))
    assert (run.folder / "one").read_bytes() == (run.folder / "two").read_bytes()


@pytest.mark.parametrize(
    "arrays",
    [
        {},
        ARRAYS,
        {"é": np.zeros((0, 3)), "b": np.ones((), np.float32), "a": np.ones(3), "c": np.ones(1, "f4")},
    ],
)
@pytest.mark.parametrize("length", range(8))
def test_the_bytes_are_those_that_the_library_would_write(arrays, length):
    run, document = Run.create("digits"), {"x": "é\n\u2028\x01" + "a" * length}
    run.write_checkpoint("one", Checkpoint(arrays, document))
    contiguous = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    expected = safetensors.numpy.save(contiguous, {"convcli": json.dumps(document)})
    assert (run.folder / "one").read_bytes() == expected


def test_a_number_that_json_does_not_know_is_not_written():
    run = Run.create("digits")
    with pytest.raises(ValueError, match="JSON"):
        run.write_checkpoint("one", Checkpoint({}, {"loss": float("nan")}))
    assert list(run.folder.iterdir()) == []
