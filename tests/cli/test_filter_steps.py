"""`convcli filter` with steps: --step, --pipeline, --save-pipeline."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

GREY = np.random.default_rng(0).integers(0, 256, (12, 16), np.uint8)


@pytest.fixture
def grey(tmp_path):
    Image.fromarray(GREY).save(tmp_path / "grey.png")
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "k.csv").write_text("1,0,-1\n")
    (tmp_path / "own" / "f.csv").write_text("1,0,1\n")
    return tmp_path / "grey.png"


@pytest.mark.usefixtures("grey")
def test_steps_make_one_result_named_after_them(call, tmp_path):
    result = call("filter", "grey.png", "--step", "gaussian:sigma=1.4", "--step", "sobel", "--step", "invert")
    assert result.code == 0
    assert "gaussian:sigma=1.4  → sobel  → invert  responses" in result.stdout
    assert (tmp_path / "grey_gaussian-sobel-invert.png").exists()


@pytest.mark.usefixtures("grey")
def test_many_steps_have_a_short_name(call, tmp_path):
    assert call("filter", "grey.png", *["--step", "box"] * 7).code == 0
    assert (tmp_path / "grey_box-box-box-box-and-3-more.png").exists()


@pytest.mark.usefixtures("grey")
def test_a_saved_pipeline_gives_the_same_bytes_from_anywhere(call, tmp_path):
    steps = ("--step", "@own/k.csv:border=edge", "--step", "invert", "--range", "clip", "--border", "wrap")
    assert call("filter", "grey.png", *steps, "-o", "a.png", "--save-pipeline", "own/p.toml").code == 0
    assert call("filter", "grey.png", "--pipeline", "own/p.toml", "-o", "b.png").code == 0
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    (tmp_path / "own" / "q.toml").write_text(
        "[[steps]]\ntype = 'kernel'\nkernel = '@k.csv'\nborder = 'edge'\n"
    )
    more = ("--pipeline", "own/q.toml", "--step", "invert", "--range", "clip", "--border", "wrap")
    result = call("filter", "grey.png", *more, "-o", "c.png", "--json")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "c.png").read_bytes()
    footprint = ("--step", "dilate:footprint=@own/f.csv")
    assert call("filter", "grey.png", *footprint, "-o", "d.png", "--save-pipeline", "own/f.toml").code == 0
    assert call("filter", "grey.png", "--pipeline", "own/f.toml", "-o", "e.png").code == 0
    assert (tmp_path / "d.png").read_bytes() == (tmp_path / "e.png").read_bytes()
    said = json.loads(result.stdout)
    assert [step["type"] for step in said["steps"]] == ["kernel", "invert"]
    assert (said["border"], said["fill"], said["alpha"], said["linear"]) == ("wrap", 0, "keep", False)


@pytest.mark.usefixtures("grey")
def test_resume_goes_by_the_steps_and_says_what_differs(call, tmp_path):
    Image.fromarray(GREY).save(tmp_path / "other.png")
    call_with = ("filter", "grey.png", "other.png", "--out-dir", "out", "--resume")
    steps = ("--step", "gaussian:sigma=1.4", "--step", "sobel")
    assert call(*call_with, *steps).code == 0
    assert "2 of 2 images were finished already" in call(*call_with, *steps).stderr
    other = call(*call_with, "--step", "gaussian:sigma=2", "--step", "sobel")
    assert (other.code, other.stdout) == (2, "")
    assert "(steps: gaussian:sigma=1.4 then sobel → gaussian:sigma=2 then sobel)" in other.stderr


REFUSALS = {
    "kernel and step": (["-k", "sobel", "--step", "gray"], ["-k sobel", "--step sobel"]),
    "option of one kernel": (["--step", "box", "--stride", "2"], ["--stride", "--step box:stride=…"]),
    "scale": (["--step", "box:size=3", "--scale", "2"], ["--scale", "--step box:scale=…"]),
    "unknown step": (["--step", "gray", "--step", "sobbel"], ["step 2: Unknown step", "'sobel'"]),
    "unknown option": (["--step", "box:siz=3"], ["step 1: box: siz: unknown key", "'size'"]),
    "value": (["--step", "gaussian:sigma=x"], ["step 1: gaussian: sigma: expected a number", "'x'"]),
    "no value": (["--step", "gaussian:2"], ["gaussian:2", "key=value"]),
    "type": (["--step", "gaussian:type=box"], ["type is given twice"]),
    "twice": (["--step", "box:size=3,size=5"], ["size is given twice"]),
    "does not fit": (["--step", "gray", "--step", "box:size=99,padding=valid"], ["step 2 (box): A window"]),
    "no file": (["--pipeline", "none.toml"], ["none.toml: no such file"]),
    "the file as target": (["--pipeline", "p.toml", "-o", "p.toml", "--force"], ["p.toml is an input"]),
    "its kernel as target": (
        ["--step", "@own/k.csv:stride=2", "-o", "own/k.csv", "--force"],
        ["is an input"],
    ),
    "its footprint as target": (
        ["--step", "median:footprint=@own/f.csv", "-o", "own/f.csv", "--force"],
        ["is an"],
    ),
    "two to save": (["-k", "box", "-k", "sobel", "--save-pipeline", "q.toml"], ["2 kernels"]),
    "saved over": (["-k", "box", "--save-pipeline", "p.toml"], ["p.toml exists already"]),
}


@pytest.mark.usefixtures("grey")
@pytest.mark.parametrize("case", REFUSALS)
def test_refusal_is_one_clear_error_and_writes_nothing(call, tmp_path, case):
    (tmp_path / "p.toml").write_text("[[steps]]\ntype = 'gray'\n")
    arguments, words = REFUSALS[case]
    before = sorted(tmp_path.rglob("*"))
    result = call("filter", "grey.png", *arguments)
    assert (result.code, result.stdout) == (1 if case == "saved over" else 2, "")
    assert all(word in result.stderr for word in words), result.stderr
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.usefixtures("grey")
def test_the_advice_to_an_option_of_one_step_names_a_step_that_has_it(call):
    command = ("filter", "grey.png", "--padding", "valid")
    assert "such as --step box:padding=…" in call(*command, "--step", "invert", "--step", "box").stderr
    assert "such as --step gaussian:padding=…" in call(*command, "--step", "unsharp:sigma=2").stderr


def test_a_fill_is_for_whichever_border_shows_it(call, tmp_path):
    Image.fromarray(np.full((9, 9), 100, np.uint8)).save(tmp_path / "a.png")
    (tmp_path / "p.toml").write_text('border = "constant"\n[[steps]]\ntype = "box"\n')
    for words in (
        ["--step", "box:border=constant", "--fill", "7"],
        ["--step", "box:border=constant,fill=7"],
        ["--step", "box", "--border", "constant", "--fill", "7"],
        ["--pipeline", "p.toml", "--fill", "7"],
    ):
        assert call("filter", "a.png", *words, "-o", "b.png", "--force").code == 0
        assert np.asarray(Image.open(tmp_path / "b.png"))[0, 0] == round((4 * 100 + 5 * 7) / 9)
    for words in (["-k", "box"], ["--step", "box"], ["--step", "box:border=constant,fill=7"]):
        refused = call("filter", "a.png", *words, "--fill", "7", "-o", "b.png", "--force")
        assert refused.code == 2
        assert "--fill needs --border constant" in refused.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--save-pipeline", "a.png"], "named as an image; take .toml"),
        (["--save-pipeline", "plain"], "is an input, and an input is never overwritten"),
        (["--save-pipeline", "k.txt"], "is an input, and an input is never overwritten"),
        (["--save-pipeline", "folder/inner"], "is an image or a result itself"),
        (["--save-pipeline", "m", "--manifest", "./m"], "give each a file of its own"),
        (["--manifest", "k.txt"], "is a kernel's or a pipeline's file"),
        (["--manifest", "plain"], "is an image or a result itself"),
    ],
    ids=str,
)
def test_no_record_takes_the_place_of_what_is_read_even_with_force(call, tmp_path, words, said):
    (tmp_path / "folder").mkdir()
    (tmp_path / "k.txt").write_text("1 2 1")
    for name in ("a.png", "plain", "folder/inner"):
        Image.fromarray(np.zeros((9, 9), np.uint8)).save(tmp_path / name, "PNG")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    images = ["a.png", "plain", "folder/*"]
    refused = call("filter", *images, "-k", "@k.txt", "--out-dir", "out", "--force", *words)
    assert refused.code == 2, refused.stderr
    assert said in refused.stderr
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
