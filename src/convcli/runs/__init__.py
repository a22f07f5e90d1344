"""Runs: what lies on disk of a training, how it is written, found, compared, judged and gone on with."""
