"""convcli beside what people would otherwise use: `python -m benchmarks` in the checkout.

    __main__.py      the command line: which comparisons, how large, where to
    comparisons.py   the one table of comparisons: what each is about, and the matches it is made of
    training.py, filters.py, commands.py, chains.py, clusters.py, folders.py, ways.py
                     the tables of sides and of cases, and what runs in a side's own process
    networks.py, pillow_sobel.py, opencv_sobel.py, mnist_torch.py, cifar10_torch.py
                     the same network, filter and training in the peers' words
    instructions.py  how AVX-512 is hidden from all sides
    setting.py       how large and how often: full, quick
    sides.py         how a side is run: a process of its own that answers when asked, or a whole command
    worker.py, launcher.py
                     the other ends of the two
    measuring.py     rounds of interleaved runs, medians, ratios pair by pair
    machine.py       what the figures depend on
    report.py, plots.py
                     tables, the page docs/benchmarks.md and its pictures, from a stored result

A new case is a line in a table of cases, a new peer one in a table of sides, a new comparison one in
`comparisons.py`. `filter_costs.py` and `convolution_costs.py` measure what
strategies cost, beside nobody.
"""
