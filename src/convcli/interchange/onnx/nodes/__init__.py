"""What layers, activations and losses are in ONNX. Importing this package registers all of them."""

from convcli.interchange.onnx.nodes import (
    activations,
    containers,
    convolution,
    dense,
    elementwise,
    neighbours,
    normalisation,
    pooling,
)
from convcli.interchange.onnx.nodes.losses import LOSS_NODES, probabilities
from convcli.interchange.onnx.nodes.registered import ACTIVATION_NODES, LAYER_NODES, layer_nodes

__all__ = [
    "ACTIVATION_NODES",
    "LAYER_NODES",
    "LOSS_NODES",
    "activations",
    "containers",
    "convolution",
    "dense",
    "elementwise",
    "layer_nodes",
    "neighbours",
    "normalisation",
    "pooling",
    "probabilities",
]
