import math

import numpy as np


def conv2d(x, w, b, stride=1, pad=0):
    """x: (batch, height, width, channels); w: (k_h, k_w, channels, filters); b: (filters,)"""
    batch, height, width, channels = x.shape
    k_h, k_w, _, filters = w.shape
    x = np.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    out_h = math.ceil((height + 2 * pad - k_h) / stride) + 1
    out_w = math.ceil((width + 2 * pad - k_w) / stride) + 1
    out = np.zeros((batch, out_h, out_w, filters))
    for n in range(batch):
        for i in range(out_h):
            for j in range(out_w):
                patch = x[n, i * stride:i * stride + k_h, j * stride:j * stride + k_w, :]
                ph, pw, _ = patch.shape  # smaller at the border
                for f in range(filters):
                    out[n, i, j, f] = (patch * w[:ph, :pw, :, f]).sum() + b[f]
    return out
