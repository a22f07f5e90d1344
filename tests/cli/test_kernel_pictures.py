"""Pictures of kernels: `kernels --frequency`."""

import json

import numpy as np
import PIL.Image


def test_the_frequency_response_is_told_and_drawn(call, tmp_path):
    done = call("kernels", "sobel-x", "--frequency")
    assert "DC gain     0" in done.stdout
    assert "largest     8 at 0.25 across, 0 down" in done.stdout
    assert "imaginary" in done.stdout
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
    ]:
        done = call("kernels", *words)
        assert (done.code, said in done.stderr) == (2, True), words
