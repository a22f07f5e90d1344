"""The parts that labelled pictures come in."""

from __future__ import annotations

from dataclasses import replace

import stripes
from convcli.data import Splits


def test_other_images_have_another_fingerprint():
    data = stripes.data()
    images, labels = data.train.images.copy(), data.train.labels.copy()
    images[-1, -1, -1] ^= 1
    labels[[0, 1]] = labels[[1, 0]]
    found = [
        Splits(train, validation, None, ()).fingerprint()
        for train in (data.train, replace(data.train, stored=images), replace(data.train, labels=labels))
        for validation in (data.validation, None)
    ]
    assert data.fingerprint() == found[0]
    assert len({tuple(fingerprint.values()) for fingerprint in found}) == 6
    assert found[1]["validation"] == "none"
    assert found[0]["training"].startswith("90 of 8×8×1, SHA-256 ")
