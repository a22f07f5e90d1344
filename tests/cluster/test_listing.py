"""The images that a cluster filters, one by one."""

from __future__ import annotations

from convcli.cluster.listing import Listed, listed
from convcli.filtering.jobs import Ending, Saving


def test_each_image_has_a_place_for_each_kernel(tmp_path):
    (tmp_path / "a.png").write_bytes(b"123")
    saving = Saving(out_dir=tmp_path / "out")
    endings = [Ending("sobel", ".png"), Ending("box", ".png")]
    (found,) = listed([str(tmp_path)], endings, saving, recursive=False, tell=lambda _: None)
    targets = tuple(str(tmp_path / "out" / name) for name in ("a_sobel.png", "a_box.png"))
    assert found == Listed(str(tmp_path / "a.png"), targets, 3)


def test_the_size_of_an_image_that_is_not_there_is_not_known(tmp_path):
    saving = Saving(out_dir=tmp_path / "out")
    (found,) = listed(["gone.png"], [Ending("sobel", ".png")], saving, recursive=False, tell=lambda _: None)
    assert found.bytes is None
