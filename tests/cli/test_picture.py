"""curves.png of a training: drawn at its end, and in between not too often."""

from __future__ import annotations

import time

import pytest

import stripes
from convcli.cli.picture import SECONDS, Picture
from convcli.config_file import ConfigFile
from convcli.render.curves import curves_png
from convcli.runs.folder import CURVES, Run
from convcli.runs.recording import begin


@pytest.fixture
def recorder(tmp_path):
    training = stripes.training()
    file = ConfigFile(training.model.config, "", (), tmp_path, "stripes")
    return begin(Run.create("stripes", tmp_path / "mine"), file, training, stripes.data(), 1)


def test_it_shows_the_epochs_under_the_runs_name(recorder, tmp_path):
    for event in recorder.training.run():
        recorder.record(event)
    Picture(recorder).draw()
    history = recorder.training.progress.history
    assert (tmp_path / "mine" / CURVES).read_bytes() == curves_png({"mine": history})


def test_before_an_epoch_has_ended_there_is_none(recorder, tmp_path):
    Picture(recorder).draw()
    assert not (tmp_path / "mine" / CURVES).exists()


def test_epochs_that_end_soon_after_each_other_are_not_each_drawn(recorder, monkeypatch):
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    picture, drawn = Picture(recorder), []
    monkeypatch.setattr("convcli.render.curves.curves_png", lambda _: drawn.append(now) or b"")
    for event in recorder.training.run():
        if recorder.training.progress.batch == 0:
            recorder.record(event)
            now += SECONDS / 2
            picture.epoch()
    assert drawn == [100.0 + SECONDS]
