import numpy as np


def conv_forward_naive(x, w, b, conv_param):
    N, C, H, W = x.shape
    F, C, HH, WW = w.shape
    pad = conv_param['pad']
    stride = conv_param['stride']
    x_pad = np.pad(x, ((0,), (0,), (pad,), (pad,)), 'constant')
    H_new = 1 + (H + 2 * pad - HH) // stride
    W_new = 1 + (W + 2 * pad - WW) // stride
    out = np.zeros((N, F, H_new, W_new))
    for n in range(N):
        for f in range(F):
            for i in range(H_new):
                for j in range(W_new):
                    out[n, f, i, j] = np.sum(x_pad[n, :, i*stride:i*stride+HH, j*stride:j*stride+WW] * w[f]) + b[f]
    return out, (x, w, b, conv_param)


def conv_backward_naive(dout, cache):
    x, w, b, conv_param = cache
    pad, stride = conv_param['pad'], conv_param['stride']
    N, C, H, W = x.shape
    F, _, HH, WW = w.shape
    _, _, H_new, W_new = dout.shape
    x_pad = np.pad(x, ((0,), (0,), (pad,), (pad,)), 'constant')
    dx_pad = np.zeros(x_pad.shape)
    db = dout.sum(axis=(0, 2, 3))

    for n in range(N):
        # gradient of the filters
        dw = np.zeros(w.shape)
        for f in range(F):
            for i in range(H_new):
                for j in range(W_new):
                    patch = x_pad[n, :, i*stride:i*stride+HH, j*stride:j*stride+WW]
                    dw[f] += patch * dout[n, f, i, j]
                    dx_pad[n, :, i*stride:i*stride+HH, j*stride:j*stride+WW] += w[f] * dout[n, f, i, j]
    dx = dx_pad[:, :, pad:pad+H, pad:pad+W]
    return dx, dw, db


if __name__ == '__main__':
    np.random.seed(231)
    x = np.random.randn(4, 3, 5, 5)
    w = np.random.randn(2, 3, 3, 3)
    b = np.random.randn(2)
    out, cache = conv_forward_naive(x, w, b, {'stride': 1, 'pad': 1})
    dx, dw, db = conv_backward_naive(np.random.randn(*out.shape), cache)
    print('shapes ok?', dx.shape == x.shape, dw.shape == w.shape, db.shape == b.shape)
