"""What a training leaves in its run's folder: when, in which order, and what follows from what."""

from __future__ import annotations

import os
import time

import pytest

import stripes
from convcli.config_file import ConfigFile
from convcli.runs import checkpoints
from convcli.runs.folder import BEST, CONFIG, ENVIRONMENT, LAST, METRICS, RESOLVED, Run
from convcli.runs.recording import Recorder, begin


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


@pytest.fixture
def made(tmp_path, monkeypatch):
    """Return a function that begins a run; it gives the recorder, and a list of what is written, in order."""
    written = []
    write = Run.write

    def watch(run, name, *parts):
        written.append(name)
        write(run, name, *parts)

    monkeypatch.setattr(Run, "write", watch)

    def make(**options):
        training = stripes.training(**options)
        file = ConfigFile(training.model.config, "# mine\n", (), tmp_path, "stripes")
        recorder = begin(Run.create("stripes", tmp_path / "run"), file, training, stripes.data(), 1)
        return recorder, written

    return make


def test_a_run_can_go_on_before_its_first_batch_and_is_a_run_only_then(made):
    recorder, written = made()
    assert written == [ENVIRONMENT, LAST, CONFIG, RESOLVED]
    assert recorder.run.read_checkpoint(LAST).document["progress"]["step"] == 0


def test_after_an_epoch_the_checkpoint_comes_first(made):
    recorder, written = made(epochs=2, optimizer={"type": "sgd", "learning_rate": 1e-30})
    written.clear()
    for event in recorder.training.run():
        recorder.record(event)
    assert written == [LAST, METRICS, BEST, LAST, METRICS]  # the second epoch is no better
    assert recorder.kept == "epoch 2"


@pytest.mark.parametrize(("every", "steps"), [(4, [4, 8, 12]), (6, [6, 12]), (1000, []), ("1 h", [])])
def test_a_checkpoint_is_written_every_so_many_batches(made, every, steps):
    recorder, written = made(epochs=2, checkpoint_every=every)  # of 6 batches
    found = []
    for event in recorder.training.run():
        before = written.count(LAST)
        recorder.record(event)
        if written.count(LAST) > before and recorder.training.progress.batch:
            found.append(recorder.training.progress.step)
    assert found == steps


def test_a_checkpoint_is_written_every_so_often(made, monkeypatch):
    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    recorder, written = made(epochs=1, checkpoint_every="2 min")
    written.clear()
    events = recorder.training.run()
    for now in (60.0, 119.0, 120.0, 180.0, 245.0):  # noqa: B007 - the clock
        recorder.record(next(events))
    assert written == [LAST, LAST]


def test_a_training_that_is_stopping_leaves_a_checkpoint(made):
    recorder, written = made()
    written.clear()
    recorder.record(next(iter(recorder.training.run())), stopping=True)
    assert written == [LAST]


def test_a_lost_file_is_made_again_from_the_last_checkpoint_byte_by_byte(made):
    recorder, _ = made(epochs=2)
    for event in recorder.training.run():
        recorder.record(event)
    run = recorder.run
    before = {name: (run.folder / name).read_bytes() for name in (BEST, METRICS, RESOLVED)}
    (run.folder / BEST).unlink()
    (run.folder / METRICS).write_text("epoch\n1\n")
    (run.folder / RESOLVED).write_text("")
    restored = checkpoints.restore_training(run.read_checkpoint(LAST), run.folder, stripes.data())
    Recorder(run, restored, recorder.resolved, recorder.data).catch_up()
    assert {name: (run.folder / name).read_bytes() for name in before} == before


def test_before_an_epoch_has_ended_there_is_neither_best_nor_metrics(made):
    recorder, _ = made()
    recorder.catch_up()
    assert not (recorder.run.folder / BEST).exists()
    assert not (recorder.run.folder / METRICS).exists()


def test_what_is_kept_is_what_the_last_checkpoint_holds(made):
    recorder, _ = made(checkpoint_every=4)
    kept = [recorder.kept]
    for event in recorder.training.run():
        recorder.record(event)
        if recorder.kept != kept[-1]:
            kept.append(recorder.kept)
    assert kept[:4] == [
        "the start",
        "the start and 4 batches of epoch 1",
        "epoch 1",
        "epoch 1 and 2 batches of epoch 2",
    ]
    again = checkpoints.restore_training(recorder.run.read_checkpoint(LAST), "run", stripes.data())
    assert Recorder(recorder.run, again, "", {}).kept == kept[-1] == "epoch 3"
