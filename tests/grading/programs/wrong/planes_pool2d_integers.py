import numpy as np


def pool2d(X, pool_size, mode='max'):
    p_h, p_w = pool_size
    # same type as the input, one value for each window
    Y = np.zeros_like(X, shape=(X.shape[0] - p_h + 1, X.shape[1] - p_w + 1), dtype=int)
    for i in range(Y.shape[0]):
        for j in range(Y.shape[1]):
            if mode == 'max':
                Y[i, j] = X[i: i + p_h, j: j + p_w].max()
            elif mode == 'avg':
                Y[i, j] = X[i: i + p_h, j: j + p_w].mean()
    return Y


X = np.array([[0, 1, 2], [3, 4, 5], [6, 7, 8]])
print(pool2d(X, (2, 2)))
print(pool2d(X, (2, 2), 'avg'))
