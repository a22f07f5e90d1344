"""Batches of image files from Python: what they yield, what they refuse, what they read."""

from __future__ import annotations

import json
import re
import threading
import time
import weakref

import numpy as np
import PIL.Image
import pytest

from convcli.errors import InputError, UsageError
from convcli.filtering import Policy, as_kernel, filter_image, original
from convcli.filtering.batch import Batch, in_order
from convcli.filtering.jobs import Saving
from convcli.filtering.outcomes import Done, Failed
from convcli.filtering.pipeline import Pipeline
from convcli.images import read

FILTERS = {
    "edges": Pipeline.of(as_kernel("sobel"), Policy()),
    "soft": Pipeline.of(as_kernel("gaussian"), Policy(border="wrap")),
}


def pixels(number):
    return np.random.default_rng(number).integers(0, 256, (12, 16, 3), np.uint8)


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(3):
        PIL.Image.fromarray(pixels(number)).save(folder / f"{number}.png")
    return folder


def test_a_batch_yields_what_it_has_made_image_by_image_and_prints_nothing(photos, tmp_path, capfd):
    batch = Batch.of([str(photos)], FILTERS, Saving(out_dir=tmp_path / "made"))
    made = list(batch.run())
    names = [f"{number}_{name}.png" for number in range(3) for name in FILTERS]
    assert [outcome.job.target for outcome in made] == [tmp_path / "made" / name for name in names]
    assert all(isinstance(outcome, Done) and outcome.data is None for outcome in made)
    for outcome in made:
        image = np.asarray(PIL.Image.open(outcome.job.source))
        options = {"border": "wrap"} if "soft" in outcome.job.target.name else {}
        expected = filter_image(image, outcome.found.kernel, **options)
        np.testing.assert_array_equal(np.asarray(PIL.Image.open(outcome.job.target)), expected)
        assert (outcome.input_shape, outcome.found.shape) == (image.shape, expected.shape)
    assert capfd.readouterr() == ("", "")


def test_each_image_is_decoded_once_for_all_filters(photos, tmp_path, monkeypatch):
    sources = []
    monkeypatch.setattr(
        original, "read", lambda source, **options: sources.append(source) or read(source, **options)
    )
    list(Batch.of([str(photos)], FILTERS, Saving(out_dir=tmp_path / "made")).run())
    assert sorted(sources) == sorted(photos.iterdir())


def test_a_failure_is_yielded_in_its_place_or_raised(photos, tmp_path):
    (photos / "1.png").write_bytes(b"")
    keeping = Batch.of([str(photos)], FILTERS, Saving(out_dir=tmp_path / "made"), keep_going=True)
    kinds = [type(outcome) for outcome in keeping.run()]
    assert kinds == [Done, Done, Failed, Failed, Done, Done]
    assert [job.source for job in keeping.failures] == [str(photos / "1.png")] * 2
    with pytest.raises(InputError, match=r"1\.png: expected an image, found nothing"):
        list(Batch.of([str(photos)], FILTERS, Saving(out_dir=tmp_path / "other")).run())


def test_what_is_finished_is_not_made_again_and_it_is_told(photos, tmp_path):
    saving = Saving(out_dir=tmp_path / "made", resume=True)
    assert len(list(Batch.of([str(photos)], FILTERS, saving).run())) == 6
    told = []
    again = Batch.of([str(photos)], FILTERS, saving, tell=told.append)
    assert (again.todo, told) == ([], ["6 of 6 results were finished already"])


@pytest.mark.parametrize(("jobs", "threads", "expected"), [(3, 1, 3), (2, 4, 2), (None, 2, 2), (None, 9, 3)])
def test_so_many_images_are_worked_on_at_a_time(photos, tmp_path, monkeypatch, jobs, threads, expected):
    together = threading.Barrier(expected)
    seen = []

    def at_once(source, **options):
        seen.append(options["threads"])
        if len(seen) <= expected:  # the others have nobody to wait for
            together.wait(5)
        return read(source, **options)

    monkeypatch.setattr(original, "read", at_once)
    saving = Saving(out_dir=tmp_path / "made")
    batch = Batch.of([str(photos)], {"edges": FILTERS["edges"]}, saving, threads=threads, at_once=jobs)
    assert len(list(batch.run())) == 3
    assert set(seen) == {max(threads // expected, 1)}


def test_a_single_image_tells_how_far_it_has_come_and_may_go_to_standard_output(photos):
    shares = []
    saving = Saving(output="-", format="npy")
    (done,) = Batch.of([str(photos / "0.png")], {"edges": FILTERS["edges"]}, saving).run(
        progress=shares.append
    )
    assert done.data.startswith(b"\x93NUMPY")
    assert sum(shares) == pytest.approx(1)


def test_the_record_of_a_filter_tells_it_from_all_others():
    others = [
        Pipeline.of(as_kernel("sobel"), Policy(range="stretch")),
        Pipeline.of(as_kernel("sobel"), Policy(nodata=(0, "auto"))),
        Pipeline.of(as_kernel("sobel", anchor=(0, 0)), Policy()),
        Pipeline.of(as_kernel("sobel", scale=2), Policy()),
        Pipeline.of(as_kernel([[1, -1]]), Policy()),
        Pipeline.of(as_kernel([[-1, 1]]), Policy()),
    ]
    records = [json.dumps(one.record()) for one in (*FILTERS.values(), *others)]
    assert len(set(records)) == len(records)
    assert Pipeline.of(as_kernel("sobel"), Policy()).record() == FILTERS["edges"].record()


def test_a_filter_that_fits_no_image_is_refused_when_it_is_made():
    with pytest.raises(UsageError, match="stride"):
        Pipeline.of(as_kernel("sobel"), Policy(stride=0))


# Tasks on threads whose results come in order.


def never():
    return False


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_results_come_in_order_however_long_each_takes(workers):
    items = list(range(40))
    done = in_order(lambda item: time.sleep((item % 3) / 1000) or -item, items, workers, never)
    assert [(item, future.result()) for item, future in done] == [(item, -item) for item in items]


def test_only_a_few_are_ahead_of_the_one_that_is_taken():
    begun, alive = [], weakref.WeakSet()

    class Big:
        pass

    def task(item):
        begun.append(item)
        big = Big()
        alive.add(big)
        return big

    for item, future in in_order(task, range(200), 3, never):
        assert len(begun) <= item + 2 * 3 + 1
        future.result()
        del future
        assert len(alive) <= 2 * 3 + 2


def test_errors_come_at_their_item():
    def task(item):
        if item == 2:
            raise ValueError("two")
        return item

    outcomes = [future.exception() for _, future in in_order(task, range(5), 2, never)]
    assert [repr(error) for error in outcomes] == ["None", "None", "ValueError('two')", "None", "None"]


def test_nothing_more_is_begun_when_it_is_to_stop():
    gate, begun = threading.Event(), []

    def task(item):
        begun.append(item)
        gate.wait(5)
        return item

    stopping = []
    outcomes = in_order(task, range(100), 2, lambda: bool(stopping))
    threading.Timer(0.05, gate.set).start()
    first, _ = next(outcomes)
    stopping.append(True)
    rest = [(item, future.result()) for item, future in outcomes]
    assert first == 0
    assert {item for item, _ in rest} | {0} == set(begun)
    assert len(begun) < 20


def test_leaving_early_begins_nothing_more():
    begun = []
    outcomes = in_order(lambda item: begun.append(item), range(100), 2, never)
    next(outcomes)
    outcomes.close()
    count = len(begun)
    assert count <= 6
    time.sleep(0.02)
    assert len(begun) == count


@pytest.mark.parametrize(
    "words", [["s3://bucket/a.png"], ["{}", "--out-dir", "s3://bucket/out"], ["{}", "-o", "gs://b/x.png"]]
)
def test_an_address_is_for_a_cluster_which_may_be_this_machine(call, tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.png").write_bytes(b"")
    result = call("filter", *(word.format("a.png") for word in words), "-k", "sobel")
    assert result.code == 2
    assert re.fullmatch(
        r"error: (s3|gs)://\S+: an address; with --cluster local processes .*\n", result.stderr
    )
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
