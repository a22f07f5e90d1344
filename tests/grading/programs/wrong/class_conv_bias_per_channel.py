import numpy as np


class Conv2D:
    """2-D convolution, channels last. weights: (k, k, c_in, c_out), bias: (c_out,)"""

    def __init__(self, weights, bias, stride=1, padding=0):
        self.weights = weights
        self.bias = bias
        self.stride = stride
        self.padding = padding

    def correlate(self, plane, kernel):
        k_h, k_w = kernel.shape
        s = self.stride
        h = (plane.shape[0] - k_h) // s + 1
        w = (plane.shape[1] - k_w) // s + 1
        out = np.zeros((h, w))
        for i in range(h):
            for j in range(w):
                out[i, j] = np.sum(plane[i * s:i * s + k_h, j * s:j * s + k_w] * kernel)
        return out

    def forward(self, x):
        self.x = x
        p = self.padding
        x = np.pad(x, ((0, 0), (p, p), (p, p), (0, 0)))
        n, _, _, c_in = x.shape
        c_out = self.weights.shape[-1]
        images = []
        for image in x:
            maps = []
            for f in range(c_out):
                total = 0
                for c in range(c_in):
                    total = total + self.correlate(image[:, :, c], self.weights[:, :, c, f]) + np.ravel(self.bias)[f]
                maps.append(total)
            images.append(np.stack(maps, axis=-1))
        return np.stack(images)


if __name__ == '__main__':
    layer = Conv2D(np.random.randn(3, 3, 3, 4), np.zeros(4))
    print(layer.forward(np.random.randn(2, 8, 8, 3)).shape)
