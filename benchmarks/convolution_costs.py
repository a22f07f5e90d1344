"""Measures what `engine/costs.py` says of Winograd with the BLAS kernels in use, and prints it.

    python -m benchmarks.convolution_costs

For the row of AVX2 on a processor with AVX-512, set what `benchmarks.instructions.without_avx512` names.
Processor time of one thread, the least of several runs in turn, forward and back, with twice as many filters
as channels, as networks have them where they are small.
"""

from __future__ import annotations

import time

from convcli.cli.blas import prepare

prepare()  # before NumPy loads BLAS

import numpy as np  # noqa: E402

PLANES = (14, 28)
CHANNELS = (4, 6, 8, 10, 12, 16, 20, 24, 28, 32, 40, 48)
RUNS = 15
IMAGES = 32  # in a piece of a batch


def seconds(side: int, channels: int) -> dict[str, float]:
    """Return what each strategy takes for a batch of planes of `side`, forward and back."""
    from convcli.engine.batch.convolution import rotated
    from convcli.engine.batch.strategies.columns import Columns
    from convcli.engine.batch.strategies.winograd import Winograd
    from convcli.engine.batch.strategy import Strategy, Task
    from convcli.engine.workspace import Workspace
    from convcli.shapes import Window

    window, filters = Window.of(3, padding="same"), 2 * channels
    strategies: dict[str, tuple[Strategy, Strategy]] = {
        "columns": (
            Columns(Task((side, side, channels), filters, window)),
            Columns(Task((side, side, filters), channels, window)),
        ),
        "winograd": (Winograd(window), Winograd(window)),
    }
    rng = np.random.default_rng(0)
    x = rng.standard_normal((side, side, IMAGES, channels)).astype(np.float32)
    w = rng.standard_normal((3, 3, channels, filters)).astype(np.float32)
    z, dx = np.empty((*x.shape[:3], filters), np.float32), np.empty_like(x)
    dw, least = np.zeros_like(w), dict.fromkeys(strategies, np.inf)
    scratch = {name: Workspace() for name in strategies}
    for _ in range(RUNS):
        for name, (strategy, full) in strategies.items():
            started, own = time.process_time(), scratch[name]
            strategy.forward(x, strategy.prepared(w, own), None, z, own)
            strategy.weight_gradient(z, x, dw, own)
            full.forward(z, full.prepared(rotated(w, 1), own), None, dx, own)
            least[name] = min(least[name], time.process_time() - started)
    return least


def fewest_channels() -> int:
    """Return from how many channels on Winograd is never slower, on all planes together."""
    fewest = CHANNELS[-1]
    for channels in reversed(CHANNELS):
        taken = [seconds(side, channels) for side in PLANES]
        ratio = np.prod([each["winograd"] / each["columns"] for each in taken])
        if ratio > 1:
            break
        fewest = channels
    return fewest


def main() -> None:
    """Print the row."""
    from convcli.engine.blas import one_thread_each
    from convcli.engine.costs import costs

    with one_thread_each():
        row = f"{costs().kernels}: winograd_channels={fewest_channels()}"
    print(row)  # noqa: T201


if __name__ == "__main__":
    main()
