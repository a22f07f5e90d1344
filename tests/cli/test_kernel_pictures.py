"""Pictures of kernels: `kernels --frequency`, `--sheet`."""

import json

import numpy as np
import PIL.Image

from convcli.kernels import KERNELS
from convcli.render.bank import SIDE, bank_tiles, bank_title
from convcli.render.learned import LearnedLayer


def test_the_frequency_response_is_told_and_drawn(call, tmp_path):
    done = call("kernels", "sobel-x", "--frequency")
    assert "DC gain     0" in done.stdout
    assert "largest     8 at 0.25 across, 0 down" in done.stdout
    assert "imaginary" in done.stdout
    drawn = call("kernels", "sobel-x", "--frequency", "--show", "--protocol", "text").stdout.splitlines()
    assert len(drawn[10]) > 30
    assert drawn[10].index("%") < 12, "waves across get through"
    assert call("kernels", "sobel-x", "--frequency", "-o", "x.png").stdout.startswith("x.png  frequency")
    with PIL.Image.open(tmp_path / "x.png") as picture:
        assert min(picture.size) > 800
    assert call("kernels", "gaussian", "--frequency", "-o", "x.svg").code == 0
    assert (tmp_path / "x.svg").read_text().startswith("<?xml")
    assert "exists already" in call("kernels", "box", "--frequency", "-o", "x.svg").stderr


def test_the_frequency_response_is_there_in_json(call):
    document = json.loads(call("kernels", "box:size=3", "--frequency", "--json").stdout)
    part = document["parts"][0]
    assert (part["phase"], part["dc"]) == ("real", 1)
    waves = np.array(document["frequencies"])
    np.testing.assert_allclose(
        part["gain"]["across"], np.abs(1 + 2 * np.cos(2 * np.pi * waves)) / 3, atol=1e-12
    )


def test_options_of_pictures_that_do_not_go_together_are_refused(call, tmp_path):
    (tmp_path / "k.csv").write_text("1,2\n3,4\n")
    for words, said in [
        (("--frequency",), "name it"),
        (("box", "-o", "x.png"), "--frequency"),
        (("box", "--frequency", "-o", "x.gif"), "ends in"),
        (("box", "--frequency", "-o", "-", "--json"), "both go to standard output"),
        (("box", "--frequency", "--show", "--json"), "both go to standard output"),
        (("--sheet", "--show", "-o", "-"), "both go to standard output"),
        (("box", "--show"), "say of what"),
        (("--sheet", "-o", "x.png", "--scale", "2"), "belong to one kernel"),
        (("box", "--protocol", "text"), "goes with --show"),
    ]:
        done = call("kernels", *words)
        assert (done.code, said in done.stderr) == (2, True), words


def test_all_kernels_are_laid_on_a_drawing_or_a_photo(call, tmp_path):
    PIL.Image.new("RGB", (20, 10), "red").save(tmp_path / "red.png")
    done = call("kernels", "--sheet", "red.png", "-o", "red-sheet.png", "--json")
    assert len(json.loads(done.stdout)["tiles"]) == len(KERNELS)
    done = call("kernels", "--sheet", "--show", "--protocol", "text")
    assert "laplacian8" in done.stdout
    assert "nothing is written" in done.stderr
    assert "give -o FILE, or --show" in call("kernels", "--sheet").stderr


def test_a_learned_bank_is_a_sheet_of_weights_and_responses():
    weights = np.zeros((3, 3, 1, 2))
    weights[:, 0], weights[:, 2] = -1, 1
    weights[..., 1] *= -1
    tiles = bank_tiles(LearnedLayer("a run", 1, weights))
    assert [tile.label for tile in tiles] == ["1: prewitt-x 1.00", "2: −prewitt-x 1.00"]
    left, right = tiles[0].pixels[:, :SIDE], tiles[0].pixels[:, -SIDE:]
    assert left[5, 5, 2] > left[5, 5, 0], "blue is negative"
    assert left[5, -5, 0] > left[5, -5, 2], "orange is positive"
    bright = right.sum(axis=2, dtype=int)
    assert bright[SIDE // 2, SIDE // 4] > bright[SIDE // 2, SIDE // 2], "nothing flat passes"
    rgb = bank_tiles(LearnedLayer("a run", 1, np.random.default_rng(0).normal(size=(5, 5, 3, 4)), rgb=True))
    assert len(rgb) == 4
    assert bank_title(LearnedLayer("a run", 1, weights)) == "a run, layer 1: 2 kernels of 3 × 3"
