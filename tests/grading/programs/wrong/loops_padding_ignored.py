import numpy as np


def conv2d(image, kernel, padding=0, stride=1):
    """Convolution (well, correlation) of a grey picture.

    The result has (n + 2*padding - k) // stride + 1 rows.
    """
    kh, kw = len(kernel), len(kernel[0])
    h = (image.shape[0] - kh) // stride + 1
    w = (image.shape[1] - kw) // stride + 1
    result = [[0] * w for _ in range(h)]
    for i in range(h):
        for j in range(w):
            acc = 0
            for di in range(kh):
                for dj in range(kw):
                    acc += image[i * stride + di][j * stride + dj] * kernel[di][dj]
            result[i][j] = acc
    return np.array(result)


def max_pool(image, size=2):
    h, w = image.shape[0] // size, image.shape[1] // size
    return np.array([[image[i*size:(i+1)*size, j*size:(j+1)*size].max() for j in range(w)] for i in range(h)])


if __name__ == "__main__":
    blur = [[1 / 9] * 3] * 3
    print(conv2d(np.eye(6), blur))
    print(max_pool(np.eye(6)))
