import numpy as np


def im2col(x, k_h, k_w, stride, pad):
    """One row per output position, one column per weight."""
    x = np.pad(x, [(0, 0), (0, 0), (pad, pad), (pad, pad)])
    n, c, h, w = x.shape
    o_h, o_w = (h - k_h) // stride + 1, (w - k_w) // stride + 1
    rows = []
    for b in range(n):
        for i in range(o_h):
            for j in range(o_w):
                rows.append(x[b, :, i * stride:i * stride + k_h, j * stride:j * stride + k_w].ravel())
    return np.array(rows), o_h, o_w


def conv_forward_im2col(x, w, b, conv_param):
    num_filters, _, k_h, k_w = w.shape
    cols, o_h, o_w = im2col(x, k_h, k_w, conv_param['stride'], conv_param['pad'])
    # (positions, C*k*k) times (C*k*k, filters)
    W_col = w.reshape(-1, num_filters)
    out = cols.dot(W_col) + b
    out = out.reshape(x.shape[0], o_h, o_w, num_filters).transpose(0, 3, 1, 2)
    return out, (x, w, b, conv_param, cols)


def timing():
    import time
    x = np.random.randn(8, 3, 32, 32)
    w = np.random.randn(16, 3, 3, 3)
    start = time.time()
    conv_forward_im2col(x, w, np.zeros(16), {'stride': 1, 'pad': 1})
    print('im2col: %.3f s' % (time.time() - start))


if __name__ == "__main__":
    timing()
