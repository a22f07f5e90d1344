"""`export --to torch`: model.py, as a person would write the network in PyTorch, and its weights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from convcli.formats.safetensors import tensor_file
from convcli.interchange.export import Export, Exported, Images
from convcli.interchange.torch.forms import row
from convcli.interchange.torch.modules import SEQUENTIAL, Child, Module, Tensor
from convcli.interchange.torch.source import WEIGHTS, source
from convcli.nn.layers import BatchNorm
from convcli.nn.model import Model
from convcli.nn.network import Network


class Torch(Export):
    """A folder with model.py and model.safetensors. It takes no PyTorch to write it."""

    target: ClassVar[str] = "torch/"

    def of(self, model: Model, images: Images) -> Exported:
        network = model.network
        layers = modules_of(network)
        tensors = dict(layers.named("layers"))
        arrays = {name: tensor.of(model.weights[tensor.name]) for name, tensor in tensors.items()}
        weights = b"".join(tensor_file(arrays, {"format": "pt"}))
        text = source(model, layers, _frozen(network, tensors))
        return Exported({"model.py": text.encode(), WEIGHTS: weights}, notes=tuple(_left_out(model)))


def modules_of(network: Network) -> Module:
    """Return a network's layers as a module."""
    made = [module for modules in row(network.sequence.inside(network.shapes[0])) for module in modules]
    return Module(SEQUENTIAL, children=tuple(Child(str(n), module) for n, module in enumerate(made)))


def _frozen(network: Network, tensors: dict[str, Tensor]) -> list[str]:
    kinds = {slot.name: slot.initial.kind for slot in network.kept.slots}
    return [name for name, tensor in tensors.items() if kinds.get(tensor.name) == "frozen"]


def _left_out(model: Model) -> Iterator[str]:
    """Yield what model.py does not do as convcli does."""
    if any(isinstance(place.layer, BatchNorm) and place.layer.group for place in model.network.places):
        yield "batch_norm's group is of training alone: in PyTorch a batch is normalised as a whole"
    if model.preprocessing.presentation.changes_bytes:
        low, high = model.preprocessing.presentation.range or (0, 255)
        yield (
            f"data.range: {low:g} … {high:g} of an image file is black to white, which `read` in model.py "
            "does not do: hand the network pixels of 0 … 255"
        )
