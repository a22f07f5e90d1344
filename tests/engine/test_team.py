"""A team does all the parts, in processes or threads; errors come through, and nobody is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from convcli.engine.team import Team, shared_zeros
from convcli.errors import ConvcliError

needs_fork = pytest.mark.skipif(sys.platform != "linux", reason="forks on Linux only")


@pytest.fixture(params=["processes", "threads"])
def kind(request, monkeypatch):
    if request.param == "threads":
        monkeypatch.setattr(Team, "forks", False)
    elif sys.platform != "linux":
        pytest.skip("forks on Linux only")
    return request.param


def children():
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


def files():
    return set(Path("/proc/self/fd").iterdir())


def slowly(job, number):
    time.sleep(0.002)  # long enough for everyone to get a part
    return job * number, os.getpid(), threading.get_ident()


@pytest.mark.parametrize("size", [1, 2, 3, 5])
@pytest.mark.parametrize("parts", [0, 1, 2, 20])
def test_results_come_in_order(kind, size, parts):
    team = Team(slowly, size)
    for job in (1, 7):
        assert [result for result, _, _ in team.run(job, parts)] == [job * n for n in range(parts)]
    team.close()


@needs_fork
def test_helpers_are_processes_and_this_one_takes_part():
    team = Team(slowly, 3)
    workers = {process for _, process, _ in team.run(1, 60)}
    team.close()
    assert os.getpid() in workers
    assert len(workers) == 3


def test_outside_the_main_thread_helpers_are_threads():
    found = []
    team = Team(slowly, 3)
    thread = threading.Thread(target=lambda: found.extend(team.run(1, 60)))
    thread.start()
    thread.join()
    assert {process for _, process, _ in found} == {os.getpid()}
    assert len({name for _, _, name in found}) == 3


def test_what_parts_write_to_shared_arrays_is_seen_by_all(kind):
    squares, offset = shared_zeros(40, np.float64), shared_zeros(1, np.int64)

    def work(_job, number):
        time.sleep(0.001)
        squares[number] = number**2 + offset[0]

    team = Team(work, 3)
    for offset[0] in (0, 100):  # changed between two jobs, after the fork
        team.run(None, 40)
        np.testing.assert_array_equal(squares, np.arange(40) ** 2 + offset[0])
    team.close()


@pytest.mark.parametrize("size", [0, 1, 5000])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.int64])
def test_shared_arrays_begin_as_zeros_and_can_be_written(size, dtype):
    array = shared_zeros(size, dtype)
    assert (array.shape, array.dtype) == ((size,), dtype)
    assert not array.any()
    array[:] = 3
    assert (array == 3).all()


def test_errors_come_through_and_the_next_job_is_done(kind):
    def work(job, number):
        time.sleep(0.001)
        if number == job:
            raise KeyError(f"part {number}")
        return number

    team = Team(work, 2)
    for bad in range(12):  # whoever takes it
        with pytest.raises(KeyError, match=f"part {bad}"):
            team.run(bad, 12)
    assert team.run(-1, 12) == list(range(12))
    team.close()


@needs_fork
def test_a_killed_helper_is_an_error_that_says_so_and_the_next_job_is_done():
    first = os.getpid()

    def work(job, number):
        time.sleep(0.002)
        if job == "die" and os.getpid() != first:
            os.kill(os.getpid(), signal.SIGKILL)
        return number

    team = Team(work, 2)
    with pytest.raises(ConvcliError, match="worker process was killed"):
        team.run("die", 20)
    assert team.run("live", 20) == list(range(20))
    team.close()


@needs_fork
def test_an_interruption_ends_the_helpers():
    first, before = os.getpid(), children()

    def work(_job, number):
        if os.getpid() == first:
            raise KeyboardInterrupt
        time.sleep(60)

    team = Team(work, 3)
    with pytest.raises(KeyboardInterrupt):
        team.run(None, 30)
    assert children() == before


@needs_fork
def test_signals_to_the_whole_group_leave_helpers_at_work():
    """A terminal's Ctrl-C reaches every process; the first one decides."""
    first = os.getpid()

    def work(_job, number):
        if os.getpid() != first:
            for number_ in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                os.kill(os.getpid(), number_)
        time.sleep(0.002)
        return number

    team = Team(work, 2)
    assert team.run(None, 20) == list(range(20))
    team.close()


@needs_fork
def test_closing_leaves_neither_processes_nor_files():
    before = children(), files()
    team = Team(slowly, 4)
    team.run(1, 20)
    assert len(children() - before[0]) == 3
    team.close()
    team.close()
    assert (children(), files()) == before


PARENT = """
import os, sys, time
from convcli.engine.team import Team
team = Team(lambda job, number: (time.sleep(0.002), os.getpid())[1], 3)
print(*sorted(set(team.run(None, 60)) - {os.getpid()}), flush=True)
time.sleep(60)
"""


WAITING = """
import os, time
from convcli.engine.team import Team
def work(job, rank):
    if job == "wait":
        if rank == 0:
            time.sleep(60)
        team.meet()
    return os.getpid()
team = Team(work, 3)
print(*team.together("tell", 3)[1:], flush=True)
team.together("wait", 3)
"""


@needs_fork
@pytest.mark.parametrize("program", [PARENT, WAITING], ids=["idle", "waiting for each other"])
def test_helpers_end_when_the_first_process_is_killed(program):
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    helpers = [int(word) for word in parent.stdout.readline().split()]
    time.sleep(0.1)  # until they wait
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert len(helpers) == 2
    deadline = time.monotonic() + 20
    while any(_runs(helper) for helper in helpers):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _runs(process):
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


@needs_fork
def test_too_many_parts_are_refused():
    with pytest.raises(ValueError, match="at most 256 parts, not 257"):
        Team(slowly, 2).run(1, 257)


# Together: all members at work at once, who wait for each other.


def added_up(team, numbers, rounds=30):
    """Return a work in which each member adds what all have written, again and again."""

    def work(job, rank):
        total = 0
        for round_ in range(rounds):
            row = numbers[round_ % 2]
            row[rank] = job * (rank + 1) * (round_ + 1)
            team().meet()
            total += int(row.sum())
        return total

    return work


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_members_see_at_a_meeting_what_all_have_written_before_it(kind, size):
    numbers = shared_zeros(2 * size, np.int64).reshape(2, size)
    team: Team[int, int] = Team(added_up(lambda: team, numbers), size)
    assert team.members == size
    for job, members in ((1, size), (7, 1), (3, size), (2, size)):  # and one alone in between
        numbers[:] = 0
        expected = job * sum(range(1, members + 1)) * sum(range(1, 31))
        assert team.together(job, members) == [expected] * members
        assert team.run(job, 0) == []
    team.close()


@pytest.mark.parametrize("bad", [0, 1, 2])
def test_an_error_of_one_member_ends_the_waiting_of_all(kind, bad):
    def work(job, rank):
        team.meet()
        if job == "fail" and rank == bad:
            raise KeyError(f"member {rank}")
        team.meet()
        return rank

    team = Team(work, 3)
    for _ in range(3):
        with pytest.raises(KeyError, match=f"member {bad}"):
            team.together("fail", 3)
        assert team.together("work", 3) == [0, 1, 2]
    team.close()


@needs_fork
def test_a_member_that_is_killed_while_others_wait_is_an_error_that_says_so():
    def work(job, rank):
        team.meet()
        if job == "die" and rank == 1:
            time.sleep(0.05)  # the others sleep by then
            os.kill(os.getpid(), signal.SIGKILL)
        team.meet()
        return rank

    team = Team(work, 3)
    with pytest.raises(ConvcliError, match="worker process was killed"):
        team.together("die", 3)
    assert team.together("live", 3) == [0, 1, 2]
    team.close()


@needs_fork
def test_an_interruption_while_others_wait_ends_them():
    before = children()

    def work(_job, rank):
        if rank == 0:
            raise KeyboardInterrupt
        team.meet()

    team = Team(work, 3)
    with pytest.raises(KeyboardInterrupt):
        team.together(None, 3)
    assert children() == before
