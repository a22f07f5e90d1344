"""Groups go to Dask's workers and outcomes come back, whatever becomes of workers and schedulers."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

distributed = pytest.importorskip("distributed")


DEADLY = """
import os
import convcli.filtering.original as original
original.read = lambda file, read=original.read, **how: (
    os._exit(1) if "deadly" in str(file) else read(file, **how)
)
"""
"""For a worker that dies of images with such a name."""


@pytest.fixture(scope="module")
def scheduler():
    """Return the address of a scheduler with two workers' threads, all within this process."""
    options = {"n_workers": 1, "threads_per_worker": 2, "dashboard_address": ":0"}
    with distributed.LocalCluster(processes=False, silence_logs=50, **options) as cluster:
        yield cluster.scheduler_address


@pytest.fixture
def photos(tmp_path):
    """Return a folder of thirty small images."""
    return fill(tmp_path / "photos", 30)


def fill(folder, count):
    folder.mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)
    for number in range(count):
        Image.fromarray(np.roll(pixels, number, 0)).save(folder / f"{number:03}.png")
    return folder


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix == ".png"}


def test_a_cluster_makes_the_same_bytes_as_one_machine(tmp_path, call, scheduler, photos):
    result = call("filter", photos, "-k", "sobel", "--out-dir", "out", "--cluster", scheduler)
    assert (result.code, len(result.stdout.splitlines())) == (0, 30)
    assert f"note: Dask on {scheduler}: 1 worker, 2 threads" in result.stderr
    assert call("filter", photos, "-k", "sobel", "--out-dir", "own").code == 0
    assert contents(tmp_path / "out") == contents(tmp_path / "own")


def test_json_has_a_line_for_each_result_and_each_failure(call, scheduler, photos):
    (photos / "007.png").write_bytes(b"no image")
    options = ["--out-dir", "out", "--cluster", scheduler, "--keep-going", "--json"]
    result = call("filter", photos, "-k", "sobel", *options)
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert (result.code, len(lines)) == (1, 30)
    assert [line["input"] for line in lines if "error" in line] == [str(photos / "007.png")]
    assert "error: 1 of 30 results could not be made; the others are done." in result.stderr


def test_a_kernel_from_a_file_goes_to_the_workers_by_value(tmp_path, call, scheduler, photos):
    (tmp_path / "own.csv").write_text("0,1,0\n1,-4,1\n0,1,0\n")
    assert call("filter", photos, "-k", "@own.csv", "--out-dir", "out", "--cluster", scheduler).code == 0
    assert call("filter", photos, "-k", "@own.csv", "--out-dir", "own").code == 0
    assert contents(tmp_path / "out") == contents(tmp_path / "own")


def test_workers_that_cannot_see_a_file_are_explained(monkeypatch, call, scheduler, photos):
    monkeypatch.setattr("convcli.filtering.original.Path", lambda name: photos / "elsewhere" / name[-7:])
    result = call("filter", photos, "-k", "sobel", "--out-dir", "out", "--cluster", scheduler)
    assert result.code == 1
    assert "Workers open files by their names" in result.stderr


def test_a_worker_of_another_version_is_named(monkeypatch, call, scheduler, photos):
    monkeypatch.setattr("pkgutil.resolve_name", lambda name: "0.0.1")
    result = call("filter", photos, "-k", "sobel", "--out-dir", "out", "--cluster", scheduler)
    assert result.code == 2
    assert re.search(
        r"error: 1 of 1 workers \(inproc://\S+\) have another convcli: here is \S+, there 0\.0\.1",
        result.stderr,
    )
    assert not (photos.parent / "out").exists()


def test_a_scheduler_that_is_not_there_is_one_line(monkeypatch, call, photos):
    monkeypatch.setattr("convcli.cluster.dask.SECONDS_TO_CONNECT", 0.2)
    result = call("filter", photos, "-k", "sobel", "--out-dir", "out", "--cluster", "tcp://127.0.0.1:9")
    assert result.code == 1
    said = "error: --cluster tcp://127.0.0.1:9: no scheduler answers there for 0.2 seconds."
    assert result.stderr == f"{said} Start one with `dask scheduler`, or take --cluster local.\n"


def test_a_protocol_that_dask_does_not_know_is_a_usage_error(call, photos):
    result = call("filter", photos, "-k", "sobel", "--out-dir", "out", "--cluster", "gopher://host:70")
    assert result.code == 2
    assert "error: --cluster gopher://host:70: " in result.stderr


def test_where_there_are_no_workers_it_says_so_and_waits(call, photos):
    options = {"n_workers": 0, "processes": False, "dashboard_address": ":0", "silence_logs": 50}
    with distributed.LocalCluster(**options) as cluster:
        later = threading.Timer(1, cluster.scale, [1])
        later.start()
        words = ["--out-dir", "out", "--cluster", cluster.scheduler_address]
        result = call("filter", photos, "-k", "sobel", *words)
        later.join()
    assert (result.code, len(result.stdout.splitlines())) == (0, 30)
    assert "there are no workers at inproc" in result.stderr


class Started:
    """Parts of Dask that are processes of their own; called with its words, it starts one."""

    def __init__(self, folder):
        self.folder, self.processes = folder, []

    def __call__(self, *words, **env):
        command = [sys.executable, "-m", "dask", *map(str, words), "--no-dashboard"]
        null = subprocess.DEVNULL
        process = subprocess.Popen(command, cwd=self.folder, env=os.environ | env, stdout=null, stderr=null)
        self.processes.append(process)
        return process


@pytest.fixture
def started(tmp_path):
    """Return what starts a part of Dask; it ends with the test."""
    parts = Started(tmp_path)
    yield parts
    for process in parts.processes:
        process.terminate()
        process.wait()


@pytest.fixture
def address(tmp_path, started, request):
    """Return the address of a scheduler that is a process of its own, by which a group's workers may die."""
    place, deaths = tmp_path / "scheduler.json", getattr(request, "param", 3)
    words = ["--host", "127.0.0.1", "--port", "0", "--scheduler-file", place]
    scheduler = started("scheduler", *words, DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES=str(deaths))
    while scheduler.poll() is None:
        with suppress(FileNotFoundError, json.JSONDecodeError):  # which is half written for a moment
            return json.loads(place.read_text())["address"]
        time.sleep(0.05)
    pytest.fail(f"the scheduler ended with {scheduler.returncode}")


def filtering(address, photos, out, *words):
    """Start the command line as a process of its own."""
    command = [sys.executable, "-m", "convcli", "filter", photos, "--step", "median:size=9", "--out-dir", out]
    command += ["--cluster", address, "--json", *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for(count, out, process):
    """Return when so many results are there, or the process has ended."""
    while process.poll() is None and not (out.exists() and len(list(out.iterdir())) > count):
        time.sleep(0.01)


def outputs(lines):
    return Counter(Path(json.loads(line)["output"]).name for line in lines)


def test_of_two_workers_one_may_be_killed_in_the_middle(tmp_path, address, started):
    """Every output is there, and everything is said and noted once."""
    workers = [started("worker", address, "--nthreads", "1", "--no-nanny") for _ in range(2)]
    photos, out, manifest = fill(tmp_path / "photos", 150), tmp_path / "out", tmp_path / "m.jsonl"
    with filtering(address, photos, out, "--manifest", manifest) as process:
        wait_for(20, out, process)
        workers[0].send_signal(signal.SIGKILL)
        printed, said = process.communicate(timeout=100)
    assert process.returncode == 0, said
    names = {f"{number:03}_median.png" for number in range(150)}
    assert outputs(printed.splitlines()) == dict.fromkeys(names, 1)
    assert outputs(manifest.read_text().splitlines()) == dict.fromkeys(names, 1)
    assert contents(out).keys() == names
    # A file that its writer had not filled yet is somebody's who may still do so, for a minute.
    assert not [path for path in out.glob(".*.tmp") if path.stat().st_size]


@pytest.mark.parametrize("address", [0], indirect=True)
def test_an_image_that_ends_its_workers_is_named_and_all_others_are_made(tmp_path, address, started):
    for _ in range(3):  # of which two will die
        started("worker", address, "--nthreads", "1", "--no-nanny", "--preload", DEADLY)
    photos, out = fill(tmp_path / "photos", 30), tmp_path / "out"
    (photos / "007.png").rename(photos / "deadly.png")
    with filtering(address, photos, out) as process:
        try:
            said = process.communicate(timeout=60)[1]
        finally:
            process.kill()
    assert process.returncode == 1
    assert "deadly.png: a worker died while filtering it and nothing else" in said
    assert len(contents(out)) == 29


def test_when_the_scheduler_dies_one_line_says_so_and_results_are_whole(tmp_path, address, started):
    started("worker", address, "--nthreads", "1", "--no-nanny")
    photos, out = fill(tmp_path / "photos", 150), tmp_path / "out"
    with filtering(address, photos, out) as process:
        wait_for(20, out, process)
        started.processes[0].kill()
        said = process.communicate(timeout=60)[1]
    assert process.returncode == 1
    assert said.splitlines()[-1].startswith(f"error: The scheduler at {address} is gone.")
    for path in out.glob("*.png"):
        Image.open(path).load()
