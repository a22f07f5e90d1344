"""What a worker does with a group of images, and with one that comes twice."""

from __future__ import annotations

import copyreg
import pickle
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convcli import images
from convcli.cluster.errands import Errand, Kept, Order, Way, run, work
from convcli.errors import InputError, OutputError, UsageError
from convcli.filtering import Policy, making
from convcli.filtering.jobs import Saving
from convcli.filtering.making import Terms
from convcli.filtering.outcomes import Done, Failed
from convcli.filtering.pipeline import Pipeline
from convcli.kernels import parse

NOW = 10**18
"""When a call began that has made nothing yet: in 2001."""


@pytest.fixture
def orders(tmp_path):
    """Return what is told of three images."""
    for number in range(3):
        pixels = np.random.default_rng(number).integers(0, 256, (6, 7), np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
    out = tmp_path / "deep" / "out"
    return [Order(str(tmp_path / f"{n}.png"), (str(out / f"{n}_sobel.png"),), (None,)) for n in range(3)]


def errand(*, begun=NOW, replace=False, since=None, keep_going=True, **saving):
    pipeline = Pipeline.of(parse("sobel"), Policy())
    way = Way(pipeline, Saving(**saving), damaged=False, replace=replace, since=since, advice="take --force")
    return Errand((way,), Terms(several=True, settled=True), begun, threads=1, keep_going=keep_going)


def later():
    """Return when a call begins that finds what is there now."""
    return time.time_ns() + 10**9


def kinds(outcomes):
    return [type(outcome) for outcome in outcomes]


def test_folders_are_made_and_results_written(orders):
    assert kinds(run(errand(), orders)) == [Done] * 3
    assert all(Path(order.targets[0]).exists() for order in orders)


def test_errors_go_without_what_no_other_process_understands_whatever_others_have_registered(
    orders, monkeypatch
):
    """As Dask does of all classes of errors that there are when it is imported, with what caused them."""

    def refuse(error):
        raise pickle.PicklingError(error)

    monkeypatch.setitem(copyreg.dispatch_table, InputError, refuse)
    orders[1] = orders[1]._replace(source="missing.png")
    outcomes = pickle.loads(work(pickle.dumps(errand()), pickle.dumps(orders)))
    assert kinds(outcomes) == [Done, Failed, Done]
    assert type(outcomes[1].error) is InputError


def test_all_comes_and_goes_pickled(orders):
    outcomes = pickle.loads(work(pickle.dumps(errand()), pickle.dumps(orders)))
    assert [outcome.job.source for outcome in outcomes] == [order.source for order in orders]


def test_a_group_that_comes_again_finds_what_is_there_and_says_the_same(orders):
    first = run(errand(), orders[:2])
    before = [outcome.job.target.stat().st_mtime_ns for outcome in first]
    again = run(errand(replace=True), orders)
    assert kinds(again) == [Done] * 3
    assert [outcome.job.target.stat().st_mtime_ns for outcome in again[:2]] == before
    assert again[0].found.minimum == first[0].found.minimum


def test_of_two_that_write_one_file_at_a_time_both_have_made_it(orders, monkeypatch):
    def raced(path, *rest, **how):
        monkeypatch.undo()
        run(errand(), orders[:1])  # the other one, which comes first
        images.write(path, *rest, **how)

    def write(path, *rest, force, **how):
        try:
            raced(path, *rest, force=force, **how)
        except OutputError as error:  # as at the last moment
            raise OutputError(str(error)) from FileExistsError()

    monkeypatch.setattr(making, "write", write)
    assert kinds(run(errand(keep_going=False), orders)) == [Done] * 3


def test_another_images_result_is_never_replaced_by_the_same_call(orders):
    run(errand(), orders[:1])
    other = orders[1]._replace(targets=orders[0].targets)
    (failed,) = run(errand(replace=True), [other])
    assert isinstance(failed.error, OutputError)
    assert "where another image's is already; tell them apart by --name" in str(failed.error)


def test_what_is_there_stays_without_leave_and_is_replaced_with_it(orders):
    run(errand(), orders[:1])
    there = Path(orders[0].targets[0])
    right = there.read_bytes()
    there.write_bytes(b"old")
    (failed,) = run(errand(begun=later()), orders[:1])
    assert str(failed.error) == f"{there} exists already; take --force."
    assert kinds(run(errand(begun=later(), replace=True), orders[:1])) == [Done]
    assert there.read_bytes() == right


def test_what_is_finished_by_the_record_is_kept(orders):
    since = time.time_ns() - 10**9
    time.sleep(0.02)
    run(errand(), orders)
    assert kinds(run(errand(begun=later(), since=since), orders)) == [Kept] * 3
    Path(orders[1].source).touch()
    assert kinds(run(errand(begun=later(), since=since, replace=True), orders)) == [Kept, Done, Kept]


def test_a_link_in_a_results_place_is_not_followed(orders, tmp_path):
    place = Path(orders[0].targets[0])
    place.parent.mkdir(parents=True)
    place.symlink_to(tmp_path / "1.png")
    (failed,) = run(errand(replace=True), orders[:1])
    assert "found a link" in str(failed.error)


def test_an_option_that_a_format_does_not_know_is_refused(orders):
    (failed,) = run(errand(quality=90), orders[:1])
    assert isinstance(failed.error, UsageError)


def test_the_first_failure_ends_a_group_unless_it_is_to_keep_going(orders):
    Path(orders[0].source).unlink()
    assert kinds(run(errand(keep_going=False), orders)) == [Failed]
    outcomes = run(errand(), orders)
    assert kinds(outcomes) == [Failed, Done, Done]
    back = pickle.loads(pickle.dumps(outcomes[0]))
    assert isinstance(back.error, InputError)
    assert isinstance(back.error.__cause__, FileNotFoundError)
