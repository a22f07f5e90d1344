import numpy as np


class ConvLayer:
    """Channels-first convolution layer with plain loops."""

    def __init__(self, W, b, stride=1, pad=0):
        self.W, self.b = W, b
        self.stride, self.pad = stride, pad
        self.cache = None

    def _out(self, n, k):
        return (n + 2 * self.pad - k) // self.stride + 1

    def forward(self, x):
        F, C, KH, KW = self.W.shape
        N, _, H, W = x.shape
        s = self.stride
        padded = np.pad(x, ((0, 0), (0, 0), (self.pad, self.pad), (self.pad, self.pad)))
        out = np.zeros((N, F, self._out(H, KH), self._out(W, KW)))
        for i in range(out.shape[2]):
            for j in range(out.shape[3]):
                patch = padded[:, :, i * s:i * s + KH, j * s:j * s + KW]
                out[:, :, i, j] = np.tensordot(patch, self.W, axes=([1, 2, 3], [1, 2, 3]))
        self.cache = x.shape, padded
        return out + np.reshape(self.b, (1, F, 1, 1))

    def backward(self, dout):
        shape, padded = self.cache
        F, C, KH, KW = self.W.shape
        s, p = self.stride, self.pad
        m = shape[0]
        dpadded = np.zeros_like(padded, dtype=float)
        dW = np.zeros_like(self.W, dtype=float)
        for i in range(dout.shape[2]):
            for j in range(dout.shape[3]):
                g = dout[:, :, i, j]
                patch = padded[:, :, i * s:i * s + KH, j * s:j * s + KW]
                dW += np.tensordot(g, patch, axes=([0], [0]))
                dpadded[:, :, i * s:i * s + KH, j * s:j * s + KW] += np.tensordot(g, self.W, axes=([1], [0]))
        # average over the examples
        self.dW = dW / m
        self.db = dout.sum(axis=(0, 2, 3)) / m
        return dpadded[:, :, p:p + shape[2], p:p + shape[3]]
