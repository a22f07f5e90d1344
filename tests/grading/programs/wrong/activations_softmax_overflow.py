import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def relu(z):
    return z * (z > 0)


def softmax(z):
    """probabilities of the classes, one row an example"""
    e = np.exp(z)
    return e / np.sum(e, axis=1, keepdims=True)


def predict(z):
    return np.argmax(softmax(z), axis=1)


if __name__ == "__main__":
    scores = np.array([[2.0, 1.0, 0.1], [1.0, 3.0, 0.2]])
    print(softmax(scores), softmax(scores).sum())
    print(predict(scores))
