"""Following a video: convolutional layer where input and kernels are planes stacked in front."""
import numpy as np
from scipy import signal


class Convolutional:
    def __init__(self, kernels, biases):
        self.kernels = kernels  # (depth, input_depth, k, k)
        self.biases = biases

    def forward(self, input):
        self.input = input  # (input_depth, height, width)
        depth, input_depth = self.kernels.shape[:2]
        self.output = []
        for i in range(depth):
            total = np.ravel(self.biases)[i]
            for j in range(input_depth):
                total = total + signal.correlate2d(input[j], self.kernels[i, j], "valid")
            self.output.append(total)
        self.output = np.array(self.output)
        return self.output

    def backward(self, output_gradient):
        self.kernels_gradient = np.zeros(self.kernels.shape)
        input_gradient = np.zeros(self.input.shape)
        for i in range(self.kernels.shape[0]):
            for j in range(self.kernels.shape[1]):
                self.kernels_gradient[i, j] = signal.correlate2d(self.input[j], output_gradient[i], "valid")
                input_gradient[j] += signal.correlate2d(output_gradient[i], self.kernels[i, j], "full")
        self.dW = self.kernels_gradient
        self.db = output_gradient.sum(axis=(1, 2))
        return input_gradient
