"""The layers. Importing this package registers them all; a new one is a class here and a line below."""

from convcli.nn.layers.activation import ActivationLayer
from convcli.nn.layers.conv import Conv
from convcli.nn.layers.dense import Dense, Flatten
from convcli.nn.layers.neighbours import ChannelShuffle, LocalResponseNorm
from convcli.nn.layers.normalisation import GroupNorm, LayerNorm
from convcli.nn.layers.parallel import Parallel
from convcli.nn.layers.pooling import (
    AdaptiveAvgPool,
    AdaptiveMaxPool,
    AvgPool,
    GlobalAvgPool,
    GlobalMaxPool,
    MaxPool,
)
from convcli.nn.layers.regularisation import BatchNorm, Dropout
from convcli.nn.layers.residual import Residual
from convcli.nn.layers.scaling import Prelu, Scale
from convcli.nn.layers.separable_conv import SeparableConv
from convcli.nn.layers.sequence import Sequence
from convcli.nn.layers.transposed_conv import TransposedConv
from convcli.nn.layers.upsample import Upsample

__all__ = [
    "ActivationLayer",
    "AdaptiveAvgPool",
    "AdaptiveMaxPool",
    "AvgPool",
    "BatchNorm",
    "ChannelShuffle",
    "Conv",
    "Dense",
    "Dropout",
    "Flatten",
    "GlobalAvgPool",
    "GlobalMaxPool",
    "GroupNorm",
    "LayerNorm",
    "LocalResponseNorm",
    "MaxPool",
    "Parallel",
    "Prelu",
    "Residual",
    "Scale",
    "SeparableConv",
    "Sequence",
    "TransposedConv",
    "Upsample",
]
