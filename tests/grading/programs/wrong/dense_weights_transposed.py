import numpy as np


class Dense:
    """Fully connected layer. weights: (inputs, outputs)."""

    def __init__(self, weights, bias):
        self.weights = np.array(weights, dtype=float)
        self.bias = np.array(bias, dtype=float)

    def forward(self, x):
        self.x = x
        return np.dot(x, self.weights) + self.bias

    def backward(self, grad):
        self.dW = np.dot(grad.T, self.x)
        self.db = grad.sum(axis=0)
        return np.dot(grad, self.weights.T)
