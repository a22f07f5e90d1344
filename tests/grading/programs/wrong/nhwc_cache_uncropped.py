"""My solution of the convolution notebook (layers, forward + backward)."""
import numpy as np


def zero_pad(X, pad):
    return np.pad(X, ((0, 0), (pad, pad), (pad, pad), (0, 0)))


def conv_single_step(a_slice_prev, W, b):
    return np.sum(np.multiply(a_slice_prev, W)) + b.item()


def conv_forward(A_prev, W, b, hparameters):
    m, n_H_prev, n_W_prev, _ = A_prev.shape
    f, _, _, n_C = W.shape
    s = hparameters['stride']
    p = hparameters['pad']
    n_H = (n_H_prev + 2 * p - f) // s + 1
    n_W = (n_W_prev + 2 * p - f) // s + 1
    Z = np.zeros([m, n_H, n_W, n_C])
    X = zero_pad(A_prev, p)
    for i in range(m):
        a = X[i]
        for h in range(n_H):
            for w in range(n_W):
                for c in range(n_C):
                    Z[i, h, w, c] = conv_single_step(a[h*s:h*s+f, w*s:w*s+f, :], W[:, :, :, c], b[:, :, :, c])
    return Z, (A_prev, W, b, hparameters)


def conv_backward(dZ, cache):
    A_prev, W, b, hparameters = cache
    s, p = hparameters['stride'], hparameters['pad']
    f = W.shape[0]
    m, n_H, n_W, n_C = dZ.shape

    X = zero_pad(A_prev, p)
    dX = np.zeros_like(X, dtype=float)
    dW = np.zeros(W.shape)
    db = np.zeros((1, 1, 1, n_C))

    for i in range(m):
        for h in range(n_H):
            for w in range(n_W):
                for c in range(n_C):
                    window = X[i, h*s:h*s+f, w*s:w*s+f, :]
                    dX[i, h*s:h*s+f, w*s:w*s+f, :] += W[:, :, :, c] * dZ[i, h, w, c]
                    dW[:, :, :, c] += window * dZ[i, h, w, c]
                    db[0, 0, 0, c] += dZ[i, h, w, c]
    # gradient of the input
    return dX, dW, db


def main():
    np.random.seed(2)
    Z, cache = conv_forward(np.random.randn(10, 4, 4, 3), np.random.randn(2, 2, 3, 8),
                            np.random.randn(1, 1, 1, 8), {'pad': 2, 'stride': 2})
    dA, dW, db = conv_backward(Z, cache)
    print(dA.mean(), dW.mean(), db.mean())


if __name__ == '__main__':
    main()
