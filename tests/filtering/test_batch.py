"""Batches of image files from Python: what they yield, what they refuse, what they read."""

from __future__ import annotations

import json

import numpy as np
import PIL.Image
import pytest

from convcli.errors import InputError, UsageError
from convcli.filtering import Policy, as_kernel, filter_image, original
from convcli.filtering.batch import Batch, Done, Failed
from convcli.filtering.filter import Filter
from convcli.filtering.jobs import Saving
from convcli.images import read

FILTERS = {
    "edges": Filter(as_kernel("sobel"), Policy()),
    "soft": Filter(as_kernel("gaussian"), Policy(border="wrap")),
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
    batch = Batch([str(photos)], FILTERS, Saving(out_dir=tmp_path / "made"))
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
    list(Batch([str(photos)], FILTERS, Saving(out_dir=tmp_path / "made")).run())
    assert sorted(sources) == sorted(photos.iterdir())


def test_a_failure_is_yielded_in_its_place_or_raised(photos, tmp_path):
    (photos / "1.png").write_bytes(b"")
    keeping = Batch([str(photos)], FILTERS, Saving(out_dir=tmp_path / "made"), keep_going=True)
    kinds = [type(outcome) for outcome in keeping.run()]
    assert kinds == [Done, Done, Failed, Failed, Done, Done]
    assert [job.source for job in keeping.failures] == [str(photos / "1.png")] * 2
    with pytest.raises(InputError, match=r"1\.png: expected an image, found nothing"):
        list(Batch([str(photos)], FILTERS, Saving(out_dir=tmp_path / "other")).run())


def test_what_is_finished_is_not_made_again_and_it_is_told(photos, tmp_path):
    saving = Saving(out_dir=tmp_path / "made", resume=True)
    assert len(list(Batch([str(photos)], FILTERS, saving).run())) == 6
    told = []
    again = Batch([str(photos)], FILTERS, saving, tell=told.append)
    assert (again.todo, told) == ([], ["6 of 6 results were finished already"])


def test_a_single_image_tells_how_far_it_has_come_and_may_go_to_standard_output(photos):
    shares = []
    saving = Saving(output="-", format="npy")
    (done,) = Batch([str(photos / "0.png")], {"edges": FILTERS["edges"]}, saving).run(progress=shares.append)
    assert done.data.startswith(b"\x93NUMPY")
    assert sum(shares) == pytest.approx(1)


def test_the_record_of_a_filter_tells_it_from_all_others():
    others = [
        Filter(as_kernel("sobel"), Policy(range="stretch")),
        Filter(as_kernel("sobel"), Policy(nodata=(0, "auto"))),
        Filter(as_kernel("sobel", anchor=(0, 0)), Policy()),
        Filter(as_kernel("sobel", scale=2), Policy()),
        Filter(as_kernel([[1, -1]]), Policy()),
        Filter(as_kernel([[-1, 1]]), Policy()),
    ]
    records = [json.dumps(one.record()) for one in (*FILTERS.values(), *others)]
    assert len(set(records)) == len(records)
    assert Filter(as_kernel("sobel"), Policy()).record() == FILTERS["edges"].record()


def test_a_filter_that_fits_no_image_is_refused_when_it_is_made():
    with pytest.raises(UsageError, match="stride"):
        Filter(as_kernel("sobel"), Policy(stride=0))
