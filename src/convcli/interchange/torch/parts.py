"""What model.py is made of where PyTorch has no module for it. Never imported: classes are copied by name."""

import torch
from torch import nn


class Residual(nn.Module):
    """What the layers make of x, added to x or to what the shortcut makes of it."""

    def __init__(
        self,
        layers: nn.Module,
        shortcut: nn.Module | None = None,
        activation: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.layers = layers
        self.shortcut = shortcut or nn.Identity()
        self.activation = activation or nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.activation(self.shortcut(x) + self.layers(x))


class StochasticDepth(nn.Module):
    """Leaves out a share of the samples while training, and scales the others up."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.training:
            return x
        kept = torch.rand(len(x), *[1] * (x.ndim - 1), device=x.device) >= self.rate
        return x * kept / (1 - self.rate)


class Concatenate(nn.Module):
    """What each branch makes of x, one behind the other on the channels."""

    def __init__(self, *branches: nn.Module) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([branch(x) for branch in self.branches], dim=1)


class Sum(nn.Module):
    """What the branches make of x, added."""

    def __init__(self, *branches: nn.Module) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return sum(branch(x) for branch in self.branches)


class Scale(nn.Module):
    """x times a constant."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.factor


class LayerNorm2d(nn.LayerNorm):
    """Normalises the channels of each cell of (n, c, h, w)."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)


class LocalResponseNorm(nn.LocalResponseNorm):
    """Sees one more channel behind than before, of an even number, as in ONNX."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x.flip(1)).flip(1)


class FlattenCells(nn.Module):
    """(n, c, h, w) as rows of numbers, cell by cell: in the order (h, w, c)."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.movedim(1, -1).flatten(1)


class AvgPool(nn.Module):
    """Means of windows that nn.AvgPool2d has not: dilated, or padded as it cannot be.

    Zeros stand around x: `counted` ones (left, right, top, bottom), and around these
    `others`, which do not count.
    """

    def __init__(
        self,
        size: tuple[int, int],
        stride: tuple[int, int],
        dilation: tuple[int, int],
        counted: tuple[int, int, int, int],
        others: tuple[int, int, int, int],
    ) -> None:
        super().__init__()
        self.size, self.stride, self.dilation = size, stride, dilation
        self.counted, self.others = counted, others

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        cells = nn.functional.pad(torch.ones_like(x[:1, :1]), self.counted, value=1.0)
        cells = nn.functional.pad(cells, self.others)
        x = nn.functional.pad(nn.functional.pad(x, self.counted), self.others)
        return self.sums(x) / self.sums(cells)

    def sums(self, x: torch.Tensor) -> torch.Tensor:
        """Return the sum of each window."""
        planes = x.flatten(0, 1)[:, None]
        ones = planes.new_ones(1, 1, *self.size)
        sums = nn.functional.conv2d(planes, ones, None, self.stride, 0, self.dilation)
        return sums.unflatten(0, x.shape[:2])[:, :, 0]


def nearest_shares(outputs: torch.Tensor) -> torch.Tensor:
    """Return the nearest points, in squared error, with parts ≥ 0 that sum to 1.

    Duchi and others, 2008, "Efficient projections onto the l1-ball".
    """
    shifted = outputs - outputs.amax(1, keepdim=True)
    falling = shifted.sort(1, descending=True).values
    counts = torch.arange(1, outputs.shape[1] + 1, device=outputs.device)
    excess = (falling.cumsum(1) - 1) / counts
    kept = (falling > excess).sum(1, keepdim=True)
    return (shifted - excess.gather(1, kept - 1)).clamp(min=0)
