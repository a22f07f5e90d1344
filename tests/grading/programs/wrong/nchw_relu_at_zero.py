import numpy as np


def relu_forward(x):
    """out = max(0, x)"""
    out = np.where(x >= 0, x, 0)
    cache = x
    return out, cache


def relu_backward(dout, cache):
    x = cache
    dx = np.where(x >= 0, dout, 0)
    return dx


def leaky(x, slope=0.01):
    return np.where(x > 0, x, slope * x)


if __name__ == "__main__":
    x = np.linspace(-0.5, 0.5, num=12).reshape(3, 4)
    print(relu_forward(x)[0])
    print(leaky(x))
