"""Tasks in turns: one at a time, in order, all to the same place; an error in one ends all."""

from __future__ import annotations

import signal
import threading
import time

import pytest

from convcli.engine.turns import Turns
from convcli.errors import ConvcliError


def counted(turns, log, number, waits=3):
    def task():
        for place in range(waits):
            log.append((place, number))
            turns.wait()
        log.append((waits, number))
        return number

    return task


@pytest.mark.parametrize("count", [1, 2, 5])
def test_each_goes_on_when_all_have_come(count):
    log, met = [], []
    turns = Turns(lambda: met.append(len(log)))
    assert turns.run([counted(turns, log, number) for number in range(count)]) == list(range(count))
    assert log == [(place, number) for place in range(4) for number in range(count)]
    assert met == [count, 2 * count, 3 * count]
    assert turns.meetings == 3


def test_one_runs_at_a_time():
    running, most = [], []

    def task():
        for _ in range(5):
            running.append(1)
            time.sleep(0.001)
            most.append(len(running))
            running.pop()
            turns.wait()

    turns = Turns(lambda: None)
    turns.run([task] * 4)
    assert max(most) == 1


@pytest.mark.parametrize("bad", [0, 1, 3])
def test_an_error_in_one_comes_as_it_is_and_leaves_no_thread(bad):
    def task(number):
        def run():
            turns.wait()
            if number == bad:
                raise KeyError(f"task {number}")
            turns.wait()

        return run

    before = threading.active_count()
    turns = Turns(lambda: None)
    with pytest.raises(KeyError, match=f"task {bad}"):
        turns.run([task(number) for number in range(4)])
    assert threading.active_count() == before


def test_an_error_where_all_meet_comes_too():
    def meet():
        raise ConvcliError("somebody was killed")

    turns = Turns(meet)
    with pytest.raises(ConvcliError, match="killed"):
        turns.run([turns.wait] * 3)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers")
def test_an_interruption_while_the_first_stands_ends_all():
    def task():
        for _ in range(1000):
            time.sleep(0.01)
            turns.wait()

    before = threading.active_count()
    turns = Turns(lambda: None)
    old = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    try:
        with pytest.raises(KeyboardInterrupt):
            turns.run([task] * 5)
    finally:
        signal.signal(signal.SIGALRM, old)
    assert threading.active_count() == before


def test_more_threads_than_the_system_starts_are_refused(monkeypatch):
    started = threading.Thread.start

    def start(self):
        if threading.active_count() > before + 1:
            raise RuntimeError("can't start new thread")
        started(self)

    before = threading.active_count()
    monkeypatch.setattr(threading.Thread, "start", start)
    turns = Turns(lambda: None)
    with pytest.raises(ConvcliError, match=r"A batch in 4 pieces .* Set a smaller training.batch_size"):
        turns.run([turns.wait] * 4)
    assert threading.active_count() == before
