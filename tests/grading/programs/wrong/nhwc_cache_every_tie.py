import numpy as np

# Pooling layers for my assignment. Forward was easy, backward took the evening :)


def pool_forward(A_prev, hparameters, mode="max"):
    m, n_H_prev, n_W_prev, n_C = A_prev.shape
    f = hparameters["f"]
    stride = hparameters["stride"]
    n_H = 1 + (n_H_prev - f) // stride
    n_W = 1 + (n_W_prev - f) // stride

    A = np.zeros((m, n_H, n_W, n_C))
    for i in range(m):
        for h in range(n_H):
            for w in range(n_W):
                for c in range(n_C):
                    a = A_prev[i, h*stride:h*stride + f, w*stride:w*stride + f, c]
                    if mode == "max":
                        A[i, h, w, c] = a.max()
                    else:
                        A[i, h, w, c] = a.mean()
    cache = (A_prev, hparameters)
    return A, cache


def pool_backward(dA, cache, mode="max"):
    A_prev, hparameters = cache
    f, stride = hparameters["f"], hparameters["stride"]
    m, n_H, n_W, n_C = dA.shape
    dA_prev = np.zeros_like(A_prev, dtype=np.float64)

    for i in range(m):
        for h in range(n_H):
            for w in range(n_W):
                for c in range(n_C):
                    v, u = h * stride, w * stride
                    if mode == "max":
                        a = A_prev[i, v:v+f, u:u+f, c]
                        dA_prev[i, v:v+f, u:u+f, c] += (a == np.max(a)) * dA[i, h, w, c]
                    else:
                        dA_prev[i, v:v+f, u:u+f, c] += dA[i, h, w, c] / (f * f)
    return dA_prev


if __name__ == "__main__":
    A_prev = np.random.randn(5, 5, 3, 2)
    A, cache = pool_forward(A_prev, {"stride": 1, "f": 2})
    dA = np.random.randn(5, 4, 2, 2)
    print("max:", pool_backward(dA, cache, "max")[1, 1])
    print("average:", pool_backward(dA, cache, "average")[1, 1])
