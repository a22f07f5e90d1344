"""Cross-correlation and pooling on planes, then with channels: notes to chapter 7."""
import numpy as np


def corr2d(X, K):
    """Two-dimensional cross-correlation of a plane with a kernel."""
    h, w = K.shape
    Y = np.zeros((X.shape[0] - h + 1, X.shape[1] - w + 1))
    for i in range(Y.shape[0]):
        for j in range(Y.shape[1]):
            Y[i, j] = (X[i : i + h, j : j + w] * K).sum()
    return Y


def corr2d_multi_in(X, K):
    # the channels' results are added
    return sum(corr2d(x, k) for x, k in zip(X, K))


def corr2d_multi_in_out(X, K):
    return np.stack([corr2d_multi_in(X, k) for k in K], 0)


def pool2d(X, pool_size, mode="max"):
    p_h, p_w = pool_size
    Y = np.zeros((X.shape[0] - p_h + 1, X.shape[1] - p_w + 1))
    for i in range(Y.shape[0]):
        for j in range(Y.shape[1]):
            window = X[i : i + p_h, j : j + p_w]
            Y[i, j] = window.max() if mode == "max" else window.mean()
    return Y


def softmax(X):
    E = np.exp(X - X.max(axis=1, keepdims=True))
    return E / E.sum(axis=1, keepdims=True)


def relu(X):
    return np.maximum(X, np.zeros_like(X))


X = np.arange(9.0).reshape(3, 3)
K = np.arange(4.0).reshape(2, 2)
print(corr2d(X, K))

edge = np.ones((6, 8))
edge[:, 2:6] = 0
print(corr2d(edge, np.array([[1.0, -1.0]])))
