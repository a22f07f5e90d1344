"""The usual mistakes of programs that convolve: words for each, models of what they return, who made which.

A mistake is told only where a model of it makes exactly what a program returned, in every case (`diagnose`).
Another one is a `Mistake` in the file of its operation, with a model for each operation that it is made in.
"""

from convcli.grading.mistakes import anywhere, convolution, convolution_backward, dense, loss, pooling
from convcli.grading.mistakes.anywhere import NOT_ACTIVATED
from convcli.grading.mistakes.diagnosis import Diagnosis, agree, diagnose
from convcli.grading.mistakes.mistake import MISTAKES, Mistake

__all__ = [
    "MISTAKES",
    "NOT_ACTIVATED",
    "Diagnosis",
    "Mistake",
    "agree",
    "anywhere",
    "convolution",
    "convolution_backward",
    "dense",
    "diagnose",
    "loss",
    "pooling",
]
