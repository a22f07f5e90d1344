"""Groups go to Dask's workers and outcomes come back, whatever becomes of workers and schedulers."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

distributed = pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def scheduler():
    """Return the address of a scheduler with two workers' threads, all within this process."""
    options = {"n_workers": 1, "threads_per_worker": 2, "dashboard_address": None}
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


@pytest.fixture
def started(tmp_path):
    """Return a function that starts a part of Dask in a process of its own."""
    processes = []

    def start(*words):
        command = [sys.executable, "-m", "dask", *map(str, words), "--no-dashboard"]
        env = os.environ | {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1"}
        null = subprocess.DEVNULL
        processes.append(subprocess.Popen(command, cwd=tmp_path, env=env, stdout=null, stderr=null))
        return processes[-1]

    yield start
    for process in processes:
        process.terminate()
        process.wait()


@pytest.fixture
def address(tmp_path, started):
    """Return the address of a scheduler that is a process of its own."""
    place = tmp_path / "scheduler.json"
    scheduler = started("scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", place)
    while not place.exists() and scheduler.poll() is None:
        time.sleep(0.05)
    return json.loads(place.read_text())["address"]


def filtering(address, photos, out, *words):
    """Start the command line as a process of its own."""
    command = [sys.executable, "-m", "convcli", "filter", photos, "--step", "median:size=9", "--out-dir", out]
    command += ["--cluster", address, "--json", *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def outputs(lines):
    return Counter(Path(json.loads(line)["output"]).name for line in lines)


def test_of_two_workers_one_may_be_killed_in_the_middle(tmp_path, address, started):
    """Every output is there, and everything is said and noted once."""
    workers = [started("worker", address, "--nthreads", "1", "--no-nanny") for _ in range(2)]
    photos, out, manifest = fill(tmp_path / "photos", 150), tmp_path / "out", tmp_path / "m.jsonl"
    with filtering(address, photos, out, "--manifest", manifest) as process:
        while process.poll() is None and not (out.exists() and len(list(out.iterdir())) > 20):
            time.sleep(0.01)
        workers[0].send_signal(signal.SIGKILL)
        printed, said = process.communicate(timeout=100)
    assert process.returncode == 0, said
    names = {f"{number:03}_median.png" for number in range(150)}
    assert outputs(printed.splitlines()) == dict.fromkeys(names, 1)
    assert outputs(manifest.read_text().splitlines()) == dict.fromkeys(names, 1)
    assert contents(out).keys() == names
    assert not list(out.glob(".*.tmp"))
