"""--manifest, --resume by it, and --from: what a line says, what is made again, and what may not be."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys

import numpy as np
import PIL.Image
import pytest

SOBEL = ("filter", "p", "-k", "sobel", "--out-dir", "o", "--manifest", "m.jsonl")


@pytest.fixture
def photos(tmp_path):
    """Return a folder of three images."""
    (tmp_path / "p").mkdir()
    for number, name in enumerate("abc"):
        save(tmp_path / f"p/{name}.png", number)
    return tmp_path


def save(path, number):
    pixels = np.random.default_rng(number).integers(0, 256, (12, 16, 3), np.uint8)
    PIL.Image.fromarray(pixels).save(path)


def lines(folder, name="m.jsonl"):
    return [json.loads(line) for line in (folder / name).read_text().splitlines()]


def made(result):
    return [line.split()[0] for line in result.stdout.splitlines()]


def files(folder):
    return {
        path.name: path.read_bytes() for path in folder.iterdir() if path.is_file() and path.name[0] != "."
    }


# Lines.


def test_a_line_says_what_was_made_of_what_and_how(call, photos):
    assert call(*SOBEL, "--hash", "--compress", "9", "--border", "wrap").code == 0
    first, *_ = documents = lines(photos)
    assert [line["input"] for line in documents] == [f"p/{name}.png" for name in "abc"]
    assert first["output"] == "o/a_sobel.png"
    assert first["pipeline"] == {"border": "wrap", "steps": [{"type": "sobel"}]}
    assert first["options"] == {"format": None, "compress": 9, "damaged": False}
    for which in ("input", "output"):
        data = (photos / first[which]).read_bytes()
        assert first[f"{which}_bytes"] == len(data)
        assert first[f"{which}_sha256"] == hashlib.sha256(data).hexdigest()
    assert (first["input_shape"], first["shape"], first["dtype"]) == ([12, 16, 3], [12, 16], "uint8")
    assert 0 <= first["minimum"] < first["maximum"]
    assert 0 <= first["clipped"] <= 1
    assert first["seconds"] > 0
    assert first["error"] is None


def test_what_fails_has_its_line_too_also_where_it_ends_the_batch(call, photos):
    (photos / "p/b.png").write_bytes(b"no image")
    assert call(*SOBEL, "--threads", "1").code == 1
    assert [line["error"] is None for line in lines(photos)] == [True, False]
    result = call(*SOBEL, "--keep-going", "--resume", "none.png")
    assert result.code == 1
    errors = {line["input"]: line["error"] for line in lines(photos)}
    assert errors["none.png"] == "none.png: no such file."
    assert errors["p/b.png"].startswith("p/b.png: expected an image")
    assert errors["p/c.png"] is None


def test_without_a_hash_no_image_is_read_another_time(call, photos):
    assert call(*SOBEL).code == 0
    assert not any("sha256" in key for key in lines(photos)[0])
    assert call("filter", "p/a.png", "-k", "box", "--hash").code == 2


# Resuming.


def test_resume_goes_by_the_manifest_without_the_hidden_file(call, photos):
    call(*SOBEL)
    for path in (photos / "o").glob(".convcli*"):
        path.unlink()
    (photos / "o/b_sobel.png").unlink()
    save(photos / "p/c.png", 9)
    result = call(*SOBEL, "--resume")
    assert (result.code, made(result)) == (0, ["o/b_sobel.png", "o/c_sobel.png"])
    assert call(*SOBEL, "--resume").stderr == "note: 3 of 3 images were finished already\n"
    assert len(lines(photos)) == 5


def test_resume_by_a_manifest_works_beside_the_images_with_one_output_and_with_numbers(call, photos):
    for words in (
        ("p/a.png", "-k", "box", "--manifest", "1.jsonl"),
        ("p/a.png", "-k", "box", "-o", "x.png", "--manifest", "2.jsonl"),
        ("p", "-k", "box", "--out-dir", "n", "--name", "{index}{ext}", "--manifest", "3.jsonl"),
    ):
        assert call("filter", *words).code == 0
        assert made(call("filter", *words, "--resume")) == []
    save(photos / "p/aa.png", 7)  # so that the numbers of others change
    assert made(call("filter", *words, "--resume")) == ["n/3.png", "n/4.png", "n/5.png"]
    fresh = call("filter", "p", "-k", "box", "--out-dir", "m", "--name", "{index}{ext}")
    assert fresh.code == 0
    assert files(photos / "n") == files(photos / "m")


def test_a_copy_of_an_image_counts_as_the_same_by_its_hash_alone(call, photos):
    call(*SOBEL, "--hash")
    os.utime(photos / "p/a.png", (1, 1))
    assert made(call(*SOBEL, "--resume", "--hash")) == []
    assert made(call(*SOBEL, "--resume")) == ["o/a_sobel.png"]


def test_other_options_are_refused_with_what_has_changed(call, photos):
    call("filter", "p", "-k", "box", "--manifest", "m.jsonl", "--out-dir", "o", "--hash")
    words = ("filter", "p", "--manifest", "m.jsonl", "--resume")
    for path in (photos / "o").glob(".convcli*"):
        path.unlink()
    result = call(*words, "-k", "box", "--border", "wrap", "--compress", "3", "--out-dir", "o")
    assert result.code == 2
    assert (
        "m.jsonl: line 1: o/a_box.png was made otherwise (border: not given → wrap; compress: not given → 3)"
        in result.stderr
    )
    assert call(*words, "-k", "box", "--border", "wrap", "--out-dir", "o", "--force").code == 0
    assert made(call(*words, "-k", "box", "--border", "wrap", "--out-dir", "o")) == []


def test_what_lies_where_a_result_should_go_is_never_taken_for_one(call, photos):
    words = ("filter", "p/a.png", "-k", "box", "--manifest", "m.jsonl", "--resume")
    (photos / "p/a_box.png").write_bytes(b"somebody's")
    result = call(*words)
    assert result.code == 1
    assert "p/a_box.png exists already" in result.stderr
    assert (photos / "p/a_box.png").read_bytes() == b"somebody's"
    (photos / "p/a_box.png").unlink()
    call("filter", "p/a.png", "-k", "box")
    before = (photos / "p/a_box.png").stat()
    assert call(*words).code == 0  # as if the call had been ended between the file and its line
    assert (photos / "p/a_box.png").stat().st_mtime_ns == before.st_mtime_ns
    assert lines(photos)[-1]["error"] is None


def test_a_manifest_is_no_image_and_no_result(call, photos):
    (photos / "p/a.png").rename(photos / "p/m.png")
    for words in (["--manifest", "p/m.png"], ["--name", "x.png", "--manifest", "o/x.png"]):
        (photos / "o").mkdir(exist_ok=True)
        before = files(photos / "p")
        result = call("filter", "p/m.png", "-k", "box", "--out-dir", "o", "--force", *words)
        assert result.code == 2
        assert "is an image or a result itself; name another" in result.stderr
        assert files(photos / "p") == before


PROGRAM = """
import itertools, os, signal, sys
from convcli.filtering import making
usual, numbers = making.write, itertools.count(1)
def write(*words, **options):
    number = next(numbers)
    if number == 5 and {before}:
        os.kill(os.getpid(), signal.SIGKILL)
    usual(*words, **options)
    if number == 5:
        os.kill(os.getpid(), signal.SIGKILL)
making.write = write
from convcli.__main__ import main
sys.argv[1:] = {words}
main()
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no such signal")
@pytest.mark.parametrize(("before", "out_dir"), [(True, False), (False, True), (False, False)])
def test_a_batch_that_is_killed_is_completed_each_result_once(call, photos, before, out_dir):
    for number in range(9):
        save(photos / f"p/{number}.png", number)
    words = [*SOBEL] if out_dir else ["filter", "p/*.png", "-k", "sobel", "--manifest", "m.jsonl"]
    program = PROGRAM.format(before=before, words=words)
    killed = subprocess.run([sys.executable, "-c", program], cwd=photos, capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL
    noted = [line["output"] for line in lines(photos)]
    results = photos / ("o" if out_dir else "p")
    there = {path.name for path in results.glob("*_sobel.png")}
    assert len(noted) <= len(there) < 12
    if not out_dir:
        words[1] = "p/?.png"  # the results are no images
    result = call(*words, "--resume")
    assert result.code == 0, result.stderr
    again = [line["output"] for line in lines(photos)]
    assert len(again) == len(set(again)) == 12
    assert call("filter", "p/?.png", "-k", "sobel", "--out-dir", "whole").code == 0
    whole = files(photos / "whole")
    assert {name: data for name, data in files(results).items() if name in whole} == whole
    leftovers = (photos / "o").glob(".*.tmp")  # an empty one might be another's, who is about to lock it
    assert not any(path.stat().st_size for path in leftovers)


# Repeating.


def test_from_makes_the_same_files_again_in_another_folder(call, photos):
    (photos / "p/deep").mkdir()
    save(photos / "p/deep/d.png", 5)
    (photos / "w.csv").write_text("1,2\n3,-4")
    words = ("-r", "-k", "sobel", "-k", "@w.csv", "--padding", "1", "--offset", "3", "--format", "tiff")
    assert call("filter", "p", *words, "--out-dir", "o", "--manifest", "m.jsonl", "--hash").code == 0
    result = call("filter", "--from", "m.jsonl", "--out-dir", "again", "--manifest", "n.jsonl", "--hash")
    assert (result.code, result.stderr) == (0, "")
    for folder in (".", "deep"):
        assert files(photos / "o" / folder) == files(photos / "again" / folder)
    for old, new in zip(lines(photos), lines(photos, "n.jsonl"), strict=True):
        assert (old["pipeline"], old["output_sha256"]) == (new["pipeline"], new["output_sha256"])
    assert call("filter", "--from", "n.jsonl", "--out-dir", "third").code == 0
    assert call("filter", "--from", "m.jsonl").code == 1  # they are there
    assert call("filter", "--from", "m.jsonl", "--force").code == 0


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["--step", "gaussian:sigma=1.4", "--step", "sobel", "--range", "stretch"], "x.png"),
        (["-k", "box", "--quality", "40", "--strip"], "x.jpg"),
        (["-k", "laplacian", "--range", "raw"], "x.npy"),
        (
            ["-k", "1 2; 3 4", "--scale", "1/10", "--anchor", "1,1", "--op", "convolve", "--stride", "2"],
            "x.bmp",
        ),
    ],
    ids=str,
)
def test_from_repeats_steps_and_how_one_file_is_made(call, photos, words, name):
    assert call("filter", "p/a.png", *words, "-o", name, "--manifest", "m.jsonl").code == 0
    assert call("filter", "--from", "m.jsonl", "--out-dir", "again").code == 0
    assert (photos / "again" / name).read_bytes() == (photos / name).read_bytes()


def test_images_that_are_missing_or_others_are_named(call, photos):
    call(*SOBEL, "--hash")
    (photos / "p/a.png").unlink()
    data = bytearray((photos / "p/b.png").read_bytes())
    data[-1] ^= 1
    (photos / "p/b.png").write_bytes(data)
    result = call("filter", "--from", "m.jsonl", "--out-dir", "again", "--keep-going")
    assert result.code == 1
    assert made(result) == ["again/c_sobel.png"]
    assert "p/a.png: no such file." in result.stderr
    assert "p/b.png: is not the image of the manifest any more: its SHA-256 is another." in result.stderr


def test_what_failed_when_the_manifest_was_written_is_tried_again_and_ends_nothing(call, photos):
    whole = (photos / "p/b.png").read_bytes()
    (photos / "p/b.png").write_bytes(whole[:60])
    assert call(*SOBEL, "gone.png", "--keep-going").code == 1
    again = call("filter", "--from", "m.jsonl", "--out-dir", "again")
    assert "note: m.jsonl: 2 of its results failed then; they are tried again" in again.stderr
    assert (again.code, made(again)) == (1, ["again/a_sobel.png", "again/c_sobel.png"])
    assert "2 of 4 images could not be filtered; the others are done." in again.stderr
    planned = call("filter", "--from", "m.jsonl", "--out-dir", "planned", "--dry-run")
    assert (planned.code, len(planned.stdout.splitlines())) == (1, 3)
    (photos / "p/b.png").write_bytes(whole)
    assert "again/b_sobel.png" in made(call("filter", "--from", "m.jsonl", "--out-dir", "again", "--force"))
    (photos / "p/a.png").unlink()
    stopped = call("filter", "--from", "m.jsonl", "--out-dir", "other")
    assert (stopped.code, stopped.stdout) == (1, "")


def test_a_result_that_comes_out_otherwise_ends_with_three(call, photos):
    call(*SOBEL, "--hash")
    changed = [
        {**line, "output_sha256": "0" * 64} if line["input"] == "p/b.png" else line for line in lines(photos)
    ]
    (photos / "m.jsonl").write_text("".join(json.dumps(line) + "\n" for line in changed))
    result = call("filter", "--from", "m.jsonl", "--out-dir", "again")
    assert (result.code, len(made(result))) == (3, 3)
    assert "note: again/b_sobel.png: its SHA-256 is not the manifest's" in result.stderr
    assert "error: 1 of 3 results are not those of the manifest" in result.stderr


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"pipeline": None}, "line 1: expected a table 'pipeline'"),
        ({"pipeline": {"steps": [{"type": "sobel"}], "evil": 1}}, "line 1: pipeline: 1 mistake(s)."),
        ({"pipeline": {"steps": [{"type": "sobl"}]}}, "line 1: pipeline: 1 mistake(s)."),
        ({"pipeline": {"steps": 7}}, "line 1: pipeline: 1 mistake(s)."),
        ({"pipeline": {"steps": [{"type": "box"}]}}, "line 1: box is not what it was when the manifest"),
        ({"pipeline": {}}, "line 1: pipeline: 1 mistake(s)."),
        ({"options": {"quality": 3, "evil": 4}}, "line 1: there is no option 'evil' for files"),
        ({"options": {"compress": 99}}, "line 1: compress cannot be 99."),
        ({"options": {"compress": True}}, "line 1: compress cannot be True."),
        ({"options": {"format": 7}}, "line 1: format cannot be 7."),
        ({"options": {"frames": 7}}, "line 1: frames cannot be 7."),
        ({"options": {"damaged": "no"}}, "line 1: damaged cannot be 'no'."),
        ({"options": None}, "line 1: expected a table 'options'"),
    ],
    ids=str,
)
def test_a_manifest_that_says_what_cannot_be_is_refused_by_its_line(call, photos, change, found):
    call("filter", "p/a.png", "-k", "sobel", "--out-dir", "o", "--manifest", "m.jsonl")
    (photos / "m.jsonl").write_text(json.dumps({**lines(photos)[0], **change}) + "\n")
    result = call("filter", "--from", "m.jsonl", "--out-dir", "again")
    assert (result.code, result.stdout) == (2, "")
    assert f"error: m.jsonl: {found}" in result.stderr
    assert not (photos / "again").exists()


def test_nothing_goes_with_from_that_the_manifest_decides(call, photos):
    call(*SOBEL)
    for words, what in (
        (["p"], "the images"),
        (["-k", "box"], "--kernel"),
        (["--border", "wrap"], "--border"),
    ):
        result = call("filter", "--from", "m.jsonl", *words, "--out-dir", "again")
        assert result.code == 2
        assert f"--from makes what the manifest says, from its images: leave out {what}." in result.stderr
    assert call("filter", "-k", "box").stderr.startswith("error: Missing argument 'IMAGE'")


def test_two_results_that_would_fall_together_in_another_folder_are_refused(call, photos):
    call(*SOBEL)
    call("filter", "p/a.png", "-k", "sobel", "--border", "wrap", "--out-dir", "o2", "--manifest", "n.jsonl")
    (photos / "m.jsonl").write_text((photos / "m.jsonl").read_text() + (photos / "n.jsonl").read_text())
    result = call("filter", "--from", "m.jsonl", "--out-dir", "again")
    assert result.code == 2
    assert "Two results of p/a.png would be written to again/a_sobel.png" in result.stderr


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_stream_of_the_call_s_own_can_be_the_manifest(run, tmp_path, stream):
    PIL.Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "a.png")
    done = run("filter", "a.png", "-k", "box", "-o", "b.png", "--manifest", f"/dev/{stream}")
    assert done.code == 0
    line = getattr(done, stream).splitlines()[0]
    assert json.loads(line)["output"] == "b.png"
