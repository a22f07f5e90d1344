"""Processes that read together: each a part, and all have all of it."""

import os
from collections import Counter
from pathlib import Path
from threading import get_ident

import numpy as np
import pytest
from PIL import Image

from convcli import images as image_files
from convcli.config import DataOptions
from convcli.data import Wanted, loading, neighbours, open_source
from convcli.data.loading import load_data
from convcli.errors import InputError
from threaded_ranks import on_neighbours


@pytest.fixture
def photos(tmp_path):
    for number in range(12):
        path = tmp_path / "photos" / "ab"[number % 2] / f"{number:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8), 20 * number).save(path)
    return tmp_path / "photos"


def together(folder, **options):
    """Return what each of three has of a folder's photos."""
    return on_neighbours(
        3, lambda own: open_source(folder.name, base=folder.parent, wanted=Wanted(neighbours=own, **options))
    )


def test_each_decodes_its_part_of_the_files_and_no_other(photos, monkeypatch):
    decoded, real = Counter(), image_files.read

    def read(path, **options):
        decoded[get_ident(), path] += 1
        return real(path, **options)

    monkeypatch.setattr(image_files, "read", read)
    together(photos)
    assert set(decoded.values()) == {1}
    assert sorted(Counter(thread for thread, _ in decoded).values()) == [4, 4, 4]
    assert len({path for _, path in decoded}) == 12


def test_the_first_alone_looks_for_images_that_stand_twice(photos, monkeypatch):
    looked = []
    monkeypatch.setattr(loading, "same_pictures", lambda parts: looked.append(1) or ((), 0))
    options = DataOptions(source=photos.name, validation=0.5)
    on_neighbours(3, lambda own: load_data(options, photos.parent, 0, own))
    assert len(looked) == 1


def test_a_damaged_file_of_one_is_named_by_all(photos):
    (photos / "b" / "11.png").write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"11\.png"):
        together(photos)


def test_damaged_files_are_left_out_for_all(photos):
    for number in (2, 7):
        (photos / "ab"[number % 2] / f"{number:02}.png").write_bytes(b"nothing")
    first, *others = together(photos, skip_damaged=True)
    assert len(first.train) == 10
    for other in others:
        np.testing.assert_array_equal(other.train.images, first.train.images)


def test_sizes_are_decided_by_the_images_of_all(photos):
    for number in (0, 2, 4, 6, 8, 9, 10, 11):
        Image.new("L", (6, 5), number).save(photos / "ab"[number % 2] / f"{number:02}.png")
    assert {each.train.shape for each in together(photos)} == {(5, 6, 1)}


def test_what_one_makes_all_have_in_one_memory():
    made = []

    def share(own):
        array, other = own.once(lambda: (made.append(1) or np.arange(6.0).reshape(2, 3), "small"))
        if own.place == 1:
            array[1, 1] = 40
        own.only_first(lambda: None)
        return array.tolist(), other

    assert on_neighbours(3, share) == [([[0, 1, 2], [3, 40, 5]], "small")] * 3
    assert made == [1]


def test_no_file_is_left_of_shared_memory(monkeypatch, tmp_path):
    monkeypatch.setattr(neighbours, "MEMORY", tmp_path)
    assert on_neighbours(2, lambda own: own.room(5000).sum()) == [0, 0]
    assert not list(tmp_path.iterdir())


def test_without_room_in_memory_it_is_a_file_and_without_any_an_error(monkeypatch, tmp_path):
    real = os.posix_fallocate

    def full(number, start, size):
        if Path(f"/proc/self/fd/{number}").readlink().parent == tmp_path or size > 1 << 20:
            raise OSError(28, "No space left on device")
        real(number, start, size)

    monkeypatch.setattr(neighbours, "MEMORY", tmp_path)
    monkeypatch.setattr(os, "posix_fallocate", full)
    assert [len(room) for room in on_neighbours(2, lambda own: own.room(5000))] == [5000, 5000]
    with pytest.raises(InputError, match=r"room for 2\.00 GiB .* TMPDIR to a folder with more room"):
        on_neighbours(2, lambda own: own.room(2 << 30))
    assert not list(tmp_path.iterdir())
