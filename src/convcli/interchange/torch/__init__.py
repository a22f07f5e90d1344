"""PyTorch: a network as a model.py and its weights, and weights of PyTorch's in a network of ours.

`forms.py` says which modules a layer is, and where in them its arrays are; both ways go by it.
"""
