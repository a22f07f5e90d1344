import numpy as np


def create_mask_from_window(x):
    """first maximum -> True"""
    flat = np.zeros(x.size, bool)
    flat[x.argmax()] = True
    return flat.reshape(x.shape)


def distribute_value(dz, shape):
    """The average spread the value, so in the backward pass every entry gets it back."""
    n_H, n_W = shape
    a = np.full((n_H, n_W), dz, dtype=float)
    return a


def pool_forward(A_prev, hparameters, mode="max"):
    (m, H, W, C) = A_prev.shape
    f = hparameters["f"]; s = hparameters["stride"]
    out_h = (H - f) // s + 1
    out_w = (W - f) // s + 1
    A = np.zeros((m, out_h, out_w, C))
    reduce = {"max": np.max, "average": np.mean}[mode]
    for h in range(out_h):
        for w in range(out_w):
            A[:, h, w, :] = reduce(A_prev[:, h*s:h*s+f, w*s:w*s+f, :], axis=(1, 2))
    return A, (A_prev, hparameters)


def pool_backward(dA, cache, mode="max"):
    (A_prev, hparameters) = cache
    f = hparameters["f"]; s = hparameters["stride"]
    m, n_H, n_W, n_C = dA.shape
    dA_prev = np.zeros(A_prev.shape)
    for i in range(m):
        for c in range(n_C):
            for h in range(n_H):
                for w in range(n_W):
                    if mode == "max":
                        piece = A_prev[i, h*s:h*s+f, w*s:w*s+f, c]
                        dA_prev[i, h*s:h*s+f, w*s:w*s+f, c] += create_mask_from_window(piece) * dA[i, h, w, c]
                    if mode == "average":
                        dA_prev[i, h*s:h*s+f, w*s:w*s+f, c] += distribute_value(dA[i, h, w, c], (f, f))
    return dA_prev


print("testing distribute_value:")
print(distribute_value(2, (2, 2)))
