"""Images filtered by a cluster, without one: what is counted, noted, resumed and refused."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cluster.here import Here
from convcli.cluster.batch import ClusterBatch
from convcli.errors import InputError, OutputError, UsageError
from convcli.filtering import Policy
from convcli.filtering.jobs import Saving
from convcli.filtering.manifest import Journal
from convcli.filtering.outcomes import Done, Failed
from convcli.filtering.pipeline import Pipeline
from convcli.filtering.pipeline_file import pipeline_document
from convcli.filtering.recipe import Recipe
from convcli.kernels import parse


@pytest.fixture
def photos(tmp_path):
    """Return a folder of five small images."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(5):
        pixels = np.random.default_rng(number).integers(0, 256, (8, 9, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return folder


@pytest.fixture
def batch_of(tmp_path, photos):
    """Return a function that gives the batch of kernels' results in `out`."""

    def make(
        *kernels,
        images=(photos,),
        policy=Policy(),  # noqa: B008
        recursive=False,
        manifest=False,
        keep_going=False,
        kept=(),
        **saving,
    ):
        pipelines = {name: Pipeline.of(parse(name), policy) for name in kernels or ("sobel",)}
        journal = None
        if manifest:
            resume, force = saving.get("resume", False), saving.get("force", False)
            journal = Journal(tmp_path / "m.jsonl", resume=resume, force=force)
        return ClusterBatch.of(
            [str(image) for image in images],
            pipelines,
            Saving(**{"out_dir": tmp_path / "out", "noted": manifest} | saving),
            recursive=recursive,
            recipes={name: Recipe.of(pipeline_document(one), name) for name, one in pipelines.items()},
            journal=journal,
            keep_going=keep_going,
            kept=[str(name) for name in kept],
        )

    return make


def lines_of(tmp_path):
    return [json.loads(line) for line in (tmp_path / "m.jsonl").read_text().splitlines()]


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.glob("*.png")}


def age(*paths):
    """Make files older than all that this call writes."""
    then = time.time() - 100
    for path in paths:
        os.utime(path, (then, then))


def test_all_images_are_filtered_by_all_kernels_as_a_batch_does_it(tmp_path, batch_of, call, photos):
    batch = batch_of("sobel", "box")
    outcomes = list(batch.run(Here()))
    assert call("filter", photos, "-k", "sobel", "-k", "box", "--out-dir", "own").code == 0
    assert contents(tmp_path / "out") == contents(tmp_path / "own")
    assert len(contents(tmp_path / "out")) == len(outcomes) == batch.done == 10


def test_outcomes_are_called_as_they_were_asked_for(tmp_path, monkeypatch, batch_of):
    monkeypatch.chdir(tmp_path)
    outcomes = list(batch_of(images=["photos"], out_dir=Path("out")).run(Here()))
    assert {str(one.job.target) for one in outcomes} == {f"out/{number}_sobel.png" for number in range(5)}
    assert {one.job.source for one in outcomes} == {f"photos/{number}.png" for number in range(5)}


def test_notes_call_an_image_as_it_was_asked_for(tmp_path, monkeypatch, batch_of):
    monkeypatch.chdir(tmp_path)
    outcomes = list(
        batch_of(images=["photos"], out_dir=Path("out"), policy=Policy(nodata=(3.0,))).run(Here())
    )
    notes = [text for one in outcomes for text in one.notes]
    assert len(notes) >= 5
    assert all(text.startswith("photos/") for text in notes)


def test_the_manifest_has_one_line_for_each_result(tmp_path, batch_of):
    list(batch_of("sobel", "box", manifest=True).run(Here()))
    lines = lines_of(tmp_path)
    assert len(lines) == len({line["output"] for line in lines}) == 10
    assert all(line["error"] is None and line["output_bytes"] and line["pipeline_digest"] for line in lines)


def test_what_is_finished_is_left_alone_by_the_record(tmp_path, batch_of):
    list(batch_of().run(Here()))
    (tmp_path / "out" / "3_sobel.png").unlink()
    time.sleep(0.02)  # what is written later has a later time
    batch = batch_of(resume=True)
    assert [one.job.target.name for one in batch.run(Here())] == ["3_sobel.png"]
    assert (batch.done, batch.finished) == (1, 4)


def test_what_is_finished_is_left_alone_by_the_manifest(tmp_path, photos, batch_of):
    list(batch_of(manifest=True).run(Here()))
    age(*(tmp_path / "out").glob("*.png"))
    (tmp_path / "out" / "3_sobel.png").unlink()
    Image.new("RGB", (4, 4)).save(photos / "1.png")
    batch = batch_of(manifest=True, resume=True)
    assert sorted(one.job.target.name for one in batch.run(Here())) == ["1_sobel.png", "3_sobel.png"]
    assert (batch.done, batch.finished, batch.failed) == (2, 3, 0)
    assert len(lines_of(tmp_path)) == 7


def test_a_result_that_has_no_line_is_noted_if_it_is_the_same(tmp_path, batch_of):
    list(batch_of(manifest=True).run(Here()))
    journal = tmp_path / "m.jsonl"
    journal.write_text("".join(journal.read_text().splitlines(keepends=True)[:3]))
    age(*(tmp_path / "out").glob("*.png"))
    next((tmp_path / "out").glob(".convcli-*.json")).unlink()
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("*.png")}
    batch = batch_of(manifest=True, resume=True)
    list(batch.run(Here()))
    assert (batch.done, batch.finished) == (2, 3)
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("*.png")}


def test_other_options_than_the_records_are_refused_before_any_work(batch_of):
    list(batch_of("sobel").run(Here()))
    with pytest.raises(UsageError, match="made otherwise"):
        batch_of("sobel", resume=True, compress=9)


def test_what_is_there_is_not_overwritten_without_force(tmp_path, batch_of):
    (tmp_path / "out").mkdir()
    there = tmp_path / "out" / "2_sobel.png"
    there.write_bytes(b"mine")
    age(there)
    with pytest.raises(OutputError, match=r"2_sobel\.png exists already; use --force"):
        list(batch_of().run(Here()))
    assert there.read_bytes() == b"mine"


def test_force_overwrites_what_was_there_before_the_call(tmp_path, batch_of):
    list(batch_of().run(Here()))
    there = tmp_path / "out" / "2_sobel.png"
    right = there.read_bytes()
    there.write_bytes(b"old")
    age(there)
    list(batch_of(force=True).run(Here()))
    assert there.read_bytes() == right


def test_a_failure_ends_all_unless_it_is_to_keep_going(tmp_path, photos, batch_of):
    (photos / "1.png").write_bytes(b"no image")
    with pytest.raises(InputError, match=r"1\.png"):
        list(batch_of().run(Here()))
    assert len(contents(tmp_path / "out")) < 4
    batch = batch_of(keep_going=True, resume=True)
    failed = [one for one in batch.run(Here()) if isinstance(one, Failed)]
    assert [one.job.source for one in failed] == [str(photos / "1.png")]
    assert (batch.failed, len(contents(tmp_path / "out"))) == (1, 4)


def test_an_image_that_ends_its_workers_is_one_failure_and_all_others_are_made(tmp_path, photos, batch_of):
    cluster = Here(lambda order: order.source.endswith("2.png"))
    with pytest.raises(InputError, match=r"2\.png: 4 workers, one after the other, died while filtering it"):
        list(batch_of().run(cluster))
    assert sorted(contents(tmp_path / "out")) == [f"{number}_sobel.png" for number in (0, 1, 3, 4)]
    batch = batch_of(keep_going=True, resume=True)
    (failed,) = batch.run(cluster)
    assert (failed.job.source, batch.finished, batch.failed) == (str(photos / "2.png"), 4, 1)


def test_of_many_failures_the_first_are_kept(photos, batch_of):
    for number in range(ClusterBatch.MOST_FAILURES + 5):
        (photos / f"x{number}.png").write_bytes(b"no image")
    batch = batch_of(keep_going=True)
    list(batch.run(Here()))
    assert (len(batch.failures), batch.failed) == (batch.MOST_FAILURES, batch.MOST_FAILURES + 5)


def test_after_an_end_that_is_asked_for_the_same_call_goes_on(tmp_path, batch_of):
    batch = batch_of()
    list(batch.run(Here(), lambda: batch.done == 2))
    assert (batch.done, batch.is_left, len(contents(tmp_path / "out"))) == (2, True, 2)
    time.sleep(0.02)
    batch = batch_of(resume=True)
    list(batch.run(Here()))
    assert (batch.done, batch.finished, batch.is_left) == (3, 2, False)


def test_what_a_dead_worker_has_half_written_is_removed(tmp_path, photos, batch_of):
    inner = photos / "deeper"
    inner.mkdir()
    (photos / "0.png").rename(inner / "0.png")
    left = tmp_path / "out" / "deeper" / ".convcli-0123.tmp"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    cluster = Here()
    cluster.lost = True
    list(batch_of(recursive=True).run(cluster))
    assert not left.exists()
    assert (left.parent / "0_sobel.png").exists()


def test_an_image_among_the_results_is_refused(tmp_path, photos, batch_of):
    with pytest.raises(UsageError, match="lies in --out-dir"):
        batch_of(images=[photos / "0.png"], out_dir=photos)


def test_a_file_that_a_kernel_comes_from_is_never_overwritten(tmp_path, batch_of):
    with pytest.raises(UsageError, match="is an input"):
        batch_of(kept=[tmp_path / "out" / "0_sobel.png"], force=True)


def test_a_manifest_that_is_an_image_is_refused(tmp_path, photos, batch_of):
    (photos / "0.png").rename(tmp_path / "m.jsonl")
    with pytest.raises(UsageError, match="is an image or a result itself"):
        batch_of(images=[tmp_path / "m.jsonl"], manifest=True, force=True)


def test_two_images_of_one_name_are_told_apart_or_refused(tmp_path, photos, batch_of):
    other = tmp_path / "other"
    other.mkdir()
    Image.new("RGB", (30, 30), "red").save(other / "0.png")
    with pytest.raises(OutputError, match=r"its result would be .*0_sobel\.png, where another image's is"):
        list(
            batch_of("emboss", images=[photos / "0.png", other / "0.png"], name="{stem}_sobel.png").run(
                Here()
            )
        )


def test_there_is_nothing_written_where_there_are_no_images(tmp_path, batch_of):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="expected images"):
        batch_of(images=[tmp_path / "empty"])
    assert not (tmp_path / "out").exists()


def test_results_that_are_on_the_workers_alone_are_said_once(tmp_path, batch_of):
    def answers(*told, **how):
        for images, said in Here().answers(*told, **how):
            for image in images:
                Path(image.targets[0]).unlink()
            yield images, said

    apart = Here()
    apart.answers = answers
    batch, told = batch_of(), []
    batch._tell = told.append
    assert len(list(batch.run(apart))) == 5
    (note,) = told
    assert note.startswith(f"{tmp_path / 'out' / '0_sobel.png'}: written by a worker, and not there")

    batch = batch_of(force=True)
    batch._tell = told.append
    assert len(list(batch.run(Here()))) == 5
    assert told == [note]


def test_findings_come_back_whole(batch_of):
    outcome = next(iter(batch_of().run(Here())))
    assert isinstance(outcome, Done)
    assert (outcome.found.shape, outcome.input_shape) == ((8, 9), (8, 9, 3))
