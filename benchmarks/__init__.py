"""convcli beside what people would otherwise use: `python -m benchmarks` in the checkout.

    __main__.py      the command line: which comparisons, how large, where to
    comparisons.py   the one table of comparisons, by name
    training.py, mnist.py, filters.py, commands.py, folders.py
                     the comparisons: what is set up, what is timed, beside whom
    networks.py, filter_libraries.py, mnist_torch.py, pillow_sobel.py, opencv_sobel.py
                     what they have in common with the peers, in the peers' words
    setting.py       how large and how often: full, quick
    sides.py         how a side is run: a process of its own that answers when asked, or a whole command
    worker.py, launcher.py
                     the other ends of the two
    runs/measuring.py     rounds of interleaved runs, medians, ratios pair by pair
    machine.py       what the figures depend on
    report.py, plots.py
                     tables, docs/benchmarks.md and its pictures, from a stored result

A comparison is a function from a `Setting` to a `Section`; a new one is a line in the table.
"""
