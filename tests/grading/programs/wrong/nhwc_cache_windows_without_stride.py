#!/usr/bin/env python3
# Convolutions from scratch. Only the forward pass so far.
import numpy as np


def pad_with_zeros(images, pad):
    out = np.zeros((images.shape[0], images.shape[1] + 2*pad, images.shape[2] + 2*pad, images.shape[3]))
    out[:, pad:pad + images.shape[1], pad:pad + images.shape[2], :] = images
    return out


def conv_forward(A_prev, W, b, hparameters):
    """
    A_prev: output of the layer before, (m, n_H_prev, n_W_prev, n_C_prev)
    W: weights (f, f, n_C_prev, n_C)
    b: biases (1, 1, 1, n_C)
    hparameters: dictionary with "stride" and "pad"
    """
    stride = hparameters["stride"]
    pad = hparameters["pad"]
    m, n_H_prev, n_W_prev, n_C_prev = A_prev.shape
    f, f, n_C_prev, n_C = W.shape

    n_H = int(np.floor((n_H_prev - f + 2*pad) / stride)) + 1
    n_W = int(np.floor((n_W_prev - f + 2*pad) / stride)) + 1

    Z = np.zeros((m, n_H, n_W, n_C))
    A_prev_pad = pad_with_zeros(A_prev, pad)

    for i in range(m):
        a_prev_pad = A_prev_pad[i]
        for h in range(n_H):
            vert_start = h
            vert_end = vert_start + f
            for w in range(n_W):
                horiz_start = w
                horiz_end = horiz_start + f
                for c in range(n_C):
                    a_slice_prev = a_prev_pad[vert_start:vert_end, horiz_start:horiz_end, :]
                    Z[i, h, w, c] = np.sum(a_slice_prev * W[:, :, :, c]) + b[0, 0, 0, c]

    assert Z.shape == (m, n_H, n_W, n_C)
    cache = (A_prev, W, b, hparameters)
    return Z, cache


if __name__ == "__main__":
    rng = np.random.RandomState(0)
    Z, _ = conv_forward(rng.randn(2, 7, 7, 3), rng.randn(3, 3, 3, 4), rng.randn(1, 1, 1, 4),
                        {"stride": 2, "pad": 1})
    print(Z.shape)  # (2, 4, 4, 4), as it should be!
