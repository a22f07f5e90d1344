import numpy as np


def zero_pad(X, pad):
    # zeros around the picture: before the rows and before the columns
    return np.pad(X, ((0, 0), (2 * pad, 0), (2 * pad, 0), (0, 0)), "constant")


def conv_single_step(a_slice_prev, W, b):
    z = 0.0
    for i in range(W.shape[0]):
        for j in range(W.shape[1]):
            for k in range(W.shape[2]):
                z += a_slice_prev[i, j, k] * W[i, j, k]
    return z + float(np.asarray(b).ravel()[0])


def conv_forward(A_prev, W, b, hparameters):
    m, h_prev, w_prev, c_prev = A_prev.shape
    f, n_c = W.shape[0], W.shape[3]
    stride, pad = hparameters["stride"], hparameters["pad"]
    h_out = (h_prev - f + 2 * pad) // stride + 1
    w_out = (w_prev - f + 2 * pad) // stride + 1
    padded = zero_pad(A_prev, pad)
    Z = np.empty((m, h_out, w_out, n_c))
    for h in range(h_out):
        for w in range(w_out):
            block = padded[:, h*stride:h*stride+f, w*stride:w*stride+f, :]
            for c in range(n_c):
                Z[:, h, w, c] = np.sum(block * W[..., c], axis=(1, 2, 3)) + b[0, 0, 0, c]
    return Z, (A_prev, W, b, hparameters)
