"""The tables of docs/scaling.md that are about training: links, networks, predictions, many ranks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from benchmarks.scaling.fitting import SHAPES, fit_network, is_fitted, links, predictions, undisturbed
from benchmarks.scaling.links import Link
from benchmarks.scaling.model import Cut, Network, cut_for, efficiency, pays_from, slower, step

ASSUMED = (
    Link("Ethernet, 10 Gb/s, 30 µs", 30e-6, 10e9 / 8, overhead=5e-6, handshake=1),
    Link("Ethernet, 25 Gb/s, 30 µs", 30e-6, 25e9 / 8, overhead=5e-6, handshake=1),
    Link("InfiniBand, 100 Gb/s, 2 µs", 2e-6, 100e9 / 8, overhead=0.5e-6, handshake=1),
)
"""What other machines may be connected by: assumptions, of which docs/scaling.md says where they are from."""

RANKS, BATCHES = (1, 8, 64, 1024), (1024, 16_384, 262_144)
NAMES = {"seed": "SEED", "large": "SEED × 10"}


def table(head: str, rows: Iterable[Iterable[str]]) -> str:
    """Return a table whose columns but the first are figures."""
    names = head.split(" | ")
    lines = [f"| {head} |", "|" + "|".join(["---", *["---:"] * (len(names) - 1)]) + "|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)]) + "\n"


def networks(document: Mapping[str, Any]) -> dict[str, Network]:
    """Return the networks as they were measured."""
    link = links(document)["shared memory"]
    return {name: fit_network(name, document, link) for name in SHAPES}


def measured_links(document: Mapping[str, Any]) -> str:
    """Return what was fitted of each link, and what MPI's own sum takes beside what that says."""
    rows = []
    for way, link in links(document).items():
        seconds = document["links"]["seconds"][way]
        size = max(seconds["Allreduce"], key=int)
        said = step(_only(int(size) // 4), Cut(2, 2, 2), link, 2, plain=True).exchange.seconds
        rows.append(
            (
                way,
                f"{1e6 * link.latency:,.0f} µs",
                f"{link.handshake:.1f}",
                f"{link.bandwidth / 1e6:,.0f} MB/s",
                f"{1e3 * seconds['Allreduce'][size]:,.0f} ms",
                f"{said / seconds['Allreduce'][size] - 1:+.0%}",
            )
        )
    return table(
        "between two ranks | latency | handshake, latencies | bandwidth | Allreduce of 16.8 MB | the model",
        rows,
    )


def pipelined(document: Mapping[str, Any]) -> str:
    """Return what MPICH's Allgatherv takes by itself on the slow link, beside its Allgather."""
    seconds = document["links"]["seconds"]["slow link"]
    size = "2097152"
    apart, whole = (f"{1e3 * seconds[name][size]:.0f} ms" for name in ("Allgatherv", "Allgather"))
    return (
        "One thing was found on the way: MPICH's Allgatherv passes on 32 KiB at a time and waits for each. "
        f"On the slow link {int(size) / 1e6:.1f} MB take it {apart}, and Allgather, which does not, {whole}. "
        "`convcli train` has it send them whole (`MPIR_CVAR_ALLGATHERV_PIPELINE_MSG_SIZE=0`, unless you have "
        "set it).\n"
    )


def measured_networks(document: Mapping[str, Any]) -> str:
    """Return what was fitted of each network."""
    return table(
        "network | parameters | images a piece | an image, one core | two busy cores | once a step | "
        "lanes at most",
        (
            (
                NAMES[name],
                f"{network.parameters:,}",
                str(network.piece),
                f"{1e3 * network.image_alone:.2f} ms",
                f"{1e3 * network.image:.2f} ms",
                f"{1e3 * network.fixed:.1f} ms",
                str(network.most_lanes),
            )
            for name, network in networks(document).items()
        ),
    )


def predicted(document: Mapping[str, Any]) -> str:
    """Return what the model says of each case, beside what was measured."""
    rows = []
    for one in predictions(document):
        case = one.case
        workers = f"{case['ranks']} rank{'s' * (case['ranks'] > 1)}"
        if case["threads"] > 1:
            workers = f"{case['threads']} threads"
        rows.append(
            (
                f"{NAMES[case['network']]}, batch {case['batch']:,}",
                workers + (f", {case['way']}" if case["ranks"] > 1 else "") + ", plain" * case["plain"],
                f"{1e3 * one.predicted:,.0f} ms",
                f"{1e3 * one.measured:,.0f} ms",
                "fitted" if is_fitted(case) else "",
                f"{one.error:+.0%}",
            )
        )
    found = table("step | on | the model | measured | | error", rows)
    errors = sorted(abs(one.error) for one in predictions(document) if not is_fitted(one.case))
    middle = errors[len(errors) // 2]
    return (
        f"{found}\nOf the {len(errors)} that were not fitted half are off by {middle:.0%} or less, the worst "
        f"by {errors[-1]:.0%}.\n"
    )


def oversubscribed(document: Mapping[str, Any]) -> str:
    """Return what was measured of more ranks than cores, of which the model says nothing."""
    (case,) = (case for case in document["trainings"]["cases"] if case["ranks"] > 2)
    (one,) = (
        other
        for other in document["trainings"]["cases"]
        if (other["network"], other["ranks"], other["threads"]) == (case["network"], 2, 1)
        and (other["batch"], other["way"], other["plain"]) == (case["batch"], case["way"], case["plain"])
    )
    times = undisturbed(case) / undisturbed(one)
    return (
        f"{case['ranks']} ranks on the two cores took {times:.2f} times as long as 2 "
        f"({NAMES[case['network']]}, batch {case['batch']}).\n"
    )


def on_paper(document: Mapping[str, Any]) -> str:
    """Return the model's word on other links and many ranks."""
    rows = []
    for name, network in networks(document).items():
        for link in ASSUMED:
            for ranks in RANKS[1:]:
                cells = [f"{NAMES[name]}, {link.name}", f"{ranks:,}"]
                for batch in BATCHES:
                    told = step(network, cut_for(network, batch, ranks), link, ranks)
                    share = efficiency(network, batch, link, ranks)
                    cells.append(f"{1 / told.seconds:.3g}/s, {share:.0%}")
                least = pays_from(network, link, ranks)
                cells.append(f"{least:,}" if least else "none")
                rows.append(cells)
    heads = " | ".join(f"batch {batch:,}" for batch in BATCHES)
    return table(f"network, link | ranks | {heads} | half used from batch", rows)


def turning(document: Mapping[str, Any]) -> str:
    """Return from how many ranks on twice as many make a step slower."""
    rows = []
    for name, network in networks(document).items():
        for link in ASSUMED:
            most = [slower(network, batch, link, most=1 << 14) for batch in BATCHES]
            rows.append((f"{NAMES[name]}, {link.name}", *(f"{ranks:,}" for ranks in most)))
    return table("fastest on so many ranks | " + " | ".join(f"batch {batch:,}" for batch in BATCHES), rows)


def tree_and_plain(document: Mapping[str, Any]) -> str:
    """Return messages, bytes and seconds of the tree beside MPI's own sum."""
    rows = []
    for name, network in networks(document).items():
        for ranks in (2, 4, 8, 64, 1024):
            cut = Cut(ranks, ranks, max(ranks, 8))
            cells = [NAMES[name], f"{ranks:,}"]
            both = [
                [step(network, cut, link, ranks, plain=plain).exchange for plain in (False, True)]
                for link in (ASSUMED[0], ASSUMED[-1])
            ]
            cells += [f"{one.messages:,.0f}" for one in both[0]]
            cells += [f"{one.bytes / 1e6:,.1f} MB" for one in both[0]]
            cells += [f"{1e3 * one.seconds:,.1f} ms" for pair in both for one in pair]
            rows.append(cells)
    return table(
        "network | ranks | messages, tree | plain | sent, tree | plain | 10 Gb/s, tree | plain | "
        "InfiniBand, tree | plain",
        rows,
    )


def _only(parameters: int) -> Network:
    return Network("", parameters, 1, 0, 0, 0)
