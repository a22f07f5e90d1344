"""A small network library for a seminar: every layer is a class with forward and backward."""
import numpy as np


class Layer:
    def forward(self, x):
        raise NotImplementedError

    def backward(self, grad):
        raise NotImplementedError


class Conv2D(Layer):
    """Convolution of (batch, height, width, channels) with weights (k, k, channels, filters)."""

    def __init__(self, weights, bias, stride=1, padding=0):
        self.W = np.asarray(weights, dtype=float)
        self.b = np.asarray(bias, dtype=float)
        self.stride = stride
        self.padding = padding
        self.dW = None
        self.db = None

    def _windows(self, padded):
        k_h, k_w = self.W.shape[:2]
        windows = np.lib.stride_tricks.sliding_window_view(padded, (k_h, k_w), axis=(1, 2))
        return windows[:, :: self.stride, :: self.stride]

    def forward(self, x):
        p = self.padding
        self.x_shape = x.shape
        self.padded = np.pad(x, ((0, 0), (p, p), (p, p), (0, 0)))
        return np.einsum("nhwcij,ijcf->nhwf", self._windows(self.padded), self.W) + self.b.reshape(-1)

    def backward(self, grad):
        self.dW = np.einsum("nhwcij,nhwf->ijcf", self._windows(self.padded), grad)
        self.db = grad.sum(axis=(0, 1, 2)).reshape(self.b.shape)
        dx = np.zeros(self.padded.shape)
        k_h, k_w = self.W.shape[:2]
        for h in range(grad.shape[1]):
            for w in range(grad.shape[2]):
                t, l = h * self.stride, w * self.stride
                dx[:, t : t + k_h, l : l + k_w, :] += np.einsum("nf,ijcf->nijc", grad[:, h, w], self.W)
        p = self.padding
        return dx[:, p : p + self.x_shape[1], p : p + self.x_shape[2], :]


class ReLU(Layer):
    def forward(self, x):
        self.mask = x > 0
        return x * self.mask

    def backward(self, grad):
        return grad * self.mask


class Dense(Layer):
    def __init__(self, weights, bias):
        self.W, self.b = np.asarray(weights, float), np.asarray(bias, float)

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, grad):
        self.dW = self.x.T @ grad
        self.db = grad.sum(axis=0)
        return grad @ self.W.T
