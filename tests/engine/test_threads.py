"""How many threads there may be, and that tasks spread over them keep their order and their errors."""

from __future__ import annotations

import os
import threading

import pytest

from convcli.engine import threads
from convcli.engine.threads import affinity_cores, available_cores, cgroup_cores, spread


@pytest.fixture(autouse=True)
def _forget():
    available_cores.cache_clear()
    yield
    available_cores.cache_clear()


def groups(folder, membership, files):
    (folder / "membership").write_text(membership)
    for name, text in files.items():
        path = folder / "fs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder / "fs", folder / "membership"


@pytest.mark.parametrize(
    ("membership", "files", "limit"),
    [
        ("0::/\n", {"cpu.max": "150000 100000\n"}, 1.5),
        ("0::/\n", {"cpu.max": "max 100000\n"}, None),
        ("0::/a/b\n", {"a/cpu.max": "200000 100000\n", "a/b/cpu.max": "max 100000\n"}, 2),
        ("0::/a/b\n", {"a/cpu.max": "400000 100000\n", "a/b/cpu.max": "100000 100000\n"}, 1),
        ("0::/\n", {}, None),
        ("0::/\n", {"cpu.max": "nonsense\n"}, None),
        ("1:cpu:/\n", {"cpu/cpu.cfs_quota_us": "300000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 3),
        ("1:cpu:/\n", {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, None),
        (
            "4:memory:/x\n2:cpu,cpuacct:/y\n",
            {"cpu,cpuacct/y/cpu.cfs_quota_us": "50000\n", "cpu,cpuacct/y/cpu.cfs_period_us": "100000\n"},
            0.5,
        ),
    ],
)
def test_control_groups_limit_is_read(tmp_path, membership, files, limit):
    assert cgroup_cores(*groups(tmp_path, membership, files)) == limit


def test_no_control_groups_no_limit(tmp_path):
    assert cgroup_cores(tmp_path, tmp_path / "none") is None


@pytest.mark.parametrize(("limit", "cores"), [(None, 4), (2.0, 2), (1.4, 1), (0.5, 1), (64.0, 4)])
def test_cores_are_the_smaller_of_affinity_and_limit(monkeypatch, limit, cores):
    monkeypatch.setattr(threads, "affinity_cores", lambda: 4)
    monkeypatch.setattr(threads, "cgroup_cores", lambda: limit)
    assert available_cores() == cores


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="needs Linux")
def test_affinity_counts():
    assert 1 <= affinity_cores() <= len(os.sched_getaffinity(0))


def test_affinity_without_the_system_calls_is_the_processors(monkeypatch):
    monkeypatch.delattr(os, "process_cpu_count", raising=False)
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert affinity_cores() == 1
    monkeypatch.setattr(os, "process_cpu_count", lambda: 3, raising=False)
    assert affinity_cores() == 3


@pytest.mark.parametrize("count", [1, 2, 3, 50])
def test_results_keep_the_order_of_the_items(count):
    assert spread(lambda n: n * n, range(20), count) == [n * n for n in range(20)]


def test_no_items_no_results():
    assert spread(abs, [], 4) == []


def test_one_thread_is_the_calling_one():
    assert set(spread(lambda _: threading.get_ident(), range(5), 1)) == {threading.get_ident()}


@pytest.mark.parametrize("count", [1, 2])
def test_error_ends_the_rest_and_is_raised(count):
    done = []

    def task(number):
        if number == 3:
            raise ValueError("three")
        done.append(number)

    with pytest.raises(ValueError, match="three"):
        spread(task, range(1000), count)
    assert len(done) < 1000
