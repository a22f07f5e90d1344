"""Networks that PyTorch exports, by both of its exporters, give here what they give there."""

from __future__ import annotations

import io
import logging
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convcli.interchange.onnx.reading.file import parse
from convcli.interchange.onnx.reading.foreign import filled, foreign, layers_of, network_of

onnx = pytest.importorskip("onnx", reason="onnx is in the extras `onnx` and `bench`")
torch = pytest.importorskip("torch", reason="PyTorch is in the `bench` extra")
nn: Any = torch.nn

CLOSE = 1e-6  # of the largest output
SIDE = 16  # of the images


class Block(nn.Module):  # type: ignore[misc]
    """A residual block as ResNets have it."""

    def __init__(self, channels, filters, stride):
        super().__init__()
        self.inner = nn.Sequential(
            nn.Conv2d(channels, filters, 3, stride, 1, bias=False),
            nn.BatchNorm2d(filters),
            nn.ReLU(),
            nn.Conv2d(filters, filters, 3, 1, 1, bias=False),
            nn.BatchNorm2d(filters),
        )
        same = channels == filters and stride == 1
        point = nn.Sequential(nn.Conv2d(channels, filters, 1, stride, bias=False), nn.BatchNorm2d(filters))
        self.shortcut = nn.Identity() if same else point

    def forward(self, x):
        return torch.relu(self.inner(x) + self.shortcut(x))


class Beside(nn.Module):  # type: ignore[misc]
    """Branches beside each other."""

    def __init__(self, *branches):
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x):
        return torch.cat([branch(x) for branch in self.branches], 1)


class Densely(nn.Module):  # type: ignore[misc]
    """Each layer takes all before it, as torchvision's DenseNet puts them together."""

    def __init__(self, channels, growth, count):
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Sequential(
                nn.BatchNorm2d(channels + number * growth),
                nn.ReLU(),
                nn.Conv2d(channels + number * growth, growth, 3, padding=1),
            )
            for number in range(count)
        )

    def forward(self, x):
        seen = [x]
        for layer in self.layers:
            seen.append(layer(torch.cat(seen, 1)))
        return torch.cat(seen, 1)


class Shuffled(nn.Module):  # type: ignore[misc]
    def forward(self, x):
        n, c, h, w = x.shape
        return x.view(n, 4, c // 4, h, w).transpose(1, 2).reshape(n, c, h, w)


class Next(nn.Module):  # type: ignore[misc]
    """A block of ConvNeXt, with channels last within it."""

    def __init__(self, channels):
        super().__init__()
        self.depthwise = nn.Conv2d(channels, channels, 7, padding=3, groups=channels)
        self.norm, self.gelu = nn.LayerNorm(channels), nn.GELU()
        self.wide, self.narrow = nn.Linear(channels, 4 * channels), nn.Linear(4 * channels, channels)
        self.scale = nn.Parameter(torch.rand(channels))

    def forward(self, x):
        y = self.norm(self.depthwise(x).permute(0, 2, 3, 1))
        return x + (self.scale * self.narrow(self.gelu(self.wide(y)))).permute(0, 3, 1, 2)


class Viewed(nn.Module):  # type: ignore[misc]
    def forward(self, x):
        return x.view(x.size(0), -1)


class Mean(nn.Module):  # type: ignore[misc]
    def forward(self, x):
        return x.mean((2, 3))


class Normalised(nn.Module):  # type: ignore[misc]
    def forward(self, x):
        return (x - torch.tensor([0.5, 0.4, 0.3]).view(3, 1, 1)) / torch.tensor([0.2, 0.3, 0.4]).view(3, 1, 1)


def activated(*functions):
    """Return 1×1 convolutions with these functions behind them."""
    return [layer for function in functions for layer in (nn.Conv2d(4, 4, 1), function)]


NETWORKS = {
    "plain": lambda: nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 6, 3, stride=2, padding=(1, 0)),
        nn.Tanh(),
        nn.Flatten(),
        nn.Linear(6 * 4 * 3, 10),
    ),
    "residual": lambda: nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        Block(8, 8, 1),
        Block(8, 12, 2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(12, 5),
    ),
    "densely connected": lambda: nn.Sequential(
        nn.Conv2d(3, 4, 3), Densely(4, 3, 3), nn.AvgPool2d(2), Mean(), nn.Linear(13, 5)
    ),
    "inception": lambda: nn.Sequential(
        Beside(
            nn.Conv2d(3, 4, 1),
            nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU(), nn.Conv2d(4, 6, 3, padding=1)),
            nn.MaxPool2d(3, 1, 1),
        ),
        nn.ReLU(),
        Viewed(),
        nn.Linear(13 * SIDE * SIDE, 5),
        nn.Softmax(1),
    ),
    "activations": lambda: nn.Sequential(
        nn.Conv2d(3, 4, 3),
        *activated(nn.GELU(), nn.GELU("tanh"), nn.SiLU(), nn.ReLU6(), nn.Hardtanh(-0.5, 0.7)),
        *activated(nn.PReLU(4), nn.PReLU(), nn.LeakyReLU(0.2), nn.ELU(0.7), nn.CELU(), nn.Sigmoid()),
        nn.Flatten(),
        nn.Linear(4 * 14 * 14, 5),
    ),
    "norms": lambda: nn.Sequential(
        nn.Conv2d(3, 6, 3),
        nn.GroupNorm(3, 6),
        nn.ReLU(),
        nn.InstanceNorm2d(6, affine=True),
        nn.LayerNorm([6, 14, 14]),
        nn.Flatten(),
        nn.LayerNorm(6 * 14 * 14),
        nn.Linear(6 * 14 * 14, 8),
        nn.BatchNorm1d(8),
        nn.ReLU(),
        nn.Dropout(),
        nn.Linear(8, 3),
    ),
    "up and down": lambda: nn.Sequential(
        nn.Conv2d(3, 4, 3, stride=2),
        nn.ConvTranspose2d(4, 6, 3, 2, 1, 1, groups=2),
        nn.Upsample(scale_factor=2),
        nn.Conv2d(6, 4, 3, stride=2),
        nn.Upsample(scale_factor=2, mode="bilinear"),
        nn.AvgPool2d(3, 2, 1, ceil_mode=True, count_include_pad=False),
        nn.MaxPool2d(3, 2, 1, ceil_mode=True),
        Mean(),
        nn.Linear(4, 3),
    ),
    "shuffled and padded": lambda: nn.Sequential(
        nn.Conv2d(3, 8, 1),
        nn.Conv2d(8, 8, 3, groups=4, padding=1),
        Shuffled(),
        nn.Conv2d(8, 8, 3, groups=2, padding="same"),
        nn.ZeroPad2d((1, 2, 0, 1)),
        nn.Conv2d(8, 4, 3),
        nn.ReLU(),
        nn.ZeroPad2d(1),
        nn.MaxPool2d(3, 2),
        Mean(),
        nn.Linear(4, 3),
    ),
    "channels last within": lambda: nn.Sequential(
        nn.Conv2d(3, 8, 4, 4), Next(8), Next(8), Mean(), nn.LayerNorm(8), nn.Linear(8, 3)
    ),
    "preprocessing first": lambda: nn.Sequential(
        Normalised(), nn.Conv2d(3, 4, 3), Viewed(), nn.Linear(784, 3)
    ),
}


def network(name):
    """Return a network whose running figures are those of no first batch."""
    torch.manual_seed(0)
    made = NETWORKS[name]()
    for layer in made.modules():
        if isinstance(layer, nn.BatchNorm2d | nn.BatchNorm1d):
            for array in (layer.running_mean, layer.bias.data):
                array.normal_(0, 0.3)
            for array in (layer.running_var, layer.weight.data):
                array.uniform_(0.5, 2)
    return made.eval()


def exported(made, way):
    """Return the bytes of an export: by the exporter that traces, in some opset, or by the newer one."""
    x = torch.randn(2, 3, SIDE, SIDE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if way == "dynamo":
            logging.getLogger("torch.onnx").setLevel(logging.ERROR)
            sizes = ({0: torch.export.Dim("n")},)
            program = torch.onnx.export(made, (x,), dynamo=True, dynamic_shapes=sizes, verbose=False)
            return program.model_proto.SerializeToString()
        file, axes = io.BytesIO(), {"x": {0: "n"}}
        options = {"dynamo": False, "opset_version": way, "input_names": ["x"], "dynamic_axes": axes}
        torch.onnx.export(made, (x,), file, **options)
        return file.getvalue()


def apart(made, data):
    """Return by how much the outputs differ, as a share of the largest."""
    graph = parse(onnx, data, Path("torch.onnx"))
    found = foreign(onnx, graph)
    layers, _ = layers_of(graph.where, found.steps)
    ours, arrays = network_of(layers, found.image.own_shape)
    x = np.random.default_rng(0).standard_normal((4, 3, SIDE, SIDE), np.float32)
    y = ours.forward(np.ascontiguousarray(x.transpose(0, 2, 3, 1)), filled(ours, arrays), ours.tape())
    with torch.no_grad():
        expected = made(torch.tensor(x)).numpy()
    return float(np.abs(np.asarray(y).reshape(expected.shape) - expected).max() / np.abs(expected).max())


@pytest.mark.long
@pytest.mark.parametrize("name", NETWORKS)
def test_the_tracing_exporters_networks(name):
    made = network(name)
    for opset in (13, 17):
        assert apart(made, exported(made, opset)) <= CLOSE


@pytest.mark.long
@pytest.mark.parametrize("name", ["residual", "channels last within"])
def test_the_newer_exporters_networks(name):
    pytest.importorskip("onnxscript", reason="onnxscript is in the `bench` extra")
    made = network(name)
    assert apart(made, exported(made, "dynamo")) <= CLOSE
