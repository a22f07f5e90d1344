"""`filter --frames`: an animation stays one, pages stay pages, and each frame is filtered as an image is."""

from __future__ import annotations

import json

import numpy as np
import PIL.Image
import PIL.ImageSequence
import pytest

from convcli.filtering import filter_image
from images.frames.made import frames_of, pictures, written


@pytest.fixture
def party(tmp_path):
    """Return three frames, in a GIF file and in a TIFF file."""
    drawn = [pixels // 128 * 127 for pixels in pictures(3, (9, 12, 3))]
    (tmp_path / "party.gif").write_bytes(written(drawn, "gif", 3))
    (tmp_path / "pages.tif").write_bytes(written([*drawn[:2], drawn[2][:5]], "tiff"))
    np.save(tmp_path / "stack.npy", np.stack(drawn))
    return drawn


def seen(path):
    return [frame.image.pixels for frame in frames_of(path.read_bytes())[1]]


@pytest.mark.parametrize("ending", ["png", "webp", "tif", "npy"])
def test_every_frame_is_filtered_as_an_image_of_its_own(call, party, tmp_path, ending):
    result = call("filter", "party.gif", "-k", "gaussian", "--frames", "all", "-o", f"soft.{ending}")
    assert result.code == 0
    assert "3 frames  9 high, 12 wide" in result.stdout
    for pixels, own in zip(party, seen(tmp_path / f"soft.{ending}"), strict=True):
        np.testing.assert_array_equal(own, filter_image(pixels, "gaussian"))


def test_an_animation_keeps_its_durations_and_loops(call, party, tmp_path):
    assert call("filter", "party.gif", "-k", "sobel", "--frames", "all", "-o", "edges.webp").code == 0
    story, frames = frames_of((tmp_path / "edges.webp").read_bytes())
    assert story.plays == 3
    assert {float(frame.seconds) for frame in frames} == {0.1}


@pytest.mark.parametrize(
    ("source", "result"),
    [("party.gif", "party_sobel.png"), ("pages.tif", "pages_sobel.tif"), ("stack.npy", "stack_sobel.npy")],
)
def test_without_a_name_pages_stay_what_they_are_and_an_animation_becomes_png(
    call, party, tmp_path, source, result
):
    assert call("filter", source, "-k", "sobel", "--frames", "all").code == 0
    own = seen(tmp_path / result)
    assert len(own) == 3
    if source == "pages.tif":
        assert [pixels.shape for pixels in own] == [(9, 12), (9, 12), (5, 12)]


@pytest.mark.parametrize(("choice", "numbers"), [("2", [1]), ("2-3", [1, 2]), ("1-3", [0, 1, 2])])
def test_frames_are_chosen_by_number_from_1(call, party, tmp_path, choice, numbers):
    assert call("filter", "party.gif", "-k", "box", "--frames", choice, "-o", "some.png").code == 0
    with PIL.Image.open(tmp_path / "some.png") as picture:
        own = [np.asarray(frame.convert("RGB")) for frame in PIL.ImageSequence.Iterator(picture)]
    assert len(own) == len(numbers)
    for pixels, number in zip(own, numbers, strict=True):
        np.testing.assert_array_equal(pixels, filter_image(party[number], "box"))


@pytest.mark.parametrize(
    ("choice", "code", "said"),
    [
        ("0", 2, "are counted from 1"),
        ("3-2", 2, "write 2-3"),
        ("first", 2, "expected all, a number or two such as 2-5"),
        ("4", 1, "party.gif: has 3 frames; --frames 4 asks for more"),
    ],
)
def test_frames_that_are_not_there_are_refused(call, party, choice, code, said):
    result = call("filter", "party.gif", "-k", "box", "--frames", choice)
    assert (result.code, said in result.stderr) == (code, True)


def test_the_first_frame_is_taken_without_and_the_note_names_the_option(call, party):
    assert "--frames all" in call("filter", "party.gif", "-k", "box").stderr


def test_a_format_of_one_picture_is_refused_with_others_and_takes_one_frame(call, party, tmp_path):
    result = call("filter", "party.gif", "-k", "box", "--frames", "all", "-o", "x.jpg")
    assert result.code == 1
    assert "JPEG files are written with one picture; use .png, .webp, .tif, .gif, .npy" in result.stderr
    assert not (tmp_path / "x.jpg").exists()
    assert call("filter", "party.gif", "-k", "box", "--frames", "2", "-o", "x.jpg").code == 0


def test_stretch_takes_one_black_and_one_white_for_all_frames(call, tmp_path):
    dark, bright = np.full((6, 6), 10, np.uint8), np.full((6, 6), 200, np.uint8)
    np.save(tmp_path / "s.npy", np.stack([dark, bright, dark // 2 + 100]))
    assert call("filter", "s.npy", "-k", "identity", "--frames", "all", "--range", "stretch").code == 0
    np.testing.assert_array_equal(np.load(tmp_path / "s_identity.npy")[:, 0, 0], [0, 255, 128])


def test_a_damaged_frame_is_an_error_and_with_damaged_the_end(call, party, tmp_path):
    data = (tmp_path / "party.gif").read_bytes()
    (tmp_path / "cut.gif").write_bytes(data[: len(data) - 20])
    result = call("filter", "cut.gif", "-k", "box", "--frames", "all")
    assert result.code == 1
    assert "frame 3 of 3" in result.stderr
    assert "--damaged keeps the 2 before it" in result.stderr
    assert not (tmp_path / "cut_box.png").exists()
    result = call("filter", "cut.gif", "-k", "box", "--frames", "all", "--damaged")
    assert result.code == 0
    assert "the 2 before it are kept" in result.stderr
    assert len(seen(tmp_path / "cut_box.png")) == 2


def test_what_is_lost_is_said_once(call, party, tmp_path):
    crowded = pictures(3, (20, 30, 3))
    (tmp_path / "crowd.tif").write_bytes(written(crowded, "tiff"))
    result = call("filter", "crowd.tif", "-k", "box", "--frames", "all", "-o", "crowd.gif")
    assert result.stderr.count("colours become 256") == 1
    assert "pages have no durations; each frame is shown for 0.1 s" in result.stderr


def test_the_document_and_the_manifest_say_how_many_frames(call, party, tmp_path):
    options = ("--frames", "all", "--manifest", "m.jsonl", "--out-dir", "made", "--json")
    result = call("filter", "party.gif", "stack.npy", "-k", "box", *options)
    assert [json.loads(line)["frames"] for line in result.stdout.splitlines()] == [3, 3]
    lines = [json.loads(line) for line in (tmp_path / "m.jsonl").read_text().splitlines()]
    assert [(line["frames"], line["options"]["frames"]) for line in lines] == [(3, "all")] * 2
    assert call("filter", "--from", "m.jsonl", "--out-dir", "again").code == 0
    for name in ("party_box.png", "stack_box.npy"):
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "made" / name).read_bytes()


def test_an_animation_goes_through_pipes(call, party, tmp_path):
    with (tmp_path / "party.gif").open() as stream:
        result = call("filter", "-", "-k", "box", "--frames", "all", "-o", "piped.png", stdin=stream)
    assert result.code == 0
    assert len(seen(tmp_path / "piped.png")) == 3


def test_quality_lossless_and_strip_are_options_of_the_file(call, tmp_path):
    picture = PIL.Image.fromarray(pictures(1, (40, 40, 3))[0])
    exif = PIL.Image.Exif()
    exif[0x013B] = "somebody"
    picture.save(tmp_path / "a.jpg", exif=exif, dpi=(300, 300))
    for name, options in (("low.jpg", ["--quality", 20]), ("high.jpg", []), ("bare.jpg", ["--strip"])):
        assert call("filter", "a.jpg", "-k", "box", "-o", name, *options).code == 0
    assert (tmp_path / "low.jpg").stat().st_size < (tmp_path / "high.jpg").stat().st_size
    for name, tags in (("high.jpg", {0x013B: "somebody"}), ("bare.jpg", {})):
        with PIL.Image.open(tmp_path / name) as made:
            assert (dict(made.getexif()), made.info["dpi"]) == (tags, (300, 300))
    for name, option, said in (
        ("x.png", ["--quality", 20], "--quality is for .jpg, .webp, .avif"),
        ("x.jpg", ["--lossless"], "--lossless is for .webp, .jp2, .jxl"),
        ("x.webp", ["--lossless", "--quality", 20], "give one of them"),
        ("x.jpg", ["--quality", 0], "1<=x<=100"),
    ):
        result = call("filter", "a.jpg", "-k", "box", "-o", name, *option)
        assert (result.code, said in result.stderr, (tmp_path / name).exists()) == (2, True, False)


def test_a_frames_number_in_the_name_makes_a_file_of_each(call, party, tmp_path):
    options = ("-k", "box", "--frames")
    result = call("filter", "party.gif", *options, "2-3", "-o", "f_{frame:03}.png")
    assert (result.code, "durations are left out" in result.stderr) == (0, True)
    for number in (2, 3):
        with PIL.Image.open(tmp_path / f"f_{number:03}.png") as made:
            np.testing.assert_array_equal(np.asarray(made), filter_image(party[number - 1], "box"))
    assert not (tmp_path / "f_001.png").exists()
    before = (tmp_path / "f_003.png").read_bytes()
    result = call("filter", "party.gif", *options, "all", "-o", "f_{frame:03}.png")
    assert (result.code, "f_002.png exists already" in result.stderr) == (1, True)
    assert not (tmp_path / "f_001.png").exists()
    assert call("filter", "party.gif", *options, "all", "-o", "f_{frame:03}.png", "--force").code == 0
    assert (tmp_path / "f_003.png").read_bytes() == before
    assert call("filter", "f_001.png", *options, "all", "-o", "g{frame}.png").code == 0
    assert (tmp_path / "g1.png").exists()
    assert call("filter", "f_001.png", *options, "all", "-o", "f_{frame:03}.png", "--force").code == 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["-o", "f_{frame}.png"], "goes with --frames"),
        (["-o", "f_{frame:x}.png", "--frames", "all"], "a frame's number is {frame}"),
        (["-o", "f_{frame}.png", "--frames", "all", "--manifest", "m.jsonl"], "makes many files"),
    ],
)
def test_a_frames_number_is_refused_where_there_is_none(call, party, tmp_path, options, said):
    result = call("filter", "party.gif", "-k", "box", *options)
    assert (result.code, said in result.stderr) == (2, True)
    assert not list(tmp_path.glob("f_*"))
