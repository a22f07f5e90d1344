"""Tasks on threads whose results come in order."""

from __future__ import annotations

import threading
import time
import weakref

import pytest

from convcli.filtering.in_order import in_order


def never():
    return False


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_results_come_in_order_however_long_each_takes(workers):
    items = list(range(40))
    done = in_order(lambda item: time.sleep((item % 3) / 1000) or -item, items, workers, never)
    assert [(item, future.result()) for item, future in done] == [(item, -item) for item in items]


def test_only_a_few_are_ahead_of_the_one_that_is_taken():
    begun, alive = [], weakref.WeakSet()

    class Big:
        pass

    def task(item):
        begun.append(item)
        big = Big()
        alive.add(big)
        return big

    for item, future in in_order(task, range(200), 3, never):
        assert len(begun) <= item + 2 * 3 + 1
        future.result()
        del future
        assert len(alive) <= 2 * 3 + 2


def test_errors_come_at_their_item():
    def task(item):
        if item == 2:
            raise ValueError("two")
        return item

    outcomes = [future.exception() for _, future in in_order(task, range(5), 2, never)]
    assert [repr(error) for error in outcomes] == ["None", "None", "ValueError('two')", "None", "None"]


def test_nothing_more_is_begun_when_it_is_to_stop():
    gate, begun = threading.Event(), []

    def task(item):
        begun.append(item)
        gate.wait(5)
        return item

    stopping = []
    outcomes = in_order(task, range(100), 2, lambda: bool(stopping))
    threading.Timer(0.05, gate.set).start()
    first, _ = next(outcomes)
    stopping.append(True)
    rest = [(item, future.result()) for item, future in outcomes]
    assert first == 0
    assert {item for item, _ in rest} | {0} == set(begun)
    assert len(begun) < 20


def test_leaving_early_begins_nothing_more():
    begun = []
    outcomes = in_order(lambda item: begun.append(item), range(100), 2, never)
    next(outcomes)
    outcomes.close()
    count = len(begun)
    assert count <= 6
    time.sleep(0.02)
    assert len(begun) == count
