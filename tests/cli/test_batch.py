"""Many images in one command: folders, what fails, what is finished already, and an end at any moment."""

from __future__ import annotations

import errno
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from convcli.filtering import filter_image, original
from convcli.images import Image, encode
from convcli.images import read as read_image
from convcli.render.progress import steps

ROOT = Path(__file__).parent.parent.parent
NAMES = ("a", "b", "c")
TICK = 0.03  # seconds after which a file's time is another, on any system


def pixels(number):
    return np.random.default_rng(number).integers(0, 256, (12, 16), np.uint8)


def picture(path):
    with PIL.Image.open(path) as opened:
        return np.asarray(opened)


def listing(folder):
    """Return the files of a folder with what they hold; the record is left out."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.startswith(".")}


@pytest.fixture
def photos(tmp_path):
    """Return a folder of three images."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for number, name in enumerate(NAMES):
        (folder / f"{name}.png").write_bytes(encode(Image(pixels(number)), "png"))
    return folder


@pytest.fixture
def edges(call, photos, tmp_path):
    """Return the folder of their results."""
    assert call("filter", "photos", "-k", "sobel", "--out-dir", "edges").code == 0
    time.sleep(TICK)
    return tmp_path / "edges"


# What a folder stands for.


def test_folder_stands_for_its_images_by_name(call, photos, tmp_path):
    (photos / "sub").mkdir()
    (photos / "notes.txt").write_text("no image")
    (photos / ".hidden.png").write_bytes(b"")
    os.mkfifo(photos / "pipe.png")
    result = call("filter", "photos", "-k", "sobel", "--out-dir", "edges")
    assert result.code == 0
    assert [line.split()[0] for line in result.stdout.splitlines()] == [f"edges/{n}_sobel.png" for n in NAMES]
    assert result.stderr == (
        "note: photos: 1 passed over whose names do not end as those of image files\n"
        "note: photos: 1 passed over (pipe.png): pipes, or links to no file\n"
        "note: photos: 1 folder in it passed over (sub); --recursive takes what is in there too\n"
    )
    for number, name in enumerate(NAMES):
        np.testing.assert_array_equal(
            picture(tmp_path / f"edges/{name}_sobel.png"), filter_image(pixels(number), "sobel")
        )


@pytest.mark.parametrize(
    ("words", "code", "found"),
    [
        (["photos"], 2, "photos is a folder; give --out-dir"),
        (["photos", "-o", "x.png"], 2, "photos is a folder; give --out-dir"),
        (["photos", "--out-dir", "photos"], 2, "the results would lie among the images"),
        (["photos", "--out-dir", "photos/../photos"], 2, "the results would lie among the images"),
        (["empty", "--out-dir", "o"], 1, "empty: expected images (.png, "),
        (
            ["photos", "again/a.png", "--out-dir", "o"],
            2,
            "photos/a.png and again/a.png would both be written to o/a_sobel.png; give each a call",
        ),
        (["photos/a.png", "--resume"], 2, "--resume goes with --out-dir"),
    ],
)
def test_folder_is_refused_before_any_work(call, photos, tmp_path, words, code, found):
    (tmp_path / "empty").mkdir()
    (tmp_path / "again").mkdir()
    (tmp_path / "again/a.png").write_bytes((photos / "a.png").read_bytes())
    result = call("filter", *words, "-k", "sobel")
    assert (result.code, result.stdout) == (code, "")
    assert found in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again", "empty", "photos"]
    assert len(list(photos.iterdir())) == 3


# Names that collide.

SHARED = {
    "two endings": (["a.jpg", "a.png", "b.png"], ["a.jpg_box.png", "a.png_box.png", "b_box.png"]),
    "three": (["a.bmp", "a.jpg", "a.png"], ["a.bmp_box.png", "a.jpg_box.png", "a.png_box.png"]),
    "only case": (["A.jpg", "a.png"], ["A.jpg_box.png", "a.png_box.png"]),
    "case of the ending": (["a.PNG", "a.jpg"], ["a.PNG_box.png", "a.jpg_box.png"]),
    "accents": (["e\u0301.jpg", "é.png"], ["e\u0301.jpg_box.png", "é.png_box.png"]),
    "a whole name that is a stem": (
        ["a.jpg", "a.jpg.png", "a.png"],
        ["a.jpg.png_box.png", "a.jpg_box.png", "a.png_box.png"],
    ),
    "no collision": (["a.b.png", "a.png"], ["a.b_box.png", "a_box.png"]),
}


@pytest.mark.parametrize("case", SHARED)
def test_images_of_one_stem_both_get_a_result_and_it_is_said(call, tmp_path, case):
    images, results = SHARED[case]
    folder = tmp_path / "mixed"
    folder.mkdir()
    for number, name in enumerate(images):
        PIL.Image.fromarray(pixels(number)).save(folder / name)
    words = ("filter", "mixed", "-k", "box", "--out-dir", "soft")
    result = call(*words)
    assert result.code == 0
    assert sorted(listing(tmp_path / "soft")) == sorted(results)
    collided = [name for name in results if name.count(".") > 1 and case != "no collision"]
    assert bool(collided) == ("differ from another in nothing but the ending" in result.stderr)
    for number, name in enumerate(images):
        made = next(path for path in results if path.startswith((f"{name}_", f"{Path(name).stem}_")))
        if not name.endswith(".jpg"):
            expected = filter_image(pixels(number), "box")
            np.testing.assert_array_equal(picture(tmp_path / "soft" / made), expected)
    again = call(*words, "--resume")
    assert f"note: {len(images)} of {len(images)} images were finished already" in again.stderr
    assert call(*words).code == 1


@pytest.fixture
def tree(tmp_path):
    """Photos in a folder and in folders within it, a link to another, hidden ones, and earlier results."""
    for place in (
        "t/a.png",
        "t/one/a.png",
        "t/one/b.jpg",
        "t/one/two/b.png",
        "t/.hidden/c.png",
        "t/made/d.png",
    ):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        PIL.Image.fromarray(pixels(0)).save(tmp_path / place)
    (tmp_path / "t/link").symlink_to(tmp_path / "t/one")
    return tmp_path / "t"


def test_recursive_mirrors_the_tree_and_resumes_in_it(call, tree):
    words = ["filter", "t", "-r", "-k", "box", "--out-dir", "t/made"]
    result = call(*words)
    assert result.code == 0
    assert result.stderr == (
        "note: t: 2 folders in it passed over (link, made); a link, or where results go\n"
    )
    results = ["a_box.png", "one/a_box.png", "one/b_box.png", "one/two/b_box.png"]
    made = tree / "made"
    assert sorted(str(path.relative_to(made)) for path in made.rglob("*_box.png")) == results
    assert "4 of 4 images were finished already" in call(*words, "--resume").stderr
    time.sleep(TICK)
    (tree / "one/two/b.png").touch()
    assert "3 of 4 images were finished already" in call(*words, "--resume").stderr
    assert call(*words).code == 1


def test_a_folder_with_photos_only_in_folders_leads_to_recursive(call, tree):
    (tree / "a.png").unlink()
    result = call("filter", "t", "-k", "box", "--out-dir", "o")
    assert result.code == 1
    assert (
        "found none in this folder; it has 3 folders in it (link, made, one), which --recursive goes into"
        in (result.stderr)
    )


def test_stems_collide_beside_the_images_as_well_and_in_each_folder_by_itself(call, tmp_path):
    for place in ("x/a.png", "x/a.bmp", "y/a.png"):
        (tmp_path / place).parent.mkdir(exist_ok=True)
        PIL.Image.fromarray(pixels(0)).save(tmp_path / place)
    result = call("filter", "x/a.png", "x/a.bmp", "y/a.png", "-k", "box")
    assert result.code == 0
    assert result.stderr.startswith(
        "note: 2 images differ from another in nothing but the ending (a.png, a.bmp)"
    )
    made = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.glob("*/*_box.png"))
    assert made == ["x/a.bmp_box.png", "x/a.png_box.png", "y/a_box.png"]


@pytest.mark.parametrize("ignores", [False, True])
def test_names_that_differ_in_case_are_refused_where_that_is_one_name(call, tmp_path, monkeypatch, ignores):
    monkeypatch.setattr("convcli.filtering.targets._ignores_case", lambda _: ignores)
    for place in ("x/A.png", "y/a.png"):
        (tmp_path / place).parent.mkdir()
        PIL.Image.fromarray(pixels(0)).save(tmp_path / place)
    result = call("filter", "x/A.png", "y/a.png", "-k", "box", "--out-dir", "soft")
    assert result.code == (2 if ignores else 0)
    assert ("would both be written to" in result.stderr) == ignores


# What fails.


def damage(photos):
    (photos / "b.png").write_bytes((photos / "b.png").read_bytes()[:60])


def test_first_failure_ends_the_batch_and_what_is_written_stays(call, photos, tmp_path):
    damage(photos)
    result = call("filter", "photos", "-k", "sobel", "--out-dir", "edges", "--threads", "1")
    assert result.code == 1
    assert result.stderr.startswith("error: photos/b.png: the image is damaged or cut short")
    assert result.stdout.startswith("edges/a_sobel.png")
    np.testing.assert_array_equal(picture(tmp_path / "edges/a_sobel.png"), filter_image(pixels(0), "sobel"))


def test_keep_going_lists_failures_at_the_end_and_exits_with_one(call, photos, tmp_path):
    damage(photos)
    long = "x" * 250 + ".png"
    (photos / long).write_bytes((photos / "a.png").read_bytes())
    result = call("filter", "photos", "none.png", "-k", "sobel", "--out-dir", "edges", "--keep-going")
    assert result.code == 1
    assert [line.split()[0] for line in result.stdout.splitlines()] == [
        "edges/a_sobel.png",
        "edges/c_sobel.png",
    ]
    summary, *lines = result.stderr.splitlines()
    assert summary == "error: 3 of 5 images could not be filtered; the others are done."
    assert lines[0].startswith("  photos/b.png: the image is damaged or cut short")
    assert "File name too long" in lines[1]
    assert lines[2] == "  none.png: no such file."
    assert sorted(listing(tmp_path / "edges")) == ["a_sobel.png", "c_sobel.png"]


def test_keep_going_says_failures_in_json_too(call, photos):
    damage(photos)
    result = call("filter", "photos", "-k", "sobel", "--out-dir", "edges", "--keep-going", "--json")
    documents = [json.loads(line) for line in result.stdout.splitlines()]
    assert [document["input"] for document in documents] == [f"photos/{name}.png" for name in NAMES]
    assert ["error" in document for document in documents] == [False, True, False]
    assert "damaged" in documents[1]["error"]


def test_images_that_are_missing_have_their_line_of_json_too(call, photos):
    result = call(
        *("filter", "none.png", "photos", "-k", "sobel", "--out-dir", "edges", "--keep-going", "--json")
    )
    documents = [json.loads(line) for line in result.stdout.splitlines()]
    assert documents[0] == {"input": "none.png", "error": "none.png: no such file."}
    assert ["error" in document for document in documents] == [True, False, False, False]


def test_keep_going_is_glad_if_nothing_fails(call, photos):
    result = call("filter", "photos", "-k", "sobel", "--out-dir", "edges", "--keep-going")
    assert (result.code, result.stderr) == (0, "")


def full_disk(_descriptor):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("words", [[], ["--keep-going"]], ids=str)
def test_full_disk_ends_the_batch_with_one_error_and_the_old_results(call, edges, monkeypatch, words):
    before = listing(edges)
    monkeypatch.setattr(os, "fsync", full_disk)
    result = call("filter", "photos", "-k", "sobel", "--out-dir", "edges", "--force", *words)
    assert (result.code, result.stdout) == (1, "")
    assert result.stderr.startswith("error: edges/")
    assert result.stderr.endswith("cannot be written (No space left on device).\n")
    assert len(result.stderr.splitlines()) == 1
    assert listing(edges) == before
    assert not list(edges.glob(".*.tmp"))


def test_image_that_vanishes_meanwhile_is_one_of_the_failures(call, photos, monkeypatch):
    def read(source, **options):
        if source.name == "b.png":
            source.unlink()
        return usual(source, **options)

    usual = read_image
    monkeypatch.setattr(original, "read", read)
    result = call("filter", "photos", "-k", "sobel", "--out-dir", "edges", "--keep-going")
    assert result.code == 1
    assert result.stderr.splitlines()[1:] == ["  photos/b.png: no such file."]


@pytest.mark.parametrize("many", [False, True])
def test_too_little_memory_is_an_error_of_that_image(call, photos, monkeypatch, many):
    def fail(*_, **__):
        raise MemoryError

    monkeypatch.setattr(original, "read", fail)
    words = ["photos", "--keep-going"] if many else ["photos/a.png"]
    result = call("filter", *words, "-k", "sobel", "--out-dir", "edges")
    assert result.code == 1
    assert "photos/a.png: not enough memory for an image of this size." in result.stderr


# What is finished already.


def resumed(call, *words):
    """Return what a second call has made again, and the result of the call."""
    result = call("filter", "photos", "-k", "sobel", "--out-dir", "edges", "--resume", *words)
    return [line.split()[0] for line in result.stdout.splitlines()], result


def test_resume_skips_what_is_finished(call, edges):
    before = {path: path.stat().st_mtime_ns for path in edges.iterdir()}
    made, result = resumed(call)
    assert (result.code, made) == (0, [])
    assert result.stderr == "note: 3 of 3 images were finished already\n"
    assert {path: path.stat().st_mtime_ns for path in edges.iterdir()} == before


def test_resume_makes_what_is_missing_and_what_is_older_than_its_image(call, photos, edges):
    (edges / "a_sobel.png").unlink()
    (photos / "c.png").write_bytes(encode(Image(pixels(7)), "png"))
    (photos / "d.png").write_bytes(encode(Image(pixels(8)), "png"))
    made, result = resumed(call)
    assert (result.code, made) == (0, [f"edges/{name}_sobel.png" for name in "acd"])
    np.testing.assert_array_equal(picture(edges / "c_sobel.png"), filter_image(pixels(7), "sobel"))
    assert resumed(call)[0] == []


def test_resume_sees_an_image_replaced_by_an_older_one(call, photos, edges):
    other = photos.parent / "other.png"
    other.write_bytes(encode(Image(pixels(9)), "png"))
    os.utime(other, (0, 0))
    other.rename(photos / "b.png")
    assert resumed(call)[0] == ["edges/b_sobel.png"]


def test_resume_sees_a_link_that_leads_elsewhere(call, photos, edges):
    (photos / "c.png").unlink()
    (photos / "c.png").symlink_to("a.png")
    assert resumed(call)[0] == ["edges/c_sobel.png"]
    np.testing.assert_array_equal(picture(edges / "c_sobel.png"), filter_image(pixels(0), "sobel"))


def test_resume_begins_where_there_is_nothing_yet(call, photos):
    made, result = resumed(call)
    assert (result.code, len(made), result.stderr) == (0, 3, "")


CHANGES = {
    "range": (["--range", "stretch"], "range: auto → stretch"),
    "padding": (["--padding", "2x1"], "padding: same → 2x1"),
    "compression": (["--compress", "9"], "compress: not given → 9"),
    "two": (["--stride", "2", "--border", "wrap"], "border: reflect → wrap; stride: 1x1 → 2x2"),
}


@pytest.mark.parametrize("case", CHANGES)
def test_resume_refuses_other_options_and_says_which(call, edges, case):
    words, found = CHANGES[case]
    before = listing(edges)
    made, result = resumed(call, *words)
    assert (result.code, made) == (2, [])
    assert f"edges: the results there were made otherwise ({found})" in result.stderr
    assert listing(edges) == before


def test_resume_sees_that_the_kernel_of_the_same_name_has_changed(call, photos, tmp_path):
    words = ("filter", "photos", "-k", "@mine.csv", "--out-dir", "edges")
    (tmp_path / "mine.csv").write_text("1 2 1")
    assert call(*words).code == 0
    (tmp_path / "mine.csv").write_text("1 3 1")
    result = call(*words, "--resume")
    assert result.code == 2
    assert "made otherwise (the weights of mine)" in result.stderr
    assert call(*words, "--resume", "--force").code == 0
    np.testing.assert_array_equal(
        picture(tmp_path / "edges/a_mine.png"), filter_image(pixels(0), [[1, 3, 1]])
    )
    assert call(*words, "--resume").stderr == "note: 3 of 3 images were finished already\n"


@pytest.mark.parametrize(
    ("kernel", "words", "said"),
    [
        ("gaussian:sigma=7", [], "gaussian:sigma=8 → 7"),
        ("gaussian:sigma=8.5", ["--border", "wrap"], "gaussian:sigma=8 → 8.5; border: reflect → wrap"),
        ("gaussian:sigma=8,size=5", [], "gaussian:size=not given → 5"),
        ("gaussian:sigma=8", ["--normalize"], "normalize: no → yes"),
    ],
)
def test_resume_says_what_has_changed_in_its_users_words(call, photos, kernel, words, said):
    assert call("filter", "photos", "-k", "gaussian:sigma=8", "--out-dir", "soft").code == 0
    result = call("filter", "photos", "-k", kernel, "--out-dir", "soft", "--resume", *words)
    assert (result.code, result.stdout) == (2, "")
    assert f"soft: the results there were made otherwise ({said}). Give another --out-dir" in result.stderr


def test_results_of_two_kernels_lie_in_one_folder_and_resume_by_themselves(call, edges):
    assert call("filter", "photos", "-k", "box", "--out-dir", "edges").code == 0
    assert resumed(call)[0] == []
    assert len(listing(edges)) == 6


def test_what_another_call_has_made_of_one_image_does_not_count(call, photos, edges):
    words = ("photos/b.png", "-k", "sobel", "--range", "stretch", "--out-dir", "edges", "--force")
    assert call("filter", *words).code == 0
    made, result = resumed(call)
    assert (result.code, made) == (2, [])
    assert "range: stretch → auto" in result.stderr
    assert len(resumed(call, "--force")[0]) == 3


def test_one_image_alone_begins_no_record(call, photos, tmp_path):
    assert call("filter", "photos/a.png", "-k", "sobel", "--out-dir", "edges").code == 0
    assert [path.name for path in (tmp_path / "edges").iterdir()] == ["a_sobel.png"]


def test_results_without_a_record_are_never_taken_for_finished(call, edges):
    (record,) = edges.glob(".convcli-filter-*.json")
    for damaged in (None, b"", b"[1]", b"{", b"\xff", b"[" * 60_000):
        record.unlink() if damaged is None else record.write_bytes(damaged)
        made, result = resumed(call)
        assert (result.code, made) == (1, [])
        assert "a_sobel.png exists already; use --force" in result.stderr
    record.unlink()
    os.mkfifo(record)
    assert resumed(call)[1].code == 1


def test_results_from_before_a_forced_call_no_longer_count(call, edges, monkeypatch):
    def fail_later(descriptor):
        calls.append(descriptor)
        if len(calls) > 3:  # the record and its folder, the first result
            full_disk(descriptor)

    calls = []
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail_later)
        words = ("filter", "photos", "-k", "sobel", "--out-dir", "edges", "--force", "--threads", "1")
        assert call(*words).code == 1
    made, result = resumed(call)
    assert (result.code, made) == (0, ["edges/b_sobel.png", "edges/c_sobel.png"])


def test_leftovers_of_a_killed_call_are_removed(call, photos, tmp_path):
    (tmp_path / "edges").mkdir()
    (tmp_path / "edges/.convcli-0011223344556677.tmp").write_bytes(b"half of a resu")
    assert call("filter", "photos", "-k", "sobel", "--out-dir", "edges").code == 0
    assert not list((tmp_path / "edges").glob("*.tmp"))


# What others do meanwhile.


def replaced_during(monkeypatch, path, times):
    """Have `path` replaced by the image 7 while it is filtered, so many times."""
    from convcli.filtering import pipeline as step

    apply, left = vars(step)["apply"], [times]

    def late(*arguments, **options):
        result = apply(*arguments, **options)
        if left[0]:
            left[0] -= 1
            other = path.with_name("other")
            other.write_bytes(encode(Image(pixels(7)), "png"))
            os.utime(other, (0, 0))
            other.replace(path)
        return result

    monkeypatch.setattr(step, "apply", late)


def test_an_image_replaced_while_it_is_filtered_is_filtered_again(call, photos, tmp_path, monkeypatch):
    replaced_during(monkeypatch, photos / "a.png", 1)
    assert call("filter", "photos", "-k", "sobel", "--out-dir", "edges", "--threads", "1").code == 0
    np.testing.assert_array_equal(picture(tmp_path / "edges/a_sobel.png"), filter_image(pixels(7), "sobel"))
    assert resumed(call)[1].stderr == "note: 3 of 3 images were finished already\n"


def test_an_image_that_changes_all_the_time_is_a_failure_and_never_finished(
    call, photos, tmp_path, monkeypatch
):
    words = ("filter", "photos", "-k", "sobel", "--out-dir", "edges", "--threads", "1", "--keep-going")
    with monkeypatch.context() as patch:
        replaced_during(patch, photos / "c.png", 100)
        result = call(*words)
    assert result.code == 1
    assert "photos/c.png: it changes while it is filtered; nothing was written." in result.stderr
    assert sorted(listing(tmp_path / "edges")) == ["a_sobel.png", "b_sobel.png"]
    made, _ = resumed(call)
    assert made == ["edges/c_sobel.png"]
    np.testing.assert_array_equal(picture(tmp_path / "edges/c_sobel.png"), filter_image(pixels(7), "sobel"))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such locks")
def test_two_calls_at_once_with_other_kernels_never_mix_their_results(photos, tmp_path):
    for number in range(40):
        (photos / f"n{number}.png").write_bytes(encode(Image(pixels(number)), "png"))
    calls = [
        subprocess.Popen(
            [sys.executable, "-m", "convcli", "filter", "photos", "-k", kernel, "--out-dir", "soft"],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for kernel in ("gaussian:sigma=1", "gaussian:sigma=3")
    ]
    ends = [(*call.communicate(), call.returncode) for call in calls]
    assert sorted(code for *_, code in ends) in ([0, 1], [0, 2])
    winner = next(i for i, (*_, code) in enumerate(ends) if code == 0)
    said = ends[1 - winner][1]
    assert ("made otherwise" in said) or ("exists already" in said) or ("otherwise than this one" in said)
    for number in range(40):
        expected = filter_image(pixels(number), ("gaussian:sigma=1", "gaussian:sigma=3")[winner])
        np.testing.assert_array_equal(picture(tmp_path / f"soft/n{number}_gaussian.png"), expected)


def test_an_existing_result_is_refused_with_the_advice_that_helps(call, photos, edges):
    refused = call("filter", "photos", "-k", "sobel", "--out-dir", "edges")
    assert (refused.code, refused.stdout) == (1, "")
    assert "edges/a_sobel.png exists already; --resume keeps what is finished" in refused.stderr
    other = call("filter", "photos", "-k", "sobel", "--out-dir", "edges", "--range", "stretch")
    assert "use --force to overwrite it, or another --out-dir (the results there were made" in other.stderr
    assert "range: auto → stretch" in other.stderr


def test_a_lock_or_record_that_is_a_link_is_not_followed(call, photos, tmp_path):
    assert call("filter", "photos", "-k", "sobel", "--out-dir", "edges").code == 0
    (record,) = (tmp_path / "edges").glob(".convcli-filter-*.json")
    victim = tmp_path / "victim"
    victim.write_bytes(b"theirs")
    for name in (record, record.with_suffix(".lock")):
        for make in (name.symlink_to, name.hardlink_to):
            name.unlink(missing_ok=True)
            make(victim)
            result = call("filter", "photos", "-k", "sobel", "--out-dir", "edges", "--force")
            assert victim.read_bytes() == b"theirs"
            assert result.code == (0 if name == record and make == name.hardlink_to else 1), result
        name.unlink()


# An end at any moment.


@pytest.mark.skipif(sys.platform == "win32", reason="sends signals")
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), pytest.param(signal.SIGTERM, 143, marks=pytest.mark.long)]
)
def test_interrupted_batch_leaves_whole_results_and_goes_on(run, tmp_path, number, code):
    folder = tmp_path / "photos"
    folder.mkdir()
    for index in range(400):
        (folder / f"{index:03}.png").write_bytes(encode(Image(pixels(index)), "png"))
    words = ["filter", "photos", "-k", "sobel", "--out-dir", "edges"]
    process = subprocess.Popen(
        [sys.executable, "-m", "convcli", *words],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    process.stdout.readline()
    process.send_signal(number)
    _, said = process.communicate()
    assert process.returncode == code
    assert "Traceback" not in said
    assert said.splitlines()[-1] == "With --resume the same call goes on."
    made = listing(tmp_path / "edges")
    assert 0 < len(made) < 400
    for name in made:
        np.testing.assert_array_equal(
            picture(tmp_path / "edges" / name), filter_image(pixels(int(name[:3])), "sobel")
        )
    assert not list((tmp_path / "edges").glob(".*.tmp"))
    result = run(*words, "--resume")
    assert result.code == 0
    assert result.stderr == f"note: {len(made)} of 400 images were finished already\n"
    assert {name: listing(tmp_path / "edges")[name] for name in made} == made
    assert len(listing(tmp_path / "edges")) == 400


@pytest.mark.long
def test_many_images_interrupted_and_gone_on_with_are_as_if_undisturbed():
    words = ["-m", "reliability", "batch", "--images", "30", "--interruptions", "1"]
    done = subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    *parts, summary = done.stdout.splitlines()
    assert summary == "30 images, interrupted 1 times: nothing lost, nothing made twice"
    assert len(parts) == 2
    assert sum(int(line.split()[0]) for line in parts) == 27


def test_reader_that_leaves_ends_the_batch(photos, tmp_path):
    command = (
        f"{sys.executable} -m convcli filter photos -k sobel --out-dir edges --json | head -n 1; echo $?"
    )
    done = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert json.loads(done.stdout.splitlines()[0])["input"] == "photos/a.png"


# Progress.


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


def test_progress_is_shown_on_a_terminal_only(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    shown = {}
    for kind in (Terminal, io.StringIO):
        monkeypatch.setattr(sys, "stderr", kind())
        with steps(3, "filtering [bold]") as advance:
            for _ in range(3):
                advance()
        shown[kind] = sys.stderr.getvalue()
    assert "filtering [bold]" in shown[Terminal]
    assert "3/3" in shown[Terminal]
    assert shown[io.StringIO] == ""


def test_results_in_a_pipe_are_the_same_with_a_bar_on_the_terminal(call, photos, monkeypatch):
    plain = call("filter", "photos", "-k", "sobel", "--out-dir", "edges").stdout
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("rich.console.Console.is_terminal", True)
    again = call("filter", "photos", "-k", "sobel", "--out-dir", "edges", "--force")
    assert again.stdout == plain
    assert "3/3" in again.stderr
    assert "images/s" in again.stderr
