import numpy as np
import matplotlib.pyplot as plt

# helper functions of the first exercise


def zero_pad(X, pad):
    """
    Argument:
    X -- batch of images, (m, n_H, n_W, n_C)
    pad -- how many zeros on each border

    Returns the padded batch, (m, n_H + 2*pad, n_W + 2*pad, n_C)
    """
    X_pad = np.pad(X, pad, 'constant', constant_values=0)
    return X_pad


def conv_single_step(a_slice_prev, W, b):
    s = np.multiply(a_slice_prev, W)
    return s.sum() + float(b.reshape(-1)[0])


def show(X, pad):
    fig, axes = plt.subplots(1, 2)
    axes[0].imshow(X[0, :, :, 0])
    axes[1].imshow(zero_pad(X, pad)[0, :, :, 0])
    plt.show()


if __name__ == '__main__':
    x = np.random.randn(4, 3, 3, 2)
    print(x.shape, zero_pad(x, 2).shape)
    show(x, 2)
