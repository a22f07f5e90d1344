"""Nothing is lost: the short form of what `python -m reliability` does, and that its checks can say no."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))  # the package is not installed with convcli

from reliability.states import BrokenError, Reference, write_config  # noqa: E402

from convcli.errors import ConvcliError  # noqa: E402
from convcli.runs.folder import BEST, LAST, METRICS, RESOLVED  # noqa: E402

pytestmark = pytest.mark.skipif(os.name != "posix", reason="processes are killed as on Unix")


def reliability(*arguments, **environment):
    done = subprocess.run(
        [sys.executable, "-m", "reliability", *arguments],
        capture_output=True,
        cwd=ROOT,
        env={**os.environ, **environment},
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.long
def test_a_training_that_is_killed_again_and_again_loses_nothing():
    told = reliability("kills", "train", "--times", "3", "--seed", "1", "--units", "64")
    assert re.fullmatch(r"train: killed 3 times, came to its end \d+ times, nothing lost\n", told)


@pytest.mark.long
def test_a_command_that_is_killed_leaves_no_half_written_file(tmp_path):
    photo = ROOT / "sample_images" / "camera.png"
    command = ["filter", photo, "--kernel", "sobel", "--out-dir", tmp_path / "out", "--force"]
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "camera_sobel.png").write_bytes(b"old")
    told = reliability("command", "--times", "2", tmp_path / "out", "--", *command)
    assert re.fullmatch(r"filter: killed 2 times, came to its end \d+ times, nothing lost\n", told)


@pytest.mark.long
def test_a_checkpoint_write_may_end_at_any_step():
    told = reliability("writes", OPENBLAS_NUM_THREADS="1")
    found = re.fullmatch(r"checkpoint write: ended at (\d+) steps of (\d+) kinds, nothing lost\n", told)
    assert int(found[1]) > 40
    assert int(found[2]) >= 10


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """Return the folder of a run, and all states that it went through."""
    home = tmp_path_factory.mktemp("undisturbed")
    write_config(home / "training.toml", units=2)
    return home / "run", Reference.of(home / "training.toml", home / "run")


DAMAGE = {
    "a checkpoint cut short": lambda run: (run / LAST).write_bytes((run / LAST).read_bytes()[:-1]),
    "a weight that has changed": lambda run: (run / LAST).write_bytes((run / LAST).read_bytes()[:-1] + b"x"),
    "a row twice": lambda run: (run / METRICS).write_text(
        (run / METRICS).read_text() + (run / METRICS).read_text().splitlines()[-1] + "\n"
    ),
    "a row too few": lambda run: (run / METRICS).write_text(
        "".join((run / METRICS).read_text().splitlines(keepends=True)[:-2])
    ),
    "no best": lambda run: (run / BEST).unlink(),
    "half of the best": lambda run: (run / BEST).write_bytes((run / BEST).read_bytes()[:1000]),
    "an empty file": lambda run: (run / RESOLVED).write_bytes(b""),
    "a stray file": lambda run: (run / "metrics.csv~").touch(),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_damage_is_found(undisturbed, tmp_path, damage):
    run, reference = undisturbed
    copy = shutil.copytree(run, tmp_path / "run")
    reference.check_end(copy)
    damage(copy)
    with pytest.raises((BrokenError, ConvcliError)):
        reference.check(copy)


def test_a_leftover_is_found_at_the_end_only(undisturbed, tmp_path):
    run, reference = undisturbed
    copy = shutil.copytree(run, tmp_path / "run")
    (copy / ".convcli-0123456789abcdef.tmp").write_bytes(b"half")
    reference.check(copy)
    with pytest.raises(BrokenError, match="left behind"):
        reference.check_end(copy)
