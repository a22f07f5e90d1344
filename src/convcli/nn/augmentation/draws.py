"""Random numbers of images: each depends on the seed, the epoch, the image and what it is for alone."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from convcli.engine.workspace import Array

_STEP = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, eq=False)
class Draws:
    """What is drawn for some images in an epoch, whatever batch, piece and worker they are in.

    It is SplitMix64, which gives the k-th number of a sequence without those before it: an image's sequence
    begins at a place of its own.
    Source: Steele, Lea and Flood, 2014, "Fast splittable pseudorandom number generators".

    Attributes
    ----------
    seed
        Of the training.
    epoch
        From 1.
    images : (n,), int64
        Which images these are, by where they lie in the training data.
    """

    seed: int
    epoch: int
    images: Array

    @classmethod
    def of(cls, seed: tuple[int, ...], images: Array) -> Draws:
        """Return what is drawn for `images`, where `seed` begins with that of the training and the epoch."""
        return cls(seed[0], seed[1], images)

    def take(self, chosen: Array) -> Draws:
        """Return what is drawn for some of these images."""
        return Draws(self.seed, self.epoch, self.images[chosen])

    def bits(self, purpose: str, count: int, *, every_epoch: bool = False) -> Array:
        """Return 64 random bits as often as asked for: (n, count), uint64; the same `every_epoch` if so."""
        key = _key(self.seed, 0 if every_epoch else self.epoch, purpose)
        with np.errstate(over="ignore"):  # it counts modulo 2⁶⁴
            starts = _mixed(key + _STEP * self.images.astype(np.uint64))
            return _mixed(starts[:, None] + _STEP * np.arange(1, count + 1, dtype=np.uint64))

    def uniform(self, purpose: str, count: int) -> Array:
        """Return numbers from 0 up to but not including 1: (count, n), float64."""
        return np.ascontiguousarray((self.bits(purpose, count) >> np.uint64(11)).T * 2.0**-53)


@lru_cache(maxsize=64)
def _key(seed: int, epoch: int, purpose: str) -> np.uint64:
    words = np.random.SeedSequence((seed, epoch, zlib.crc32(purpose.encode())))
    return np.uint64(words.generate_state(1, np.uint64)[0])


def _mixed(state: Array) -> Array:
    """Return what SplitMix64 makes of its states, in their place."""
    state ^= state >> np.uint64(30)
    state *= np.uint64(0xBF58476D1CE4E5B9)
    state ^= state >> np.uint64(27)
    state *= np.uint64(0x94D049BB133111EB)
    state ^= state >> np.uint64(31)
    return state
