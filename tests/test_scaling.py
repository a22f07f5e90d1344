"""How it grows beyond one machine: the model by hand, what it is fitted on, and the page from stored data."""

from __future__ import annotations

import doctest
import math
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))  # the package is not installed with convcli

pytest.importorskip("fcntl")  # by which the slow link is made that is measured
from benchmarks.scaling import __main__ as calculator  # noqa: E402
from benchmarks.scaling import fitting, links, model, page, photos, trainings  # noqa: E402
from benchmarks.scaling.links import Link, allgather, allreduce, alltoall  # noqa: E402
from benchmarks.scaling.model import Cut, Network, step  # noqa: E402
from benchmarks.scaling.photos import Cluster, Work, limits, machines  # noqa: E402
from benchmarks.scaling.stored import stored  # noqa: E402

SLOW = Link("slow", latency=1e-3, bandwidth=1e8)
MILLION = Network("a million", 10**6, piece=32, image=2e-3, image_alone=1e-3, fixed=5e-3, add=1e-9)
EIGHT = Cut(256, pieces=8, lanes=8)


@pytest.mark.parametrize("module", [links, model, photos, fitting])
def test_the_examples_in_the_docstrings_hold(module):
    results = doctest.testmod(module)
    assert results.attempted
    assert not results.failed


def test_one_rank_does_all_images_and_adds_its_lanes():
    found = step(MILLION, EIGHT, SLOW)
    assert found.compute == pytest.approx(256 * 1e-3)
    assert found.fixed == pytest.approx(5e-3 + 7 * 10**6 * 1e-9)
    assert found.exchange.seconds == 0


def test_two_ranks_of_a_tree_send_half_the_gradient_twice():
    found = step(MILLION, EIGHT, SLOW, ranks=2)
    assert found.compute == pytest.approx(128 * 2e-3)
    # 3 additions of 4 lanes on each, then those of the other's subtree on half the parameters
    assert found.fixed == pytest.approx(5e-3 + (3 + 0.5) * 10**6 * 1e-9)
    # a message of 2 MB there, one of 2 MB back: each 1 ms and 20 ms
    assert found.exchange.messages == 2
    assert found.exchange.bytes == 4_000_000
    assert found.exchange.seconds == pytest.approx(2 * 21e-3)


def test_four_ranks_send_to_all_at_once_and_then_in_a_ring():
    found = step(MILLION, EIGHT, SLOW, ranks=4).exchange
    # 3 messages of 1 MB share a latency; the ring's 3 follow each other
    assert found.seconds == pytest.approx((1 + 3 * 10) * 1e-3 + 3 * (1 + 10) * 1e-3)
    assert (found.messages, found.bytes) == (6, 6_000_000)


def test_an_allreduce_of_four_sends_a_half_and_a_quarter_there_and_back():
    found = step(MILLION, EIGHT, SLOW, ranks=4, plain=True).exchange
    assert (found.messages, found.bytes) == (4, 6_000_000)
    assert found.seconds == pytest.approx(4 * 1e-3 + 60e-3)


def test_three_ranks_of_an_allreduce_are_two_and_one_that_waits():
    found = allreduce(SLOW, 3, 8000)
    assert (found.messages, found.bytes) == (4, 4000 + 4000 + 8000 + 8000)


@pytest.mark.parametrize("ranks", [2, 4, 8])
def test_the_tree_takes_the_bytes_of_an_allreduce_where_each_rank_has_one_subtree(ranks):
    tree, plain = (step(MILLION, EIGHT, SLOW, ranks, plain=plain).exchange for plain in (False, True))
    assert tree.bytes == pytest.approx(plain.bytes) == pytest.approx(2 * (ranks - 1) / ranks * 4e6)
    assert (tree.messages, plain.messages) == (2 * (ranks - 1), 2 * math.log2(ranks))


def test_where_a_rank_has_two_subtrees_it_sends_twice_as_much_of_sums():
    found = step(MILLION, EIGHT, SLOW, ranks=3).exchange  # 2, 3 and 3 of 8 lanes
    assert found.bytes == pytest.approx(2 * (2 / 3) * 4e6 + (2 / 3) * 4e6)


def test_a_long_message_is_announced_first():
    link = Link("", latency=1, bandwidth=math.inf, overhead=0.25, handshake=2, eager=100)
    assert (link.message(100), link.message(101)) == (1.25, 3.25)
    assert alltoall(link, 3, 101).seconds == 3.5  # two messages: latencies once, overhead twice
    assert allgather(link, 3, 101).seconds == 6.5  # one of 101 bytes, then the rest


def test_batch_norm_meets_in_few_rounds_forward_and_backward():
    norm = Network("", 10**6, 32, 2e-3, 1e-3, 5e-3, meetings=4, figures=64)
    more = step(norm, EIGHT, SLOW, ranks=4).exchange.seconds - step(MILLION, EIGHT, SLOW, 4).exchange.seconds
    # two pieces a rank, 64 float64 of each: two rounds, three times as many bytes as one rank has
    assert more == pytest.approx(4 * (2e-3 + 3 * 2 * 64 * 8 / 1e8))


def test_pieces_that_meet_are_256_at_most_whatever_the_batch():
    assert Cut.of(100_000, piece=32, most_lanes=64, meeting=True) == Cut(100_000, pieces=256, lanes=64)
    assert Cut.of(100_000, piece=32, most_lanes=64).pieces == 3136


def test_the_busiest_worker_decides():
    cut = Cut(320, pieces=10, lanes=10)
    assert cut.busiest(4) == 3 * 32
    assert cut.busiest(4, threads=2) == 2 * 32
    assert cut.busiest(16) == 32
    assert Cut(320, pieces=10, lanes=5).busiest(2) == 3 * 2 * 32


@pytest.mark.parametrize("name", fitting.SHAPES)
def test_networks_are_cut_as_convcli_cuts_them(name):
    import numpy as np

    from convcli import build
    from convcli.config_file import ConfigFile
    from convcli.data import Dataset, Splits
    from convcli.nn.cutting import Cutting

    config = ConfigFile.read(trainings.HERE / f"{name}.toml").config
    images = Dataset(np.zeros((10, 28, 28, 1), np.uint8), np.arange(10), tuple("0123456789"))
    network = build.new_training(config, Splits(images, None, None, ()), 1).model.network
    cutting = Cutting.of(network)
    assert fitting.SHAPES[name] == (network.trained.size, cutting.most)
    told = Network(name, *fitting.SHAPES[name], 1, 1, 1)
    for batch in (1, 31, 32, 100, 256, 500, 1024, 8192, 100_000):
        pieces, _ = cutting.to_learn(batch)
        assert Cut.of(batch, told.piece, told.most_lanes) == Cut(batch, pieces, cutting.lanes(pieces))


@pytest.mark.parametrize(("lanes", "ranks"), [(8, 2), (13, 4), (19, 8), (64, 64)])
def test_the_bytes_of_the_tree_are_those_that_convcli_sends(lanes, ranks):
    from convcli.nn.sharing import _Plan

    parameters = 64 * 10**4
    plan = _Plan.of(lanes, ranks, parameters, figures=2)
    sent = [
        sum(plan.bytes_to(sender, receiver) for receiver in range(ranks) if receiver != sender)
        for sender in range(ranks)
    ]
    told = alltoall(SLOW, ranks, max(Cut(0, lanes, lanes).subtrees(ranks)) * 4 * parameters / ranks)
    assert max(sent) == pytest.approx(told.bytes, rel=0.05)  # the few figures that go along are left out


def test_where_a_batch_pays_twice_as_many_ranks_would_not():
    least = model.pays_from(MILLION, SLOW, ranks=16)
    assert model.efficiency(MILLION, least, SLOW, 16) >= 0.5 > model.efficiency(MILLION, least // 2, SLOW, 16)
    assert model.pays_from(MILLION, SLOW, ranks=32) > least
    nothing_to_do = replace(MILLION, image=0.0)
    assert model.pays_from(nothing_to_do, SLOW, ranks=2) is None


def test_a_step_takes_longer_again_where_the_ring_is_longer_than_what_is_saved():
    network = replace(MILLION, image_alone=MILLION.image)
    most = model.slower(network, 1024, SLOW)
    here, twice = (
        step(network, model.cut_for(network, 1024, ranks), SLOW, ranks).seconds for ranks in (most, 2 * most)
    )
    assert 1 < most < 1024
    assert twice >= here


def document_of(seed, link):
    """Return a document as if the model were right, with a link of 1 ms for all ways."""
    cases = []
    for case in trainings.CASES:
        if case.network == "seed":
            cut = Cut.of(case.batch, seed.piece, seed.most_lanes)
            told = step(seed, cut, link, case.ranks, case.threads, plain=case.plain).seconds
            cases.append(vars(case) | {"seconds": [2 * told, told, 3 * told]})
    taken = {"Alltoallv": {str(size): alltoall(link, 2, size / 2).seconds for size in (8, 10**4, 10**6)}}
    ways = dict.fromkeys(("shared memory", "loopback", "slow link"), taken)
    return {"links": {"seconds": ways}, "trainings": {"add": seed.add, "cases": cases}}


def test_what_a_model_is_right_about_is_found_and_predicted():
    seed = Network("seed", *fitting.SHAPES["seed"], image=1.2e-3, image_alone=1e-3, fixed=6e-3, add=1e-9)
    link = Link("", latency=1e-3, bandwidth=1e8, handshake=0.5, eager=2048)
    document = document_of(seed, link)
    found = fitting.fit_network("seed", document, fitting.links(document)["shared memory"])
    for name in ("image", "image_alone", "fixed"):
        assert getattr(found, name) == pytest.approx(getattr(seed, name), rel=1e-3)
    predicted = list(fitting.predictions(document))
    assert len(predicted) == sum(case.network == "seed" and case.ranks <= 2 for case in trainings.CASES)
    assert max(abs(one.error) for one in predicted) < 1e-3


def test_a_link_that_seems_to_begin_before_it_is_asked_begins_at_once():
    start, each = fitting.fit_line([1, 2, 3], [1, 2.5, 4])
    assert start == 0
    assert 1 < each < 4 / 3


def test_the_calculator_prints_what_it_is_asked_for(monkeypatch):
    seed = Network("seed", *fitting.SHAPES["seed"], image=1.2e-3, image_alone=1e-3, fixed=6e-3, add=1e-9)
    monkeypatch.setattr(calculator, "stored", lambda: document_of(seed, SLOW))
    app = typer.Typer()
    app.command()(calculator.scaling)
    done = CliRunner().invoke(app, ["--ranks", "64", "--latency", "30e-6", "--batch", "65536"])
    assert done.exit_code == 0, done.output
    assert "64*" in done.output  # lanes that convcli does not have
    wrong = CliRunner().invoke(app, ["--network", "sead"])
    assert wrong.exit_code == 2
    assert "seed, large" in wrong.output


def test_photos_take_the_machines_of_their_slowest_part():
    work = Work("", core=0.5, read=4e6, written=10e6)
    cluster = Cluster(cores=8, network=1e9, disk=1.4e9)
    rates = {limit.name: limit.rate for limit in limits(work, cluster)}
    assert rates["cores"] == 16
    assert rates["network"] == rates["disk"] == 100
    assert machines(work, cluster, 16 * 86_400 * 10) == 10
    assert machines(work, Cluster(cores=1000, network=1e9, disk=0), 100 * 86_400 * 3) == 3


def test_what_is_shared_is_not_mended_by_more_machines():
    work = Work("", core=0.5, read=4e6, written=10e6)
    assert machines(work, Cluster(puts=10), photos=11, seconds=1) == math.inf
    assert machines(work, Cluster(tasks=1, group=10), photos=11, seconds=1) == math.inf
    assert machines(work, Cluster(store=1e7), photos=2, seconds=1) == math.inf
    done = CliRunner().invoke(_photos(), ["--puts", "1", "--photos", "1e7"])
    assert "none is enough" in done.output


def _photos():
    app = typer.Typer()
    app.command()(photos.print_photos)
    return app


def test_the_page_has_the_figures_of_the_stored_data():
    assert page.TARGET.read_text("utf-8") == page.page(stored()), "run `python -m benchmarks.scaling.page`"
    assert [found[2] for found in page.BLOCK.finditer(page.TARGET.read_text("utf-8"))] == list(page.BLOCKS)
    assert page.PICTURE.exists()
