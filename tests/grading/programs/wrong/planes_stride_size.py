import numpy as np


def conv2d(image, kernel, stride=1, padding=0):
    """Slide `kernel` over `image`, both planes.

    I use this for the edge detector in edges.ipynb.
    """
    if padding > 0:
        image = np.pad(image, padding)
    k_h, k_w = kernel.shape
    out_h = image.shape[0] - k_h + 1
    out_w = image.shape[1] - k_w + 1
    output = np.zeros((out_h, out_w))

    for y in range(0, out_h, stride):
        for x in range(0, out_w, stride):
            output[y // stride, x // stride] = np.sum(image[y:y + k_h, x:x + k_w] * kernel)
    return output


def plot(image, edges):
    import matplotlib.pyplot as plt

    plt.figure(figsize=(8, 4))
    plt.subplot(121); plt.imshow(image, cmap='gray'); plt.title('image')
    plt.subplot(122); plt.imshow(edges, cmap='gray'); plt.title('edges')
    plt.show()


if __name__ == "__main__":
    picture = np.zeros((16, 16)); picture[4:12, 4:12] = 1
    sobel = np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]])
    plot(picture, conv2d(picture, sobel, padding=1))
