"""How far one image is: shares of what is done, of steps that measure and of writing, too."""

from __future__ import annotations

import threading

import numpy as np
import PIL.Image
import pytest

from convcli.filtering.batch import Batch
from convcli.filtering.chain import apply
from convcli.filtering.jobs import Saving
from convcli.filtering.pipeline import Pipeline
from convcli.filtering.policy import Policy
from convcli.filtering.shares import part_of, scaled
from convcli.filtering.steps.parsing import step_of

IMAGE = np.random.default_rng(2).random((1200, 700, 3)).astype(np.float32)


def test_nobody_is_told_where_nobody_listens():
    assert scaled(None, 0.5) is None
    with part_of(None, 0.5) as part:
        assert part is None


@pytest.mark.parametrize("range_", ["auto", "stretch"])
@pytest.mark.parametrize(
    ("texts", "before"),
    [
        (["gaussian"], 0),
        (["gaussian", "threshold:value=otsu"], 1),
        (["normalize:low=1", "threshold:value=mean,channels=each", "invert"], 2),
        (["canny:quantiles=true,low=0.5,high=0.9"], 1),
    ],
)
def test_shares_add_up_and_passes_before_the_last_have_theirs(texts, before, range_):
    heard, lock, steps = [], threading.Lock(), [step_of(text) for text in texts]

    def listen(share):
        with lock:
            heard.append(share)

    apply(IMAGE, steps, Policy(range=range_), threads=2, progress=listen)
    assert sum(heard) == pytest.approx(1)
    total = before + (2 if range_ == "stretch" else 1)
    assert max(heard) <= 1 / total
    if before:
        assert len(heard) > total


def test_a_picture_of_one_value_is_as_far_in_the_end():
    heard = []
    steps = [step_of("threshold:value=otsu,channels=each"), step_of("normalize:low=1")]
    apply(np.ones((9, 9, 3), np.uint8), steps, Policy(), progress=heard.append)
    assert sum(heard) == pytest.approx(1)


@pytest.mark.parametrize("ending", ["png", "jpg"])
def test_writing_has_a_share_of_its_own(tmp_path, ending):
    PIL.Image.fromarray((IMAGE * 255).astype(np.uint8)).save(tmp_path / "a.png")
    heard, pipeline = [], Pipeline([step_of("gaussian")], Policy())
    saving = Saving(output=str(tmp_path / f"b.{ending}"))
    batch = Batch.of([str(tmp_path / "a.png")], {"gaussian": pipeline}, saving, threads=1)
    list(batch.run(progress=heard.append))
    assert sum(heard) == pytest.approx(1)
    assert (sum(share > 0.05 for share in heard[-3:-1]) > 1) == (ending == "png")  # strip by strip


def test_that_each_frame_is_measured_by_itself_is_said_once(call, tmp_path):
    frames = [PIL.Image.fromarray((IMAGE[:20, :20] * 255 / n).astype(np.uint8)) for n in (1, 2, 3)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    steps = ["--step", "normalize", "--step", "gaussian", "--step", "threshold:value=otsu"]
    done = call("filter", "a.gif", *steps, "--frames", "all", "-o", "b.png")
    assert done.code == 0
    assert done.stderr.count("normalize and threshold measured each frame by itself") == 1
    fixed = call("filter", "a.gif", "--step", "threshold:value=9", "--frames", "all", "-o", "c.png")
    assert "by itself" not in fixed.stderr
