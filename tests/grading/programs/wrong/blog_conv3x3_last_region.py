import numpy as np


class Conv3x3:
    # A convolution layer with 3x3 filters

    def __init__(self, num_filters):
        self.num_filters = num_filters
        self.filters = np.random.randn(num_filters, 3, 3) / 9

    def iterate_regions(self, image):
        h, w = image.shape
        for i in range(h - 2):
            for j in range(w - 2):
                im_region = image[i:(i + 3), j:(j + 3)]
                yield im_region, i, j

    def forward(self, input):
        self.last_input = input
        h, w = input.shape
        output = np.zeros((h - 2, w - 2, self.num_filters))
        for im_region, i, j in self.iterate_regions(input):
            output[i, j] = np.sum(im_region * self.filters, axis=(1, 2))
        return output

    def backprop(self, d_L_d_out, learn_rate):
        d_L_d_filters = np.zeros(self.filters.shape)
        for im_region, i, j in self.iterate_regions(self.last_input):
            for f in range(self.num_filters):
                d_L_d_filters[f] = d_L_d_out[i, j, f] * im_region
        self.filters = self.filters - learn_rate * d_L_d_filters
        return None


def train(im, label, conv):
    out = conv.forward((im / 255) - 0.5)
    return out, label


if __name__ == "__main__":
    conv = Conv3x3(8)
    print(train(np.zeros((28, 28)), 3, conv)[0].shape)
