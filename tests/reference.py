"""Slow loops over pixels that anyone can check against the formulas: what the engine is held against."""

from __future__ import annotations

import numpy as np


def pad(x, window):
    return np.pad(x, ((0, 0), *window.padding, (0, 0)))


def positions(x, window):
    """Yield (image, output row, output column, rows, columns): the padded cells that each window covers."""
    (s_h, s_w), (d_h, d_w), (f_h, f_w) = window.stride, window.dilation, window.size
    out_h, out_w = window.output_shape(x.shape[1:3])
    for image in range(len(x)):
        for row in range(out_h):
            for column in range(out_w):
                rows = [row * s_h + i * d_h for i in range(f_h)]
                columns = [column * s_w + j * d_w for j in range(f_w)]
                yield image, row, column, rows, columns


def conv2d(x, w, b, window, groups):
    depth, count = w.shape[2], w.shape[3] // groups
    padded = pad(x, window)
    y = np.zeros((len(x), *window.output_shape(x.shape[1:3]), w.shape[3]))
    for image, row, column, rows, columns in positions(x, window):
        patch = padded[image][np.ix_(rows, columns)]
        for kernel in range(w.shape[3]):
            group = kernel // count
            seen = patch[:, :, group * depth : (group + 1) * depth]
            y[image, row, column, kernel] = (seen * w[..., kernel]).sum() + b[kernel]
    return y


def conv2d_backward(dy, x, w, window, groups):
    depth, count = w.shape[2], w.shape[3] // groups
    padded = pad(x, window)
    dpadded, dw = np.zeros_like(padded), np.zeros_like(w)
    for image, row, column, rows, columns in positions(x, window):
        for kernel in range(w.shape[3]):
            channels = range((kernel // count) * depth, (kernel // count + 1) * depth)
            cells = np.ix_([image], rows, columns, channels)
            dw[..., kernel] += padded[cells][0] * dy[image, row, column, kernel]
            dpadded[cells] += w[..., kernel] * dy[image, row, column, kernel]
    (top, _), (left, _) = window.padding
    return dpadded[:, top : top + x.shape[1], left : left + x.shape[2]], dw, dy.sum((0, 1, 2))


def max_pool2d(x, window):
    y = np.zeros((len(x), *window.output_shape(x.shape[1:3]), x.shape[3]))
    for image, row, column, rows, columns in positions(x, window):
        y[image, row, column] = x[image][np.ix_(rows, columns)].max((0, 1))
    return y


def max_pool2d_backward(dy, x, window):
    dx = np.zeros_like(x)
    for image, row, column, rows, columns in positions(x, window):
        for channel in range(x.shape[3]):
            patch = x[image, :, :, channel][np.ix_(rows, columns)]
            i, j = np.unravel_index(patch.argmax(), patch.shape)  # the first maximum in row order
            dx[image, rows[i], columns[j], channel] += dy[image, row, column, channel]
    return dx


def avg_pool2d(x, window):
    y = np.zeros((len(x), *window.output_shape(x.shape[1:3]), x.shape[3]))
    for image, row, column, rows, columns in positions(x, window):
        y[image, row, column] = x[image][np.ix_(rows, columns)].mean((0, 1))
    return y


def avg_pool2d_backward(dy, x, window):
    dx = np.zeros_like(x)
    for image, row, column, rows, columns in positions(x, window):
        for i in rows:
            for j in columns:
                dx[image, i, j] += dy[image, row, column] / len(rows) / len(columns)
    return dx
