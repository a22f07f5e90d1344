"""Images of stores filtered into stores: as on a disk, and nothing is left behind."""

from __future__ import annotations

import io
import json
import pickle
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cluster.here import Here
from convcli.cluster.batch import ClusterBatch
from convcli.cluster.errands import work
from convcli.cluster.listing import Listed
from convcli.errors import InputError, OutputError, UsageError
from convcli.filtering import Policy
from convcli.filtering.jobs import Saving
from convcli.filtering.manifest import Journal
from convcli.filtering.outcomes import Done, Failed
from convcli.filtering.pipeline import Pipeline
from convcli.filtering.pipeline_file import pipeline_document
from convcli.filtering.recipe import Recipe
from convcli.kernels import parse

fsspec = pytest.importorskip("fsspec")

NAMES = ("b.png", "a/c d#?.png", "a/ü/e%20.png")


def png(seed):
    file = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (8, 9, 3), np.uint8)
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def memory():
    """A store with three images in folders."""
    files = fsspec.filesystem("memory")
    files.store.clear()
    files.pseudo_dirs[:] = [""]
    for seed, name in enumerate(NAMES):
        files.pipe(f"/in/{name}", png(seed))
    yield files
    files.store.clear()


@pytest.fixture
def batch_of(tmp_path, memory, monkeypatch):
    """Return a function that gives the batch of kernels' results in `memory://out`."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))

    def make(*images, kernels=("sobel",), keep_going=False, manifest=True, **saving):
        pipelines = {name: Pipeline.of(parse(name), Policy()) for name in kernels}
        saving = {"out_dir": Path("memory://out"), "noted": manifest} | saving
        resume, force = saving.get("resume", False), saving.get("force", False)
        return ClusterBatch.of(
            images or ["memory://in/"],
            pipelines,
            Saving(**saving),
            recursive=True,
            recipes={name: Recipe.of(pipeline_document(one), name) for name, one in pipelines.items()},
            journal=Journal(tmp_path / "m.jsonl", resume=resume, force=force) if manifest else None,
            keep_going=keep_going,
        )

    yield make
    assert list((tmp_path / "temporary").iterdir()) == []


def lines_of(tmp_path):
    return [json.loads(line) for line in (tmp_path / "m.jsonl").read_text().splitlines()]


def there(memory):
    return {name: data.getvalue() for name, data in memory.store.items() if name.startswith("/out/")}


def test_results_mirror_a_store_in_another_as_on_a_disk(tmp_path, memory, batch_of, call):
    batch = batch_of(kernels=("sobel", "box"))
    outcomes = list(batch.run(Here()))
    for name in NAMES:
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_bytes(memory.cat(f"/in/{name}"))
    words = ("-k", "sobel", "-k", "box", "--out-dir", tmp_path / "out")
    assert call("filter", tmp_path / "in", "-r", *words).code == 0
    own = {f"/{path.relative_to(tmp_path)}": path.read_bytes() for path in (tmp_path / "out").rglob("*.png")}
    assert there(memory) == own
    assert len(own) == len(outcomes) == batch.done == 6
    assert {str(one.job.target) for one in outcomes} == {f"memory:/{name}" for name in own}


def test_what_is_finished_is_left_alone_by_what_the_store_said_then(tmp_path, memory, batch_of):
    list(batch_of().run(Here()))
    (first, *_) = lines_of(tmp_path)
    assert (first["input"], first["output"]) == ("memory://in/b.png", "memory://out/b_sobel.png")
    assert first["input_bytes"] == len(png(0))
    assert first["input_modified"].startswith("20")
    assert first["output_bytes"] == len(memory.cat("/out/b_sobel.png"))
    memory.rm("/out/a/c d#?_sobel.png")
    memory.pipe("/in/a/ü/e%20.png", png(7))
    batch = batch_of(resume=True)
    assert {one.job.source for one in batch.run(Here())} == {
        "memory://in/a/c d#?.png",
        "memory://in/a/ü/e%20.png",
    }
    assert (batch.done, batch.finished, batch.failed) == (2, 1, 0)
    with pytest.raises(UsageError, match="--resume to memory://out needs a --manifest"):
        batch_of(manifest=False, resume=True)


def test_what_is_there_stays_without_force_unless_it_is_the_same_that_this_call_has_made(memory, batch_of):
    memory.pipe("/out/b_sobel.png", b"mine")
    age(memory)
    (failed, *_) = batch_of(keep_going=True).run(Here())
    assert str(failed.error) == (
        "memory://out/b_sobel.png exists already; use --force to overwrite it, or another --out-dir."
    )
    assert memory.cat("/out/b_sobel.png") == b"mine"
    assert all(isinstance(one, Done) for one in batch_of(force=True).run(Here()))


def test_a_group_that_comes_twice_is_done_once_and_another_image_of_one_name_is_told(memory, batch_of):
    batch = batch_of(manifest=False, keep_going=True)
    errand = pickle.dumps(batch._begun(ExitStack()))
    orders = batch._packed([Listed("memory://in/b.png", ("memory://out/x.png",), None)])
    (first,), (second,) = (pickle.loads(work(errand, orders)) for _ in range(2))
    assert isinstance(first, Done)
    assert isinstance(second, Done)
    orders = batch._packed([Listed("memory://in/a/ü/e%20.png", ("memory://out/x.png",), None)])
    (other,) = pickle.loads(work(errand, orders))
    assert "its result would be memory://out/x.png, where another image's is already" in str(other.error)


def test_of_a_store_that_tells_no_times_what_is_there_is_told_by_its_bytes(memory, batch_of, monkeypatch):
    said = type(memory).info
    monkeypatch.setattr(type(memory), "info", lambda self, path: {**said(self, path), "created": None})
    assert all(isinstance(one, Done) for one in batch_of(manifest=False).run(Here()))
    assert all(isinstance(one, Done) for one in batch_of(manifest=False).run(Here()))
    memory.pipe("/out/b_sobel.png", b"mine")
    (failed, *_) = batch_of(manifest=False, keep_going=True).run(Here())
    assert "exists already" in str(failed.error)
    assert memory.cat("/out/b_sobel.png") == b"mine"
    assert all(isinstance(one, Done) for one in batch_of(manifest=False, force=True).run(Here()))
    assert memory.cat("/out/b_sobel.png") != b"mine"


def age(memory):
    for data in memory.store.values():
        data.created = data.modified = data.created.replace(year=2001)


def test_an_error_names_the_address_and_neither_the_file_here_nor_a_secret(tmp_path, memory, batch_of):
    memory.pipe("/in/b.png", b"no image")
    secret = "memory://me:sesame@in/b.png"
    outcomes = list(batch_of("memory://in/", secret, "memory://in/none.png", keep_going=True).run(Here()))
    said = [str(one.error) for one in outcomes if isinstance(one, Failed)]
    assert any(line.startswith("memory://in/b.png: ") for line in said)
    assert "memory://in/none.png: no such file there." in said
    assert not any("sesame" in line or str(tmp_path) in line for line in said)
    assert "sesame" not in (tmp_path / "m.jsonl").read_text()


def test_an_image_of_a_store_may_go_to_a_disk_and_one_of_a_disk_to_a_store(tmp_path, memory, batch_of):
    list(batch_of(out_dir=tmp_path / "out").run(Here()))
    (tmp_path / "b.png").write_bytes(png(0))
    list(batch_of(str(tmp_path / "b.png"), force=True).run(Here()))
    assert memory.cat("/out/b_sobel.png") == (tmp_path / "out" / "b_sobel.png").read_bytes()
    batch = batch_of(out_dir=tmp_path / "out", resume=True, manifest=False)
    assert list(batch.run(Here())) == []
    assert batch.finished == 3


def test_where_nothing_can_be_written_is_known_before_anything_is_read(batch_of, monkeypatch):
    with pytest.raises(UsageError, match="https://host/out: https:// is read only"):
        batch_of(out_dir=Path("https://host/out"))
    memory = type(fsspec.filesystem("memory"))

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(memory, "pipe_file", full)
    with pytest.raises(OutputError, match=r"memory://out: cannot be written \(No space left on device\)"):
        list(batch_of(keep_going=True).run(Here()))


@pytest.mark.parametrize(("error", "count"), [(OSError(16, "Please slow down"), 3), (PermissionError(), 1)])
def test_a_busy_store_costs_a_result_and_one_that_refuses_ends_all(
    memory, batch_of, monkeypatch, error, count
):
    def put(self, *_, **__):
        raise error

    monkeypatch.setattr(type(memory), "put_file", put)
    batch = batch_of(keep_going=True)
    with suppress(OutputError):
        list(batch.run(Here()))
    assert batch.failed == count


def test_an_image_that_changes_while_it_is_copied_is_not_filtered(memory, batch_of, monkeypatch):
    fetch = type(memory).get_file

    def late(self, path, file, **how):
        fetch(self, path, file, **how)
        Path(file).write_bytes(Path(file).read_bytes() + b"more")

    monkeypatch.setattr(type(memory), "get_file", late)
    with pytest.raises(InputError, match="was changed while it was read; call again"):
        list(batch_of().run(Here()))
    assert not there(memory)
