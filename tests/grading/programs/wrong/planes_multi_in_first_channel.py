import numpy as np


def corr2d(X, K):
    h, w = K.shape
    Y = np.zeros((X.shape[0] - h + 1, X.shape[1] - w + 1))
    for i in range(Y.shape[0]):
        for j in range(Y.shape[1]):
            Y[i, j] = (X[i:i + h, j:j + w] * K).sum()
    return Y


def corr2d_multi_in(X, K):
    """X: (channels, height, width), K: (channels, h, w)."""
    result = 0
    for x, k in zip(X, K):
        result += corr2d(x, k)
        return result


def corr2d_multi_in_out(X, K):
    return np.array([corr2d_multi_in(X, k) for k in K])


if __name__ == "__main__":
    X = np.array([[[0.0, 1.0, 2.0], [3.0, 4.0, 5.0], [6.0, 7.0, 8.0]],
                  [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]])
    K = np.array([[[0.0, 1.0], [2.0, 3.0]], [[1.0, 2.0], [3.0, 4.0]]])
    print(corr2d_multi_in(X, K))
    K = np.stack((K, K + 1, K + 2), 0)
    print(corr2d_multi_in_out(X, K).shape)
