"""A file of weights alone, .safetensors or .npz, read and matched as `convcli import` does it."""

from __future__ import annotations

import io
from pathlib import Path

from convcli.errors import ConvcliError
from convcli.interchange.torch.matching import matched
from convcli.interchange.torch.tensors import tensors_in
from convcli.nn.layers import BatchNorm, Conv, Dense, Flatten
from convcli.nn.network import Network

NETWORK = Network([Conv(filters=2), BatchNorm(), Flatten(), Dense(units=2)], (4, 4, 1))


def test_one_input(data: bytes) -> None:
    ending = ".npz" if data[:2] == b"PK" else ".safetensors"
    try:
        tensors, _ = tensors_in(io.BytesIO(data), Path(f"fuzz/nowhere/weights{ending}"))
        matched(NETWORK, tensors, {})
    except ConvcliError:
        pass
