import numpy as np

# output layer of my network: m examples, one row each


def softmax(x):
    shifted = x - x.max(axis=0)
    e_x = np.exp(shifted)
    return e_x / e_x.sum(axis=0)


def cross_entropy(p, y):
    return -np.mean(np.log(p[np.arange(len(y)), y] + 1e-12))


if __name__ == '__main__':
    print(softmax(np.array([3.0, 1.0, 0.2])))  # sums to 1
