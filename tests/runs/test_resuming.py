"""Going on with a run: exact where nothing that counts has changed, refused or written down where it has."""

from __future__ import annotations

import os
import tomllib
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

import stripes
from convcli import bounds
from convcli.config_file import ConfigFile
from convcli.errors import ConfigError, InputError, UsageError
from convcli.runs.folder import BEST, LAST, METRICS, RESOLVED, Run
from convcli.runs.recording import begin
from convcli.runs.resuming import resume, values_in_force

AUGMENTATION = {"flip": {"direction": "horizontal", "alternate": True}, "shift": 1, "cutout": 3}


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


def file_of(config, base):
    return ConfigFile(config, "", (), base, "stripes")


def start(folder, stop=None, data=None, **options):
    """Train for `stop` events (to the end if not given) in a new run, and return the run."""
    training, run = stripes.training(**options), Run.create("stripes", folder)
    recorder = begin(run, file_of(training.model.config, folder.parent), training, data or stripes.data(), 1)
    for event in islice(training.run(), stop):
        recorder.record(event)
    if stop is not None:
        recorder.checkpoint()
    return run


def go_on(run, *overrides, data=None, file=None, allow=False):
    """Go on with a run to its end, and return the training and what had changed."""
    last = run.read_checkpoint(LAST)
    file = file or values_in_force(run, last, overrides)
    recorder, changes = resume(run, last, file, data or stripes.data(), 1, allow_changes=allow)
    for event in recorder.training.run():
        recorder.record(event)
    return recorder.training, changes


def kept(run):
    """Return what a run holds but times: files by name, arrays of the last checkpoint, its document."""
    last = run.read_checkpoint(LAST)
    for row in (last.document["progress"], *last.document["progress"]["history"]):
        row.pop("seconds"), row.pop("images_per_second", None)
    rows = [line.split(",")[:6] for line in (run.folder / METRICS).read_text().splitlines()]
    arrays = {name: array.tobytes() for name, array in last.arrays.items()}
    return (run.folder / BEST).read_bytes(), rows, arrays, last.document


@pytest.mark.parametrize("stop", [1, 5, 6, 7, 9, 14])  # within an epoch, at its last batch, at its end
def test_an_unchanged_run_ends_as_if_it_had_never_stopped(tmp_path, stop):
    stopped, whole = start(tmp_path / "stopped", stop), start(tmp_path / "whole")
    _, changes = go_on(stopped)
    assert not changes
    assert kept(stopped) == kept(whole)
    assert (stopped.folder / RESOLVED).read_bytes() == (whole.folder / RESOLVED).read_bytes()


@pytest.mark.parametrize("stop", [5, 8])
def test_images_are_augmented_as_if_it_had_never_stopped(tmp_path, stop):
    options = {"augmentation": AUGMENTATION, "evaluation": {"flips": True}}
    stopped, whole = start(tmp_path / "stopped", stop, **options), start(tmp_path / "whole", **options)
    _, changes = go_on(stopped)
    assert not changes
    assert kept(stopped) == kept(whole)


def test_each_changed_option_of_an_augmentation_is_named(tmp_path):
    run = start(tmp_path / "run", 8, augmentation=AUGMENTATION)
    with pytest.raises(UsageError) as caught:
        go_on(run, "augmentation.shift.size=2", "augmentation.flip.direction=vertical")
    assert caught.value.lines[1:-1] == (
        "  augmentation.flip.direction: 'horizontal' → 'vertical'",
        "  augmentation.shift.size: 1 → 2",
    )
    with pytest.raises(ConfigError, match=r"augmentation\.shift = 8: images of 8 × 8"):
        go_on(run, "augmentation.shift.size=8", allow=True)


@pytest.mark.parametrize("schedule", ["constant", {"type": "step", "every": 1, "warmup": 1.5}])
@pytest.mark.parametrize("stop", [10, 21, None])  # within an epoch, at the end of the last, after it
def test_more_epochs_are_as_if_they_had_been_wanted_from_the_beginning(tmp_path, schedule, stop):
    shorter = start(tmp_path / "shorter", stop, epochs=3, schedule=schedule)
    longer = start(tmp_path / "longer", epochs=5, schedule=schedule)
    training, changes = go_on(shorter, "training.epochs=5")
    assert changes.plain == ("training.epochs: 3 → 5",)
    assert changes.weighty == ()
    assert training.finished
    found, wanted = kept(shorter), kept(longer)
    assert found[-1].pop("resolved").splitlines()[2:] == wanted[-1].pop("resolved").splitlines()
    assert found == wanted


@pytest.mark.parametrize("schedule", ["cosine", "one_cycle"])
def test_more_epochs_are_refused_where_every_rate_would_have_been_another(tmp_path, schedule):
    run = start(tmp_path / "run", epochs=1, schedule=schedule)
    with pytest.raises(UsageError) as caught:
        go_on(run, "training.epochs=2")
    assert str(caught.value) == (
        f"{run.folder}: not what it was when the run was stopped:\n"
        f"  training.epochs: 1 → 2 (with the schedule {schedule} the rate of every step depends on it)\n"
        "Go on with --allow-changes, or start a new run."
    )
    training, _ = go_on(run, "training.epochs=2", allow=True)
    assert len(training.progress.history) == 2


def test_before_the_first_step_any_number_of_epochs_will_do(tmp_path):
    run = start(tmp_path / "run", 0, epochs=1, schedule="cosine")
    go_on(run, "training.epochs=2")
    whole = start(tmp_path / "whole", epochs=2, schedule="cosine")
    assert kept(run)[:3] == kept(whole)[:3]


def test_fewer_epochs_than_have_begun_are_refused(tmp_path):
    with pytest.raises(UsageError, match=r"training\.epochs: 3 → 1 \(2 have begun\)"):
        go_on(start(tmp_path / "run", 9), "training.epochs=1")


def test_when_checkpoints_are_written_is_nobodys_business(tmp_path):
    stopped, whole = start(tmp_path / "stopped", 8), start(tmp_path / "whole", checkpoint_every=7)
    _, changes = go_on(stopped, "training.checkpoint_every=7")
    assert changes.plain == ("training.checkpoint_every: '5 min' → 7",)
    assert kept(stopped)[:3] == kept(whole)[:3]


@pytest.mark.parametrize(
    "override",
    [
        "training.optimizer.learning_rate=0.5",
        "training.batch_size=8",
        "training.seed=3",
        "training.clip_norm=1.0",
        "training.loss={ type = 'cross_entropy', label_smoothing = 0.1 }",
        "training.schedule.warmup=1",
        "layers.1.activation=tanh",
        "augmentation.shift=1",
        "evaluation.flips=true",
    ],
)
def test_what_would_have_given_another_run_is_refused_and_nothing_is_touched(tmp_path, override):
    run = start(tmp_path / "run", 8)
    before = {path.name: path.read_bytes() for path in run.folder.iterdir()}
    with pytest.raises(UsageError, match=r"not what it was when the run was stopped:\n  \w+\.\w+.* → "):
        go_on(run, override)
    assert {path.name: path.read_bytes() for path in run.folder.iterdir()} == before

    training, changes = go_on(run, override, allow=True)
    assert len(changes.weighty) == 1
    assert len(training.progress.history) == 3


def test_the_figure_of_the_best_epoch_stays_what_it_was(tmp_path):
    run = start(tmp_path / "run", 8)
    with pytest.raises(UsageError, match=r"training\.best_by cannot change within a run; start a new one"):
        go_on(run, "training.best_by=validation_loss", allow=True)


NO_STEP = {"type": "sgd", "learning_rate": 1e-30}  # nothing improves after the first epoch


@pytest.mark.parametrize("stop", [8, None])  # in the second epoch, and when patience has run out
def test_more_patience_is_as_if_it_had_been_wanted_from_the_beginning(tmp_path, stop):
    options = {"epochs": 6, "optimizer": NO_STEP}
    shorter = start(tmp_path / "shorter", stop, patience=2, **options)
    longer = start(tmp_path / "longer", patience=4, **options)
    training, changes = go_on(shorter, "training.patience=4")
    assert changes.plain == ("training.patience: 2 → 4",)
    assert changes.weighty == ()
    assert len(training.progress.history) == 5
    found, wanted = kept(shorter), kept(longer)
    assert found[-1].pop("resolved").splitlines()[2:] == wanted[-1].pop("resolved").splitlines()
    assert found == wanted


def test_less_patience_than_was_had_is_refused(tmp_path):
    run = start(tmp_path / "run", epochs=6, patience=3, optimizer=NO_STEP)
    with pytest.raises(UsageError, match=r"training\.patience: 3 → 2 \(with that .* stopped after epoch 3\)"):
        go_on(run, "training.patience=2")
    training, _ = go_on(run, "training.patience=3")
    assert training.finished


def test_an_allowed_change_begins_its_epoch_again_and_is_written_down(tmp_path):
    run = start(tmp_path / "run", 9)  # the second batch of the second epoch
    last = run.read_checkpoint(LAST)
    file = values_in_force(run, last, ["training.batch_size=45", "training.epochs=4"])
    recorder, _ = resume(run, last, file, stripes.data(), 1, allow_changes=True)
    assert (recorder.training.progress.epoch, recorder.training.progress.batch) == (2, 0)
    assert recorder.training.batches == 2
    for event in recorder.training.run():
        recorder.record(event)
    go_on(run, "training.epochs=5")

    text = (run.folder / RESOLVED).read_text()
    assert text.splitlines()[:4] == [
        "# From epoch 2 on: training.epochs: 3 → 4",
        "# From epoch 2 on: training.batch_size: 16 → 45",
        "# From epoch 5 on: training.epochs: 4 → 5",
        "",
    ]
    assert tomllib.loads(text)["training"]["batch_size"] == 45
    assert values_in_force(run, run.read_checkpoint(LAST)).config.training.epochs == 5


def test_the_best_weights_keep_the_values_that_they_were_trained_under(tmp_path):
    run = start(tmp_path / "run", epochs=1, optimizer={"type": "adam", "learning_rate": 0.01})
    go_on(run, "training.optimizer.learning_rate=1e-30", "training.epochs=2", allow=True)
    best = run.read_checkpoint(BEST).document
    assert best["epoch"] == 1
    assert best["config"]["training"]["optimizer"]["learning_rate"] == 0.01
    assert best["config"]["training"]["epochs"] == 2
    assert run.read_checkpoint(LAST).document["config"]["training"]["optimizer"]["learning_rate"] == 1e-30


def test_going_on_after_a_change_is_as_exact(tmp_path):
    change = "training.optimizer.learning_rate=0.01"
    runs = [start(tmp_path / name, epochs=1) for name in ("one", "two")]
    for run, stop in zip(runs, (None, 4), strict=True):
        last = run.read_checkpoint(LAST)
        file = values_in_force(run, last, [change, "training.epochs=3"])
        recorder, _ = resume(run, last, file, stripes.data(), 1, allow_changes=True)
        for event in islice(recorder.training.run(), stop):
            recorder.record(event)
        recorder.checkpoint()
    go_on(runs[1])
    assert kept(runs[0]) == kept(runs[1])


def other_pixels(data):
    images = data.train.images.copy()
    images[0] += 1
    return replace(data, train=replace(data.train, stored=images))


def test_other_images_are_refused_or_written_down(tmp_path):
    run = start(tmp_path / "run", 8)
    changed = other_pixels(stripes.data())
    with pytest.raises(UsageError, match=r"training images: 90 of 8×8×1, SHA-256 \w{16}… → 90 of 8×8×1, SHA"):
        go_on(run, data=changed)
    go_on(run, data=changed, allow=True)
    assert (run.folder / RESOLVED).read_text().startswith("# From epoch 2 on: training images: 90 of 8×8×1")
    assert not go_on(run, data=changed)[1]


def test_without_the_validation_images_it_is_another_run(tmp_path):
    run = start(tmp_path / "run", 8)
    with pytest.raises(UsageError, match=r"validation images: 30 of 8×8×1, SHA-256 \w{16}… → none"):
        go_on(run, data=replace(stripes.data(), validation=None))


def test_test_images_are_free_to_change(tmp_path):
    run = start(tmp_path / "run", 8)
    assert not go_on(run, data=replace(stripes.data(), test=None))[1]


def test_data_that_has_moved_is_found_where_the_user_says(tmp_path):
    stopped, whole = start(tmp_path / "stopped", 8), start(tmp_path / "whole")
    (tmp_path / "moved.npz").touch()
    _, changes = go_on(stopped, f"data.source={tmp_path / 'moved.npz'}")
    assert not changes
    assert tomllib.loads((stopped.folder / RESOLVED).read_text())["data"]["source"].endswith("moved.npz")
    assert kept(stopped)[2] == kept(whole)[2]


def test_a_configuration_in_a_file_is_compared_with_the_runs_own(tmp_path):
    run = start(tmp_path / "run", 8)
    same = file_of(stripes.config(), tmp_path)
    assert not go_on(run, file=same)[1]
    run = start(tmp_path / "another", 8)
    layers = [stripes.LAYERS[0], {"type": "max_pool", "size": 3}, *stripes.LAYERS[2:]]
    other = file_of(stripes.config(layers), tmp_path)
    with pytest.raises(UsageError, match=r"layers\.2\.size: \[2, 2\] → \[3, 3\]"):
        go_on(run, file=other)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (
            "layers.1.filters=9",
            r"does not fit the changed configuration; start a new run for it: layers\.1\.W",
        ),
        (
            "training.optimizer=sgd",
            r"does not fit the changed optimizer; start a new run for it: optimizer\.",
        ),
        ("data.preprocessing=rescale", r"data\.preprocessing cannot change within a run; start a new one"),
    ],
)
def test_what_the_weights_depend_on_cannot_change(tmp_path, override, message):
    run = start(tmp_path / "run", 8)
    before = {path.name: path.read_bytes() for path in run.folder.iterdir()}
    with pytest.raises((InputError, UsageError), match=message):
        go_on(run, override, allow=True)
    assert {path.name: path.read_bytes() for path in run.folder.iterdir()} == before


@pytest.mark.parametrize("override", ["data.fit=pad", "data.background=black", "data.range=[0, 99]"])
def test_how_images_are_presented_changes_only_where_that_is_allowed(tmp_path, override):
    run = start(tmp_path / "run", 8)
    key = override.partition("=")[0]
    with pytest.raises(UsageError, match=rf"{key}: "):
        go_on(run, override)
    go_on(run, override, allow=True)


def test_memory_has_to_do_as_for_a_new_training(tmp_path, monkeypatch):
    run = start(tmp_path / "run", 8)
    last = run.read_checkpoint(LAST)
    file = values_in_force(run, last)
    monkeypatch.setattr(bounds, "machine_bytes", lambda: 10_000)
    with pytest.raises(
        InputError, match=r"\[\[layers\]\]: it needs .* GiB of memory, .* smaller data.size or"
    ):
        resume(run, last, file, stripes.data(), 1)


def test_files_that_are_behind_the_checkpoint_are_brought_up_to_it(tmp_path):
    run = start(tmp_path / "run")
    files = {path.name: path.read_bytes() for path in run.folder.iterdir()}
    (run.folder / BEST).unlink()
    (run.folder / METRICS).write_text("epoch,train_loss\n1,2\n1,2\n")
    (run.folder / RESOLVED).write_text("[data]\nsource = 'digits'\n")
    go_on(run)
    assert {path.name: path.read_bytes() for path in run.folder.iterdir()} == files


@pytest.mark.parametrize(("key", "message"), [("resolved", "what was in force"), ("data", "learned from")])
@pytest.mark.parametrize("value", [None, 3, ["x"]])
def test_a_checkpoint_that_leaves_out_what_it_was_made_from_is_damaged(tmp_path, key, message, value):
    run = start(tmp_path / "run", 8)
    last = run.read_checkpoint(LAST)
    last.document[key] = value
    message = rf"last\.safetensors: damaged checkpoint \(it does not say .*{message}"
    with pytest.raises(InputError, match=message):
        resume(run, last, file_of(stripes.config(), tmp_path), stripes.data(), 1)


def test_all_that_a_run_remembers_is_finite(tmp_path):
    run = start(tmp_path / "run", 8)
    arrays = run.read_checkpoint(LAST).arrays
    assert {name.partition(".")[0] for name in arrays} == {"layers", "optimizer", "best"}
    assert all(np.isfinite(array).all() for array in arrays.values())
