"""Templates for the names of results: what they fill in, and what they refuse."""

from __future__ import annotations

from pathlib import Path

import pytest

from convcli.errors import UsageError
from convcli.filtering.jobs import Saving
from convcli.filtering.naming import FIELDS, Naming

USUAL = "{stem}_{kernel}{ext}"


def named(template, source="photos/a.b.jpg", **values):
    return str(Naming(template).named(source, **{"kernel": "sobel", "ext": ".png", "index": 7, **values}))


FILLED = {
    "{stem}": "a.b",
    "{name}": "a.b.jpg",
    "{ext}": ".png",
    "{kernel}": "sobel",
    "{steps}": "sobel",
    "{parent}": "photos",
    "{index}": "7",
}


def test_every_field_is_filled_in():
    assert {f"{{{field}}}" for field in FIELDS} == set(FILLED)
    for template, expected in FILLED.items():
        assert named(template) == expected


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        (USUAL, "a.b_sobel.png"),
        ("{index:04}-{stem}.jpg", "0007-a.b.jpg"),
        ("{index:2}", " 7"),
        ("{parent}/{kernel}/{stem}{ext}", "photos/sobel/a.b.png"),
        ("{{{stem}}}{ext}", "{a.b}.png"),
        ("caf\u00e9 {stem}", "caf\u00e9 a.b"),
    ],
)
def test_a_template_may_have_digits_folders_and_braces(template, expected):
    assert named(template) == expected


def test_the_folder_of_an_image_here_is_the_working_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert named("{parent}-{stem}", "a.png") == f"{tmp_path.name}-a"
    assert named("{parent}-{stem}", "../a.png") == f"{tmp_path.parent.name}-a"


@pytest.mark.parametrize(
    ("template", "found"),
    [
        ("{stme}", "there is no {stme}. Did you mean '{stem}'?"),
        ("{}", "there is no {}."),
        ("{stem.x}", "there is no {stem.x}."),
        ("{stem[0]}", "there is no {stem[0]}."),
        ("{0}", "there is no {0}."),
        ("{stem", "expected '}' before end of string; a brace that is part of the name is written twice."),
        ("stem}", "Single '}' encountered in format string; a brace"),
        ("{stem!r}", "only {index} takes a number of digits"),
        ("{stem:9}", "only {index} takes a number of digits"),
        ("{index:999999999}", "only {index} takes a number of digits"),
        ("{index:x}", "only {index} takes a number of digits"),
    ],
)
def test_what_is_no_template_is_refused_at_once(template, found):
    with pytest.raises(UsageError) as caught:
        Naming(template)
    assert str(caught.value).startswith(f"--name {template}: {found}")


@pytest.mark.parametrize(
    "template",
    ["", "../{stem}", "/tmp/{stem}", "{stem}/../../x", "a//b", "a/", ".", "{stem}/.", "x\0y", "{parent}/x"],
)
def test_no_name_leads_out_of_its_folder(template):
    with pytest.raises(UsageError, match="expected the name of a file in --out-dir"):
        named(template, "/a.png" if template.startswith("{parent}") else "photos/a.png")


def test_a_kernel_that_is_called_like_a_path_leads_nowhere():
    with pytest.raises(UsageError, match="expected the name of a file"):
        named(USUAL, kernel="../../x")


def test_a_name_does_not_go_with_one_file_nor_its_number_with_resume():
    with pytest.raises(UsageError, match="-o names the result already"):
        Saving(output="x.png", name="{stem}")
    with pytest.raises(UsageError, match=r"--resume cannot tell of which image a result is by a name with"):
        Saving(out_dir=Path("o"), name="{index:03}{ext}", resume=True)
    Saving(out_dir=Path("o"), name="{stem}{ext}", resume=True)
