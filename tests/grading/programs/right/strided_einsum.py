"""Convolution without a loop: as_strided and einsum; and the functions around it."""
import numpy as np
from numpy.lib.stride_tricks import as_strided


def conv2d(x, w, b=None, stride=1, padding=0):
    """x (N, C, H, W), w (F, C, KH, KW), b (F,) -> (N, F, OH, OW)"""
    x = np.ascontiguousarray(np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding))))
    N, C, H, W = x.shape
    F, _, KH, KW = w.shape
    OH, OW = (H - KH) // stride + 1, (W - KW) // stride + 1
    sN, sC, sH, sW = x.strides
    windows = as_strided(x, (N, C, OH, OW, KH, KW), (sN, sC, sH * stride, sW * stride, sH, sW))
    out = np.einsum("nchwij,fcij->nfhw", windows, w)
    return out if b is None else out + b[None, :, None, None]


def relu(z):
    return np.maximum(z, 0)


def relu_backward(dA, z):
    return dA * (z > 0)


def softmax(z):
    z = z - np.max(z, axis=-1, keepdims=True)
    e = np.exp(z)
    return e / e.sum(axis=-1, keepdims=True)


if __name__ == "__main__":
    x = np.arange(32.0).reshape(1, 2, 4, 4)
    print(conv2d(x, np.ones((3, 2, 2, 2)), padding=1, stride=2).shape)
