import numpy as np
from math import prod


def affine_forward(x, w, b):
    """Fully connected: x (N, d_1, ..., d_k), w (D, M), b (M,)."""
    N = x.shape[0]
    D = prod(x.shape[1:])
    out = np.dot(x.reshape(N, D), w) + b
    return out, (x, w, b)


def affine_backward(dout, cache):
    x, w, b = cache
    N = x.shape[0]
    dx = np.dot(dout, w.T).reshape(x.shape)
    dw = np.dot(x.reshape(N, -1).T, dout)
    db = np.mean(dout, axis=0)
    return dx, dw, db


def rel_error(x, y):
    return np.max(np.abs(x - y) / (np.maximum(1e-8, np.abs(x) + np.abs(y))))


if __name__ == '__main__':
    x, w, b = np.random.randn(10, 2, 3), np.random.randn(6, 5), np.random.randn(5)
    out, cache = affine_forward(x, w, b)
    print([g.shape for g in affine_backward(np.ones_like(out), cache)])
    print(rel_error(out, x.reshape(10, -1) @ w + b))
