"""A process that outlives ranks says which of them has ended, whenever it comes to look."""

import json
import os
import signal
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="Linux alone tells of other processes")


@pytest.fixture
def rank():
    """A process that stands for a rank."""
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


@pytest.fixture
def watch(tmp_path):
    """Start what watches ranks, which are processes by number, and return it."""

    def start(ranks, heard_before=b"", **others):
        pipes = heard, hear, asleep, awake = *os.pipe(), *os.pipe()
        os.write(hear, heard_before)
        process = subprocess.Popen(
            [sys.executable, "-m", "convcli.cli.watching", str(heard), str(awake)],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            pass_fds=[heard, awake],
        )
        for number in pipes:
            if number != asleep:
                os.close(number)
        claim = str(tmp_path / "claim")
        tell(process, {"host": "node-a", "size": 4, "first": 2, "ranks": ranks, "claim": claim, **others})
        assert os.read(asleep, 1) == b""  # it is awake, or has ended
        os.close(asleep)
        return process

    yield start
    assert not list(tmp_path.iterdir())


def tell(process, document):
    process.stdin.write(json.dumps(document) + "\n")
    process.stdin.flush()


def said(process):
    """Return what it says and ends with; the first rank can tell it more up to then."""
    with process:
        return process.stderr.read().splitlines()


WHY = "on node-a ended without a word, as by kill -9 or for want of memory, and with it all others."


def test_a_rank_that_ends_is_named(watch, rank):
    process = watch({rank.pid: 3})
    rank.send_signal(signal.SIGKILL)
    rank.wait()
    assert said(process) == [f"error: rank 3 of 4 {WHY}", "Nothing had been learned yet."]


def test_a_rank_that_had_ended_before_is_named(watch, rank):
    rank.kill()
    rank.wait()
    assert said(watch({rank.pid: 3}))[0] == f"error: rank 3 of 4 {WHY}"


def test_a_launchers_signal_to_the_others_is_not_taken_for_the_cause(watch, rank):
    rank.kill()
    rank.wait()
    assert said(watch({rank.pid: 3}, heard_before=bytes([signal.SIGTERM])))[0] == f"error: rank 3 of 4 {WHY}"


def test_the_first_rank_has_ended_where_it_tells_nothing_more(watch, rank):
    process = watch({rank.pid: 3})
    process.stdin.close()
    assert said(process)[0] == f"error: rank 2 of 4 {WHY}"


def test_nothing_is_said_where_all_is_done_or_somebody_has_spoken(watch, rank, tmp_path):
    process = watch({rank.pid: 3})
    tell(process, {"done": True})
    assert said(process) == []
    process = watch({rank.pid: 3})
    (tmp_path / "claim").touch()
    rank.kill()
    rank.wait()
    assert said(process) == []
