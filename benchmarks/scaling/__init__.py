"""How a training, and many photos, grow beyond one machine: `python -m benchmarks.scaling` in the checkout.

    __main__.py      the calculator: prints the model's table for ranks, links and networks that are named
    model.py         the time of a step: the busiest worker's images, what every rank does, the exchange
    links.py         what a message costs on links, measured and assumed, and how MPI's collectives use them
    photos.py        the same for filtering photos: cores, network, requests, scheduler
    collectives.py, trainings.py, worked_photos.py, tasks.py
                     what is measured, each a program that writes its part of docs/scaling.json; the slow
                     link is that of benchmarks/two_machines.py
    fitting.py       the model's figures from docs/scaling.json, and what they say of other cases
    training_tables.py, photo_tables.py, page.py
                     the tables and the picture of docs/scaling.md, from docs/scaling.json

The model is arithmetic: it imports nothing of convcli but how batches and listings are cut.
"""
