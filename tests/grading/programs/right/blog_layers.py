"""A digit classifier in plain NumPy, after an evening with a blog article: conv, pool, softmax."""
import numpy as np


class Conv3x3:
    """Valid 3x3 convolution of one grey image."""

    def __init__(self, num_filters):
        self.num_filters = num_filters
        self.filters = np.random.randn(num_filters, 3, 3) / 9

    def iterate_regions(self, image):
        h, w = image.shape
        for i in range(h - 2):
            for j in range(w - 2):
                yield image[i : i + 3, j : j + 3], i, j

    def forward(self, input):
        self.last_input = input
        h, w = input.shape
        output = np.zeros((h - 2, w - 2, self.num_filters))
        for region, i, j in self.iterate_regions(input):
            output[i, j] = np.sum(region * self.filters, axis=(1, 2))
        return output

    def backprop(self, d_L_d_out, learn_rate):
        d_L_d_filters = np.zeros(self.filters.shape)
        for region, i, j in self.iterate_regions(self.last_input):
            for f in range(self.num_filters):
                d_L_d_filters[f] += d_L_d_out[i, j, f] * region
        self.filters -= learn_rate * d_L_d_filters
        return None  # the first layer: nobody asks for the gradient of the image


class MaxPool2:
    """2x2 maxima, side by side."""

    def forward(self, input):
        self.last_input = input
        h, w, n = input.shape
        h, w = h // 2, w // 2
        blocks = input[: 2 * h, : 2 * w].reshape(h, 2, w, 2, n)
        return blocks.max(axis=(1, 3))

    def backprop(self, d_L_d_out):
        grad = np.zeros(self.last_input.shape)
        h, w, n = d_L_d_out.shape
        for i in range(h):
            for j in range(w):
                for f in range(n):
                    block = self.last_input[2 * i : 2 * i + 2, 2 * j : 2 * j + 2, f]
                    di, dj = divmod(int(np.argmax(block)), 2)
                    grad[2 * i + di, 2 * j + dj, f] = d_L_d_out[i, j, f]
        return grad


if __name__ == "__main__":
    conv, pool = Conv3x3(8), MaxPool2()
    out = pool.forward(conv.forward(np.random.rand(28, 28) - 0.5))
    print(out.shape)
