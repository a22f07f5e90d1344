import numpy as np


def flip(K):
    """turn the kernel by 180 degrees, as the definition of convolution wants it"""
    return K[::-1, ::-1]


def corr2d(X, K):
    K = flip(K)
    h, w = K.shape
    rows = X.shape[0] - h + 1
    cols = X.shape[1] - w + 1
    Y = np.zeros((rows, cols))
    for r in range(rows):
        for c in range(cols):
            Y[r, c] = np.sum(X[r:r + h, c:c + w] * K)
    return Y


if __name__ == "__main__":
    X = np.ones((6, 8))
    X[:, 2:6] = 0
    print("edges:")
    print(corr2d(X, np.array([[1, -1]])))
