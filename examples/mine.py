"""A learner's functions on planes. One is wrong: `convcli check-mine examples/mine.py` says which."""

import numpy as np


def corr2d(X, K):
    """Lay the kernel on every window, multiply, sum."""
    h, w = K.shape
    Y = np.zeros((X.shape[0] - h + 1, X.shape[1] - w + 1))
    for i in range(Y.shape[0]):
        for j in range(Y.shape[1]):
            Y[i, j] = np.sum(X[i : i + h, j : j + w] * K)
    return Y


def conv2d(X, K, stride=1):
    """Do the same every `stride` cells."""
    h, w = K.shape
    rows, columns = X.shape[0] - h + 1, X.shape[1] - w + 1
    Y = np.zeros((rows, columns))
    for i in range(0, rows, stride):
        for j in range(0, columns, stride):
            Y[i // stride, j // stride] = np.sum(X[i : i + h, j : j + w] * K)
    return Y
