import numpy as np


def max_pool_forward_naive(x, pool_param):
    """
    x: (N, C, H, W)
    pool_param: 'pool_height', 'pool_width', 'stride'
    """
    HH = pool_param['pool_height']
    WW = pool_param['pool_width']
    stride = pool_param['stride']
    N, C, H, W = x.shape
    H_out = (H - HH) // stride + 1
    W_out = (W - WW) // stride + 1
    out = np.zeros((N, C, H_out, W_out))
    for i in range(H_out):
        for j in range(W_out):
            out[:, :, i, j] = np.max(x[:, :, i*stride:i*stride+HH, j*stride:j*stride+WW], axis=(2, 3))
    cache = (x, pool_param)
    return out, cache


def max_pool_backward_naive(dout, cache):
    x, pool_param = cache
    HH, WW, stride = pool_param['pool_height'], pool_param['pool_width'], pool_param['stride']
    N, C, H_out, W_out = dout.shape
    dx = np.zeros_like(x, dtype=float)
    for n in range(N):
        for c in range(C):
            for i in range(H_out):
                for j in range(W_out):
                    window = x[n, c, i*stride:i*stride+HH, j*stride:j*stride+WW]
                    m = np.argmax(window)
                    row, col = m // WW, m % WW
                    # the winner gets the gradient
                    dx[n, c, i*stride+row, j*stride+col] = dout[n, c, i, j]
    return dx
