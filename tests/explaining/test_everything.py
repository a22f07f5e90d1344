"""All topics on one input: what fits is taken, what does not is said, and the pages lead to each other."""

from __future__ import annotations

import re

import numpy as np
import pytest

from chromium import MARKS
from convcli.errors import UsageError
from convcli.explaining import TOPICS, Request
from convcli.explaining.everything import every
from convcli.render.explain.course import course

SQUARE = "1 2 3 4; 5 6 7 8; 9 8 7 6; 1 2 1 2"


def by_name(request, most=400):
    return {chapter.topic.name: chapter for chapter in every(request, most)[0]}


def test_without_numbers_every_topic_is_its_example():
    chapters = by_name(Request())
    assert list(chapters) == list(TOPICS)
    assert {chapter.said for chapter in chapters.values()} == {""}


def test_each_topic_takes_what_it_knows_and_says_what_it_left_out():
    chapters = by_name(Request(input=SQUARE, kernels=("1 0; 0 -1",), stride=2))
    for name in ("convolution", "stride"):
        assert chapters[name].explanation.data["input"][0] == [1, 2, 3, 4]
        assert chapters[name].explanation.data["stride"] == [2, 2]
        assert chapters[name].said == ""
    assert chapters["network"].said == "on its own example (it takes no --input)"
    assert chapters["pooling"].explanation.data["stride"] == [2, 2]


def test_of_several_channels_topics_of_a_plane_take_the_first():
    zeros = "0 0 0 0; 0 0 0 0; 0 0 0 0; 0 0 0 0"
    chapters = by_name(Request(input=f"{SQUARE} | {zeros}", kernels=("1 0; 0 -1",)))
    assert chapters["convolution"].explanation.data["input"][0] == [1, 2, 3, 4]
    assert chapters["convolution"].said.startswith("on the input's first channel (--input: expected one")
    assert len(chapters["volume"].explanation.data["input"]) == 2
    assert chapters["volume"].said == ""


def test_where_filters_of_an_example_do_not_fit_there_are_others():
    chapters = by_name(Request(input=SQUARE))
    assert chapters["volume"].explanation.data["input"] == [
        [[1, 2, 3, 4], [5, 6, 7, 8], [9, 8, 7, 6], [1, 2, 1, 2]]
    ]
    assert chapters["volume"].said.startswith("with sobel-x and sobel-y as filters, for its own do not fit")
    assert chapters["convolution"].said == ""


def test_what_no_topic_can_be_made_of_is_refused():
    with pytest.raises(UsageError, match="Unknown kernel 'sobell'"):
        every(Request(kernels=("sobell",)), 400)
    with pytest.raises(UsageError, match="--layer belongs to a trained network"):
        every(Request(layer="2"), 400)


def test_no_page_names_a_folder(tmp_path):
    (tmp_path / "k.csv").write_text("1,2,3,4,5\n" * 5)
    (tmp_path / "x.csv").write_text("1,2,3\n4,5,6\n7,8,9\n")
    request = Request(input=str(tmp_path / "x.csv"), kernels=(f"@{tmp_path / 'k.csv'}",), padding="same")
    assert not [name for name, page in course(every(request, 9)[0]).items() if str(tmp_path) in page.decode()]


def test_long_ones_are_cut_and_say_so():
    chapter = by_name(Request(), most=3)["convolution"]
    assert len(chapter.explanation.steps) == 3
    assert chapter.said == "the first 3 of 16 steps"


def test_links_are_relative_and_lead_somewhere():
    pages = {name: data.decode() for name, data in course(every(Request(), 3)[0]).items()}
    assert list(pages) == [*(f"{name}.html" for name in TOPICS), "index.html"]
    for name, text in pages.items():
        for address in re.findall(r' href="([^"]*)"', text):
            if address.startswith("data:"):
                continue
            file, _, step = address.partition("#")
            assert f'id="{step}"' in pages[file] if step else file in pages, (name, address)
    assert pages["index.html"].count("<h2>") == len(TOPICS)


def test_pages_and_other_formats_are_written_into_a_folder(call, tmp_path):
    result = call("explain", "all", "--input", SQUARE, "--html", "course", "--json", "numbers/all")
    assert result.code == 0, result.stderr
    assert "note: network: on its own example (it takes no --input)" in result.stderr
    names = {path.name for path in (tmp_path / "course").iterdir()}
    assert names == {"index.html", *(f"{name}.html" for name in TOPICS)}
    assert {path.name for path in (tmp_path / "numbers/all").iterdir()} == {f"{name}.json" for name in TOPICS}
    assert not list(tmp_path.glob(".convcli*"))
    again = call("explain", "all", "--html", "course")
    assert (again.code, again.stdout) == (1, "")
    assert "pixels.html exists already; use --force to overwrite it." in again.stderr
    assert call("explain", "all", "--html", "course", "--force").code == 0


def test_a_folder_is_whole_or_not_there(tmp_path, monkeypatch):
    from convcli import files
    from convcli.errors import OutputError
    from convcli.files import folders
    from convcli.files.writing import write_whole as whole

    def full(place, *rest, **options):
        if place.name == "b":
            raise OutputError("no space left")
        return whole(place, *rest, **options)

    monkeypatch.setattr(folders, "write_whole", full)
    with pytest.raises(OutputError):
        files.write_folder(tmp_path / "new", {"a": b"1", "b": b"2"}, force=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--html", "-"), "all makes a folder of files: name one, such as --html course."),
        (("--html", "file"), "file: expected a folder, found a file; name another."),
        (("--at", "3"), "--at chooses among a topic's steps; name one, not all."),
        (("--step",), "--step chooses among a topic's steps; name one, not all."),
    ],
)
def test_what_all_cannot_do_is_said(call, tmp_path, arguments, words):
    (tmp_path / "file").write_text("")
    result = call("explain", "all", *arguments)
    assert result.code in (1, 2)
    assert words in result.stderr


def followed(browser, link):
    """Follow a link of the page, which asks for nothing and complains about nothing."""
    assert (browser.asked, browser.complaints) == ([], [])
    browser.events.clear()
    browser.evaluate(f"setTimeout(() => document.querySelector({link!r}).click()) && 0")
    browser.wait_for("Page.loadEventFired")


class TestInABrowser:
    pytestmark = MARKS

    def test_index_topic_and_step_follow_each_other_offline(self, browser, tmp_path):
        for name, data in course(every(Request(input=np.eye(4).tolist().__str__()), 400)[0]).items():
            (tmp_path / name).write_bytes(data)
        browser.open(tmp_path / "index.html")
        browser.look(tmp_path / "seen.png", 360, 740)
        assert browser.evaluate("document.documentElement.scrollWidth") <= 360
        followed(browser, 'a[href="convolution.html#step-3"]')
        assert browser.evaluate("[document.title.slice(0, 11), current]") == ["Convolution", 3]
        followed(browser, "a[rel=next]")
        following = list(TOPICS)[list(TOPICS).index("convolution") + 1]
        assert browser.evaluate("location.pathname").endswith(f"/{following}.html")
